/** What a person sees when something is wrong: a bad import line, a wrong passphrase, a damaged database. */

import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, temporaryFolder, test } from './app.ts';
import { loadDemo, openVisit, patientRows } from './workspace.ts';

const VISIT = {
  visit: 'v-1',
  patient: 'p-1',
  name: 'Anna Example',
  date: '2024-05-02',
  year: 2024,
  age: 61,
  sex: 'F',
  setting: 'office',
  reasons: [],
  dx_system: 'ICD-10-CM',
  dx: ['I10', 'XXX9'],
  chronic: [],
  procedures: [],
  drugs: [],
  current: ['warfarin', 'notadrug'],
};

test('an import says every refused line and every name that no table knows', async ({ launch }) => {
  const file = join(temporaryFolder(), 'visits.jsonl');
  writeFileSync(file, `${JSON.stringify(VISIT)}\n{"visit": broken\n{"visit":"v-2","year":"yesterday"}\n`);
  const { page } = await launch({ env: { FLAME_E2E_IMPORT_FILE: file } });
  await page.getByRole('button', { name: 'Choose a file…' }).click();
  const report = page.getByRole('dialog', { name: 'Import: visits.jsonl' });
  await expect(report).toContainText('1 visit of 1 new patient stored');
  await expect(report.getByRole('heading', { name: 'Refused: 2 lines' })).toBeVisible();
  await expect(report).toContainText('notadrug');
  await page.screenshot({ path: 'test-results/import-report.png' });
  await page.getByRole('button', { name: 'Done' }).click();
  await expect(patientRows(page)).toHaveCount(1);
  await patientRows(page).getByRole('button').click();
  await expect(page.getByText('not in the code tables')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Not recognised' })).toBeVisible();
  await expect(page.getByText('notadrug', { exact: true })).toBeVisible();
  await expect(page.getByText('no drug is known by notadrug')).toBeVisible();
});

test('a passphrase locks the database: the wrong one is refused, the right one opens it', async ({
  launch,
}) => {
  const first = await launch();
  await loadDemo(first.page);
  await first.page.getByRole('button', { name: 'Settings' }).click();
  await first.page.getByLabel(/^Passphrase \(/).fill('correct horse battery');
  await first.page.getByLabel('Once more').fill('correct horse battery');
  await first.page.getByRole('button', { name: 'Set the passphrase' }).click();
  await expect(first.page.getByText('The passphrase is set.')).toBeVisible();
  await first.close();

  const { page } = await launch({ profile: first.profile });
  await expect(page.getByRole('heading', { name: 'The visit database is locked' })).toBeVisible();
  await page.getByLabel('Passphrase').fill('wrong');
  await page.getByRole('button', { name: 'Open' }).click();
  await expect(page.getByRole('alert')).toContainText('The key does not open the visit database');
  await page.getByLabel('Passphrase').fill('correct horse battery');
  await page.getByRole('button', { name: 'Open' }).click();
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
});

test('a truncated database is named as damaged, with what to do, and is left as it is', async ({
  launch,
}) => {
  const first = await launch();
  await loadDemo(first.page);
  await first.close();
  truncateSync(join(first.profile, 'flame.db'), 5000);

  const { page } = await launch({ profile: first.profile });
  await expect(page.getByRole('heading', { name: 'Flame cannot open its data' })).toBeVisible();
  await expect(page.getByText('What to do.')).toBeVisible();
  await expect(page.getByText('What still works.')).toBeVisible();
  await page.screenshot({ path: 'test-results/failure.png' });
});
