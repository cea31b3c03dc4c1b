/** The decision in real Electron: signed, on paper, amended, and the same after a restart. */

import { join } from 'node:path';
import type { ElectronApplication } from '@playwright/test';
import { expect, temporaryFolder, test } from './app.ts';
import { pagesOf } from './pdf.ts';
import {
  acceptEach,
  addDrug,
  giveReasons,
  listedDrugs,
  loadDemo,
  openVisit,
  recommend,
  sign,
} from './workspace.ts';

const DISCLAIMER = 'Not valid as a prescription unless signed according to local law.';

/** Beside each other on purpose: many pairs and findings, more than a page holds. */
const LONG = [
  'amiodarone',
  'ibuprofen',
  'fluconazole',
  'clarithromycin',
  'sertraline',
  'tramadol',
  'spironolactone',
  'omeprazole',
];

test('a signed decision on paper: one page, in full', async ({ launch }) => {
  const file = join(temporaryFolder(), 'decision.pdf');
  test.setTimeout(180_000);
  const flame = await launch({ env: { FLAME_E2E_SAVE_FILE: file } });
  const { page } = flame;
  await page.emulateMedia({ colorScheme: 'dark' });
  await loadDemo(page);
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);
  await addDrug(page, 'fluconazole');
  const [first = '', second = ''] = await listedDrugs(page);
  await page.getByRole('button', { name: `Modify ${first}` }).click();
  await page.screenshot({ path: 'test-results/modify.png' });
  await page.getByRole('textbox', { name: `Dose of ${first}` }).fill('100 mg');
  await page.getByRole('combobox', { name: `How often of ${first}` }).fill('twice a day');
  await page.getByRole('button', { name: 'Accept with this use' }).click();
  await page.getByRole('button', { name: `Reject ${second}`, exact: true }).click();
  await acceptEach(page);
  await page.screenshot({ path: 'test-results/decided.png' });
  await page.getByRole('button', { name: 'Review and sign…' }).click();
  await page.getByRole('combobox', { name: `Why ${second} is rejected` }).selectOption('Not indicated');
  await page.screenshot({ path: 'test-results/sign.png' });
  await page.keyboard.press('Escape');
  await sign(page, 'I will monitor for it');
  await page.screenshot({ path: 'test-results/signed.png' });
  await page.getByRole('button', { name: 'Save as PDF…' }).click();
  await expect(page.getByText('Saved as decision.pdf.')).toBeVisible();
  const pages = await pagesOf(file);
  expect(pages).toHaveLength(1);
  const [text = ''] = pages;
  for (const part of [
    'Grace Okafor',
    'penicillin',
    first,
    '100 mg',
    'twice a day',
    'modified',
    'fluconazole',
    'added by you',
    `${second} (Not indicated)`,
    'fluconazole + warfarin',
    'I will monitor for it',
    'Ada Example',
    'version 1',
    'SHA-256',
    DISCLAIMER,
  ])
    expect(text).toContain(part);

  // The dialog of the operating system cannot be driven: it is answered for, and everything up to it and after it runs.
  const printed = (): Promise<number> =>
    page
      .getByRole('table', { name: 'Audit log' })
      .locator('tr[data-entry]')
      .filter({ hasText: 'Printed a decision' })
      .count();
  const openLog = async (): Promise<void> => {
    await page.getByRole('button', { name: 'Flame, to the start' }).click();
    await page.getByRole('button', { name: 'Audit log' }).click();
    await expect(page.getByRole('table', { name: 'Audit log' })).toBeVisible();
  };
  for (const [answer, entries] of [
    ['Print job canceled', 0],
    ['Print job failed', 0],
    ['', 1],
  ] as const) {
    await answerPrintDialog(flame.electron, answer);
    await openVisit(page, 'Grace Okafor', '6 Feb 2024');
    await page.getByRole('button', { name: 'Print…' }).click();
    const failure = page.getByText('The decision sheet was not printed: Print job failed');
    if (answer === 'Print job failed') await expect(failure).toBeVisible();
    else await expect(failure).toHaveCount(0);
    await expect
      .poll(async () => {
        await openLog();
        return printed();
      })
      .toBe(entries);
  }
  expect(
    await flame.electron.evaluate(() => Reflect.get(globalThis, 'printedWith') as unknown),
  ).toMatchObject({
    printBackground: true,
    pageSize: expect.stringMatching(/^(A4|Letter)$/),
  });
});

/** Puts an answer in place of the dialog: a failure, or none for a sheet that came out. */
async function answerPrintDialog(electron: ElectronApplication, failure: string): Promise<void> {
  await electron.evaluate(({ BrowserWindow }, reason) => {
    const { webContents } = BrowserWindow.getAllWindows()[0]!;
    webContents.print = (options, done) => {
      Reflect.set(globalThis, 'printedWith', options);
      done?.(reason === '', reason);
    };
  }, failure);
}

test('an amendment is version 2, version 1 stays readable, a long list runs on, all of it after a restart', async ({
  launch,
}) => {
  test.setTimeout(180_000);
  const file = join(temporaryFolder(), 'decision.pdf');
  const first = await launch({ env: { FLAME_E2E_SAVE_FILE: file } });
  const { page } = first;
  await loadDemo(page);
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);
  await acceptEach(page);
  await sign(page, 'I will monitor for it');
  const decided = page.getByRole('region', { name: 'Saved decision' });
  await expect(decided).toContainText('Version 1');

  await page.getByRole('button', { name: 'Amend…' }).click();
  await expect(page.getByRole('note')).toContainText('Amending version 1');
  for (const drug of LONG) await addDrug(page, drug);
  await page.getByRole('button', { name: 'Review and sign…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Review and sign version 2' });
  await expect(dialog.getByLabel('Name')).toHaveValue('Ada Example'); // as signed before
  await dialog.getByLabel('Comment').fill('Line of a long comment.\n'.repeat(30));
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Review and sign…' }).click();
  await giveReasons(page, 'Benefit outweighs the risk');
  const signing = page.getByRole('button', { name: 'Sign the decision' });
  await expect(signing).toBeDisabled();
  await dialog.getByLabel('Reason for the amendment').fill('The culture came back.');
  await signing.click();
  await expect(decided).toContainText('Version 2');
  await expect(decided).toContainText('replaces version 1: The culture came back.');
  await page.getByText(/^Version 1, .*Ada Example$/).click();
  await expect(decided.getByRole('list', { name: 'Drugs decided' })).toHaveCount(2);
  await page.screenshot({ path: 'test-results/amended.png' });
  await page.getByRole('button', { name: 'Save as PDF…' }).click();
  await expect(page.getByText('Saved as decision.pdf.')).toBeVisible();
  const pages = await pagesOf(file);
  expect(pages.length).toBeGreaterThan(1);
  for (const text of pages) {
    expect(text).toContain(DISCLAIMER);
    expect(text).toContain('Grace Okafor');
  }
  for (const drug of LONG) expect(pages.join(' ')).toContain(`${drug} not stated`);
  expect(pages.join(' ')).toContain('Replaces version 1. Reason: The culture came back.');
  await first.close();

  const second = await launch({ profile: first.profile });
  await openVisit(second.page, 'Grace Okafor', '6 Feb 2024');
  const again = second.page.getByRole('region', { name: 'Saved decision' });
  await expect(again).toContainText('Version 2');
  await expect(again).toContainText('The culture came back.');
  await expect(second.page.getByText(/^Version 1, .*Ada Example$/)).toBeVisible();
});
