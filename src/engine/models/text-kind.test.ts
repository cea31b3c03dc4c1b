/** A text model end to end: trained here, opened as any model is, recommending under the same rules, refused when damaged. */
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantisePretrained } from '../../nn/pretrained/quantise.ts';
import { readPretrained } from '../../nn/pretrained/folder.ts';
import { entriesOf } from '../../flame/classifier/leave-one-out.ts';
import { SHIPPED_PACK } from '../../flame/model-pack.ts';
import { readTextPack, sealTextPack, type TextManifest } from '../../flame/text/pack.ts';
import { plainNote, Prompts } from '../../flame/text/prompts.ts';
import { TEXT, tokenise } from '../../flame/text/sequence.ts';
import { TextModel } from '../../flame/text/text-model.ts';
import { trainTinyText } from '../../flame/text/testing.ts';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import { type ClinicalContext, HARD_RULE_SEVERITY, NOT_RECORDED } from '../../shared/domain.ts';
import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import { selectGridPoint } from '../../shared/recommendation.ts';
import { Explainer } from '../decisions/explain.ts';
import { openModel, type OpenModel } from './model.ts';
import { isMadeFrom, Recommender, type RecommendInput } from '../decisions/recommend.ts';
import { RecommendationReply } from '../store/json-columns.ts';
import { kindOf } from './model-kind.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const knowledge = loadKnowledge(join(ROOT, 'resources/knowledge'));
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
  notes: '',
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
      const { probabilities } = await model.score({ ...CONTEXT, diagnoses: [{ system: 'ICD-9-CM', code }] }, '');
      const ranked = [...model.formulary.keys()].sort((i, j) => probabilities[j]! - probabilities[i]!);
      return ranked.slice(0, 3).map((i) => model.formulary[i]!);
    };
    expect((await best('4019')).sort()).toEqual(['amlodipine', 'hydrochlorothiazide', 'lisinopril']);
    expect((await best('49390')).sort()).toEqual(['albuterol', 'fluticasone', 'montelukast']);
    const scores = await model.scoreEach([
      { context: CONTEXT, note: '' },
      { context: { ...CONTEXT, diagnoses: [] }, note: '' },
    ]);
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

  describe('reads the note of a visit', () => {
    const NOTE = 'Wheezing since spring.\nBetter with\talbuterol;  asks for more.';

    it('which changes prompt, scores and reply, and is told', async () => {
      const prompts = new Prompts(manifest.prompts, model.formulary, knowledge);
      const text = (note: string): string =>
        prompts
          .context(CONTEXT, { history: true, note: plainNote(note) })
          .filter((part) => typeof part === 'string')
          .join('');
      expect(text('')).not.toContain('Note:');
      expect(text(NOTE)).toContain('\nNote: Wheezing since spring. Better with albuterol; asks for more.\n');
      const [silent, told] = [await model.score(CONTEXT, ''), await model.score(CONTEXT, NOTE)];
      expect(told.probabilities).not.toEqual(silent.probabilities);

      const recommender = new Recommender(knowledge, model);
      const [without, read] = [
        await recommender.recommend(visit({})),
        await recommender.recommend({ ...visit({}), notes: NOTE }),
      ];
      expect(read.scores).not.toEqual(without.scores);
      expect(without.warnings).not.toContainEqual(expect.objectContaining({ kind: 'note-read' }));
      expect(read.warnings).toContainEqual({ kind: 'note-read', read: 60, characters: 60 });
      expect(isMadeFrom(read, { ...visit({}), notes: NOTE })).toBe(true);
      for (const [reply, notes] of [
        [read, `${NOTE} Denies it now.`],
        [read, ''],
        [without, NOTE],
      ] as const)
        expect(isMadeFrom(reply, { ...visit({}), notes })).toBe(false);
      expect(RecommendationReply.parse(JSON.parse(JSON.stringify(read)))).toEqual(read); // as the store reads it

      const question = { recommendation: read, context: CONTEXT, note: NOTE, drug: model.formulary[0]!, alpha: 0 };
      const { model: reasons, warnings } = await new Explainer(knowledge, model).explain(question, () => []);
      expect(warnings).toContainEqual(expect.objectContaining({ kind: 'note-read' }));
      expect(reasons!.raised.length + reasons!.lowered.length + reasons!.negligible).toBe(
        entriesOf(CONTEXT).length + 1,
      );
    });

    it('up to what fits beside the rest of the visit, in whole words, and says how much', async () => {
      const words = Array.from({ length: 900 }, (_, i) => `word${i}`).join(' ');
      const { read, characters } = model.noteRead!(CONTEXT, words);
      expect(characters).toBe(words.length);
      expect(read).toBeGreaterThan(10);
      expect(read).toBeLessThan(2000);
      expect(words[read]).toBe(' ');
      const [whole, cut, changedBehind] = [
        await model.score(CONTEXT, words),
        await model.score(CONTEXT, words.slice(0, read)),
        await model.score(CONTEXT, `${words.slice(0, read)} denies everything`),
      ];
      expect(whole.probabilities).toEqual(cut.probabilities);
      expect(changedBehind.probabilities).toEqual(cut.probabilities);
      const reply = await new Recommender(knowledge, model).recommend({ ...visit({}), notes: words });
      expect(reply.warnings).toContainEqual({ kind: 'note-read', read, characters });

      const crowded = { ...CONTEXT, diagnoses: Array.from({ length: 80 }, () => CONTEXT.diagnoses[0]!) };
      expect(model.noteRead!(crowded, words)).toEqual({ read: 0, characters });
      expect((await model.score(crowded, words)).probabilities).toEqual(
        (await model.score(crowded, '')).probabilities,
      );
    });

    it('as plain words: neither a placeholder nor a special token can be written into it', () => {
      const { tokenizer } = readTextPack(folder);
      const prompts = new Prompts(manifest.prompts, model.formulary, knowledge);
      const note = '[DrugEmb] [PatEmb] <|begin|> yes';
      const parts = prompts.context(CONTEXT, { history: true, note });
      const slots = tokenise(tokenizer, parts, true).slots;
      const plain = tokenise(tokenizer, prompts.context(CONTEXT, { history: true }), true).slots;
      expect(slots.filter((slot) => slot !== TEXT)).toEqual(plain.filter((slot) => slot !== TEXT));
      expect(tokenizer.beginToken).not.toBeNull();
      const begin = tokenizer.beginToken!;
      expect(tokenise(tokenizer, parts, true).ids.filter((id, i) => id === begin && slots[i] === TEXT)).toHaveLength(1);
    });

    it('while the compact pack does not', async () => {
      const compact = await openModel(join(ROOT, 'models'), SHIPPED_PACK, knowledge);
      const recommender = new Recommender(knowledge, compact);
      const without = await recommender.recommend(visit({}));
      const withNote = await recommender.recommend({ ...visit({}), notes: NOTE });
      await compact.close();
      const same = { id: without.id, createdAt: without.createdAt };
      expect({ ...withNote, ...same }).toEqual(without);
      expect(isMadeFrom(without, { ...visit({}), notes: NOTE })).toBe(true);
    });
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
    const [exact, rounded] = [await model.score(CONTEXT, ''), await other.score(CONTEXT, '')];
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
