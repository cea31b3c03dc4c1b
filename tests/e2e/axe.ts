/** What axe finds on the page, for the end-to-end tests. */

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

/** Findings of impact serious or critical, in a line each. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.waitForTimeout(350); // transitions of colours and places have ended
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
}
