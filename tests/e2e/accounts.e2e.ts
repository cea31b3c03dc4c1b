/** Accounts in real Electron: set up from the settings, locked by hand, by idleness and by sleep, signed with a passphrase. */

import type { Page } from '@playwright/test';
import { expect, killEngine, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import { acceptEach, giveReasons, loadDemo, openVisit, patientRows, recommend } from './workspace.ts';

const PASSPHRASE = 'a violet tractor sings';

async function setUp(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Set up accounts…' }).click();
  expect(await seriousFindings(page)).toEqual([]);
  await page.getByRole('textbox', { name: 'Name, as it stands' }).fill('Ada Example');
  await page.getByRole('textbox', { name: 'Role or credential' }).fill('MD');
  await page.getByLabel('New passphrase').fill(PASSPHRASE);
  await page.getByLabel('Once more').fill(PASSPHRASE);
  await page.screenshot({ path: 'test-results/accounts-set-up.png' });
  await page.getByRole('button', { name: 'Set up accounts', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Write this down now' });
  const code = await dialog.locator('code').innerText();
  await page.screenshot({ path: 'test-results/accounts-code.png' });
  await dialog.getByRole('button', { name: 'I have written it down' }).click();
  return code;
}

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: /· Lock$/ })).toBeVisible();
}

/** Everything that the page holds as text, hidden or not. */
const textOf = (page: Page): Promise<string> => page.evaluate(() => document.documentElement.outerHTML);

test('a database with a passphrase asks for it before accounts take its place', async ({ launch }) => {
  const { page } = await launch();
  const settings = page.getByRole('dialog', { name: 'Settings' });
  await page.getByRole('button', { name: 'Settings' }).click();
  await settings.getByLabel(/^Passphrase \(at least/).fill('old shared words');
  await settings.getByLabel('Once more').fill('old shared words');
  await settings.getByRole('button', { name: 'Set the passphrase' }).click();
  await expect(settings.getByRole('button', { name: 'Remove the passphrase' })).toBeDisabled();
  await settings.getByRole('button', { name: 'Set up accounts…' }).click();
  await page.getByLabel('Name, as it stands').fill('Ada Example');
  await page.getByLabel('New passphrase').fill('a violet tractor sings');
  await page.getByLabel('Once more').fill('a violet tractor sings');
  const present = page.getByLabel('Passphrase of the visit database');
  await present.fill('not these words');
  await page.getByRole('button', { name: 'Set up accounts', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('does not open the visit database');
  await page.screenshot({ path: 'test-results/accounts-present.png' });
  await present.fill('old shared words');
  await page.getByRole('button', { name: 'Set up accounts', exact: true }).click();
  await expect(page.getByText('Recovery code', { exact: false }).first()).toBeVisible();
});

test('accounts from the settings: a name, a passphrase, a code; the lock hides every patient and gives the screen back', async ({
  launch,
}) => {
  const flame = await launch();
  const { page, electron } = flame;
  await loadDemo(page);
  const patient = 'Grace Okafor';
  await page.getByRole('searchbox', { name: 'Search patients' }).fill(patient);
  await expect(patientRows(page)).toHaveCount(1);
  await setUp(page);
  await expect(page.getByRole('table', { name: 'Accounts' })).toContainText('Ada Example');
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/accounts-page.png' });

  await page.getByRole('button', { name: 'New patient' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Typed Butnotsaved');
  await page.getByRole('button', { name: /· Lock$/ }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  const hidden = await textOf(page);
  for (const word of [patient, 'Butnotsaved']) expect(hidden).not.toContain(word);
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/accounts-locked.png' });
  await page.getByLabel('Passphrase', { exact: true }).fill('not the right one');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('do not belong together');
  await signIn(page);
  await expect(page.getByRole('textbox', { name: 'Name' })).toHaveValue('Typed Butnotsaved');
  await expect(patientRows(page).first()).toContainText(patient);

  // Nobody touched the computer; the computer slept.
  const locked = expect(page.getByRole('heading', { name: 'Sign in' }));
  await electron.evaluate(({ powerMonitor }) => {
    powerMonitor.getSystemIdleTime = () => 601;
  });
  await locked.toBeVisible({ timeout: 20_000 });
  await electron.evaluate(({ powerMonitor }) => {
    powerMonitor.getSystemIdleTime = () => 0;
  });
  await signIn(page);
  await electron.evaluate(({ powerMonitor }) => void powerMonitor.emit('suspend'));
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await signIn(page);
  await killEngine(flame);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await signIn(page);
  await expect(page.getByRole('textbox', { name: 'Name' })).toHaveValue('Typed Butnotsaved');
});

test('a decision is signed in the name of the account, after its passphrase', async ({ launch }) => {
  const { page } = await launch();
  await loadDemo(page);
  await setUp(page);
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);
  await expect(page.getByText('No decisions of your own yet.')).toBeVisible();
  await acceptEach(page);
  await page.getByRole('button', { name: 'Review and sign…' }).click();
  await giveReasons(page, 'I will monitor for it');
  await expect(page.getByRole('textbox', { name: 'Name' })).toHaveValue('Ada Example');
  await expect(page.getByRole('button', { name: 'Sign the decision' })).toBeDisabled();
  await page.getByLabel('Your passphrase, to sign').fill('not the right one');
  await page.getByRole('button', { name: 'Sign the decision' }).click();
  await expect(page.getByRole('alert')).toContainText('do not belong together');
  await page.getByLabel('Your passphrase, to sign').fill(PASSPHRASE);
  expect(await seriousFindings(page)).toEqual([]);
  await page.getByRole('button', { name: 'Sign the decision' }).click();
  await expect(page.getByRole('region', { name: 'Saved decision' })).toContainText('Ada Example');
});
