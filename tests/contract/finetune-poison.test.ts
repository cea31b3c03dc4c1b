/** Training sets that teach nothing or harm, through the whole job: refused with the reason, or barred by its gates. */

import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readVisitFile } from '../../src/flame/corpus.ts';
import { SHIPPED_PACK } from '../../src/flame/model-pack.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import { Random } from '../../src/nn/random.ts';
import type { VisitRecord } from '../../src/shared/domain.ts';
import {
  DEFAULT_SETTINGS,
  type FinetuneSelection,
  type FinetuneSettings,
  type Refusal,
} from '../../src/shared/finetune.ts';
import type { JobDetail } from '../../src/shared/finetune-api.ts';
import { asId, type ModelId } from '../../src/shared/ids.ts';
import { importRecords, startEngine, type TestEngine, TestFolders } from './engine.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const QUICK: FinetuneSettings = { ...DEFAULT_SETTINGS, profile: 'quick' };
const LONG = 900_000;
const VISITS = 70;
const DRUGS = ['lisinopril', 'metformin', 'aspirin', 'atorvastatin', 'omeprazole', 'albuterol', 'sertraline'];
/** Each set stands in a year of its own, which selects it. */
const YEAR = { same: 2001, contraindicated: 2002, three: 2003, random: 2004 } as const;

const during = (year: number): FinetuneSelection => ({
  source: 'both',
  from: `${year}-01-01`,
  to: `${year}-12-31`,
  demo: false,
});

function made(year: number, count: number, drugs: (i: number) => readonly string[]): object[] {
  return Array.from({ length: count }, (_, i) => ({
    visit: `${year}-${i}`,
    patient: `${year}-p${i % 40}`,
    date: `${year}-${String(1 + (i % 12)).padStart(2, '0')}-10`,
    age: 40 + (i % 40),
    sex: i % 2 === 0 ? 'F' : 'M',
    dx_system: 'ICD-9-CM',
    dx: i % 3 === 0 ? ['4019'] : ['25000'],
    drugs: drugs(i),
  }));
}

/** Real admissions, the lists dealt out anew among them: what is learnt is how often drugs are used, not for whom. */
async function shuffledLists(): Promise<object[]> {
  const records: VisitRecord[] = [];
  const patients = new Map<string, VisitRecord[]>();
  for await (const record of readVisitFile(join(ROOT, 'data/sites/mimic-iv-demo.jsonl.gz')))
    patients.set(record.patient!, [...(patients.get(record.patient!) ?? []), record]);
  for (const own of [...patients.values()].sort((a, b) => a.length - b.length)) records.push(...own);
  const chosen = records.slice(0, VISITS);
  const order = Random.for(1, 'lists').shuffle(Uint32Array.from({ length: VISITS }, (_, i) => i));
  return chosen.map((record, i) => ({
    ...record,
    year: YEAR.random,
    date: `${YEAR.random}-${String(1 + (i % 12)).padStart(2, '0')}-15`,
    drugs: chosen[order[i]!]!.drugs,
    current: [],
    previous: [],
  }));
}

describe('a training set that teaches nothing good', { timeout: LONG }, () => {
  const folders = new TestFolders();
  let running: TestEngine;
  beforeAll(async () => {
    running = await startEngine(folders);
    const knowledge = loadKnowledge(join(ROOT, 'resources/knowledge'));
    const worst = [...knowledge.interactions.pairs()].find(({ severity }) => severity === 4)!;
    const varied = (i: number): string[] => DRUGS.filter((_, k) => (i * 7 + k * 3) % 5 < 2);
    await importRecords(running, folders, [
      ...made(YEAR.same, 120, () => DRUGS.slice(0, 5)),
      ...made(YEAR.contraindicated, 120, (i) => [...varied(i), worst.a, worst.b]),
      ...made(YEAR.three, 3, varied),
      ...(await shuffledLists()),
    ]);
  }, LONG);
  afterAll(async () => {
    await running.stop();
    folders.remove();
  }, LONG);

  it.each<[string, number, Refusal]>([
    ['one and the same list', YEAR.same, 'same-lists'],
    ['lists full of contraindicated pairs', YEAR.contraindicated, 'contraindicated-pairs'],
    ['three visits', YEAR.three, 'too-few-visits'],
  ])('%s: refused with the reason, and nothing is queued', async (_what, year, reason) => {
    const selection = during(year);
    const report = await running.engine.call('finetune.report', { selection, settings: QUICK });
    expect(report.refusals.map((refusal) => refusal.reason)).toContain(reason);
    const start = running.engine.call('finetune.start', { name: 'Poisoned', selection, settings: QUICK });
    await expect(start).rejects.toMatchObject({
      code: 'FINETUNE_REFUSED',
      details: { problem: expect.stringContaining(report.refusals[0]!.reason) as string },
    });
    expect((await running.engine.call('finetune.list', {})).jobs).toEqual([]);
  });

  it('random lists: trained, fails its gates, and no way leads to its use', async () => {
    const selection = during(YEAR.random);
    const { id: jobId } = await running.engine.call('finetune.start', {
      name: 'Random',
      selection,
      settings: QUICK,
    });
    let job: JobDetail;
    do {
      await new Promise((go) => setTimeout(go, 100));
      job = await running.engine.call('finetune.get', { jobId });
    } while (job.state === 'queued' || job.state === 'running');
    expect(job).toMatchObject({ state: 'evaluated', error: null });
    const failed = job.evaluation!.gates.filter(({ passed }) => !passed).map(({ gate }) => gate);
    expect(failed).toContain('uses-the-visit');
    // Evaluated is not promoted: the shipped model goes on.
    const model = asId<ModelId>(`local/trained-${jobId}`);
    const refused = { code: 'MODEL_GATES_FAILED', details: { name: 'Random', gates: failed.join(', ') } };
    await expect(running.engine.call('finetune.promote', { jobId })).rejects.toMatchObject(refused);
    await expect(running.engine.call('models.use', { model })).rejects.toMatchObject(refused);
    const status = await running.engine.call('app.status', {});
    expect(status).toMatchObject({ modelId: `shipped/${SHIPPED_PACK}`, modelFallback: null });
    const { history } = await running.engine.call('models.list', {});
    expect(history).toEqual([]);
    const visitId = job.examples[0]!.visitId;
    const { model: used } = await running.engine.call('recommend', { visitId });
    expect(used.name).toBe(SHIPPED_PACK);
    await running.engine.call('finetune.reject', { jobId });
    expect(readdirSync(join(folders.profile, 'models'))).toEqual([]);
  });
});
