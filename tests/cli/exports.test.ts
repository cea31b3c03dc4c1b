/** `flame export`, `decrypt` and `recommend --site-table` as processes of their own, on a real profile. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Papa from 'papaparse';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { encryptedByPassphrase } from '../../src/engine/exports/age.ts';
import { writeWhole } from '../../src/engine/write-whole.ts';
import type { ExportFormat, ExportReport } from '../../src/shared/export-api.ts';
import type { Recommendation } from '../../src/shared/recommendation.ts';
import { flame, flameJson, type ErrorDocument } from './flame.ts';

// Every test starts several processes; a busy machine needs minutes.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts');

let folder: string;
let profile: string;

const VISIT = {
  age: 74,
  sex: 'F',
  dx_system: 'ICD-10-CM',
  dx: ['I48.91', 'I10'],
  current: ['warfarin'],
  notes: 'planted words',
};
const VISITS = [
  { ...VISIT, visit: 'v1', patient: 'p1', name: 'Ada Planted', date: '2023-05-01', drugs: ['metoprolol'] },
  { ...VISIT, visit: 'v2', patient: 'p1', name: 'Ada Planted', date: '2024-05-01', drugs: [] },
  { ...VISIT, visit: 'v3', patient: 'p2', name: 'Ben Planted', year: 2022, dx: [] },
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flame-cli-'));
  profile = join(folder, 'profile');
  const file = place('visits.jsonl');
  writeFileSync(file, VISITS.map((visit) => JSON.stringify(visit)).join('\n'));
  expect((await flame(['import', file, '--profile', profile])).code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function place(name: string): string {
  return join(folder, name);
}

async function write(
  format: ExportFormat,
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
) {
  const path = place(`${format}${more.length}.out`);
  const args = ['export', path, '--format', format, '--profile', profile, ...more];
  const { code, stderr, document } = await flameJson<ExportReport>(args, { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const bytes = readFileSync(path);
  expect(document).toMatchObject({
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
  return { path, document, text: bytes.toString('utf8') };
}

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('flame export', () => {
  test('FHIR, as lines and as one Bundle, which `flame import` reads back', async () => {
    const { text, document, path } = await write('fhir-ndjson');
    expect(document).toMatchObject({ patients: 2, visits: 3, encrypted: false });
    const types = linesOf(text).map(({ resourceType }) => resourceType);
    expect(types.filter((type) => type === 'Patient')).toHaveLength(2);
    expect(types.filter((type) => type === 'Encounter')).toHaveLength(3);
    expect(types).toHaveLength(document.records);
    const bundle = JSON.parse((await write('fhir-bundle')).text) as { type: string; entry: unknown[] };
    expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'collection' });
    expect(bundle.entry).toHaveLength(document.records);
    const other = ['import', path, '--profile', place('other')];
    expect((await flameJson(other)).document).toMatchObject({
      format: 'fhir',
      visitsCreated: 3,
      patientsCreated: 2,
      refusedCount: 0,
    });
  });

  test('JSON and the visit format hold every visit', async () => {
    const patients = linesOf((await write('json')).text) as { visits: unknown[] }[];
    expect(patients.map(({ visits }) => visits.length)).toEqual([2, 1]);
    const visits = linesOf((await write('visits')).text);
    expect(visits.map(({ visit, patient }) => [visit, patient])).toEqual([
      ['v1', 'p1'],
      ['v2', 'p1'],
      ['v3', 'p2'],
    ]);
  });

  test('CSV of visits and of decisions is read by another reader', async () => {
    const rows = (text: string): Record<string, string>[] =>
      Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true }).data;
    const visits = rows((await write('csv-visits')).text);
    expect(visits.map((row) => row['patient name'])).toEqual(['Ada Planted', 'Ada Planted', 'Ben Planted']);
    const decisions = await write('csv-decisions');
    expect(rows(decisions.text)).toEqual([]);
    expect(decisions.text).toContain('override reason');
  });

  test('the research export names nobody', async () => {
    const { text, document } = await write('research');
    expect(document.records).toBe(3);
    for (const planted of ['Planted', 'planted', '"p1"', '"v1"', '2023-05-01', '2024-05-01'])
      expect(text).not.toContain(planted);
    expect(text).toContain('warfarin');
  });

  test('days and patient limit it; a wrong day, nothing to write and a file that is there are refused', async () => {
    const { document } = await write('visits', ['--from', '2024-01-01', '--to', '2024-12-31']);
    expect(document).toMatchObject({ patients: 1, visits: 1 });
    const path = place('visits4.out');
    const again = await flameJson<ErrorDocument>([
      'export',
      path,
      '--format',
      'visits',
      '--profile',
      profile,
    ]);
    expect(again).toMatchObject({ code: 1, document: { error: { code: 'INVALID_INPUT' } } });
    const none = ['export', place('none.out'), '--format', 'visits', '--profile', profile];
    const nothing = await flameJson<ErrorDocument>([...none, '--from', '2030-01-01']);
    expect(nothing).toMatchObject({ code: 1, document: { error: { code: 'NOT_FOUND' } } });
    expect((await flame([...none, '--from', 'May'])).stderr).toContain('YYYY-MM-DD');
    expect((await flame(['export', place('x'), '--format', 'pdf'])).code).toBe(2);
    expect(readdirSync(folder).filter((name) => name.includes('none') || name.includes('draft'))).toEqual([]);
  });
});

describe('flame decrypt', () => {
  test('gives back what was exported under the passphrase, and nothing under another one', async () => {
    const env = { FLAME_EXPORT_PASSPHRASE: 'correct horse battery' };
    const patient = await firstPatient();
    const plain = await write('json', ['--patient', patient]);
    const { path, text, document } = await write('json', ['--patient', patient, '--encrypt'], env);
    expect(document.encrypted).toBe(true);
    expect(text.startsWith('age-encryption.org/v1\n')).toBe(true);
    expect(text).not.toContain('Planted');
    const clear = place('clear.json');
    expect(await flame(['decrypt', path, clear], { env })).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(clear, 'utf8')).toBe(plain.text);
    const wrong = { FLAME_EXPORT_PASSPHRASE: 'another horse battery' };
    const refused = await flame(['decrypt', path, place('wrong.json')], { env: wrong });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('passphrase is wrong');
    expect((await flame(['decrypt', path, clear], { env })).stderr).toContain('is there already');
    expect((await flame(['decrypt', path, place('no.json')])).stderr).toContain('FLAME_EXPORT_PASSPHRASE');
    expect(readdirSync(folder).filter((name) => /^(?:wrong|no)\.json/.test(name))).toEqual([]);
  });

  test('ended while it writes it leaves nothing; killed, the next one for the same file removes what it left', async () => {
    const env = { ...process.env, FLAME_EXPORT_PASSPHRASE: 'correct horse battery' };
    const [sealed, clear] = [place('long.age'), place('long.json')];
    async function* megabytes(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 96; count += 1) yield await Promise.resolve(Buffer.alloc(1 << 20, count));
    }
    const encrypted = await encryptedByPassphrase(megabytes(), env.FLAME_EXPORT_PASSPHRASE, 4);
    await writeWhole(sealed, encrypted, { book: null });
    const drafts = (): string[] => readdirSync(folder).filter((name) => name.startsWith('long.json.draft-'));
    /** Ends a run in the middle of its draft. */
    const end = async (signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<string> => {
      const child = spawn(process.execPath, [MAIN, 'decrypt', sealed, clear], { env });
      const before = new Set(drafts());
      let said = '';
      child.stderr.on('data', (data: Buffer) => (said += data.toString()));
      const ended = once(child, 'exit');
      const isWriting = (): boolean =>
        drafts().some(
          (name) => !before.has(name) && (statSync(place(name), { throwIfNoEntry: false })?.size ?? 0) > 0,
        );
      while (!isWriting()) {
        expect(child.exitCode).toBeNull();
        await sleep(1);
      }
      child.kill(signal);
      await ended;
      return said;
    };
    expect(await end('SIGTERM')).toContain('Cancelled');
    expect(await end('SIGINT')).toContain('Cancelled');
    expect(drafts()).toEqual([]);
    await end('SIGKILL');
    const [left] = drafts();
    expect(left).toBeDefined();
    // Of a process that lives, and of somebody else: not touched.
    const living = `long.json.draft-${process.pid.toString(16).padStart(8, '0')}abcd`;
    for (const name of [living, 'long.json.draft-mine']) writeFileSync(place(name), 'kept');
    const again = await flame(['decrypt', sealed, clear], { env });
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).toContain(`removed ${place(left!)}`);
    expect(drafts().sort()).toEqual([living, 'long.json.draft-mine'].sort());
    expect(statSync(clear).size).toBe(96 << 20);
  });

  async function firstPatient(): Promise<string> {
    const path = place('ids.json');
    const wish = ['export', path, '--format', 'json', '--profile', profile, '--overwrite'];
    expect((await flame(wish)).code).toBe(0);
    return (linesOf(readFileSync(path, 'utf8'))[0] as { patient: { id: string } }).patient.id;
  }
});

test('recommend --site-table: the site’s pair counts, names its source, and a bad row is told by its line', async () => {
  const visit = place('visit.json');
  writeFileSync(visit, JSON.stringify({ ...VISIT, visit: 'one', year: 2024 }));
  const plain = await flameJson<Recommendation>(['recommend', visit]);
  expect(plain.code).toBe(0);
  const [first] = plain.document.grid[0]!.list;
  const name = plain.document.candidates.find(({ drug }) => drug.id === first)!.drug.name;
  const table = place('site.csv');
  writeFileSync(
    table,
    `ingredient a,ingredient b,severity,effect,source\nwarfarin,${name},X,planted effect,Ward book 7\nwarfarin,${name},loud,,\n`,
  );
  const { code, stderr, document } = await flameJson<Recommendation>([
    'recommend',
    visit,
    '--site-table',
    table,
  ]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/line 3/);
  expect(document.knowledgeVersion).toMatch(/\+site-[0-9a-f]{8}$/);
  for (const { list } of document.grid) expect(list).not.toContain(first);
  const shown = await flame(['check', 'warfarin', name, '--site-table', table]);
  expect(shown.stdout).toContain('4 contraindicated');
  expect(shown.stdout).toContain('Ward book 7');
});
