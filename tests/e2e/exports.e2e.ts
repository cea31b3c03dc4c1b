/** An export in real Electron: chosen, encrypted, written where the user picked, and opened again outside the app. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Decrypter } from 'age-encryption';
import { expect, temporaryFolder, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import { loadDemo } from './workspace.ts';

test('records leave encrypted by default, or in clear on wish, at the picked place and nowhere else', async ({
  launch,
}) => {
  test.setTimeout(120_000);
  const folder = temporaryFolder();
  const file = join(folder, 'records.json.age');
  const { page } = await launch({ env: { FLAME_E2E_SAVE_FILE: file } });
  await page.setViewportSize({ width: 1280, height: 800 });
  await loadDemo(page);
  await page.getByRole('button', { name: 'Data', exact: true }).click();
  const section = page.getByRole('region', { name: 'Export records' });
  const write = section.getByRole('button', { name: 'Choose a place and export…' });
  await expect(section.getByText('No visit is in this selection.')).toBeVisible();
  await expect(write).toBeDisabled();
  await section.getByRole('checkbox', { name: 'The demo patients instead of your own' }).check();
  await expect(section.getByText(/^\d+ visits of \d+ patients/)).toBeVisible();
  await expect(write).toBeDisabled(); // no passphrase yet
  await section.getByLabel(/^Passphrase/).fill('correct horse battery');
  await section.getByLabel('Once more').fill('correct horse');
  await expect(section.getByText('The two do not match yet.')).toBeVisible();
  await section.getByLabel('Once more').fill('correct horse battery');
  await page.screenshot({ path: 'test-results/export-form.png' });
  expect(await seriousFindings(page)).toEqual([]);
  await write.click();
  await expect(section.getByText('records.json.age is written, encrypted.')).toBeVisible({ timeout: 60_000 });
  expect(readdirSync(folder)).toEqual(['records.json.age']);
  const decrypter = new Decrypter();
  decrypter.addPassphrase('correct horse battery');
  const opened = await decrypter.decrypt(readFileSync(file), 'text');
  const bundle = JSON.parse(opened) as { entry: { resource: { resourceType: string } }[] };
  expect(bundle.entry.filter(({ resource }) => resource.resourceType === 'Patient').length).toBeGreaterThan(
    20,
  );

  await section.getByRole('checkbox', { name: 'Encrypt the file' }).uncheck();
  await expect(section.getByText('Whoever has the file can read')).toBeVisible();
  await section.getByRole('radio', { name: 'CSV of visits' }).check();
  await write.click();
  await expect(section.getByText('records.json.age is written, in clear.')).toBeVisible();
  expect(existsSync(file)).toBe(true);
  expect(readFileSync(file, 'utf8')).toContain('Nadia Petrov');
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.screenshot({ path: 'test-results/export-done-dark.png' });
});
