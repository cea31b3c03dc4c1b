/** The checks in real Electron: an imported visit with kidney disease, asthma and an allergy; current drugs, slider, edits. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { expect, temporaryFolder, test } from './app.ts';
import { addDrug, importPicked, openVisit, recommend, slider } from './workspace.ts';

const RECORDS = [
  {
    visit: 'checks-1',
    patient: 'checks',
    name: 'Checked Patient',
    date: '2024-05-02',
    age: 71,
    sex: 'F',
    dx_system: 'ICD-10-CM',
    dx: ['J45.909', 'E11.9', 'I10'],
    allergies: ['penicillin'],
    current: ['metformin'],
    creatinine: 2.6,
    weight: 64,
  },
  { visit: 'checks-2', patient: 'checks', date: '2024-06-02', age: 71, sex: 'F', current: ['metformin'] },
];

test('a label contraindication and a renal finding stand beside the list', async ({ launch }) => {
  const file = join(temporaryFolder(), 'visits.jsonl');
  writeFileSync(file, RECORDS.map((record) => JSON.stringify(record)).join('\n'));
  const { page, log } = await launch({ env: { FLAME_E2E_IMPORT_FILE: file } });
  await importPicked(page);
  await page.getByRole('button', { name: 'Done' }).click();

  // Before anything is recommended: what is taken already.
  await openVisit(page, 'Checked Patient', '2 May 2024');
  const checks = page.getByRole('region', { name: 'Checks' });
  const act = checks.getByRole('list', { name: 'Findings to act on' });
  await expect(act).toContainText('metformin');
  await expect(act).toContainText(/eGFR 19 mL\/min\/1.73 m² \(CKD-EPI 2021\)/);
  await expect(act).toContainText('Lactic acidosis');

  await page.setViewportSize({ width: 1280, height: 800 });
  await page.screenshot({ path: 'test-results/checks-before.png' });

  // Added by hand: the label's own words, with the phrase marked; an allergy by class.
  await recommend(page);
  await addDrug(page, 'propranolol');
  const label = act.getByRole('listitem').filter({ hasText: 'propranolol' }).filter({ hasText: 'label' });
  await expect(label.locator('mark')).toHaveText(/asthma/i);
  await label.getByText('Why and source').click();
  await addDrug(page, 'amoxicillin');
  await expect(label.getByText('label text, unreviewed')).toBeVisible(); // unfolded stays unfolded

  await expect(act.getByRole('listitem').filter({ hasText: 'amoxicillin' })).toContainText(
    'Recorded allergy: penicillin, of the class penicillins',
  );
  await page.screenshot({ path: 'test-results/checks-1280.png' });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1280);
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode()
    .include('[aria-label="Checks"]')
    .analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);

  // The slider moves the list, and the findings with it, at once; what was kept by hand stays.
  await slider(page).press('End');
  await expect(label).toBeVisible();
  await page.getByRole('button', { name: 'Remove propranolol', exact: true }).click();
  await expect(label).toHaveCount(0);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.screenshot({ path: 'test-results/checks-1920-dark.png' });

  // Unknown is not no: without creatinine and diagnoses the same drug is an open question.
  await openVisit(page, 'Checked Patient', '2 Jun 2024');
  await expect(checks).toContainText('Kidney function: no creatinine is recorded. Concerns metformin.');
  await expect(checks).toContainText('Contraindications: no diagnosis is recorded.');
  await expect(act).toHaveCount(0);
  expect(log.filter((line) => /page error/.test(line))).toEqual([]);
});
