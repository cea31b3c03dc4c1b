/** Worklist and overview in real Electron: what waits is opened from the start page; figures equal those counted by hand. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { findingsToOverride, NO_USE } from '../../src/shared/decision.ts';
import { findingKey } from '../../src/shared/findings.ts';
import { asId, type DecisionId, type DrugId, type VisitId } from '../../src/shared/ids.ts';
import { localDate } from '../../src/shared/local-date.ts';
import { selectGridPoint } from '../../src/shared/recommendation.ts';
import { expect, temporaryFolder, test } from './app.ts';
import { ask, importPicked, patientRows, recommend } from './workspace.ts';

const VISITS = 12;
const TODAY = localDate(new Date());

/** Visits of twelve patients of the site; the first is dated today. */
function importFile(): string {
  const file = join(temporaryFolder(), 'visits.jsonl');
  const records = Array.from({ length: VISITS }, (_, index) => ({
    visit: `v${index}`,
    patient: `p${index}`,
    name: `Counted Patient ${index}`,
    date: index === 0 ? TODAY : `2024-05-${String(index).padStart(2, '0')}`,
    age: 60 + index,
    sex: index % 2 === 0 ? 'F' : 'M',
    dx_system: 'ICD-10-CM',
    dx: index % 3 === 0 ? ['I10', 'E11.9'] : ['I48.91', 'I50.9'],
    current: ['warfarin'],
  }));
  writeFileSync(file, records.map((record) => JSON.stringify(record)).join('\n'));
  return file;
}

async function importVisits(page: Page): Promise<void> {
  await importPicked(page);
  await page.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByRole('heading', { name: 'Worklist' })).toBeVisible();
}

async function shots(page: Page, name: string): Promise<void> {
  for (const [width, height] of [
    [1920, 1080],
    [1280, 800],
  ] as const)
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `test-results/${name}-${width}-${colorScheme}.png` });
      const sideways = await page.locator('main').evaluate((main) => main.scrollWidth - main.clientWidth);
      expect(sideways).toBe(0);
    }
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
}

test('the start page holds what waits, and opens it', async ({ launch }) => {
  test.setTimeout(180_000);
  const { page } = await launch({ env: { FLAME_E2E_IMPORT_FILE: importFile() } });
  await importVisits(page);
  const part = (name: RegExp) => page.getByRole('region', { name });
  await expect(part(/^Recommended, not decided/)).toContainText('Nothing waits for a decision.');
  await expect(part(/^Opened last/)).toContainText('No visit was opened yet.');
  await part(/^Visits today \(1\)/)
    .getByRole('button', { name: /^Counted Patient 0/ })
    .click();
  await expect(page.getByRole('heading', { name: 'Diagnoses' })).toBeVisible();

  await page.getByRole('searchbox', { name: 'Search patients' }).fill('Counted Patient 5');
  await expect(patientRows(page)).toHaveCount(1);
  await patientRows(page).getByRole('button').click();
  await recommend(page);
  await page.getByRole('button', { name: 'New patient' }).click();
  await page.getByLabel('Name').fill('Draft Person');
  await page.getByRole('button', { name: 'Flame, to the start' }).click();
  await expect(page.getByRole('region', { name: 'Not saved yet' })).toHaveCount(1);
  await expect(
    part(/^Opened last \(2\)/)
      .getByRole('listitem')
      .first(),
  ).toContainText('Counted Patient 5');
  const waiting = part(/^Recommended, not decided \(1\)/).getByRole('button', { name: /^Counted Patient 5/ });
  await expect(waiting).toContainText('5 May 2024');
  await shots(page, 'worklist');

  await waiting.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Diagnoses' })).toBeVisible();
  await page.getByRole('button', { name: 'Flame, to the start' }).click();
  await page.getByRole('button', { name: 'New patient: Draft Person', exact: true }).click();
  await expect(page.getByLabel('Name')).toHaveValue('Draft Person');
});

test('the overview counts the decisions that were made, and states no rate of fewer than ten', async ({
  launch,
}) => {
  test.setTimeout(240_000);
  const { page } = await launch({ env: { FLAME_E2E_IMPORT_FILE: importFile() } });
  await importVisits(page);
  const { patients } = await ask(page, 'patients.list', { query: 'Counted', limit: 50, offset: 0 });
  expect(patients).toHaveLength(VISITS);

  /** Counted here by hand, decision by decision. */
  const byDrug = new Map<string, { proposed: number; kept: number; added: number }>();
  let severe = 0;
  let rates = 0;
  const decide = async (visitId: VisitId, index: number): Promise<void> => {
    const reply = await ask(page, 'recommend', { visitId });
    const proposed = selectGridPoint(reply.grid, 0).list;
    const removed = index % 2 === 0 ? proposed.slice(0, 1) : [];
    const added = (index % 3 === 0 ? ['ibuprofen', 'fluconazole'] : [])
      .map((drug) => asId<DrugId>(drug))
      .filter((drug) => !proposed.includes(drug));
    const final = [...proposed, ...added].filter((drug) => !removed.includes(drug));
    const taken = reply.currentMedications.map(({ id }) => id);
    const { interactions } = await ask(page, 'interactions.among', { drugs: [...final, ...taken] });
    const alerts = interactions.filter(
      ({ a, b, severity }) => severity >= 3 && (final.includes(a) || final.includes(b)),
    );
    const within = interactions.filter(
      ({ a, b, severity }) => severity >= 2 && final.includes(a) && final.includes(b),
    );
    for (const drug of added) {
      const before = byDrug.get(drug) ?? { proposed: 0, kept: 0, added: 0 };
      byDrug.set(drug, { ...before, added: before.added + 1 });
    }
    for (const drug of proposed) {
      const before = byDrug.get(drug) ?? { proposed: 0, kept: 0, added: 0 };
      const kept = before.kept + (final.includes(drug) ? 1 : 0);
      byDrug.set(drug, { ...before, proposed: before.proposed + 1, kept });
    }
    rates += final.length < 2 ? 0 : within.length / ((final.length * (final.length - 1)) / 2);
    const { findings } = await ask(page, 'visits.check', { visitId, drugs: final });
    const warned = findingsToOverride(findings, { list: final, current: taken, pairs: interactions });
    severe += alerts.length + warned.length;
    await ask(page, 'decisions.save', {
      id: asId<DecisionId>(`decision-${index}`),
      visitId,
      recommendationId: reply.id,
      alpha: 0,
      chosen: final.map((drug) => ({
        drug,
        verdict: added.includes(drug) ? ('added' as const) : ('accepted' as const),
        use: NO_USE,
      })),
      rejected: removed.map((drug) => ({ drug, reason: null, note: '' })),
      findingOverrides: warned.map((finding) => ({
        finding: findingKey(finding),
        reason: 'will-monitor' as const,
        note: '',
      })),
      signature: { name: 'Ada Example', role: '' },
      amendment: null,
      overrides: alerts.map(({ a, b, severity }) => ({
        a,
        b,
        severity,
        reason: 'will-monitor' as const,
        note: '',
      })),
      comment: '',
    });
  };
  for (const [index, { lastVisitId }] of patients.slice(0, 9).entries()) await decide(lastVisitId!, index);

  expect(severe).toBeGreaterThan(0); // Otherwise the figures below would all be zero.
  expect(rates).toBeGreaterThan(0);
  await page.getByRole('button', { name: 'Overview' }).click();
  await expect(page.getByText('Few decisions: below 10 no rate is stated.')).toBeVisible();
  const tile = (name: string) => page.locator('dl.tiles > div').filter({ hasText: name });
  await expect(tile('DDI rate of the final lists')).toContainText('too few (n = 9)');

  for (const [index, { lastVisitId }] of patients.slice(9).entries()) await decide(lastVisitId!, 9 + index);
  await page.getByLabel('From', { exact: true }).fill(TODAY);
  await expect(page.getByText('Few decisions')).toHaveCount(0);
  await expect(tile('decisions').first()).toContainText(String(VISITS));
  const percent = (rate: number): string => `${Number((rate * 100).toFixed(rate < 0.1 ? 1 : 0))} %`;
  await expect(tile('DDI rate of the final lists')).toContainText(percent(rates / VISITS));
  await expect(tile('warnings of severity 3 or 4')).toContainText((severe / VISITS).toFixed(2));
  const [proposed, kept] = [...byDrug.values()].reduce(
    ([n, k], drug) => [n + drug.proposed, k + drug.kept],
    [0, 0],
  );
  await expect(tile('of the proposed drugs kept')).toContainText(percent(kept / proposed));

  // Every warning was kept for the same reason.
  const reasons = page.getByRole('figure', { name: 'Reasons for keeping what was warned of' });
  await reasons.getByText('Numbers').click();
  await expect(reasons.getByRole('row').nth(1)).toContainText(String(severe));
  await reasons.getByText('Numbers').click();

  // Every drug's own counts, from the table under the picture.
  const figure = page.getByRole('figure', { name: 'Acceptance by drug' });
  await figure.getByText('Numbers').click();
  const rows = await figure
    .getByRole('row')
    .evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent)));
  const counts = [...byDrug.values()].map(({ proposed: n, kept: k, added }) =>
    [n, k, n - k, added].join(' '),
  );
  expect(
    rows
      .slice(1)
      .map((cells) => cells.slice(1, 5).join(' '))
      .sort(),
  ).toEqual(counts.sort());
  await figure.getByText('Numbers').click();
  await shots(page, 'overview');

  await page.getByLabel('To', { exact: true }).fill('2001-01-01');
  await page.getByLabel('From', { exact: true }).fill('');
  await expect(page.getByText('No decision was saved in this time.')).toBeVisible();
});
