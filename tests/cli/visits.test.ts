import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { VisitEvaluation } from '../../src/flame/evaluation/evaluate-visits.ts';
import { writeUntrainedText } from '../../src/flame/text/testing.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import type { ImportReport } from '../../src/shared/import-api.ts';
import type { Recommendation } from '../../src/shared/recommendation.ts';
import { flame, flameJson, type ErrorDocument } from './flame.ts';

// Every test starts several processes, each with its own tables and model; a busy machine needs minutes.
vi.setConfig({ testTimeout: 300_000 });

const root = resolve(import.meta.dirname, '../..');
let folder: string;
let corpus: string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flame-cli-'));
  const text = gunzipSync(readFileSync(join(root, 'data/visits/namcs-2016.jsonl.gz'))).toString('utf8');
  corpus = text.split('\n').slice(0, 400);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const VISIT = {
  visit: 'v1',
  year: 2024,
  age: 74,
  sex: 'F',
  dx_system: 'ICD-10-CM',
  dx: ['I48.91', 'I10'],
  chronic: ['HTN'],
  current: ['Coumadin'],
  allergies: ['penicillin'],
};

describe('flame recommend', () => {
  it('shows lists along the slider, interactions and exclusions', async () => {
    const path = fileOf('visit.json', JSON.stringify(VISIT, null, 2));
    const { code, stderr, document } = await flameJson<Recommendation & { notes: string[] }>([
      'recommend',
      path,
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const counts = document.grid.map(({ interactionCount }) => interactionCount);
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
    expect(document.currentMedications.map(({ id }) => id)).toEqual(['warfarin']);
    expect(document.front?.points.length).toBeGreaterThan(1);
    expect(document.notes).toEqual([]);

    const shown = await flame(['recommend', path]);
    expect(shown.stdout).toContain('Taken already: warfarin');
    expect(shown.stdout).toContain('warfarin: taken already');
    expect(shown.stdout).toContain('Not a medical device.');
  });

  it('takes one line from standard input, ignores its drugs aloud, and warns of an unknown code', async () => {
    const line = JSON.stringify({
      ...VISIT,
      dx: ['I10', 'ZZ99'],
      drugs: ['lisinopril'],
      current: ['notadrug'],
    });
    const { code, document } = await flameJson<Recommendation & { notes: string[] }>(['recommend', '-'], {
      input: `${line}\n`,
    });
    expect(code).toBe(0);
    expect(document.warnings).toContainEqual({ kind: 'unknown-codes', codes: ['ZZ99'] });
    expect(document.notes.join(' ')).toMatch(/were ignored.*notadrug/);
  });

  it('names the line that is malformed', async () => {
    const broken = fileOf('broken.json', '{\n  "visit": "v1",\n  "age": 74,,\n}\n');
    const notJson = await flameJson<ErrorDocument>(['recommend', broken]);
    expect(notJson.code).toBe(1);
    expect(notJson.document.error).toMatchObject({ code: 'INVALID_INPUT' });
    expect(notJson.document.error.title).toContain('broken.json, line 3: is not JSON');
    const wrong = await flame(['recommend', fileOf('wrong.json', JSON.stringify({ ...VISIT, age: 'old' }))]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('age must be');
    const two = await flame(['recommend', fileOf('two.jsonl', `${corpus[0]!}\n${corpus[1]!}\n`)]);
    expect(two.code).toBe(1);
    expect(two.stderr).toContain('holds 2 visits, not all of one patient; name the one that is meant');
    expect((await flame(['recommend', join(folder, 'nowhere.json')])).code).toBe(1);
  });
});

describe('flame evaluate', () => {
  it('reports every metric under its protocol', async () => {
    const path = fileOf('visits.jsonl.gz', gzipSync(corpus.join('\n')));
    const { code, document } = await flameJson<VisitEvaluation>([
      'evaluate',
      '--visits',
      path,
      '--alpha',
      '1',
    ]);
    expect(code).toBe(0);
    expect(document.visits).toBe(400);
    expect(document.evaluated).toBeGreaterThan(100);
    expect(document.protocol).toMatchObject({ corpus: 'visits.jsonl.gz', severityCut: 2 });
    for (const { jaccard, intervals } of [document.threshold!, document.expectedJaccard]) {
      expect(jaccard).toBeGreaterThan(0.05);
      expect(intervals.jaccard.low).toBeLessThanOrEqual(jaccard);
      expect(intervals.jaccard.high).toBeGreaterThanOrEqual(jaccard);
    }
    expect(document.decoded).toMatchObject({ alpha: 1, ddiRate: 0, ddiRatePooled: 0 });
    expect(document.truth.ddiRate).toBeGreaterThan(0);

    const shown = await flame(['evaluate', '--visits', path]);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain(`formulary of ${document.protocol.formularySize} drugs`);
    expect(shown.stdout).toContain(document.protocol.interactionTable);
  });

  it('measures a text model too, without the threshold that it does not have', async () => {
    const models = join(folder, 'models');
    mkdirSync(models);
    await writeUntrainedText(join(models, 'ward-text'), loadKnowledge(join(root, 'resources/knowledge')));
    const own = readFileSync(join(models, 'ward-text.jsonl'), 'utf8').split('\n');
    const few = fileOf('few.jsonl', own.slice(0, 12).join('\n'));
    const { code, document } = await flameJson<VisitEvaluation>(
      ['evaluate', '--visits', few, '--pack', 'ward-text', '--alpha', '1'],
      { env: { FLAME_MODELS: models } },
    );
    expect(code).toBe(0);
    expect(document.threshold).toBe(null);
    expect(document.evaluated).toBeGreaterThan(0);
    expect(document.prauc).toBeGreaterThan(0);
    expect(document.decoded).toMatchObject({ alpha: 1, ddiRate: 0 });
  });

  it('refuses a file with one bad line, and names it', async () => {
    const lines = corpus.slice(0, 10).with(6, '{"visit": "x"');
    const { code, document } = await flameJson<ErrorDocument>([
      'evaluate',
      '--visits',
      fileOf('bad.jsonl', lines.join('\n')),
    ]);
    expect(code).toBe(1);
    expect(document.error.title).toContain('bad.jsonl, line 7');
    expect((await flame(['evaluate', '--visits', fileOf('empty.jsonl', '')])).code).toBe(1);
    expect((await flame(['evaluate', '--visits', 'x', '--alpha', 'much'])).code).toBe(2);
  });
});

describe('flame models', () => {
  it('lists and verifies the shipped pack, and refuses a damaged one', async () => {
    const listed = await flameJson<{ name: string }[]>(['models', 'list']);
    expect(listed.document.map(({ name }) => name)).toContain('flame-namcs');
    expect(await flame(['models', 'verify'])).toMatchObject({ code: 0, stderr: '' });

    const models = join(folder, 'models');
    cpSync(join(root, 'models'), models, { recursive: true });
    const weights = join(models, 'flame-namcs/model.safetensors');
    const bytes = readFileSync(weights);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(weights, bytes);
    const env = { FLAME_MODELS: models };
    const verified = await flameJson<ErrorDocument>(['models', 'verify'], { env });
    expect(verified.code).toBe(1);
    expect(verified.document.error).toMatchObject({ code: 'MODEL_PACK_CORRUPT' });
    const path = fileOf('visit.json', JSON.stringify(VISIT));
    const recommended = await flameJson<ErrorDocument>(['recommend', path], { env });
    expect(recommended.code).toBe(1);
    expect(recommended.document.error).toMatchObject({ code: 'MODEL_PACK_CORRUPT' });
    expect(recommended.document.error.title).toContain('model.safetensors');
    expect(recommended.document.error.action).not.toBe('');
    expect((await flame(['recommend', path, '--pack', 'none'])).stderr).toContain('none');
  });
});

describe('flame import', () => {
  it('stores good lines, names bad ones, can be repeated, and says what is wrong with a profile', async () => {
    const profile = join(folder, 'profile');
    const good = fileOf('good.jsonl', corpus.slice(0, 50).join('\n'));
    const first = await flameJson<ImportReport>(['import', good, '--profile', profile]);
    expect(first.code).toBe(0);
    expect(first.document).toMatchObject({ visitsCreated: 50, refusedCount: 0 });
    const again = await flameJson<ImportReport>(['import', good, '--profile', profile]);
    expect(again.document).toMatchObject({ visitsCreated: 0, visitsSkipped: 50 });

    const mixed = fileOf('mixed.jsonl', [corpus[60], 'nonsense', corpus[61]].join('\n'));
    const partly = await flame(['import', mixed, '--profile', profile]);
    expect(partly.code).toBe(1);
    expect(partly.stdout).toContain('line 2: is not JSON');
    expect(partly.stdout).toContain('2 visits');
    const useless = await flameJson<ErrorDocument>([
      'import',
      fileOf('none.jsonl', 'nonsense'),
      '--profile',
      profile,
    ]);
    expect(useless.code).toBe(1);
    expect(useless.document.error.code).toBe('IMPORT_EMPTY');

    const key = join(profile, 'device.key');
    const kept = readFileSync(key);
    writeFileSync(key, `${'0'.repeat(96)}\n`);
    const wrongKey = await flameJson<ErrorDocument>(['import', good, '--profile', profile]);
    expect(wrongKey.code).toBe(1);
    expect(wrongKey.document.error.code).toBe('STORE_KEY_WRONG');
    writeFileSync(key, kept);

    truncateSync(join(profile, 'flame.db'), 9000);
    const truncated = await flameJson<ErrorDocument>(['import', good, '--profile', profile]);
    expect(truncated.code).toBe(1);
    expect(truncated.document.error.code).toBe('STORE_CORRUPT');
    expect(truncated.stderr).toContain('Restore the newest backup');
  });
});
