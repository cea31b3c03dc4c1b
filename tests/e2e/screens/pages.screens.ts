/**
 * `npm run screens`, the second walk: what a data steward and an administrator see, in English and in German, and the main
 * job in German. Finds its way by the texts of the language files. Asserts nothing.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, ROOT, temporaryFolder, test } from '../app.ts';
import { ask } from '../workspace.ts';
import { look as lookAt, overflowing, step as stepOf } from './look.ts';

const PASSPHRASE = 'a violet tractor sings';
const TABLE =
  'ingredient a,ingredient b,severity,mechanism,management,source,overrules\n' +
  'metformin,Prilosec,major,Less vitamin B12 is absorbed,Measure B12 once a year,Committee 2026,\n' +
  'warfarin,fluconazole,moderate,,,Committee 2026,INR is measured daily on our wards\n' +
  'Wundermittel,warfarin,major,,,,\n';

/** The text of a key as the language file has it. */
function textsOf(language: string): (key: string) => string {
  return (key) => {
    const [file = '', path = ''] = key.split(':');
    const source = readFileSync(join(ROOT, `src/renderer/language/${language}/${file}.json`), 'utf8');
    let text: unknown = JSON.parse(source);
    for (const part of path.split('.')) text = (text as Record<string, unknown>)[part];
    return String(text);
  };
}

for (const language of ['en', 'de'] as const)
  test(`the pages around the main job, ${language}`, async ({ launch }) => {
    const t = textsOf(language);
    const folder = temporaryFolder();
    const profile = join(folder, 'profile');
    for (const one of ['profile', 'disk', 'place']) mkdirSync(join(folder, one));
    writeFileSync(join(profile, 'preferences.json'), JSON.stringify({ language }));
    const table = join(folder, 'house-list.csv');
    writeFileSync(table, TABLE);
    const { page } = await launch({
      profile,
      env: {
        FLAME_E2E_BACKUP_FOLDER: join(folder, 'disk'),
        FLAME_E2E_RESTORE_FOLDER: join(folder, 'place'),
        FLAME_E2E_SITE_TABLE: table,
      },
    });
    page.setDefaultTimeout(20_000);
    const look = (name: string): Promise<void> => lookAt(page, `${language}-${name}`);
    const step = (name: string, walk: () => Promise<void>): Promise<void> =>
      stepOf(`${name}, ${language}`, walk);
    const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true }).first();
    const dialog = page.getByRole('dialog').last();

    await expect(button(t('start:welcome.loadDemo'))).toBeVisible();
    await look('31-welcome');
    await button(t('start:welcome.loadDemo')).click();
    await button(t('common:done')).click();
    await step('main job', async () => {
      await page.getByRole('searchbox').fill('Grace Okafor');
      await page
        .getByRole('navigation')
        .getByRole('button', { name: /Grace Okafor/ })
        .click();
      await page.getByRole('button', { name: /^6\.? Feb\.? 2024$/ }).click();
      await button(t('recommend:ask.do')).click();
      await page
        .getByRole('combobox', { name: t('recommend:list.addDrug') })
        .pressSequentially('fluconazole');
      await page.getByRole('option').first().click();
      await look('32-recommendation');
      const open = page.locator('[data-verdict="undecided"]');
      while ((await open.count()) > 0)
        await open
          .first()
          .getByRole('button', { name: t('decision:word.accept') })
          .first()
          .click();
      await button(t('decision:list.review')).click();
      for (const choice of await dialog.getByRole('combobox').all()) await choice.selectOption({ index: 1 });
      await dialog.getByRole('textbox', { name: t('decision:sign.name'), exact: true }).fill('Ada Example');
      await look('33-sign');
      await button(t('decision:sign.do')).click();
      await expect(button(t('decision:saved.print'))).toBeVisible();
      await look('34-signed');
    });
    await step('overview', async () => {
      await button(t('overview:title')).click();
      await page.getByRole('checkbox').first().check();
      await look('35-overview');
    });
    for (const name of ['audit', 'training', 'models'] as const)
      await step(name, async () => {
        await button(t(`${name}:title`)).click();
        await page.waitForTimeout(800);
        await look(`36-${name}`);
      });
    await step('data', async () => {
      await button(t('data:title')).click();
      await look('37-data');
      await button(t('siteTable:choose')).click();
      await expect(button(t('siteTable:preview.use'))).toBeVisible();
      await look('38-site-table');
      await button(t('hooks:firstToken')).scrollIntoViewIfNeeded();
      await look('39-hooks');
      await button(t('importing:page.open')).click();
      await look('40-import');
    });
    await step('backups', async () => {
      await button(t('data:title')).click();
      await button(t('backups:openPage')).click();
      await look('41-backups-without-a-secret');
      const roles = ['clinician', 'data-steward', 'administrator'] as const;
      await ask(page, 'accounts.setUp', { name: 'Ada', title: 'MD', roles, passphrase: PASSPHRASE });
      await page.reload();
      await button(t('backups:title')).click();
      await button(t('backups:chooseFolder')).click();
      await button(t('backups:make')).click();
      await expect(page.getByText(t('backups:done.made'))).toBeVisible({ timeout: 60_000 });
      await look('42-backups');
      await page
        .getByRole('table')
        .getByRole('button', { name: /…$|wiederherstellen$|^Restore/ })
        .last()
        .click();
      await look('43-restore');
      await dialog.locator('input[type=password]').fill(PASSPHRASE);
      await page.keyboard.press('Enter');
      await expect(dialog.getByText(t('backups:restoring.holds'))).toBeVisible();
      await look('44-restore-preview');
      await page.keyboard.press('Escape');
    });
    await step('accounts', async () => {
      await button(t('shell:settings')).click();
      await look('45-settings-with-accounts');
      await dialog.getByRole('button', { name: new RegExp(t('accounts:title')) }).click();
      await look('46-accounts');
      await page.getByRole('button', { name: /^Ada · / }).click();
      await look('47-sign-in');
    });
    console.log(overflowing.join('\n') || `${language}: nothing stands out of the window`);
  });
