/** A site's own interaction table in real Electron: chosen, previewed, obeyed by the next recommendation, taken out again. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, temporaryFolder, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import { loadDemo } from './workspace.ts';

function table(): string {
  const file = join(temporaryFolder(), 'house-list.csv');
  writeFileSync(
    file,
    'ingredient a,ingredient b,severity,mechanism,management,source,overrules\n' +
      'metformin,Prilosec,major,Less vitamin B12 is absorbed,Measure B12 once a year,Committee 2026,\n' +
      'warfarin,fluconazole,moderate,,,Committee 2026,INR is measured daily on our wards\n' +
      'warfarin,aspirin,minor,,,,\n' +
      'Wundermittel,warfarin,major,,,,\nmetformin,,major,,,,\n',
  );
  return file;
}

test('a table is previewed, used, and its source stands in the interaction', async ({ launch }) => {
  test.setTimeout(120_000);
  const { page } = await launch({ env: { FLAME_E2E_SITE_TABLE: table() } });
  await page.setViewportSize({ width: 1280, height: 800 });
  await loadDemo(page);
  await page.getByRole('button', { name: 'Data', exact: true }).click();
  const section = page.getByRole('region', { name: 'Your own interaction table' });
  await expect(section.getByText('No table of your own is in use.')).toBeVisible();
  await section.getByRole('button', { name: 'Choose a CSV file…' }).click();
  await expect(section.getByRole('heading', { name: 'What house-list.csv would change' })).toBeVisible();
  const use = section.getByRole('button', { name: 'Use this table' });
  await expect(use).toBeDisabled(); // until the lowered pair was read
  await page.screenshot({ path: 'test-results/site-table-preview.png' });
  expect(await seriousFindings(page)).toEqual([]);
  await section.getByRole('checkbox', { name: 'I have read the pair' }).check();
  await use.click();
  await expect(section.getByText('house-list.csv', { exact: true })).toBeVisible();
  await expect(page.getByRole('contentinfo').getByText(/\+site-[0-9a-f]{8}/)).toBeVisible();
  await page.screenshot({ path: 'test-results/site-table-used.png' });
  await section.getByRole('button', { name: 'Take it out of use…' }).click();
  await section.getByRole('button', { name: 'Take it out of use', exact: true }).click();
  await expect(section.getByText('No table of your own is in use.')).toBeVisible();
});
