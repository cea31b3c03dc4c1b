/** A site's own interaction table in real Electron: chosen, previewed, obeyed by the next recommendation, taken out again. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, temporaryFolder, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import { addDrug, importPicked, loadDemo, openVisit, pairsOnScreen, recommend } from './workspace.ts';

const RECORD = {
  visit: 'site-1',
  patient: 'site',
  name: 'Site Patient',
  date: '2024-05-02',
  age: 61,
  sex: 'F',
  dx_system: 'ICD-10-CM',
  dx: ['E11.9', 'K21.9'],
  current: ['omeprazole'],
};

function table(): string {
  const file = join(temporaryFolder(), 'house-list.csv');
  writeFileSync(
    file,
    'ingredient a,ingredient b,severity,mechanism,management,source,overrules\n' +
      'metformin,Prilosec,major,Less vitamin B12 is absorbed,Measure B12 once a year,Committee 2026,\n' +
      'omeprazole,propranolol,major,Levels rise,Measure the pulse,Committee 2026,\n' +
      'warfarin,fluconazole,moderate,,,Committee 2026,INR is measured daily on our wards\n' +
      'warfarin,aspirin,minor,,,,\n' +
      'Wundermittel,warfarin,major,,,,\nmetformin,,major,,,,\n',
  );
  return file;
}

test('a table is previewed, used, and its source stands in the graph and the interaction', async ({
  launch,
}) => {
  test.setTimeout(120_000);
  const visits = join(temporaryFolder(), 'visits.jsonl');
  // A second visit, so that the patient's page is a list to choose from.
  const records = [RECORD, { ...RECORD, visit: 'site-2', date: '2024-06-02' }];
  writeFileSync(visits, records.map((record) => JSON.stringify(record)).join('\n'));
  const { page } = await launch({
    env: { FLAME_E2E_SITE_TABLE: table(), FLAME_E2E_IMPORT_FILE: visits },
  });
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

  await importPicked(page);
  await page.getByRole('button', { name: 'Done' }).click();
  await openVisit(page, 'Site Patient', '2 May 2024');
  await recommend(page);
  await addDrug(page, 'propranolol');
  const { graph, table: listed } = await pairsOnScreen(page);
  expect(graph).toContain('omeprazole + propranolol at 3');
  expect(listed).toEqual(graph);
  await page.getByRole('button', { name: /^omeprazole and propranolol: avoid combination/ }).press('Enter');
  const details = page.getByRole('region', { name: 'Details of the interaction' });
  await expect(details).toContainText('Committee 2026 (house-list.csv)');
  await expect(details).toContainText('Levels rise');
  await page.screenshot({ path: 'test-results/site-table-pair.png' });
  await page.getByRole('button', { name: 'Data', exact: true }).click();

  await section.getByRole('button', { name: 'Take it out of use…' }).click();
  await section.getByRole('button', { name: 'Take it out of use', exact: true }).click();
  await expect(section.getByText('No table of your own is in use.')).toBeVisible();
});
