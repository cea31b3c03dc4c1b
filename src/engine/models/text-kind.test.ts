/** A text model end to end: trained here, opened as any model is, recommending under the same rules, refused when damaged. */
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantisePretrained } from '../../nn/pretrained/quantise.ts';
import { readPretrained } from '../../nn/pretrained/folder.ts';
import { readTextPack, sealTextPack, type TextManifest } from '../../flame/text/pack.ts';
import { TextModel } from '../../flame/text/text-model.ts';
import { trainTinyText } from '../../flame/text/testing.ts';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import { type ClinicalContext, HARD_RULE_SEVERITY, NOT_RECORDED } from '../../shared/domain.ts';
import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import { selectGridPoint } from '../../shared/recommendation.ts';
import type { OpenModel } from '../model.ts';
import { Recommender, type RecommendInput } from '../recommend.ts';
import { kindOf } from './model-kind.ts';

const knowledge = loadKnowledge(resolve(import.meta.dirname, '../../../resources/knowledge'));
const scratch = mkdtempSync(join(tmpdir(), 'flame-text-'));
const folder = join(scratch, 'tiny-text');
const open = (at: string): Promise<OpenModel> =>
  kindOf(at).open(at, {
    knowledge,
    baseFolder: () => {
      throw new Error('stands on nothing');
    },
  });
let manifest: TextManifest;
let model: OpenModel;
const stages: string[] = [];

beforeAll(async () => {
  manifest = await trainTinyText(scratch, knowledge, (stage) => {
    if (stages.at(-1) !== stage) stages.push(stage);
  });
  model = await open(folder);
}, 120_000);
afterAll(async () => {
  await model.close();
  rmSync(scratch, { recursive: true });
});

const CONTEXT: ClinicalContext = {
  year: 2005,
  age: 62,
  sex: 'F',
  setting: 'office',
  specialty: '1',
  reasons: [],
  diagnoses: [{ system: 'ICD-9-CM', code: '4019' }],
  chronic: [],
  procedures: [],
  currentMedications: [],
  previousMedications: [],
};
const visit = (context: Partial<ClinicalContext>, allergies: readonly string[] = []): RecommendInput => ({
  ...NOT_RECORDED,
  id: asId<VisitId>('v'),
  context: { ...CONTEXT, ...context },
  allergies,
});

describe('a text model', () => {
  it('is trained stage by stage and says so', () => {
    expect(stages).toEqual(['reading', 'tokenizer', 'embeddings', 'imitating', 'scoring', 'lists', 'reinforcing']);
    const { summary } = kindOf(folder).describe(folder, () => null);
    expect(summary?.listsWritten).toMatch(/language model/);
    expect(manifest.training.settings['llama.layers']).toBe(1);
    kindOf(folder).check(folder);
  });

  it('has learnt what goes with which diagnosis, from text and embeddings', async () => {
    const best = async (code: string): Promise<DrugId[]> => {
      const { probabilities } = await model.score({ ...CONTEXT, diagnoses: [{ system: 'ICD-9-CM', code }] });
      const ranked = [...model.formulary.keys()].sort((i, j) => probabilities[j]! - probabilities[i]!);
      return ranked.slice(0, 3).map((i) => model.formulary[i]!);
    };
    expect((await best('4019')).sort()).toEqual(['amlodipine', 'hydrochlorothiazide', 'lisinopril']);
    expect((await best('49390')).sort()).toEqual(['albuterol', 'fluticasone', 'montelukast']);
    const scores = await model.scoreEach([CONTEXT, { ...CONTEXT, diagnoses: [] }]);
    expect(scores[0]).not.toEqual(scores[1]);
  });

  it('recommends under the contract of every model: hard rules, and pairs that never rise toward safety', async () => {
    const recommender = new Recommender(knowledge, model);
    for (const [context, allergies] of [
      [{}, []],
      [{ diagnoses: [] }, []],
      [{ currentMedications: [asId<DrugId>('warfarin'), asId<DrugId>('lisinopril')] }, ['aspirin']],
      [{ diagnoses: ['2724', '25000'].map((code) => ({ system: 'ICD-9-CM' as const, code })) }, []],
    ] as const) {
      const reply = await recommender.recommend(visit(context, allergies));
      const excluded = reply.candidates.filter(({ exclusions }) => exclusions.length > 0).map(({ drug }) => drug.id);
      reply.grid.forEach(({ list, interactionCount, steps }, at) => {
        for (const drug of list) expect(excluded).not.toContain(drug);
        expect(new Set(list).size).toBe(list.length);
        for (const a of list)
          for (const b of list)
            if (a !== b) expect(knowledge.interactions.severity(a, b)).toBeLessThan(HARD_RULE_SEVERITY);
        if (at > 0) expect(interactionCount).toBeLessThanOrEqual(reply.grid[at - 1]!.interactionCount);
        const replayed = new Set<DrugId>();
        for (const { action, drug } of steps) {
          if (action === 'add') replayed.add(drug);
          else replayed.delete(drug);
        }
        expect([...replayed].sort()).toEqual([...list].sort());
      });
      expect(reply.grid.at(-1)!.interactionCount).toBe(0);
      expect(selectGridPoint(reply.grid, 0.5).list).toEqual(reply.grid[5]!.list);
      expect(await recommender.recommend(visit(context, allergies))).toMatchObject({ grid: reply.grid });
    }
  });

  it('runs from 4-bit weights too, a little off', async () => {
    const small = join(scratch, 'tiny-int4');
    cpSync(folder, small, { recursive: true });
    rmSync(join(small, 'model.safetensors'));
    const { relativeError } = quantisePretrained(readPretrained(folder), small);
    expect(relativeError).toBeLessThan(0.12);
    const { files: _files, ...description } = manifest;
    sealTextPack(small, description, readTextPack(folder).vocabulary);
    const other = await open(small);
    const [exact, rounded] = [await model.score(CONTEXT), await other.score(CONTEXT)];
    await other.close();
    const gap = Math.max(...Array.from(exact.probabilities, (p, i) => Math.abs(p - rounded.probabilities[i]!)));
    expect(gap).toBeGreaterThan(0);
    expect(gap).toBeLessThan(0.25);
  });

  it('can be an adapter over a 4-bit checkpoint, learnt and reinforced with the checkpoint as it is', async () => {
    const base = join(scratch, 'tiny-int4');
    const weights = readFileSync(join(base, 'model.safetensors'));
    const adapted = await trainTinyText(scratch, knowledge, undefined, base);
    const at = join(scratch, 'tiny-adapted');
    expect(adapted.training.settings['base.rank']).toBe(4);
    expect(readFileSync(join(at, 'model.safetensors')).equals(weights)).toBe(true);
    const { adapter } = readTextPack(at);
    expect(adapter?.config).toMatchObject({ rank: 4, alpha: 8, base: 'tiny-int4' });
    expect(adapter?.tensors.size).toBe(14); // seven layers of one block
    kindOf(at).check(at);
    const opened = await open(at);
    const reply = await new Recommender(knowledge, opened).recommend(visit({}));
    await opened.close();
    expect(reply.grid).toHaveLength(11);
    expect(reply.grid[0]!.list.length).toBeGreaterThan(0);
  }, 120_000);

  it.each<[string, (copy: string) => void, RegExp]>([
    ['a cut file', (copy) => truncateSync(join(copy, 'model.safetensors'), 9000), /model\.safetensors: .*the file has/],
    ['no tokenizer', (copy) => rmSync(join(copy, 'tokenizer.json')), /tokenizer\.json is missing/],
    [
      'a changed vocabulary',
      (copy) => {
        const path = join(copy, 'vocabulary.json');
        writeFileSync(path, readFileSync(path, 'utf8').replace('lisinopril', 'lisinoprix'));
      },
      /sha256 of vocabulary\.json/,
    ],
    ['a manifest of nonsense', (copy) => writeFileSync(join(copy, 'manifest.json'), '{"format":"flame-text-pack-1"}'), /manifest\.json cannot be read/],
  ])('with %s is refused by name', async (_what, damage, message) => {
    const copy = join(scratch, 'damaged');
    rmSync(copy, { recursive: true, force: true });
    cpSync(folder, copy, { recursive: true });
    damage(copy);
    await expect((async () => open(copy))()).rejects.toMatchObject({
      code: 'MODEL_PACK_CORRUPT',
      details: { problem: expect.stringMatching(message) as string },
    });
  });

  it('that needs more memory than there is is refused with the estimate', async () => {
    await expect(
      TextModel.open(readTextPack(folder), { knowledge, availableMemory: 100e6 }),
    ).rejects.toMatchObject({ code: 'MODEL_TOO_LARGE', details: { available: 100 } });
  });
});
