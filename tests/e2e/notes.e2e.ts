/** Notes in real Electron: what they name is found, shown with its sentence, and entered one by one. */

import { expect, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import { loadDemo } from './workspace.ts';

const NOTE = [
  '71 yo man with atrial fibrillation and HTN. Denies asthma. Mother had epilepsy. Possible pneumonia.',
  'PMH: MI in 2010',
  'Meds:',
  '- Coumadin 5 mg po daily',
  '- metoprolol 50 mg twice daily',
  '- ibuprofen 400 mg (stopped)',
  'Allergies: sulfa',
  'Plan: start amiodarone 200 mg daily',
].join('\n');

test('what notes name is offered with its sentence and entered only when added', async ({ flame }) => {
  const { page } = flame;
  await loadDemo(page);
  await page.getByRole('button', { name: 'New patient' }).click();
  await page.getByRole('textbox', { name: /^Name/ }).fill('Note Reader');
  await page.getByRole('textbox', { name: /^Birth year/ }).fill('1953');
  await page.getByRole('button', { name: 'Save the patient' }).click();
  await page.getByRole('button', { name: 'New visit' }).click();
  await expect(page.getByRole('button', { name: 'Find entries in the notes' })).toBeDisabled();
  await page.getByRole('textbox', { name: /^Notes/ }).fill(NOTE);
  await page.getByRole('button', { name: 'Find entries in the notes' }).click();

  const found = page.getByRole('region', { name: 'Found in the notes' });
  await expect(found.getByText('6 entries to confirm, one by one:')).toBeVisible();
  await expect(found.getByText('5 mentions that do not hold now')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Remove warfarin' })).toHaveCount(0);
  await found.getByRole('button', { name: 'Add warfarin to current medications' }).click();
  await expect(page.getByRole('textbox', { name: /warfarin.*dose|dose.*warfarin/i })).toHaveValue('5 mg');
  await found.getByRole('button', { name: 'Add sulfa to allergies' }).click();
  await found.getByRole('button', { name: /^Add Unspecified atrial fibrillation to diagnoses/ }).click();
  await found.getByRole('button', { name: 'Add as Old myocardial infarction' }).click();
  await expect(found.getByText('✓ entered')).toHaveCount(4);
  await found.getByText('5 mentions that do not hold now').click();
  await expect(found.getByText('(because of “Denies”)')).toBeVisible();
  await found.scrollIntoViewIfNeeded();
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/notes.png' });

  // One undo takes one entry back; changed notes are not added from until they are read again.
  await page.keyboard.press('Control+z');
  await expect(found.getByText('✓ entered')).toHaveCount(3);
  await page.getByRole('textbox', { name: /^Notes/ }).fill(`${NOTE}\nNo longer taking metoprolol.`);
  await expect(found.getByText('The notes have changed since.', { exact: false })).toBeVisible();
  await expect(found.getByRole('button', { name: 'Add metoprolol to current medications' })).toBeDisabled();
  await page.getByRole('button', { name: 'Find entries in the notes' }).click();
  await expect(found.getByText('6 mentions that do not hold now')).toBeVisible();
  await page.getByRole('button', { name: 'Save the visit' }).click();
  await expect(page.getByRole('heading', { name: 'Notes' })).toBeVisible();
});
