/** Patients that few think of when they draw a screen: what must be said is said, and nothing leaves the window. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, ROOT, temporaryFolder, test } from './app.ts';
import { acceptEach, importPicked, listedDrugs, patientRows, recommend, sign, slider } from './workspace.ts';

const LONG = 'Wolfeschlegelsteinhausenbergerdorff'.repeat(5) + ' the Last of them';
const common = { date: '2024-05-02', dx_system: 'ICD-10-CM', sex: 'F' };
const RECORDS = [
  {
    ...common,
    visit: 'u1',
    name: 'Taken Together',
    age: 81,
    dx: ['I48.91', 'J01.90'],
    current: ['warfarin', 'ibuprofen', '阿司匹林'],
    allergies: ['penicillin'],
    pregnancy: 'not-pregnant',
  },
  { ...common, visit: 'u2', name: LONG, age: 0, age_months: 0, dx: ['I10'] },
  { ...common, visit: 'u3', name: 'No Diagnosis', age: 29, pregnancy: 'pregnant' },
];

test('what the shipped model is said to have learnt from is what it was trained on', () => {
  const manifest = JSON.parse(
    readFileSync(join(ROOT, 'models/flame-namcs/manifest.json'), 'utf8'),
  ) as unknown;
  const texts = readFileSync(join(ROOT, 'src/renderer/language/en/recommend.json'), 'utf8');
  expect(JSON.stringify(manifest)).toContain('trained on 1995–2009');
  expect(texts).toContain('US office visits of 1995 to 2009');
});

test('severe pairs taken already, unread entries, a name of 190 letters, and a window at 200 %', async ({
  launch,
}) => {
  const file = join(temporaryFolder(), 'visits.jsonl');
  writeFileSync(file, RECORDS.map((record) => JSON.stringify(record)).join('\n'));
  const { page } = await launch({ env: { FLAME_E2E_IMPORT_FILE: file } });
  await page.setViewportSize({ width: 1280, height: 800 });
  await importPicked(page);
  await page.getByRole('button', { name: 'Done' }).click();
  const checks = page.getByRole('region', { name: 'Checks' });
  const sideways = (): Promise<number> =>
    page.evaluate(() => {
      const main = document.querySelector('main');
      return Math.max(
        document.documentElement.scrollWidth - innerWidth,
        (main?.scrollWidth ?? 0) - (main?.clientWidth ?? 0),
      );
    });

  /** A patient with one visit, which opens with the patient. */
  const open = async (name: string): Promise<void> => {
    await page.getByRole('searchbox', { name: 'Search patients' }).fill(name);
    await patientRows(page).filter({ hasText: name }).getByRole('button').click();
    await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible();
  };

  await open('Wolfeschlegel');
  await expect(page.getByText('under 1 mo, female')).toBeVisible();
  expect(await sideways()).toBeLessThanOrEqual(0);

  await open('No Diagnosis');
  await expect(page.getByText('learnt from US office visits of 1995 to 2009')).toBeVisible();
  await expect(page.getByText('pregnant', { exact: true }).first()).toBeVisible();

  await open('Taken Together');
  const severe = checks.getByText('ibuprofen + warfarin');
  await expect(severe).toBeVisible();
  await expect(checks.getByText(/no drug is known by 阿司匹林/)).toBeVisible();
  await recommend(page);
  await expect(checks.getByRole('list', { name: 'Findings to act on' })).toContainText(
    'ibuprofen + warfarin',
  );
  await expect(page.getByText(/Taken together already, not drawn: 1 pair: avoid combination/)).toBeVisible();
  for (const key of ['Home', 'End']) {
    await slider(page).press(key);
    expect(await listedDrugs(page)).not.toContain('clavulanic acid');
  }

  // 1280×800 at 200 %: the panes stand below each other, and the job can be done to its end.
  await page.setViewportSize({ width: 640, height: 400 });
  expect(await sideways()).toBeLessThanOrEqual(0);
  await slider(page).press('Home');
  await page
    .getByRole('button', { name: /^Modify / })
    .first()
    .click();
  await expect(page.getByText('Flame checks no dose, route or duration.')).toBeVisible();
  await page.keyboard.press('Escape');
  await acceptEach(page);
  await page.getByRole('button', { name: 'Review and sign…' }).click();
  const review = page.getByRole('dialog', { name: 'Review and sign the decision' });
  await expect(
    review.getByText(/^\? (Kidney function|Contraindications|Breastfeeding)/).first(),
  ).toBeVisible();
  await page.keyboard.press('Escape');
  await sign(page, 'I will monitor for it');
  await page.getByRole('button', { name: 'Print…' }).scrollIntoViewIfNeeded();
  await page.screenshot({ path: 'test-results/unusual-signed-200.png' });
});
