/**
 * `npm run screens`: walks through every screen on the demo patients and takes each in four forms (1280×800 and 1920×1080,
 * light and dark) into .cache/screens, with the decision sheet as a PDF. A screen that stands out of the window is named
 * at the end. Asserts nothing else: the pictures are for people to look at.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, temporaryFolder, test } from '../app.ts';
import {
  acceptEach,
  addDrug,
  giveReasons,
  listedDrugs,
  loadDemo,
  openVisit,
  recommend,
  sign,
  slider,
} from '../workspace.ts';
import { FOLDER, look, overflowing, step } from './look.ts';

const IMPORT = [
  {
    visit: 'i1',
    name: 'Imported Person',
    age: 50,
    sex: 'F',
    date: '2024-05-02',
    drugs: ['metformin', 'nonsuch'],
  },
  { visit: 'i2', age: 'old' },
]
  .map((record) => JSON.stringify(record))
  .join('\n');

test('every screen, in four forms', async ({ launch }) => {
  const pdf = join(FOLDER, 'sheet.pdf');
  const file = join(temporaryFolder(), 'visits.jsonl');
  writeFileSync(file, IMPORT);
  const { page } = await launch({ env: { FLAME_E2E_SAVE_FILE: pdf, FLAME_E2E_IMPORT_FILE: file } });
  const button = (name: string | RegExp) => page.getByRole('button', { name }).first();

  await expect(button('Load the demo patients')).toBeVisible();
  await look(page, '01-welcome');
  await loadDemo(page);
  await look(page, '02-worklist-first');
  await step('tour', async () => {
    await page.getByRole('button', { name: 'Take the tour' }).click();
    await expect(page.locator('.mark').first()).toBeVisible();
    await look(page, '03-tour');
    await page.keyboard.press('Escape');
  });
  await step('import', async () => {
    await button(/^Import visits/).click();
    await expect(button('Done')).toBeVisible();
    await look(page, '04-import');
    await button('Done').click();
  });
  await step('patient and editor', async () => {
    await page.getByRole('searchbox', { name: 'Search patients' }).fill('Okafor');
    await page
      .getByRole('navigation', { name: 'Patients' })
      .getByRole('button', { name: /Grace Okafor/ })
      .click();
    await expect(page.getByRole('button', { name: '6 Feb 2024', exact: true })).toBeVisible();
    await look(page, '05-patient');
    await button('New visit').click();
    await page.getByRole('combobox', { name: /^Add a diagnosis/ }).pressSequentially('high blood pres');
    await expect(page.locator('li[role="option"]').first()).toBeVisible();
    await look(page, '06-editor-visit');
    await page.keyboard.press('Escape');
    await button('Flame, to the start').click();
  });

  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await look(page, '07-visit');
  await recommend(page);
  await addDrug(page, 'fluconazole');
  await addDrug(page, 'ibuprofen');
  await look(page, '08-recommendation');
  await step('reasons', async () => {
    const why = page.getByLabel(/^Why /).first();
    await why.click();
    await expect(page.getByRole('region', { name: /^Reasons for/ }).first()).toBeVisible();
    await page.waitForTimeout(1500);
    await look(page, '09-reasons');
    await why.click();
  });
  await step('pair and alternatives', async () => {
    await page.getByRole('button', { name: /^fluconazole and warfarin/ }).click();
    const details = page.getByRole('region', { name: 'Details of the interaction' });
    await expect(details.getByRole('region', { name: /^Alternatives to/ }).first()).toBeVisible();
    await details.scrollIntoViewIfNeeded();
    await look(page, '10-alternatives');
  });
  await step('large graph', async () => {
    await button(/large/i).click();
    await page.waitForTimeout(800);
    await look(page, '11-graph-large');
    await page.keyboard.press('Escape');
  });
  await step('checks', async () => {
    const checks = page.getByRole('region', { name: 'Checks' });
    await checks.getByText('Why and source').first().click();
    await checks.scrollIntoViewIfNeeded();
    await look(page, '12-checks');
  });
  await step('slider', async () => {
    await slider(page).press('End');
    await look(page, '13-safest');
    await slider(page).press('Home');
  });

  const [first = '', second = ''] = await listedDrugs(page);
  await page.getByRole('button', { name: `Modify ${first}` }).click();
  await look(page, '14-modify');
  await page.getByRole('textbox', { name: `Dose of ${first}` }).fill('100 mg');
  await page.getByRole('button', { name: 'Accept with this use' }).click();
  await page.getByRole('button', { name: `Reject ${second}`, exact: true }).click();
  await acceptEach(page);
  await page.getByRole('button', { name: 'Review and sign…' }).click();
  await giveReasons(page, 'I will monitor for it');
  await look(page, '15-sign');
  await page.keyboard.press('Escape');
  await sign(page, 'I will monitor for it');
  await look(page, '16-signed');
  await step('sheet and amendment', async () => {
    await page.getByRole('button', { name: 'Save as PDF…' }).click();
    await expect(page.getByText(/^Saved as/)).toBeVisible();
    await page.getByRole('button', { name: 'Amend…' }).click();
    await look(page, '17-amend');
    await page.getByRole('button', { name: 'Leave the amendment' }).click();
  });
  await step('patient editor', async () => {
    await page.getByRole('button', { name: 'New patient' }).first().click();
    await page.getByLabel('Name').fill('Draft Person');
    await page.getByLabel('Birth year').fill('1812');
    await look(page, '18-editor-patient');
    await button('Flame, to the start').click();
    await look(page, '19-worklist');
  });
  await step('overview', async () => {
    await page.getByRole('button', { name: 'Overview' }).click();
    await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
    await look(page, '20-overview');
  });
  await step('audit', async () => {
    await page.getByRole('button', { name: 'Audit log' }).click();
    await expect(page.getByRole('table', { name: 'Audit log' })).toBeVisible();
    await look(page, '21-audit');
  });
  for (const [name, title] of [
    ['22-about', 'Model and sources'],
    ['23-settings', 'Settings'],
  ] as const)
    await step(name, async () => {
      await button(title).click();
      await look(page, name);
      await page.keyboard.press('Escape');
    });
  await step('help', async () => {
    await page.keyboard.press('F1');
    const help = page.getByRole('dialog', { name: 'Help' });
    await expect(help).toBeVisible();
    await look(page, '24-help-and-keys');
  });
  console.log(overflowing.length === 0 ? 'nothing stands out of the window' : overflowing.join('\n'));
});
