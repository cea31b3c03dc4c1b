/** The decision in real Electron: signed, amended, on paper; by keyboard alone from an empty database. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs';
import { expect, temporaryFolder, test } from './app.ts';
import { acceptEach, addDrug, listedDrugs, loadDemo, openVisit, recommend, sign } from './workspace.ts';

/** The text of each page, its spaces made one. */
async function pagesOf(file: string): Promise<string[]> {
  const pdf = await getDocument({ data: new Uint8Array(readFileSync(file)), verbosity: 0 }).promise;
  const pages: string[] = [];
  for (let number = 1; number <= pdf.numPages; number++) {
    const { items } = await (await pdf.getPage(number)).getTextContent();
    const text = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? ' ' : '') : '')).join('');
    pages.push(text.replace(/\s+/g, ' '));
  }
  return pages;
}

const DISCLAIMER = 'Not valid as a prescription unless signed according to local law.';

test('a signed decision on paper: one page, in full', async ({ launch }) => {
  const file = join(temporaryFolder(), 'decision.pdf');
  const { page } = await launch({ env: { FLAME_E2E_SAVE_FILE: file } });
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
});
