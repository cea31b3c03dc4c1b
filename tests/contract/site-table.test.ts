/** A site's own interaction table through the contract: preview, use, obeyed by the next recommendation, kept, removed. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asId, type DrugId, type VisitId } from '../../src/shared/ids.ts';
import { selectGridPoint } from '../../src/shared/recommendation.ts';
import { signedInput } from './deciding.ts';
import { importRecords, startEngine, TestFolders, type TestEngine } from './engine.ts';

let folders: TestFolders;
let running: TestEngine;
let visitId: VisitId;
const drug = (name: string): DrugId => asId<DrugId>(name);

const HEADING = 'ingredient a,ingredient b,severity,mechanism,management,source,overrules\n';

beforeEach(async () => {
  folders = new TestFolders();
  running = await startEngine(folders);
  const record = { visit: 'v', patient: 'p', name: 'Site Patient', date: '2008-05-05', age: 62, sex: 'F' };
  const visits = await importRecords(running, folders, [
    {
      ...record,
      dx_system: 'ICD-10-CM',
      dx: ['E11.9', 'I10'],
      chronic: ['DIABETES', 'HTN'],
      current: ['omeprazole'],
    },
  ]);
  visitId = visits.get('Site Patient')!;
}, 60_000);
afterEach(async () => {
  await running.stop();
  folders.remove();
});

async function pick(rows: string): Promise<string> {
  const path = join(folders.base, 'house.csv');
  writeFileSync(path, HEADING + rows);
  const grant = `table-${Math.random()}`;
  await running.shell.call('files.grant', { grant, path });
  return grant;
}

async function use(rows: string) {
  const { engine } = running;
  const grant = await pick(rows);
  const preview = await engine.call('siteTable.preview', { grant });
  return { preview, summary: await engine.call('siteTable.import', { grant, sha256: preview.sha256 }) };
}

/** What leaves names the table: the warning by its source, the decision by the version of the tables. */
async function expectExported(version: string): Promise<void> {
  const { engine, shell } = running;
  const scope = { from: null, to: null, demo: false, patientId: null, passphrase: null };
  for (const [format, words] of [
    ['fhir-ndjson', ['"display":"Committee 2026 (house.csv)"', '"code":"site-table"', version]],
    ['json', ['Committee 2026 (house.csv)', version]],
    ['csv-decisions', [version]],
  ] as const) {
    const path = join(folders.base, `site.${format}`);
    await shell.call('files.grant', { grant: format, path, purpose: 'write' });
    await engine.call('exports.write', { ...scope, format, grant: format });
    const text = readFileSync(path, 'utf8');
    for (const word of words) expect(text).toContain(word);
  }
}

test('the next recommendation, its checks, its decision and the log obey and name the table; a restart keeps it', async () => {
  const { engine } = running;
  const before = await engine.call('recommend', { visitId });
  expect(before.grid.some(({ list }) => list.includes(drug('metformin')))).toBe(true);

  const { preview, summary } = await use(
    'metformin,Prilosec,4,absorbed less,use another PPI,Committee 2026,\nWundermittel,warfarin,3,,,,\nx,,3,,,,\n',
  );
  expect(preview).toMatchObject({
    rowsRead: 3,
    rowsUsed: 1,
    pairs: 1,
    added: { count: 1, shown: [{ before: 0, after: 4, stated: 4, reason: null }] },
    unresolved: { count: 1, shown: [{ name: 'Wundermittel', count: 1 }] },
    refused: { count: 1, shown: [{ line: 4, problem: 'ingredient b is empty' }] },
  });
  expect(summary).toMatchObject({ name: 'house.csv', rows: 2, pairs: 1, unresolvedRows: 1 });

  const reply = await engine.call('recommend', { visitId });
  const mark = `+site-${summary.sha256.slice(0, 8)}`;
  expect(reply.knowledgeVersion).toBe(`${before.knowledgeVersion}${mark}`);
  expect((await engine.call('app.status', {})).knowledgeVersion).toBe(reply.knowledgeVersion);
  expect(reply.grid.some(({ list }) => list.includes(drug('metformin')))).toBe(false);
  const metformin = reply.candidates.find((candidate) => candidate.drug.id === 'metformin');
  expect(metformin?.exclusions).toContainEqual({ kind: 'contraindicated-pair', with: 'omeprazole' });
  const pair = reply.interactions.find(({ a, b }) => a === 'metformin' && b === 'omeprazole');
  expect(pair?.sources).toMatchObject([{ source: 'site-table', mechanism: 'absorbed less' }]);
  const { findings } = await engine.call('visits.check', { visitId, drugs: [drug('metformin')] });
  expect(findings).toContainEqual(
    expect.objectContaining({ check: 'interactions', severity: 4, drugs: ['metformin', 'omeprazole'] }),
  );

  // What was recommended before the table cannot be signed any more; what was made with it can, and names it.
  await expect(engine.call('decisions.save', await signedInput(running, before))).rejects.toMatchObject({
    code: 'RECOMMENDATION_STALE',
  });
  const again = await engine.call('recommend', { visitId });
  const input = await signedInput(running, again, { added: [drug('metformin')] });
  const decision = await engine.call('decisions.save', input);
  expect(decision.knowledgeVersion).toBe(reply.knowledgeVersion);
  expect(decision.interactions.flatMap(({ sources }) => sources)).toContainEqual(
    expect.objectContaining({ source: 'site-table', citation: 'Committee 2026 (house.csv)' }),
  );
  expect(findings.flatMap((one) => (one.state === 'found' ? one.sources : []))).toContainEqual(
    expect.objectContaining({ citation: 'Committee 2026 (house.csv) (site-table)' }),
  );
  await expectExported(reply.knowledgeVersion);

  await running.stop();
  running = await startEngine(folders);
  expect((await running.engine.call('siteTable.get', {})).table).toEqual(summary);
  expect((await running.engine.call('recommend', { visitId })).knowledgeVersion).toBe(reply.knowledgeVersion);

  await running.engine.call('siteTable.remove', {});
  expect((await running.engine.call('siteTable.get', {})).table).toBeNull();
  const after = await running.engine.call('recommend', { visitId });
  expect(after.knowledgeVersion).toBe(before.knowledgeVersion);
  expect(selectGridPoint(after.grid, 0).list.length).toBeGreaterThan(0);
  const { entries } = await running.engine.call('audit.list', {
    filter: { group: 'changes', actor: null, patientId: null, from: null, to: null },
    before: null,
    limit: 10,
  });
  expect(entries.map(({ action }) => action)).toEqual(
    expect.arrayContaining(['site-table.imported', 'site-table.removed']),
  );
}, 120_000);

test('nothing changes when a file is refused, was changed after its preview, or names no drug', async () => {
  const { engine } = running;
  const version = (await engine.call('app.status', {})).knowledgeVersion;
  const grant = await pick('metformin,omeprazole,4,,,,\n');
  const preview = await engine.call('siteTable.preview', { grant });
  writeFileSync(join(folders.base, 'house.csv'), `${HEADING}metformin,omeprazole,1,,,,\n`);
  await expect(engine.call('siteTable.import', { grant, sha256: preview.sha256 })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
  await expect(use('nobody,nothing,4,,,,\n')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  await expect(engine.call('siteTable.remove', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect((await engine.call('siteTable.get', {})).table).toBeNull();
  expect((await engine.call('app.status', {})).knowledgeVersion).toBe(version);
}, 60_000);

test('a preview tells lowered pairs with their reason apart from those that only state less', async () => {
  const { preview } = await use('warfarin,fluconazole,1,,,,daily INR here\nwarfarin,aspirin,1,,,,\n');
  expect(preview.lowered).toMatchObject({ count: 1, shown: [{ after: 1, reason: 'daily INR here' }] });
  expect(preview.below).toMatchObject({ count: 1, shown: [{ stated: 1, reason: null }] });
  expect(preview.below.shown[0]!.after).toBe(preview.below.shown[0]!.before);
}, 60_000);
