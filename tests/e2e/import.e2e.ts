/** The import page in real Electron, as a data steward uses it: folder, dry run, mapping by hand, import; under axe. */

import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, ROOT, temporaryFolder, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import { importPicked } from './workspace.ts';

test('a steward dry-runs a MIMIC folder, maps a name by hand, and imports', async ({ launch }) => {
  test.setTimeout(240_000);
  const folder = join(ROOT, 'data/demo/mimic-iv-demo');
  const { page } = await launch({ env: { FLAME_E2E_IMPORT_FOLDER: folder } });
  await page.getByRole('button', { name: 'FHIR, MIMIC, eICU, CSV, or a dry run…' }).click();
  await expect(page.getByRole('heading', { name: 'Import and mapping' })).toBeVisible();
  await page.getByRole('button', { name: 'Choose a folder…' }).press('Enter');
  await expect(page.getByLabel('Format')).toHaveValue('mimic-iv');
  expect(await seriousFindings(page)).toEqual([]);

  await page.getByRole('button', { name: 'Dry run' }).press('Enter');
  const report = page.getByRole('region', { name: 'Dry run: what would happen' });
  await expect(report).toContainText('14 visits of 6 new patients would be stored');
  const row = report
    .getByRole('row')
    .filter({ has: page.getByRole('button', { name: /^No drug/ }) })
    .first();
  const name = (await row.getByRole('cell').first().innerText()).trim();
  await row.getByRole('button', { name: `Map… ${name}` }).press('Enter');
  await report.getByRole('combobox', { name: `Ingredient for ${name}` }).fill('ibuprofen');
  await page
    .getByRole('option', { name: /^ibuprofen/i })
    .first()
    .click();
  await expect(report.getByText('The mapping table has changed since.', { exact: false })).toBeVisible();
  await expect(page.getByRole('region', { name: 'The site’s mapping table' })).toContainText('1 row.');
  expect(await seriousFindings(page)).toEqual([]);
  for (const [width, height, colorScheme] of [
    [1280, 800, 'light'],
    [1920, 1080, 'dark'],
  ] as const) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `test-results/import-${width}-${colorScheme}.png` });
    const sideways = await page.locator('main').evaluate((main) => main.scrollWidth - main.clientWidth);
    expect(sideways).toBe(0);
  }

  await page.getByRole('button', { name: 'Import', exact: true }).press('Enter');
  const done = page.getByRole('region', { name: 'What was imported' });
  await expect(done).toContainText('14 visits of 6 new patients stored');
  await expect(done).not.toContainText('by the site’s table, 0 by code) 0 set');
  await expect(page.getByRole('navigation', { name: 'Patients' })).toContainText('Patient mimic-iv-');
  await expect(page.getByRole('button', { name: 'Import', exact: true })).toBeDisabled();
});

test('a picked bundle is looked at first, and imported with what is refused said', async ({ launch }) => {
  test.setTimeout(240_000);
  const folder = join(temporaryFolder(), 'fhir');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'bundle.json.gz');
  const name = 'Alexia_Senger_a5f5a550-b13e-4f92-b194-6d118f67fcdb.json.gz';
  cpSync(join(ROOT, 'data/demo/synthea', name), file);
  const { page } = await launch({ env: { FLAME_E2E_IMPORT_FILE: file } });
  await importPicked(page);
  await expect(page.getByLabel('Format')).toHaveValue('fhir');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page.getByRole('region', { name: 'What was imported' })).toContainText(
    'of 1 new patient stored',
  );
  await page.getByRole('navigation', { name: 'Patients' }).getByText('Alexia').first().click();
  await expect(page.getByRole('heading', { name: /Alexia/ }).first()).toBeVisible();
});
