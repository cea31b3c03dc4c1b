/** The restore drill in real Electron: backed up in the window, restored into a new place, opened there by a second start. */

import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, temporaryFolder, test, type FlameApp } from './app.ts';
import { seriousFindings } from './axe.ts';
import { ask, loadDemo } from './workspace.ts';

const PASSPHRASE = 'a violet tractor sings';
const OTHER = 'nine slow kettles hum';
const ROLES = ['clinician', 'data-steward', 'administrator'] as const;

/** What must be the same in the restored profile. */
async function contents({ page }: FlameApp) {
  const { total, patients } = await ask(page, 'patients.list', { query: '', limit: 500, offset: 0 });
  const visitId = patients[0]!.lastVisitId!;
  const visit = await ask(page, 'visits.get', { visitId });
  const { id: _, createdAt: __, ...recommendation } = await ask(page, 'recommend', { visitId });
  return { total, patients, visit, list: recommendation.grid };
}

test('a backup made in the window restores into a new place, and a second start finds everything there', async ({
  launch,
}) => {
  test.setTimeout(180_000);
  const folder = temporaryFolder();
  const disk = join(folder, 'disk');
  const place = join(folder, 'place');
  for (const one of [disk, place]) mkdirSync(one);
  const flame = await launch({ env: { FLAME_E2E_BACKUP_FOLDER: disk, FLAME_E2E_RESTORE_FOLDER: place } });
  const { page } = flame;
  await page.setViewportSize({ width: 1280, height: 800 });
  await loadDemo(page);

  // Without a secret nobody could open a backup, and the page says so.
  await page.getByRole('button', { name: 'Data', exact: true }).click();
  await page.getByRole('button', { name: 'Open Backups' }).click();
  await expect(page.getByText('Set a passphrase or accounts in the settings first.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Back up now' })).toBeDisabled();
  await ask(page, 'accounts.setUp', { name: 'Ada', title: 'MD', roles: ROLES, passphrase: PASSPHRASE });
  await page.reload();

  await page.getByRole('button', { name: 'Backups', exact: true }).click();
  await page.getByRole('button', { name: 'Choose a folder…' }).click();
  await expect(page.getByText(disk)).toBeVisible();
  await page.getByLabel('Every day').selectOption('at 20:00');
  await page.getByRole('spinbutton', { name: 'days' }).fill('14');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText(/Next by itself: /)).toBeVisible();
  await page.getByRole('button', { name: 'Back up now' }).click();
  await expect(page.getByText('The backup was made and read back.')).toBeVisible({ timeout: 60_000 });
  const before = await contents(flame);
  const rows = page.getByRole('table', { name: 'Backups in this folder' }).getByRole('row');
  await expect(rows).toHaveCount(2);
  await expect(rows.nth(1)).toContainText(`${before.total} patients`);
  await page.getByRole('button', { name: /^Read through the backup of/ }).click();
  await expect(page.getByText('Every page of the backup was read: it is sound.')).toBeVisible();
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/backups-page.png' });
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.screenshot({ path: 'test-results/backups-page-dark.png' });
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: 'light' });

  // The disk is away: said here and on the overview, until a backup succeeds.
  renameSync(disk, `${disk}-away`);
  await page.getByRole('button', { name: 'Back up now' }).click();
  await expect(page.getByText(/^The backup of .* failed\.$/)).toBeVisible();
  await page.screenshot({ path: 'test-results/backups-failed.png' });
  await page.getByRole('button', { name: 'Overview' }).click();
  await expect(page.getByText(/^The backup of .* failed\.$/)).toBeVisible();
  await page.screenshot({ path: 'test-results/backups-failed-overview.png' });
  renameSync(`${disk}-away`, disk);
  await page.getByRole('button', { name: 'Open Backups' }).click();
  await page.getByRole('button', { name: 'Back up now' }).click();
  await expect(page.getByText('The backup was made and read back.')).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText(/^The backup of .* failed\.$/)).toHaveCount(0);

  await page
    .getByRole('button', { name: /^Restore the backup of/ })
    .first()
    .click();
  const dialog = page.getByRole('dialog', { name: 'Restore a backup' });
  const secret = dialog.getByLabel('Passphrase of that day');
  await secret.fill('not the right one');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toContainText('This does not open the backup.');
  await page.screenshot({ path: 'test-results/backups-secret.png' });
  await secret.fill(PASSPHRASE);
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('region', { name: 'What this backup holds' })).toContainText(
    `Patients${before.total}`.replace(/(\D)(\d)/, '$1 $2'),
  );
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/backups-preview.png' });
  await dialog.getByRole('button', { name: 'Restore into a new folder…' }).click();
  await expect(dialog.getByText('Restored, and every page read.')).toBeVisible({ timeout: 60_000 });
  const [name] = readdirSync(place);
  await expect(dialog.getByText(join(place, name!), { exact: true })).toBeVisible();
  await page.screenshot({ path: 'test-results/backups-restored.png' });
  await dialog.getByRole('button', { name: 'Close' }).last().click();

  // An administrator without another role has the page, too.
  const form = { name: 'Dot', title: '', roles: ['administrator'], passphrase: OTHER } as const;
  await ask(page, 'accounts.add', form);
  await ask(page, 'session.signIn', { account: 'Dot', passphrase: OTHER });
  await ask(page, 'accounts.changePassphrase', { present: OTHER, passphrase: PASSPHRASE });
  await page.reload();
  await page.getByRole('button', { name: 'Backups', exact: true }).click();
  await expect(rows.nth(1)).toContainText(`${before.total} patients`);
  await page.screenshot({ path: 'test-results/backups-administrator.png' });
  await page.getByRole('button', { name: 'Data', exact: true }).click();
  await expect(page.getByText('Service for the record system on this computer')).toBeVisible();
  await expect(page.getByText('Export records')).toBeHidden();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await page.getByRole('button', { name: 'Models', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await flame.close();

  const second = await launch({ profile: join(place, name!) });
  await second.page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
  await second.page.keyboard.press('Enter');
  await expect(second.page.getByRole('button', { name: /· Lock$/ })).toBeVisible();
  expect(await contents(second)).toEqual(before);
  const state = await ask(second.page, 'backups.get', {});
  expect(state).toMatchObject({ folder: null, hour: null, nextAt: null });
});
