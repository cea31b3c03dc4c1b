/** Every kind of check in real Electron: it speaks at a prepared visit and is silent at the same patient's next one. */

import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, ROOT, temporaryFolder, test } from './app.ts';
import type { Manifest } from '../../src/knowledge/manifest.ts';
import { importPicked, openVisit } from './workspace.ts';

interface Case {
  readonly kind: string;
  /** What both visits hold. */
  readonly both?: Readonly<Record<string, unknown>>;
  readonly speaks: Readonly<Record<string, unknown>>;
  readonly silent: Readonly<Record<string, unknown>>;
  /** Words of the finding, and the mark of its severity. */
  readonly says: readonly (string | RegExp)[];
}

const CASES: readonly Case[] = [
  {
    kind: 'Pregnancy',
    both: { sex: 'F', age: 28, current: ['isotretinoin'], lactation: 'not-lactating' },
    speaks: { pregnancy: 'pregnant' },
    silent: { pregnancy: 'not-pregnant' },
    says: ['isotretinoin', 'Recorded pregnancy.', 'Severe birth defects.'],
  },
  {
    kind: 'Breastfeeding',
    both: { sex: 'F', age: 30, current: ['codeine'], pregnancy: 'not-pregnant' },
    speaks: { lactation: 'lactating' },
    silent: { lactation: 'not-lactating' },
    says: ['codeine', 'Breastfeeding.', 'Breastfeeding is not recommended'],
  },
  {
    kind: 'Age',
    both: { current: ['loperamide'] },
    speaks: { age: 1 },
    silent: { age: 3 },
    says: ['loperamide', 'Age 1 year.', 'Do not use under 2 years.'],
  },
  {
    kind: 'Months',
    both: { age: 0, current: ['sulfamethoxazole'] },
    speaks: { age_months: 1 },
    silent: { age_months: 5 },
    says: ['sulfamethoxazole', 'Age 1 month.', 'Contraindicated under 2 months'],
  },
  {
    kind: 'Same ingredient',
    speaks: { current: ['hydrocortisone', 'hydrocortisone acetate'] },
    silent: { current: ['hydrocortisone', 'metformin'] },
    says: ['hydrocortisone + hydrocortisone acetate', 'The same ingredient twice'],
  },
  {
    kind: 'Same class',
    speaks: { current: ['lisinopril', 'enalapril'] },
    silent: { current: ['lisinopril', 'amlodipine'] },
    says: ['enalapril + lisinopril'],
  },
  {
    kind: 'Kidney',
    both: { age: 71, current: ['fondaparinux'], weight: 64 },
    speaks: { creatinine: 3.1 },
    silent: { creatinine: 0.8 },
    says: ['fondaparinux', /Creatinine clearance \d+ mL\/min \(Cockcroft-Gault\)\./, 'Do not use.'],
  },
  {
    kind: 'Cross-reaction',
    both: { current: ['cephalexin'] },
    speaks: { allergies: ['penicillin'] },
    silent: { allergies: ['codeine'] },
    says: ['cephalexin', 'Recorded allergy: penicillin, of the class penicillins.'],
  },
  {
    kind: 'Label text',
    both: { current: ['propranolol'], dx_system: 'ICD-10-CM' },
    speaks: { dx: ['J45.909'] },
    silent: { dx: ['I10'] },
    says: ['propranolol', 'Read the label text', /asthma/i],
  },
  {
    kind: 'Interaction',
    speaks: { current: ['warfarin', 'fluconazole'] },
    silent: { current: ['warfarin', 'metformin'] },
    says: ['fluconazole + warfarin'],
  },
];

function records(): string {
  const visits = CASES.flatMap(({ kind, both, speaks, silent }) =>
    [speaks, silent].map((own, index) => ({
      visit: `${kind}-${index}`,
      patient: kind,
      name: `Case ${kind}`,
      date: index === 0 ? '2024-05-02' : '2024-06-02',
      age: 50,
      sex: 'M',
      dx_system: 'ICD-10-CM',
      dx: ['I10'],
      creatinine: 1,
      ...both,
      ...own,
    })),
  );
  return visits.map((visit) => JSON.stringify(visit)).join('\n');
}

async function importCases(page: Page): Promise<void> {
  await importPicked(page);
  await page.getByRole('button', { name: 'Done' }).click();
}

const checks = (page: Page) => page.getByRole('region', { name: 'Checks' });
const answered = (page: Page) => expect(page.getByTestId('check-summary')).not.toHaveText('checking…');

test('each kind of check speaks on its case and is silent on the same patient without it', async ({
  launch,
}) => {
  test.setTimeout(240_000);
  const file = join(temporaryFolder(), 'visits.jsonl');
  writeFileSync(file, records());
  const { page, log } = await launch({ env: { FLAME_E2E_IMPORT_FILE: file } });
  await importCases(page);
  for (const { kind, says } of CASES) {
    await openVisit(page, `Case ${kind}`, '2 May 2024');
    await answered(page);
    const found = checks(page)
      .getByRole('listitem')
      .filter({ hasText: says[0] as string });
    for (const words of says) await expect(found.filter({ hasText: words }).first(), kind).toBeVisible();
    await found.first().getByText('Why and source').click();
    await expect(found.first().locator('details'), kind).toContainText(/rule|label|table|entry/i);
    await openVisit(page, `Case ${kind}`, '2 Jun 2024');
    await answered(page);
    await expect(found, kind).toHaveCount(0);
  }
  expect(log.filter((line) => /page error/.test(line))).toEqual([]);
});

/** The built app with a table of rules that passes its hash and lacks the rules of age: a defect that only shows in use. */
function appWithoutAgeRules(): string {
  const root = join(temporaryFolder(), 'app');
  mkdirSync(root);
  for (const part of ['package.json', 'out', 'resources'])
    cpSync(join(ROOT, part), join(root, part), { recursive: true });
  for (const part of ['models', 'node_modules']) symlinkSync(join(ROOT, part), join(root, part));
  const folder = join(root, 'resources/knowledge');
  const rules = JSON.parse(readFileSync(join(folder, 'patient-rules.json'), 'utf8')) as object;
  const text = JSON.stringify({ ...rules, age: null });
  writeFileSync(join(folder, 'patient-rules.json'), text);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  const tables = manifest.tables.map((table) =>
    table.file === 'patient-rules.json'
      ? { ...table, sha256: createHash('sha256').update(text).digest('hex') }
      : table,
  );
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, tables }));
  return root;
}

test('a check that breaks off and a drug that no table covers are said, and the other checks answer', async ({
  launch,
}) => {
  const file = join(temporaryFolder(), 'visits.jsonl');
  const visit = { patient: 'p', name: 'Case Broken', sex: 'M', age: 50, dx_system: 'ICD-10-CM', dx: ['I10'] };
  const visits = [
    {
      ...visit,
      visit: 'v-0',
      date: '2024-05-02',
      current: ['warfarin', 'fluconazole', 'carboxymethylcellulose'],
    },
    { ...visit, visit: 'v-1', date: '2024-06-02', current: ['warfarin'] },
  ];
  writeFileSync(file, visits.map((one) => JSON.stringify(one)).join('\n'));
  const { page } = await launch({ root: appWithoutAgeRules(), env: { FLAME_E2E_IMPORT_FILE: file } });
  await importCases(page);
  await openVisit(page, 'Case Broken', '2 May 2024');
  await answered(page);
  const broken = checks(page).getByText('the check broke off, so nothing is known from it', { exact: false });
  await expect(broken).toHaveCount(1);
  await expect(broken).toContainText('Age');
  await expect(checks(page).getByRole('list', { name: 'Findings to act on' })).toContainText(
    'fluconazole + warfarin',
  );
  await checks(page).getByText('What the checks cannot tell').click();
  const uncovered = checks(page).getByText('no interaction table names the drug', { exact: false });
  await expect(uncovered).toContainText('carboxymethylcellulose');
  await openVisit(page, 'Case Broken', '2 Jun 2024');
  await answered(page);
  await expect(uncovered).toHaveCount(0);
});
