import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { shippedKnowledge } from '../../knowledge/fixture.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import { loadSafetensors } from '../../nn/safetensors.ts';
import { DEFAULT_SETTINGS } from '../../shared/finetune.ts';
import { contextOf, readVisitFile } from '../corpus.ts';
import { readModelPack } from '../model-pack.ts';
import { controlOf } from './control.ts';
import { exportTraining, importAdapter } from './exchange.ts';
import { readLocalModel } from './local-model.ts';
import { localScorer } from './local-scorer.ts';
import { formatAdapter } from './peft.ts';
import { type DatedVisit, splitVisits } from './split-visits.ts';

const root = resolve(import.meta.dirname, '../../..');
const knowledge = shippedKnowledge();
const base = readModelPack(join(root, 'models/flame-namcs'));
const folder = mkdtempSync(join(tmpdir(), 'flame-exchange-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function site(count: number): Promise<DatedVisit[]> {
  const visits: DatedVisit[] = [];
  for await (const record of readVisitFile(join(root, 'data/sites/mimic-iv-demo.jsonl.gz'))) {
    if (visits.length === count) break;
    visits.push({
      id: record.visit,
      patient: record.patient!,
      date: record.date ?? null,
      context: contextOf(record),
      drugs: record.drugs as DatedVisit['drugs'],
    });
  }
  return visits;
}

interface Line {
  readonly features: readonly number[];
  readonly weights: readonly number[];
  readonly labels: readonly number[];
}

/** The network as the README of the export states it, in plain loops over the exported files: one member's logits. */
function logits(
  tensors: ReadonlyMap<string, HostTensor>,
  prefix: string,
  { features, weights }: Line,
  layers: number,
) {
  const get = (name: string) => tensors.get(prefix + name)!;
  const times = (name: string, x: Float64Array) => {
    const { shape, data } = get(name);
    const [rows, columns] = shape as [number, number];
    return Float64Array.from({ length: rows }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < columns; j += 1) sum += (data as Float32Array)[i * columns + j]! * x[j]!;
      return sum;
    });
  };
  const norm = (x: Float64Array, name: string) => {
    const scale = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + 1e-5);
    return x.map((v, i) => v * scale * (get(name).data as Float32Array)[i]!);
  };
  const table = get('features.weight');
  const width = table.shape[1]!;
  let h = Float64Array.from(get('features.bias').data as Float32Array);
  features.forEach((id, at) => {
    h = h.map((v, j) => v + weights[at]! * (table.data as Float32Array)[id * width + j]!);
  });
  for (let layer = 0; layer < layers; layer += 1) {
    const n = norm(h, `layers.${layer}.norm.weight`);
    const gate = times(`layers.${layer}.gate_proj.weight`, n).map((v) => v / (1 + Math.exp(-v)));
    const up = times(`layers.${layer}.up_proj.weight`, n);
    const down = times(
      `layers.${layer}.down_proj.weight`,
      gate.map((v, i) => v * up[i]!),
    );
    h = h.map((v, i) => v + down[i]!);
  }
  const n = norm(h, 'norm.weight');
  const bias = get('drugs.bias').data as Float32Array;
  return { logits: times('drugs.weight', n).map((v, i) => v + bias[i]!), n };
}

describe('training elsewhere', () => {
  it('is a data set for TRL too: two columns of text, split as the card says, without the held-out visits', async () => {
    const split = splitVisits(await site(40));
    const to = join(folder, 'for-trl');
    exportTraining(to, { base, knowledge, split });
    const rows = (file: string): Record<string, unknown>[] =>
      readFileSync(join(to, file), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const [, header] = readFileSync(join(to, 'README.md'), 'utf8').split('---\n');
    expect(header).toContain(
      'features:\n    - name: prompt\n      dtype: string\n    - name: completion\n      dtype: string\n',
    );
    for (const name of ['train', 'validation'] as const) {
      const [, path] = new RegExp(`- split: ${name}\n        path: (\\S+)\n`).exec(header!)!;
      const words = rows(path!);
      expect(words).toHaveLength(split[name].length);
      expect(header).toContain(`- name: ${name}\n      num_examples: ${words.length}\n`);
      for (const row of words) {
        expect(Object.keys(row)).toEqual(['prompt', 'completion']);
        expect(row['prompt']).toMatch(
          /^Patient: .+\n(.+\n)*Does the drug fit\?\nSafety 0 of 10\nList: none\nAdd:\n$/,
        );
        expect(row['prompt']).not.toContain('Emb]');
        expect(row['completion']).toMatch(/^(\S.*\n)+\n$/);
      }
      expect(words).toEqual(rows(`${name}.jsonl`).map(({ prompt, completion }) => ({ prompt, completion })));
    }
    expect(split.heldOut.length).toBeGreaterThan(0);
  });

  it('starts from files that say all, and an adapter that was trained from them comes back with its effect', async () => {
    const visits = await site(70);
    const split = splitVisits(visits);
    const to = join(folder, 'export');
    exportTraining(to, { base, knowledge, split });
    const all =
      readFileSync(join(to, 'train.jsonl'), 'utf8') + readFileSync(join(to, 'validation.jsonl'), 'utf8');
    for (const { id, patient } of visits) {
      expect(all).not.toContain(`"${id}"`);
      expect(all).not.toContain(patient);
    }
    const lines = readFileSync(join(to, 'train.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Line);
    expect(lines).toHaveLength(split.train.length);
    const config = JSON.parse(readFileSync(join(to, 'config.json'), 'utf8')) as {
      network: { layers: number; members: number };
      formulary: string[];
    };

    // "Elsewhere": gradient descent on the first member's biases and a rank-1 change of its drugs, from the files alone.
    const { tensors } = loadSafetensors(join(to, 'base.safetensors'));
    const { layers } = config.network;
    const drugs = config.formulary.length;
    const width = tensors.get('drugs.weight')!.shape[1]!;
    const states = lines.map((line) => logits(tensors, '', line, layers));
    const mean = Float64Array.from(
      { length: width },
      (_, j) => states.reduce((sum, { n }) => sum + n[j]!, 0) / states.length,
    );
    const size = Math.hypot(...mean);
    const a = Float32Array.from(mean, (v) => v / size);
    const b = new Float32Array(drugs);
    for (let round = 0; round < 60; round += 1)
      states.forEach(({ logits: before, n }, i) => {
        const along = n.reduce((sum, v, j) => sum + v * a[j]!, 0);
        const wanted = new Set(lines[i]!.labels);
        for (let drug = 0; drug < drugs; drug += 1) {
          const p = 1 / (1 + Math.exp(-(before[drug]! + b[drug]! * along)));
          b[drug]! += (0.02 / states.length) * ((wanted.has(drug) ? 1 : 0) - p) * along;
        }
      });
    const adapter = {
      config: { rank: 1, alpha: 1, targets: ['drugs'], base: base.manifest.name },
      tensors: new Map<string, HostTensor>([
        ['drugs.lora_A.weight', { dtype: 'float32', shape: [1, width], data: a }],
        ['drugs.lora_B.weight', { dtype: 'float32', shape: [drugs, 1], data: b }],
      ]),
    };
    const from = join(folder, 'adapter');
    mkdirSync(from);
    for (const [file, bytes] of formatAdapter(adapter)) writeFileSync(join(from, file), bytes);

    const modelFolder = join(folder, 'model');
    const settings = DEFAULT_SETTINGS;
    const { manifest } = await importAdapter(from, {
      base,
      knowledge,
      split,
      settings,
      name: 'From the cluster',
      modelFolder,
      job: null,
      control: controlOf(),
    });
    expect(manifest.training.source).toBe('imported-adapter');
    expect(manifest.evaluation!.rows.map(({ model }) => model)).toContain('after');
    expect(manifest.evaluation!.gates).toHaveLength(7);

    // What the app computes with it is what the files say: the mean of the members, the first one changed.
    const model = readLocalModel(modelFolder);
    const scorer = await localScorer(model, base, { knowledge, threads: 1 });
    expect(scorer.formulary).toEqual(config.formulary);
    const [scored] = await scorer.score([split.train[0]!.context]);
    const along = states[0]!.n.reduce((sum, v, j) => sum + v * a[j]!, 0);
    const members = Array.from({ length: config.network.members }, (_, m) =>
      m === 0
        ? states[0]!.logits.map((v, drug) => v + b[drug]! * along)
        : logits(tensors, `members.${m}.`, lines[0]!, layers).logits,
    );
    scored!.probabilities.forEach((p, drug) => {
      const average = members.reduce((sum, own) => sum + own[drug]!, 0) / members.length;
      expect(p).toBeCloseTo(1 / (1 + Math.exp(-average / manifest.temperature)), 4);
    });
    await scorer.close();

    // Files that do not fit are refused, and nothing is written.
    writeFileSync(join(from, 'adapter_model.safetensors'), 'no tensors');
    const again = join(folder, 'again');
    const refused = importAdapter(from, {
      base,
      knowledge,
      split,
      settings,
      name: 'x',
      modelFolder: again,
      job: null,
      control: controlOf(),
    });
    await expect(refused).rejects.toMatchObject({ code: 'ADAPTER_UNUSABLE' });
    expect(existsSync(again)).toBe(false);
  }, 300_000);
});
