/** What a search says after an import was cut short, while it is still being made searchable; under axe, with pictures. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, temporaryFolder, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import { ask, importPicked, loadDemo, patientRows } from './workspace.ts';

/** Each visit is of a patient of its own: making 20,000 of them searchable takes a second on any computer. */
const PEOPLE = 30_000;

test('a search after a cancelled import says that it may miss patients, and finds them by itself', async ({
  launch,
}) => {
  test.setTimeout(240_000);
  const file = join(temporaryFolder(), 'visits.jsonl');
  const visit = (n: number) => ({
    visit: `v${n}`,
    patient: `p${n}`,
    name: `Quince, Ann ${n}`,
    year: 2020,
    age: 50,
    sex: 'F',
    drugs: [],
  });
  writeFileSync(file, Array.from({ length: PEOPLE }, (_, n) => JSON.stringify(visit(n))).join('\n'));
  const { page } = await launch({ env: { FLAME_E2E_IMPORT_FILE: file } });
  await page.setViewportSize({ width: 1280, height: 800 });
  await loadDemo(page);
  await importPicked(page);
  await page.getByText(/2\d,\d00 visits stored/).waitFor({ timeout: 120_000 });
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('searchbox', { name: 'Search patients' }).fill('quince');
  const list = page.getByRole('navigation', { name: 'Patients' });
  const notice = list.getByText(
    /^Still being made searchable after an import: [\d,]+ patients?\. This search may miss them\.$/,
  );
  await notice.waitFor();
  await expect(list.getByText('No patient matches.')).toBeHidden();
  await page.screenshot({ path: 'test-results/search-waiting-1280-light.png' });
  expect(await seriousFindings(page)).toEqual([]);

  await expect(notice).toBeHidden({ timeout: 60_000 });
  const stored = await ask(page, 'patients.list', { query: '', limit: 1, offset: 0 });
  const found = await ask(page, 'patients.list', { query: 'quince', limit: 1, offset: 0 });
  expect(found.waiting).toBe(0);
  expect(found.total).toBeGreaterThan(20_000);
  expect(stored.total - found.total).toBeLessThan(1000); // the demo patients
  await expect(list.getByText(`${found.total.toLocaleString('en-US')} patients`)).toBeVisible();
  await expect(patientRows(page).first()).toContainText('Quince, Ann');
});
