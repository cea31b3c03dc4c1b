/** The editor in real Electron: a patient from nothing to a saved decision by keyboard, drafts that outlive a kill, bad input. */

import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { expect, temporaryFolder, test } from './app.ts';
import { pagesOf } from './pdf.ts';
import { listedDrugs, loadDemo, openVisit, patientRows, recommend, slider } from './workspace.ts';

test.describe.configure({ timeout: 300_000 });

/** Tabs until the focus stands on what is named; fails after a round of the window. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let step = 0; step < 160; step++) {
    await page.keyboard.press('Tab');
    const label = await page.locator(':focus').evaluate((element) => {
      const labelled = element as HTMLInputElement;
      return element.getAttribute('aria-label') ?? labelled.labels?.[0]?.textContent ?? element.textContent;
    });
    if (name.test(label.trim())) return;
  }
  throw new Error(`Tab never reaches ${String(name)}`);
}

/** Types into the type-ahead that has the focus and takes the first match. */
async function take(page: Page, typed: string, expected: RegExp): Promise<void> {
  await page.keyboard.type(typed);
  const matches = page.locator('li[role="option"]'); // not the choices of a select
  await expect(matches.first()).toContainText(expected);
  await page.keyboard.press('Enter');
  await expect(matches).toHaveCount(0);
}

async function serious(page: Page): Promise<string[]> {
  await page.waitForTimeout(300);
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

function field(page: Page, name: RegExp): Locator {
  return page.getByRole('textbox', { name });
}

const draftStored = (page: Page): Locator => page.getByText(/^Draft stored/);

test('from nothing to a signed, printed decision with the keyboard alone', async ({ launch }) => {
  const file = join(temporaryFolder(), 'decision.pdf');
  const { page } = await launch({ env: { FLAME_E2E_SAVE_FILE: file } });
  const press = (key: string): Promise<void> => page.keyboard.press(key);
  await expect(page.getByRole('button', { name: 'New patient' })).toBeVisible();
  await tabTo(page, /^New patient$/);
  await press('Enter');
  await expect(field(page, /^Name/)).toBeFocused();
  await page.keyboard.type('Müller-Ångström, Zoë 🔥');
  await tabTo(page, /^Birth year/);
  await page.keyboard.type('1950');
  await tabTo(page, /^Sex/);
  await page.keyboard.type('female');
  await expect(draftStored(page)).toBeVisible();
  expect(await serious(page)).toEqual([]);
  await press('Control+s');

  await expect(page.getByRole('heading', { name: 'Müller-Ångström, Zoë 🔥' })).toBeVisible();
  await tabTo(page, /^New visit$/);
  await press('Enter');
  await expect(field(page, /^Date/)).toBeFocused();
  await expect(field(page, /^Date/)).toHaveValue(/^\d{4}-\d{2}-\d{2}$/);
  await tabTo(page, /^Add a diagnosis/);
  await take(page, 'atrial fibrilation', /atrial fibrillation/i);
  await take(page, 'E11.9', /Type 2 diabetes mellitus without complications/);
  await tabTo(page, /^Add a reason for the visit/);
  await take(page, 'shortnes of breath', /Shortness of breath/);
  await tabTo(page, /^Creatinine/);
  await page.keyboard.type('1,6');
  await expect(page.getByText(/eGFR 3\d/)).toBeVisible();
  await tabTo(page, /^Add an allergy/);
  await take(page, 'penicillin', /Enter “penicillin” as typed/);
  await tabTo(page, /^Add a current medication/);
  await take(page, 'coumadin', /warfarin.*COUMADIN/i);
  await tabTo(page, /^dose of warfarin/);
  await page.keyboard.type('5 mg');
  await tabTo(page, /^Notes/);
  await page.keyboard.type('INR last week 2.4.');
  expect(await serious(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/visit-editor.png' });
  await press('Control+s');

  await expect(page.getByRole('heading', { name: 'Diagnoses' })).toBeVisible();
  await expect(page.getByText('Allergies penicillin', { exact: true })).toBeVisible();
  await expect(page.getByText('warfarin, 5 mg')).toBeVisible();
  await expect(page.getByText(/eGFR 3\d .* G3b/)).toBeVisible();
  expect(await serious(page)).toEqual([]);
  await tabTo(page, /^Recommend medications/);
  await press('Enter');
  await expect(slider(page)).toBeVisible();
  await tabTo(page, /^Accuracy against safety/);
  await press('ArrowRight');
  await press('Home');
  const proposed = await listedDrugs(page);
  expect(proposed.length).toBeGreaterThan(1);
  await tabTo(page, /^Add a drug/);
  await page.keyboard.type('fluconazole');
  await expect(page.locator('[role="option"][data-highlighted]')).toContainText('fluconazole');
  await press('Enter');
  await expect.poll(() => listedDrugs(page)).toContain('fluconazole');

  // The first is modified, the second rejected, each further one accepted; each by a letter.
  const undecided = page.locator('[data-verdict="undecided"]');
  const [modified = '', rejected = ''] = proposed;
  const toUndecided = async (): Promise<void> => {
    await tabTo(page, /^Review and sign/);
    await press('Enter');
    await expect(undecided.first().locator('button.drug')).toBeFocused();
  };
  await toUndecided();
  await press('m');
  await expect(page.getByLabel(`Dose of ${modified}`)).toBeFocused();
  await page.keyboard.type('500 mg');
  await tabTo(page, /^How often of/);
  await page.keyboard.type('twice a day');
  await press('Enter');
  await expect(undecided).toHaveCount(proposed.length - 1);
  await toUndecided();
  await press('r');
  for (let left = proposed.length - 2; left > 0; left--) {
    await toUndecided();
    await press('a');
    await expect(undecided).toHaveCount(left - 1);
  }
  await tabTo(page, /^Review and sign/);
  await press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Review and sign the decision' });
  await expect(dialog.getByRole('status')).not.toContainText('have not answered');
  for (const reason of await dialog.getByRole('combobox', { name: /^Reason/ }).all()) {
    await reason.focus();
    await page.keyboard.type('I will');
  }
  await tabTo(page, /^Name$/);
  await page.keyboard.type('Zoë Ärztin');
  await tabTo(page, /^Sign the decision/);
  await press('Enter');
  await expect(page.getByRole('region', { name: 'Saved decision' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Not saved yet' })).toHaveCount(0);
  await tabTo(page, /^Save as PDF/);
  await press('Enter');
  await expect(page.getByText('Saved as decision.pdf.')).toBeVisible();
  const [sheet = ''] = await pagesOf(file);
  for (const part of [
    'Müller-Ångström, Zoë',
    'atrial fibrillation',
    'penicillin',
    'warfarin 5 mg',
    `${modified} 500 mg`,
    'twice a day',
    'fluconazole + warfarin',
    'I will monitor for it',
    `Rejected proposals ${rejected}`,
    'Zoë Ärztin',
    'tables 20',
    'version 1',
    'Not a medical device. Not valid as a prescription unless signed according to local law.',
  ])
    expect(sheet).toContain(part);

  // A changed context leaves the decision as it is and says that it is from before.
  await page.getByRole('button', { name: 'Change the visit' }).click();
  await page.getByRole('button', { name: /^Remove .*atrial fibrillation/i }).click();
  await page.getByRole('button', { name: 'Save the visit' }).click();
  await expect(page.getByText('Made from an earlier context.')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Saved decision' })).toBeVisible();
  await page.screenshot({ path: 'test-results/earlier-context.png' });
});

test('what was typed a second ago outlives a kill of the whole app', async ({ launch }) => {
  const first = await launch();
  await loadDemo(first.page);
  await first.page.getByRole('button', { name: 'New patient' }).click();
  await field(first.page, /^Name/).pressSequentially('Half typed na');
  await first.page.waitForTimeout(1000);
  first.electron.process().kill('SIGKILL');

  const second = await launch({ profile: first.profile });
  const drafts = second.page.getByRole('region', { name: 'Not saved yet' });
  await drafts.getByRole('button', { name: 'New patient: Half typed na', exact: true }).click();
  await expect(field(second.page, /^Name/)).toHaveValue('Half typed na');
  await field(second.page, /^Name/).fill('Half typed name');
  await second.page.getByRole('button', { name: 'Save the patient' }).click();
  await second.page.getByRole('button', { name: 'New visit' }).click();
  await field(second.page, /^Age/).fill('40');
  await field(second.page, /^Notes/).fill('שלום 🔥 '.repeat(1500)); // beyond 10,000 characters
  await second.page.waitForTimeout(1000);
  second.electron.process().kill('SIGKILL');

  const third = await launch({ profile: first.profile });
  const { page } = third;
  await page.getByRole('button', { name: 'New visit: Half typed name', exact: true }).click();
  await expect(field(page, /^Notes/)).toHaveValue('שלום 🔥 '.repeat(1500));
  await page.getByRole('button', { name: 'Save the visit' }).click();
  await expect(page.getByRole('heading', { name: 'Notes' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Not saved yet' })).toHaveCount(0);
});

test('bad input is named at its field and nothing of it is lost; undo takes steps back', async ({
  flame,
}) => {
  const { page } = flame;
  await loadDemo(page);
  await page.getByRole('button', { name: 'New patient' }).click();
  await page.getByRole('button', { name: 'Save the patient' }).click();
  await expect(page.getByText('This is needed.')).toBeVisible();
  await expect(field(page, /^Name/)).toBeFocused();
  await field(page, /^Name/).fill('أحمد علي');
  await field(page, /^Birth year/).fill('3000');
  await page.getByRole('button', { name: 'Save the patient' }).click();
  await expect(page.getByText('This lies in the future.')).toBeVisible();
  await field(page, /^Birth year/).fill('1980');
  await page.getByRole('button', { name: 'Save the patient' }).click();

  await page.getByRole('button', { name: 'New visit' }).click();
  await field(page, /^Date/).fill('2026-02-31');
  await field(page, /^Age/).fill('12');
  await field(page, /^Creatinine/).fill('97');
  await page.getByRole('combobox', { name: 'Add a current medication' }).fill('grandmother’s tea');
  await page.getByRole('option', { name: /not recognised/ }).click();
  await page.getByRole('button', { name: 'Save the visit' }).click();
  await expect(page.getByText('Not a day of the calendar.', { exact: false })).toBeVisible();
  await expect(page.getByText('check the unit', { exact: false })).toBeVisible();
  await expect(page.getByText(/fields? to correct before it can be saved/)).toBeVisible();
  await field(page, /^Date/).fill('2020-02-28');
  await expect(page.getByText('Born in 1980, the patient was 39 or 40 years old.')).toBeVisible();
  await page.screenshot({ path: 'test-results/editor-problems.png' });
  expect(await serious(page)).toEqual([]);

  await page.getByRole('button', { name: 'Remove grandmother’s tea' }).click();
  await expect(page.getByText('not recognised, not checked')).toHaveCount(0);
  await page.keyboard.press('Control+z');
  await expect(page.getByText('not recognised, not checked')).toBeVisible();
  await field(page, /^Age/).fill('40');
  await field(page, /^Creatinine/).fill('0.97');
  await page.getByRole('button', { name: 'Save the visit' }).click();
  await expect(page.getByRole('heading', { name: 'Not recognised' })).toBeVisible();
});

test('a duplicate is named before it is stored; patients are merged and archived', async ({ flame }) => {
  const { page } = flame;
  await loadDemo(page);
  const create = async (name: string, number: string): Promise<void> => {
    await page.getByRole('button', { name: 'New patient' }).click();
    await field(page, /^Name/).fill(name);
    await field(page, /^Record number/).fill(number);
    await page.getByRole('button', { name: 'Save the patient' }).click();
  };
  await create('Ann Lee', 'MRN-1');
  await expect(page.getByRole('heading', { name: 'Ann Lee' })).toBeVisible();
  await create('LEE, Ann', '');
  await expect(page.getByText('Say whether this is a different person', { exact: false })).toBeVisible();
  await page.screenshot({ path: 'test-results/duplicate.png' });
  expect(await serious(page)).toEqual([]);
  await page.getByRole('checkbox', { name: /different person/ }).check();
  await page.getByRole('button', { name: 'Save the patient' }).click();
  await expect(page.getByRole('heading', { name: 'LEE, Ann' })).toBeVisible();
  await create('Bo Chen', 'MRN-1');
  await expect(page.getByText('This number belongs to Ann Lee.')).toBeVisible();
  await page.getByRole('button', { name: 'Use this patient' }).click();
  await expect(page.getByRole('heading', { name: 'Ann Lee' })).toBeVisible();

  await page.getByRole('button', { name: 'Merge…' }).click();
  await page.getByRole('combobox', { name: 'The patient who stays' }).fill('LEE Ann');
  await page.getByRole('option', { name: /LEE, Ann/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Merge', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'LEE, Ann' })).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search patients' }).fill('MRN-1');
  await expect(patientRows(page)).toHaveCount(1);
  await expect(patientRows(page).first()).toContainText('LEE, Ann');

  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await expect(patientRows(page)).toHaveCount(0);
  await page.getByRole('button', { name: 'Archived' }).click();
  await expect(patientRows(page)).toHaveCount(1);
  await page.getByRole('button', { name: 'Bring back from the archive' }).click();
  await expect(patientRows(page)).toHaveCount(0);
});

test('a recommendation on the screen says when the visit changed under it', async ({ flame }) => {
  const { page } = flame;
  await loadDemo(page);
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);
  await page.getByRole('button', { name: 'Change the visit' }).click();
  await page.getByRole('combobox', { name: 'Add a current medication' }).fill('digoxn');
  await page.getByRole('option', { name: 'digoxin Cardiac Glycoside' }).click();
  await page.getByRole('button', { name: 'Save the visit' }).click();
  await expect(page.getByText('Made from an earlier context.')).toBeVisible();
  await page.getByRole('button', { name: 'Recommend again' }).click();
  await expect(page.getByText('Made from an earlier context.')).toHaveCount(0);
});

test('right-to-left names and notes stand in their own direction', async ({ flame }) => {
  const { page } = flame;
  await page.getByRole('button', { name: 'New patient' }).click();
  await field(page, /^Name/).fill('أحمد علي (2)');
  await field(page, /^Birth year/).fill('1980');
  await page.getByRole('button', { name: 'Save the patient' }).click();
  await page.getByRole('button', { name: 'New visit' }).click();
  await field(page, /^Notes/).fill('דופק סדיר, 72 לדקה.');
  const direction = (found: Locator): Promise<string> =>
    found.evaluate((element) => getComputedStyle(element).direction);
  expect(await direction(field(page, /^Notes/))).toBe('rtl');
  expect(await direction(field(page, /^Date/))).toBe('ltr');
  await page.getByRole('button', { name: 'Save the visit' }).click();
  await expect(page.getByText('דופק סדיר, 72 לדקה.')).toBeVisible();
  expect(await direction(page.getByText('דופק סדיר, 72 לדקה.'))).toBe('rtl');
  for (const name of await page.getByText('أحمد علي (2)', { exact: true }).all())
    expect(await direction(name)).toBe('rtl');
  expect(await direction(page.getByRole('heading', { level: 1 }))).toBe('ltr'); // the page around them keeps its own
});
