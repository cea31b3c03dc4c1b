/** What a person does in Flame's window, in their words, for the end-to-end tests. Asserts only what each step needs to go on. */

import type { Locator, Page } from '@playwright/test';
import type { EngineApi, ParamsOf, ResultOf } from '../../src/shared/contract.ts';
import { expect } from './app.ts';

/** A call to the engine as the page makes it. */
export async function ask<Name extends keyof EngineApi>(
  page: Page,
  method: Name,
  params: ParamsOf<EngineApi, Name>,
): Promise<ResultOf<EngineApi, Name>> {
  const reply = await page.evaluate(
    ([name, given]) => window.flame.start(name, given, () => undefined).reply,
    [method, params] as const,
  );
  if (!reply.ok) throw new Error(JSON.stringify(reply.error));
  return reply.value as ResultOf<EngineApi, Name>;
}

/** From the empty database to the patient list, through the first screen. */
export async function loadDemo(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Load the demo patients' }).click();
  await page.getByRole('button', { name: 'Done' }).click();
  await expect(patientRows(page).first()).toBeVisible();
}

/** Imports the file that the dialog would give: from the bar, or from the first screen while there is no patient. */
export async function importPicked(page: Page): Promise<void> {
  await page
    .getByRole('button', { name: /^Import visits/ })
    .first()
    .click();
}

export function patientRows(page: Page): Locator {
  return page.getByRole('navigation', { name: 'Patients' }).getByRole('listitem');
}

export async function openVisit(page: Page, patient: string, date: string): Promise<void> {
  await page.getByRole('searchbox', { name: 'Search patients' }).fill(patient);
  const row = patientRows(page).filter({ hasText: patient }); // not the row that the search before this one left
  await expect(row).toHaveCount(1);
  await row.getByRole('button').click();
  await page.getByRole('button', { name: date, exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Diagnoses' })).toBeVisible();
}

export async function recommend(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Recommend medications' }).click();
  await expect(slider(page)).toBeVisible();
}

export function slider(page: Page): Locator {
  return page.getByRole('slider', { name: 'Accuracy against safety' });
}

export async function addDrug(page: Page, name: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Add a drug' }).pressSequentially(name);
  await page
    .getByRole('option', { name: new RegExp(`^${name}`) })
    .first()
    .click();
  await expect(page.getByRole('button', { name: `Remove ${name}`, exact: true })).toBeVisible();
}

/** A word on each drug that has none; there is no way to accept all at once. */
export async function acceptEach(page: Page): Promise<void> {
  const open = page.locator('[data-verdict="undecided"]').getByRole('button', { name: /^Accept / });
  for (let left = await open.count(); left > 0; left--) {
    await open.first().click();
    await expect(open).toHaveCount(left - 1);
  }
}

/** From the decided list to the signed decision, with one reason for every warning that asks for it. */
export async function sign(page: Page, reason: string, name = 'Ada Example'): Promise<void> {
  await page.getByRole('button', { name: 'Review and sign…' }).click();
  await giveReasons(page, reason);
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByRole('button', { name: 'Sign the decision' }).click();
  await expect(page.getByRole('region', { name: 'Saved decision' })).toBeVisible();
}

/** In the open review: the same reason for every warning that asks for one. */
export async function giveReasons(page: Page, reason: string): Promise<void> {
  const dialog = page.getByRole('dialog', { name: /^Review and sign/ });
  await expect(dialog).toBeVisible();
  await expect(dialog.getByRole('status')).not.toContainText('have not answered');
  for (const choice of await dialog.getByRole('combobox', { name: /^Reason for keeping/ }).all())
    await choice.selectOption({ label: reason });
}

/** The list on the screen, by name. */
export async function listedDrugs(page: Page): Promise<string[]> {
  const rows = page.getByRole('list', { name: 'Drugs on the list' }).locator(':scope > li');
  return await rows.locator('button.drug').allInnerTexts();
}

/** Pairs as "a + b at severity", once from the graph and once from the table. */
export async function pairsOnScreen(page: Page): Promise<{ graph: string[]; table: string[] }> {
  return await page.evaluate(() => {
    const read = (selector: string, key: 'stop' | 'pair'): string[] =>
      [...document.querySelectorAll<HTMLElement | SVGElement>(selector)]
        .map(({ dataset }) => `${(dataset[key] ?? '').replace('\0', ' + ')} at ${dataset['severity'] ?? '?'}`)
        .sort();
    return {
      graph: read('svg [data-severity]', 'stop'),
      table: read('table[aria-label^="Interactions of the list"] tr[data-pair]', 'pair'),
    };
  });
}
