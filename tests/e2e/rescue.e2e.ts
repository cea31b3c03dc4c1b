/** A really damaged database in real Electron: the page offers its newest backup, and the next start has every patient. */

import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, temporaryFolder, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import { ask, loadDemo } from './workspace.ts';

const PASSPHRASE = 'a violet tractor sings';
const ROLES = ['clinician', 'data-steward', 'administrator'] as const;

async function signIn(page: Page, label: string | RegExp = 'Passphrase'): Promise<void> {
  await page.getByLabel(label, { exact: true }).fill(PASSPHRASE);
  await page.keyboard.press('Enter');
}

test('a damaged database leads to its newest backup, without a terminal, and stays as it is', async ({
  launch,
}) => {
  test.setTimeout(180_000);
  const folder = temporaryFolder();
  const [disk, place] = [join(folder, 'disk'), join(folder, 'place')];
  for (const one of [disk, place]) mkdirSync(one);
  const env = {
    FLAME_E2E_BACKUP_FOLDER: disk,
    FLAME_E2E_RESTORE_FOLDER: place,
    FLAME_E2E_RELAUNCH: 'no',
  };
  const first = await launch({ env });
  await loadDemo(first.page);
  await ask(first.page, 'accounts.setUp', {
    name: 'Ada',
    title: 'MD',
    roles: ROLES,
    passphrase: PASSPHRASE,
  });
  const before = await ask(first.page, 'patients.list', { query: '', limit: 500, offset: 0 });
  await first.page.reload();
  await first.page.getByRole('button', { name: 'Backups', exact: true }).click();
  await first.page.getByRole('button', { name: 'Choose a folder…' }).click();
  await first.page.getByRole('button', { name: 'Back up now' }).click();
  await expect(first.page.getByText('The backup was made and read back.')).toBeVisible({ timeout: 60_000 });
  await first.close();
  const database = join(first.profile, 'flame.db');
  truncateSync(database, 200_000);
  const damaged = readFileSync(database);
  writeFileSync(join(first.profile, 'preferences.json'), '{"language":"de"}');

  // In German: signing in finds the damage, and the page of the damage says what can be done.
  const german = await launch({ profile: first.profile, env });
  await german.page.setViewportSize({ width: 1280, height: 800 });
  await signIn(german.page);
  await expect(
    german.page.getByRole('heading', { name: 'Mit einer Sicherung weiterarbeiten' }),
  ).toBeVisible();
  await german.page.screenshot({ path: 'test-results/rescue-german.png' });
  await german.page.getByRole('button', { name: 'Diese Sicherung wiederherstellen…' }).click();
  await expect(german.page.getByRole('dialog')).toBeVisible();
  await german.page.screenshot({ path: 'test-results/rescue-german-dialog.png' });
  await german.close();
  writeFileSync(join(first.profile, 'preferences.json'), '{"language":"en","theme":"dark"}');

  const english = await launch({ profile: first.profile, env });
  const { page } = english;
  await page.setViewportSize({ width: 1280, height: 800 });
  await signIn(page);
  const section = page.getByRole('region', { name: 'Go on with a backup' });
  await expect(section).toContainText('What was entered after that moment is not in it.');
  await expect(section.getByRole('option')).toHaveCount(1);
  await expect(page.getByText(first.profile)).toHaveCount(0);
  expect(await seriousFindings(page)).toEqual([]);
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.screenshot({ path: 'test-results/rescue-dark.png' });
  await section.getByRole('button', { name: 'Restore this backup…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Restore a backup' });
  await dialog.getByLabel('Passphrase of that day').fill(PASSPHRASE);
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Restore into a new folder…' }).click();
  await expect(dialog.getByText('Restored, and every page read.')).toBeVisible({ timeout: 60_000 });
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/rescue-restored.png' });
  const ended = page.waitForEvent('close');
  await dialog.getByRole('button', { name: 'Open what was restored' }).click();
  await ended;
  await english.close().catch(() => null);

  // The same start as ever leads to what was restored.
  const last = await launch({ profile: first.profile, env });
  await signIn(last.page);
  await expect(last.page.getByRole('button', { name: /· Lock$/ })).toBeVisible();
  expect(await ask(last.page, 'patients.list', { query: '', limit: 500, offset: 0 })).toEqual(before);
  await expect(last.page.locator('html')).toHaveAttribute('data-theme', 'dark');
  expect(readFileSync(database).equals(damaged)).toBe(true);
});
