import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { withEarlierVisits } from '../engine/store/earlier-visits.ts';
import { noTitles, withStore } from '../engine/store/testing.ts';
import { listVisits, getVisit } from '../engine/store/visits.ts';
import { findPatientBySource } from '../engine/store/patients.ts';
import { importInto } from '../../tests/importers/importing.ts';
import { shippedKnowledge } from '../knowledge/fixture.ts';
import { readOneVisit, readVisitWithHistory } from './visit-file.ts';

const knowledge = shippedKnowledge();
const folder = mkdtempSync(join(tmpdir(), 'flame-visits-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NOW = { visit: 'now', patient: 'a', date: '2024-05-01', age: 70, sex: 'F', dx: [] };
const LINES = [
  { ...NOW, visit: 'long ago', date: '2020-02-29', age: 66, drugs: ['Coumadin', 'metformin'] },
  { ...NOW, drugs: ['aspirin'] },
  { ...NOW, visit: 'same day', date: '2023-01-01', age: 69, drugs: ['furosemide'] },
  { ...NOW, visit: 'and again', date: '2023-01-01', age: 69, drugs: ['lisinopril'] },
  { ...NOW, visit: 'nothing', date: '2023-02-01', age: 69, drugs: [] },
  { ...NOW, visit: 'open', date: '2023-03-01', age: 69 },
];
const STRANGERS = [
  { ...NOW, visit: 'year only', date: undefined, year: 2022, age: 68, drugs: ['digoxin'] },
  { ...NOW, visit: 'another', patient: 'b', date: '2023-04-01', drugs: ['digoxin'] },
];

function fileOf(...records: readonly object[]): string {
  const path = join(folder, 'visits.jsonl');
  writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return path;
}

test('a file of one patient gives the last visit, looking back as the store does on the same visits', async () => {
  const path = fileOf(...LINES);
  const { record, content } = readVisitWithHistory(path, knowledge);
  expect(record.visit).toBe('now');
  expect(content.context.earlierVisits).toEqual([
    { drugs: ['lisinopril'], daysAgo: 486 },
    { drugs: ['furosemide'], daysAgo: 486 },
    { drugs: ['warfarin', 'metformin'], daysAgo: 1523 },
  ]);
  await withStore(async (profile) => {
    await importInto(profile, path);
    const { db } = profile;
    const patient = findPatientBySource(db, 'a', false)!;
    const stored = listVisits(db, patient.id, noTitles).map(({ id }) => getVisit(db, id));
    const same = stored.find(({ sourceId }) => sourceId === 'now')!;
    expect(withEarlierVisits(db, same).context.earlierVisits).toEqual(content.context.earlierVisits);
  });
});

test('visits of others, and those of an unknown day, are no history; which visit is meant has to be clear', () => {
  const path = fileOf(...LINES, ...STRANGERS);
  expect(() => readVisitWithHistory(path, knowledge)).toThrow(/not all of one patient/);
  const named = readVisitWithHistory(path, knowledge, 'now');
  expect(named.content.context.earlierVisits).toHaveLength(3);
  expect(readVisitWithHistory(path, knowledge, 'another').content.context.earlierVisits).toEqual([]);
  expect(readVisitWithHistory(path, knowledge, 'year only').content.context.earlierVisits).toEqual([]);
  expect(() => readVisitWithHistory(path, knowledge, 'nobody')).toThrow(/holds no visit nobody/);
  expect(() => readVisitWithHistory(fileOf(...LINES, STRANGERS[0]!), knowledge)).toThrow(/not clear which/);
  expect(() => readVisitWithHistory(fileOf(LINES[2]!, LINES[3]!), knowledge)).toThrow(/not clear which/);
  expect(() => readVisitWithHistory(fileOf(NOW, NOW), knowledge)).toThrow(/the visit now twice/);
  expect(() => readVisitWithHistory(fileOf(NOW, { ...NOW, age: 'old' }), knowledge)).toThrow(/line 2: age/);
  expect(() => readOneVisit(fileOf(...LINES), knowledge)).toThrow(/holds 6 visits; give one at a time/);
});
