/** First use in real Electron: the tour, Help, the keys, and the second language; each also under axe. */

import type { Page } from '@playwright/test';
import { expect, test } from './app.ts';
import { loadDemo, openVisit, patientRows, recommend, slider } from './workspace.ts';
import { seriousFindings } from './axe.ts';

test.describe.configure({ timeout: 300_000 });

const coach = (page: Page) => page.getByRole('dialog').and(page.locator('.mark'));

/** Inside the window, and beside what it speaks of instead of over it. */
async function standsBeside(page: Page, anchor: string): Promise<void> {
  const mark = await coach(page).boundingBox();
  const target = await page.locator(anchor).boundingBox();
  const { width, height } = await page.evaluate(() => ({ width: innerWidth, height: innerHeight }));
  if (!mark || !target) throw new Error(`no box of the step or of ${anchor}`);
  expect(mark.x).toBeGreaterThanOrEqual(0);
  expect(mark.y).toBeGreaterThanOrEqual(0);
  expect(mark.x + mark.width).toBeLessThanOrEqual(width);
  expect(mark.y + mark.height).toBeLessThanOrEqual(height);
  const apart =
    mark.x >= target.x + target.width ||
    mark.x + mark.width <= target.x ||
    mark.y >= target.y + target.height ||
    mark.y + mark.height <= target.y;
  expect(apart).toBe(true);
}

test('the tour is offered once, runs by keyboard on demo data, and can be taken again', async ({
  launch,
}) => {
  const first = await launch();
  const { page } = first;
  await loadDemo(page);
  await page.getByRole('button', { name: 'Take the tour' }).focus();
  await page.keyboard.press('Enter');

  await expect(coach(page)).toBeFocused();
  await expect(coach(page)).toContainText('The visit, and what the model sees');
  await expect(page.getByRole('heading', { name: 'Diagnoses' })).toBeVisible();
  await standsBeside(page, '[data-tour="visit"]');
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/tour-1.png' });

  await coach(page).getByRole('button', { name: 'Next' }).press('Enter');
  await expect(coach(page)).toContainText('Ask the model first');
  await coach(page).getByRole('button', { name: 'Recommend medications' }).press('Enter');
  await expect(slider(page)).toBeVisible();
  await expect(coach(page)).toContainText('Violet and hatched means not checked');
  await standsBeside(page, '[data-tour="slider"]');
  await page.screenshot({ path: 'test-results/tour-2.png' });
  await slider(page).press('End'); // not modal: what it speaks of can be tried
  await expect(slider(page)).toHaveAttribute('aria-valuetext', /safest/);

  await coach(page).getByRole('button', { name: 'Next' }).press('Enter');
  await expect(coach(page)).toContainText('You decide, drug by drug');
  await standsBeside(page, '[data-tour="decide"]');
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/tour-3.png' });
  await page.keyboard.press('Escape');
  await expect(coach(page)).toHaveCount(0);
  await first.close();

  const second = await launch({ profile: first.profile });
  await expect(patientRows(second.page).first()).toBeVisible();
  await expect(second.page.getByRole('button', { name: 'Take the tour' })).toHaveCount(0);
  await second.page.keyboard.press('F1');
  await second.page
    .getByRole('dialog', { name: 'Help' })
    .getByRole('button', { name: 'Take the tour' })
    .click();
  await expect(coach(second.page)).toBeFocused();
});

test('Help explains every term, finds it, and opens at the one that was asked about', async ({ flame }) => {
  const { page } = flame;
  await loadDemo(page);
  await page.keyboard.press('F1');
  const dialog = page.getByRole('dialog', { name: 'Help' });
  await expect(dialog.getByRole('article')).toHaveCount(16);
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/help.png' });
  await dialog.getByRole('searchbox', { name: 'Search the terms' }).fill('jaccard');
  await expect(dialog.getByRole('article', { name: 'Agreement (Jaccard)' })).toBeVisible();
  await expect(dialog.getByRole('article', { name: 'Hard rule' })).toHaveCount(0);
  await dialog.getByRole('searchbox').fill('aspirin');
  await expect(dialog.getByText('No term matches.')).toBeVisible();
  await page.keyboard.press('Escape'); // empties the field, as everywhere in the browser
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);

  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);
  await page.getByRole('button', { name: 'What is “Slider: accuracy against safety (α)”?' }).click();
  await expect(dialog.getByRole('article', { name: /^Slider/ })).toBeFocused();
});

test('the keys of the keyboard map do what it says', async ({ flame }) => {
  const { page } = flame;
  await loadDemo(page);
  await page.getByRole('button', { name: 'Patients', exact: true }).click();
  await page.keyboard.press('Control+k'); // the list comes back for it
  await expect(page.getByRole('searchbox', { name: 'Search patients' })).toBeFocused();

  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await page.keyboard.press('Control+Enter');
  await expect(slider(page)).toBeVisible();
  const at = async (): Promise<string | null> => await slider(page).inputValue();
  expect(await at()).toBe('0');
  await page.keyboard.press('Alt+ArrowRight');
  await page.keyboard.press('Alt+ArrowRight');
  expect(await at()).toBe('2');
  await page.keyboard.press('Alt+ArrowLeft');
  expect(await at()).toBe('1');

  await page
    .getByRole('button', { name: /^Reject / })
    .first()
    .click();
  await expect(page.getByRole('heading', { name: 'Rejected by you' })).toBeVisible();
  await page.getByRole('combobox', { name: 'Add a drug' }).focus();
  await page.keyboard.press('Control+z'); // in a field, the field's own undo
  await expect(page.getByRole('heading', { name: 'Rejected by you' })).toBeVisible();
  await slider(page).focus();
  await page.keyboard.press('Control+z');
  await expect(page.getByRole('heading', { name: 'Rejected by you' })).toHaveCount(0);

  await page.keyboard.press('Control+n');
  await expect(page.getByRole('heading', { name: 'New patient' })).toBeVisible();
  await page.keyboard.type('Keyed');
  await page.keyboard.press('Control+z');
  await expect(page.getByRole('textbox', { name: /^Name/ })).toHaveValue('');
  await page.keyboard.press('Control+y');
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+Shift+z');
  await expect(page.getByRole('textbox', { name: /^Name/ })).toHaveValue('Keyed');
  await page.keyboard.press('Control+s');
  await expect(page.getByRole('button', { name: 'New visit' })).toBeVisible();
});

test('German on the main screen, without overflow, and remembered over a restart', async ({ launch }) => {
  const first = await launch();
  const { page } = first;
  await loadDemo(page);
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('radio', { name: 'Deutsch' }).check();
  await page.keyboard.press('Escape');

  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  await expect(page.getByRole('slider', { name: 'Genauigkeit gegen Sicherheit' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Diagnosen' })).toBeVisible();
  await expect(page.getByRole('list', { name: 'Arzneimittel auf der Liste' })).toBeVisible();
  await expect(page.getByText('6. Feb. 2024')).not.toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Prüfen und unterschreiben…' })).toBeVisible();
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/german.png' });
  const wide = await page.evaluate(() =>
    [...document.querySelectorAll('header, footer, main, nav, section, .panel, .head, button.button')]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map(
        (element) => `${element.tagName}.${element.className}: ${element.textContent.trim().slice(0, 40)}`,
      ),
  );
  expect(wide).toEqual([]);
  // The menu is not the page's, and follows it.
  const menu = (): Promise<string[]> =>
    first.electron.evaluate(({ Menu }) => Menu.getApplicationMenu()!.items.map(({ label }) => label));
  await expect.poll(menu).toEqual(['&Datei', '&Bearbeiten', '&Ansicht']);
  await page.keyboard.press('F1');
  await expect(page.getByRole('article', { name: 'Feste Regel' })).toBeVisible();
  await page.keyboard.press('Escape');
  await first.close();

  const second = await launch({ profile: first.profile });
  expect(await second.page.evaluate(() => navigator.language)).toBe('de'); // fields for days follow it
  await second.page.getByRole('button', { name: 'Einstellungen' }).click();
  await second.page.getByRole('radio', { name: 'English' }).check();
  await second.page.keyboard.press('Escape');
  await expect(second.page.getByRole('button', { name: 'Settings' })).toBeVisible();
});
