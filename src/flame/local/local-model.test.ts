import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shippedKnowledge } from '../../knowledge/fixture.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import { loraNames } from '../../nn/lora.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { contextOf } from '../corpus.ts';
import { decodingPairs } from '../lists/formulary-pairs.ts';
import { type ModelPack, readModelPack } from '../model-pack.ts';
import { logit } from '../probability.ts';
import { PARITY_VISITS } from '../testing/parity-visits.ts';
import { extendedPack, extensionRows } from './extension.ts';
import { type LocalDescription, readLocalModel, writeLocalModel } from './local-model.ts';
import { localScorer, packScorer, type Scorer } from './local-scorer.ts';
import { movedBiases } from './moved-biases.ts';
import { formatAdapter, parseAdapter } from './peft.ts';

const knowledge = shippedKnowledge();
const contexts = PARITY_VISITS.map(contextOf);
const NEW = ['cefepime', 'heparin'].map((name) => asId<DrugId>(name));
const folder = mkdtempSync(join(tmpdir(), 'flame-local-'));
let base: ModelPack;
let plain: Scorer;

/** One factor at nothing: the adapter of a training that has not begun. */
function idleAdapter(weight = 'layers.0.gate_proj.weight') {
  const { a, b } = loraNames(weight, 'linear');
  const tensors = new Map<string, HostTensor>([
    [a, { dtype: 'float32', shape: [2, 256], data: new Float32Array(512).fill(0.1) }],
    [b, { dtype: 'float32', shape: [512, 2], data: new Float32Array(1024) }],
  ]);
  return { config: { rank: 2, alpha: 4, targets: ['gate_proj'], base: base.manifest.name }, tensors };
}

function description(): LocalDescription {
  const { name, version } = base.manifest;
  return {
    name: 'Ward 3',
    base: { name, version },
    classifier: 'lora',
    temperature: 1,
    newDrugs: [...NEW],
    lists: 'pack-policy',
    evaluation: null,
    front: null,
    training: {
      source: 'trained-here',
      job: null,
      profile: 'standard',
      visits: 0,
      patients: 0,
      settings: {},
      knowledgeVersion: knowledge.version,
      interactionVersion: knowledge.interactionVersion,
      hardware: 'a test',
      seconds: 0,
    },
  };
}

beforeAll(async () => {
  base = readModelPack(resolve(import.meta.dirname, '../../../models/flame-namcs'));
  plain = await packScorer(base, { knowledge, threads: 1 });
});
afterAll(async () => {
  await plain.close();
  rmSync(folder, { recursive: true });
});

function write(name: string, adapter = idleAdapter()) {
  const directory = join(folder, name);
  const added = NEW.map((drug) => ({ drug, share: 0.1 }));
  const extension = extensionRows(base, added, knowledge);
  const content = { adapter, weights: null, extension, site: null, policy: null };
  return { directory, manifest: writeLocalModel(directory, description(), content) };
}

describe('a local model', () => {
  it('recommends as its pack does until something was trained, with the new drugs beside', async () => {
    const { directory, manifest } = write('whole');
    const scorer = await localScorer(readLocalModel(directory), base, { knowledge, threads: 1 });
    expect(scorer.name).toBe('Ward 3');
    expect(scorer.version).toBe(manifest.version);
    expect(scorer.formulary).toEqual([...base.vocabulary.formulary, ...NEW]);
    const [own, theirs] = [await scorer.score(contexts), await plain.score(contexts)];
    own.forEach(({ probabilities }, at) => {
      const before = theirs[at]!.probabilities;
      const worst = before.reduce((most, p, i) => Math.max(most, Math.abs(p - probabilities[i]!)), 0);
      expect(worst).toBeLessThan(1e-5);
      for (const p of probabilities.subarray(before.length)) expect(p > 0 && p < 1).toBe(true);
    });
    const pairs = decodingPairs(scorer.formulary, knowledge);
    const { probabilities } = own[0]!;
    const grid = await scorer.lists(contexts[0]!, { drugs: scorer.formulary, probabilities, pairs });
    expect(grid.length).toBeGreaterThan(1);
    await scorer.close();
  });

  it('may hold moved biases alone: every drug’s logit is that of the pack and its offset', async () => {
    const drugs = [...base.vocabulary.formulary, ...NEW];
    const offsets = Float64Array.from(drugs, (_, drug) => (drug % 5) - 2);
    const extension = extensionRows(
      base,
      NEW.map((drug) => ({ drug, share: 0.1 })),
      knowledge,
    );
    const tensors = movedBiases(extendedPack(base, NEW, extension), offsets);
    const { directory } = write('biases', { ...idleAdapter(), tensors });
    const scorer = await localScorer(readLocalModel(directory), base, { knowledge, threads: 1 });
    const [own, theirs] = [await scorer.score(contexts), await plain.score(contexts)];
    own.forEach(({ probabilities }, at) =>
      theirs[at]!.probabilities.forEach((p, drug) => {
        // A difference of logits says nothing where single precision has no digits left.
        if (p < 1e-3 || p > 0.99) return;
        expect(logit(probabilities[drug]!)).toBeCloseTo(logit(p) + offsets[drug]!, 3);
      }),
    );
    await scorer.close();
  });

  it('lets a new drug start where its relatives are', () => {
    const added = [{ drug: asId<DrugId>('cefepime'), share: 0.1 }];
    const extended = extendedPack(base, [added[0]!.drug], extensionRows(base, added, knowledge));
    const { formulary } = extended.vocabulary;
    const weight = extended.parameters.get('drugs.weight')!;
    const row = (name: string) => {
      const at = formulary.indexOf(asId<DrugId>(name));
      return (weight.data as Float32Array).subarray(at * 256, (at + 1) * 256);
    };
    const cosine = (a: string, b: string) => {
      const [x, y] = [row(a), row(b)];
      let sum = 0;
      x.forEach((value, i) => (sum += value * y[i]!));
      return sum / (Math.hypot(...x) * Math.hypot(...y));
    };
    const relatives = ['cefdinir', 'cefuroxime', 'cephalexin'].filter((name) =>
      formulary.includes(asId<DrugId>(name)),
    );
    expect(relatives.length).toBeGreaterThan(0);
    const closest = relatives.map((name) => cosine('cefepime', name));
    const others = ['warfarin', 'sertraline', 'levothyroxine'].map((name) => cosine('cefepime', name));
    expect(Math.max(...closest)).toBeGreaterThan(Math.max(...others));
  });

  it('is refused when a byte differs, a file is gone, or the pack is another one', async () => {
    const { directory } = write('damaged');
    appendFileSync(join(directory, 'adapter_model.safetensors'), 'x');
    expect(() => readLocalModel(directory)).toThrow(
      expect.objectContaining({ code: 'MODEL_PACK_CORRUPT' }) as Error,
    );
    rmSync(join(directory, 'adapter_model.safetensors'));
    expect(() => readLocalModel(directory)).toThrow(/is missing/);
    writeFileSync(join(directory, 'manifest.json'), '{"format":');
    expect(() => readLocalModel(directory)).toThrow(
      expect.objectContaining({ code: 'MODEL_PACK_CORRUPT' }) as Error,
    );
    const model = readLocalModel(write('other').directory);
    const stranger = { ...base, manifest: { ...base.manifest, version: '000000000000' } };
    await expect(localScorer(model, stranger, { knowledge })).rejects.toMatchObject({
      code: 'MODEL_PACK_MISMATCH',
    });
    const misfit = { ...model, adapter: idleAdapter('layers.7.gate_proj.weight') };
    await expect(localScorer(misfit, base, { knowledge })).rejects.toMatchObject({
      code: 'MODEL_PACK_CORRUPT',
    });
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

describe('adapter files', () => {
  it('come back as they were, in the names of PEFT', () => {
    const files = formatAdapter(idleAdapter());
    const config = JSON.parse(Buffer.from(files.get('adapter_config.json')!).toString()) as object;
    expect(config).toMatchObject({ peft_type: 'LORA', r: 2, lora_alpha: 4, bias: 'lora_only' });
    const weights = files.get('adapter_model.safetensors')!;
    expect(Buffer.from(weights).toString('latin1')).toContain(
      '"base_model.model.layers.0.gate_proj.lora_A.weight"',
    );
    expect(parseAdapter(files.get('adapter_config.json')!, weights)).toEqual(idleAdapter());
  });

  it('are refused with what is wrong', () => {
    const { config, tensors } = idleAdapter();
    const files = formatAdapter({ config, tensors });
    const [good, weights] = [files.get('adapter_config.json')!, files.get('adapter_model.safetensors')!];
    const refused = (text: RegExp) =>
      expect.objectContaining({
        code: 'ADAPTER_UNUSABLE',
        message: expect.stringMatching(text) as string,
      }) as Error;
    expect(() => parseAdapter(Buffer.from('{"peft_type":"PREFIX_TUNING"}'), weights)).toThrow(
      refused(/adapter_config/),
    );
    expect(() => parseAdapter(good, weights.subarray(0, 40))).toThrow(refused(/adapter_model/));
    const infinite = new Map(tensors).set('x', {
      dtype: 'float32',
      shape: [1],
      data: Float32Array.of(Infinity),
    });
    const bad = formatAdapter({ config, tensors: infinite }).get('adapter_model.safetensors')!;
    expect(() => parseAdapter(good, bad)).toThrow(refused(/no number/));
  });
});
