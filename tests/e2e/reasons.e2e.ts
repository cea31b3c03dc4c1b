/** Reasons, alternatives and rules against a drug in the window, with the keyboard, under axe, light and dark. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, temporaryFolder, test } from './app.ts';
import { addDrug, importPicked, listedDrugs, loadDemo, openVisit, recommend } from './workspace.ts';

/** Light and dark at both sizes of the issue; nothing may stand out of the window, axe must find nothing. */
async function look(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const [width, height] of [
      [1280, 800],
      [1920, 1080],
    ] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(350); // transitions of colours have ended
      await page.screenshot({ path: `test-results/${name}-${colorScheme}-${width}.png` });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
    }
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(350);
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(
      serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join()}`),
    ).toEqual([]);
  }
}

test('reasons open with the keyboard and name the diagnosis that raised the drug', async ({ flame }) => {
  test.setTimeout(240_000);
  const { page } = flame;
  await loadDemo(page);
  await openVisit(page, 'Li Wei Chen', '29 Aug 2023');
  await recommend(page);
  await page.getByLabel('Why metformin?').first().focus();
  await page.keyboard.press('Enter');
  const reasons = page.getByRole('region', { name: 'Reasons for metformin' });
  const raised = reasons.getByRole('list', { name: 'Raised by' });
  await expect(raised).toBeVisible();
  const [diabetes] = await raised.getByRole('listitem').allInnerTexts();
  expect(diabetes).toMatch(
    /^Type 2 diabetes mellitus without complications \(diagnosis\)\s+\+\d+(\.\d)? points/,
  );
  await expect(reasons).toContainText('Type 2 Diabetes Mellitus, as the visit has');
  await expect(reasons).toContainText('Often prescribed with');
  await expect(reasons.getByText(/^(Added here|Proposed here)/)).toBeVisible();
  await look(page, 'reasons');
});

test('an alternative replaces a drug, and the pair is gone until it is undone', async ({ flame }) => {
  test.setTimeout(240_000);
  const { page } = flame;
  await loadDemo(page);
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);
  await addDrug(page, 'sulfamethoxazole');
  const table = page.getByRole('table', { name: 'Interactions of the list' });
  const pair = table.getByRole('button', { name: /sulfamethoxazole \+ .*warfarin/ });
  await pair.focus();
  await page.keyboard.press('Enter');
  const group = page.getByRole('region', { name: 'Alternatives to sulfamethoxazole' });
  await expect(group.getByRole('listitem').first()).toContainText('Urinary tract infection');
  await look(page, 'alternatives');
  await group.getByRole('button', { name: 'Replace sulfamethoxazole by nitrofurantoin' }).focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => listedDrugs(page)).toContain('nitrofurantoin');
  expect(await listedDrugs(page)).not.toContain('sulfamethoxazole');
  await expect(pair).toHaveCount(0);
  await page.getByRole('button', { name: /^Undo/ }).click();
  await expect(pair).toBeVisible();
  expect(await listedDrugs(page)).not.toContain('nitrofurantoin');
});

test('a drug that a rule forbids for the patient is not proposed, and the list says why', async ({
  launch,
}) => {
  const file = join(temporaryFolder(), 'visits.jsonl');
  const visit = {
    visit: 'kidney-1',
    patient: 'kidney',
    name: 'Failing Kidneys',
    date: '2024-05-02',
    age: 58,
    sex: 'F',
    specialty: '1',
    dx_system: 'ICD-10-CM',
    dx: ['E11.9', 'I10'],
    chronic: ['DIABETES', 'HTN'],
    creatinine: 3.4,
    weight: 70,
  };
  const before = { ...visit, visit: 'kidney-0', date: '2023-05-02' };
  writeFileSync(file, [before, visit].map((record) => JSON.stringify(record)).join('\n'));
  const { page } = await launch({ env: { FLAME_E2E_IMPORT_FILE: file } });
  await importPicked(page);
  await page.getByRole('button', { name: 'Done' }).click();
  await openVisit(page, 'Failing Kidneys', '2 May 2024');
  await recommend(page);
  expect(await listedDrugs(page)).not.toContain('metformin');
  await page.getByText(/^Never proposed here, and why/).click();
  const row = page.getByRole('listitem').filter({ hasText: 'metformin' }).last();
  await expect(row).toContainText(
    /contraindicated for this patient: eGFR \d+ mL\/min\/1\.73 m².*Lactic acidosis/,
  );
});
