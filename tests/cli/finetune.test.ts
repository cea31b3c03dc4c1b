/** `flame finetune` as a script runs it, on a small pack: the report, a refusal, full fine-tuning, the files to train elsewhere. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readVisitFile } from '../../src/flame/corpus.ts';
import type { LocalManifest } from '../../src/flame/local/local-model.ts';
import { trainTinyPack } from '../../src/flame/testing/tiny-pack.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import type { VisitRecord } from '../../src/shared/domain.ts';
import type { DataReport } from '../../src/shared/finetune.ts';
import { flame, flameJson, type ErrorDocument } from './flame.ts';

vi.setConfig({ testTimeout: 300_000 });

const ROOT = resolve(import.meta.dirname, '../..');
const VISITS = 70;
let folder: string;
let site: string;
let env: Record<string, string>;

function fileOf(name: string, records: readonly VisitRecord[]): string {
  const path = join(folder, name);
  writeFileSync(path, records.map((record) => JSON.stringify(record)).join('\n'));
  return path;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flame-cli-finetune-'));
  const patients = new Map<string, VisitRecord[]>();
  for await (const record of readVisitFile(join(ROOT, 'data/sites/mimic-iv-demo.jsonl.gz')))
    patients.set(record.patient!, [...(patients.get(record.patient!) ?? []), record]);
  const records = [...patients.values()].sort((a, b) => a.length - b.length).flat();
  site = fileOf('site.jsonl', records.slice(0, VISITS));
  fileOf('three.jsonl', records.slice(0, 3));
  const models = join(folder, 'models');
  mkdirSync(models);
  await trainTinyPack(join(models, 'tiny'), loadKnowledge(join(ROOT, 'resources/knowledge')));
  env = { FLAME_MODELS: models };
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const finetune = (command: string, ...more: string[]): string[] => [
  'finetune',
  command,
  '--visits',
  site,
  '--pack',
  'tiny',
  ...more,
];

it('reports before anything is trained, and refuses three visits with the reason', async () => {
  const { code, document } = await flameJson<DataReport>(finetune('report'), { env });
  expect(code).toBe(0);
  expect(document.refusals).toEqual([]);
  const few = ['finetune', 'run', '--visits', join(folder, 'three.jsonl'), '--pack', 'tiny'];
  const refused = await flameJson<ErrorDocument>(few, { env });
  expect(refused.code).toBe(1);
  expect(refused.document.error.code).toBe('FINETUNE_REFUSED');
});

it('trains every weight under the expert profile, and writes a model with its measurement', async () => {
  const out = join(folder, 'ward');
  const { code, document } = await flameJson<LocalManifest>(
    finetune('run', '--profile', 'full', '--model', 'Ward 3', '--out', out),
    { env },
  );
  expect(code).toBe(0);
  expect(document).toMatchObject({ name: 'Ward 3', classifier: 'full', training: { profile: 'full' } });
  expect(document.evaluation!.rows.map(({ model }) => model)).toEqual(
    expect.arrayContaining(['before', 'after']),
  );
  expect(readdirSync(out)).toEqual(expect.arrayContaining(['manifest.json', 'model.safetensors']));
  expect(existsSync(join(out, 'adapter_model.safetensors'))).toBe(false);
});

it('writes what a cluster trains on, and never over a folder that exists', async () => {
  const to = join(folder, 'elsewhere');
  expect((await flame(finetune('export', '--to', to), { env })).code).toBe(0);
  expect(readFileSync(join(to, 'trl-train.jsonl'), 'utf8')).toContain('Add:');
  expect((await flame(finetune('export', '--to', to), { env })).code).toBe(1);
});
