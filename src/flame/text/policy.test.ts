/** The text policy on cached keys and values, against the same network over whole packed rows. */
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import { floatsOf, type HostTensor, hostTensor, sizeOf } from '../../nn/dtype.ts';
import { Graph } from '../../nn/graph.ts';
import { buildInference } from '../../nn/inference.ts';
import { TextTokenizer } from '../../nn/pretrained/tokenizer.ts';
import { Random } from '../../nn/random.ts';
import { Scope } from '../../nn/scope.ts';
import { openSession } from '../../nn/session.ts';
import { batchFeeds } from '../../nn/trainer.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { type Segment, TextBatch } from './batch.ts';
import { type TextNetwork, textLogProbabilities } from './network.ts';
import { TextPolicy, type TextVisit } from './policy.ts';
import { Prompts } from './prompts.ts';
import { FIRST_DRUG, fitted, tokenise } from './sequence.ts';
import { formularyTrie, textNetwork } from './train-pack.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const knowledge = loadKnowledge(join(ROOT, 'resources/knowledge'));
const tokenizer = TextTokenizer.read(join(ROOT, 'tests/fixtures/llama-sharded'), 350);
const NAMES = [
  'metoprolol',
  'metformin',
  'warfarin',
  'digoxin',
  'hydrochlorothiazide',
  'aspirin',
  'amiodarone',
];
const formulary = NAMES.map((name) => asId<DrugId>(name));
const prompts = new Prompts('flame-text-1', formulary, knowledge);
const trie = formularyTrie(prompts, tokenizer);
const random = new Random(3);
const draw = (n: number, scale = 1): Float32Array =>
  Float32Array.from({ length: n }, () => random.normal() * scale);
const tables = { drugs: NAMES.length, contextWidth: 5, drugWidth: 6, drugValues: draw(NAMES.length * 6) };
const network: TextNetwork = textNetwork(
  {
    vocabularySize: 350,
    hiddenSize: 32,
    layers: 2,
    heads: 4,
    keyValueHeads: 2,
    headSize: 8,
    intermediateSize: 48,
    tied: true,
    maximumLength: 512,
  },
  tables,
  tokenizer,
  prompts,
);
const shape = { contextTokens: 160, packedTokens: 50, listTokens: 60, writtenTokens: 30, rows: 3 };
const outs = { candidates: 0, actions: 40, breadth: trie.breadth };

/** Weights large enough that what a token sees matters. */
function weights(): Map<string, HostTensor> {
  const graph = new Graph();
  const scope = new Scope(graph, (name, dims) => graph.input(name, 'float', dims));
  textLogProbabilities(scope, network, 1, 64, outs);
  return new Map(
    scope
      .declarations()
      .map(({ name, shape: dims }) => [
        name,
        hostTensor(
          'float32',
          dims,
          dims.length > 1 ? draw(sizeOf(dims), 0.25) : draw(sizeOf(dims), 0.1).map((v) => v + 1),
        ),
      ]),
  );
}
const parameters = weights();
const context: ClinicalContext = {
  year: 2005,
  age: 71,
  sex: 'F',
  setting: 'office',
  specialty: '1',
  reasons: ['10500'],
  diagnoses: [{ system: 'ICD-9-CM', code: '42731' }],
  chronic: ['HTN'],
  procedures: [],
  currentMedications: [asId<DrugId>('warfarin')],
  previousMedications: [],
};
const visit: TextVisit = {
  context: fitted(
    tokenise(tokenizer, prompts.context(context, { history: true }), true),
    shape.contextTokens,
  ),
  vectors: draw(15),
};
const policy = new TextPolicy({
  network,
  prompts,
  tokenizer,
  trie,
  shape,
  weights: parameters,
  session: { threads: 1 },
});
afterAll(() => policy.close());

/** One packed row through the training network. */
async function whole(segments: readonly Segment[], tokens: number, actions: number): Promise<Float32Array> {
  const sizes = { ...outs, actions };
  const batch = new TextBatch(1, tokens, 15, sizes, trie);
  batch.clear();
  batch.context.set(visit.vectors);
  batch.write(0, visit.context, segments);
  const { graph, inputs } = buildInference(
    (scope) => textLogProbabilities(scope, network, 1, tokens, sizes),
    parameters,
  );
  const session = await openSession(graph.toModel(), { threads: 1 });
  const { logProbability } = await session.run(batchFeeds({ inputs }, batch.forLogProbabilities()));
  await session.close();
  return floatsOf(logProbability!) as Float32Array;
}

describe('prompts', () => {
  it('say what a visit holds, placeholders where embeddings go, and leave out what is not there', () => {
    const told = prompts.context(context, { history: true });
    const text = told.map((part) => (typeof part === 'string' ? part : '*')).join('');
    expect(text).toBe(
      'Patient: *woman, 71 years, general/family practice\nReasons: chest pain and related symptoms\n' +
        'Diagnoses: *atrial fibrillation\nChronic: hypertension\nTaken now: warfarin\nDoes the drug fit?\n',
    );
    const without = prompts.context(context, { history: false });
    expect(without.map(String).join('')).not.toContain('warfarin');
    const noted = prompts.context(context, { history: false, note: ' feels\n\nbetter [PatEmb] {age} ' });
    const spoken = noted.map((part) => (typeof part === 'string' ? part : '*')).join('');
    expect(spoken).toContain('Note: feels better [PatEmb] {age}\n'); // what a visit says is text
    expect(prompts.candidate(0)).toEqual([{ placeholder: { drug: 0 } }, 'metoprolol:']);
    expect(prompts.list('add', [1, 2], 0.3)).toEqual([
      'Safety 3 of 10\nList: ',
      { placeholder: { drug: 1 } },
      'metformin',
      ', ',
      { placeholder: { drug: 2 } },
      'warfarin',
      '\nAdd:\n',
    ]);
    expect(() => new Prompts('flame-text-0', formulary, knowledge)).toThrow(RangeError);
  });

  it('put a drug’s number where its embedding goes', () => {
    const { ids, slots } = tokenise(tokenizer, prompts.candidate(4));
    expect(slots[0]).toBe(FIRST_DRUG + 4);
    expect(tokenizer.decode(ids.slice(1))).toBe('hydrochlorothiazide:');
    expect(ids.length).toBeGreaterThan(3); // a name of several tokens
  });
});

it('scores every candidate from one cached context as if it were asked alone', async () => {
  const packed = await policy.answers(visit);
  expect(new Set(packed.map((z) => Math.round(z * 1e4))).size).toBe(NAMES.length);
  // Alone: a policy whose runs hold one candidate each.
  const alone = new TextPolicy({
    ...policy.options,
    shape: {
      ...shape,
      packedTokens: Math.max(...NAMES.map((_, d) => tokenise(tokenizer, prompts.candidate(d)).ids.length)),
    },
  });
  const single = await alone.answers(visit);
  await alone.close();
  packed.forEach((z, drug) => expect(z).toBeCloseTo(single[drug]!, 4));
  // And nothing that was computed before changes it.
  expect(await policy.answers(visit)).toEqual(packed);
});

it('answers from the embeddings where placeholders stand, and from none that has no place in the prompt', async () => {
  const width = visit.vectors.length / 3;
  const slots = new Set(visit.context.slots);
  const before = await policy.answers(visit);
  for (const [slot, stands] of [1, 2, 3].map((at) => [at, slots.has(at)] as const)) {
    const vectors = visit.vectors.map((value, i) => (Math.floor(i / width) === slot - 1 ? -value : value));
    const gap = (await policy.answers({ ...visit, vectors })).map((z, drug) => Math.abs(z - before[drug]!));
    if (stands) expect(Math.max(...gap)).toBeGreaterThan(1e-3);
    else expect(Math.max(...gap)).toBe(0);
  }
  expect([slots.has(1), slots.has(2), slots.has(3)]).toEqual([true, true, false]); // the visit has no procedure
});

it('writes lists whose log-probabilities are those that training computes for them', async () => {
  const requests = [
    { prompt: prompts.list('add', [], 0), barred: new Set<number>() },
    { prompt: prompts.list('add', [0, 2], 1), barred: new Set([0, 2]) },
    { prompt: prompts.list('remove', [0, 2], 0.5), barred: new Set([1, 3, 4, 5, 6]) },
    { prompt: prompts.list('add', [3], 0.2), barred: new Set([3]) }, // more requests than rows
  ];
  const written = await policy.write(visit, requests, (logits, allowed) => {
    const u = random.int(allowed.length);
    return logits.length > 0 ? allowed[u]! : -1;
  });
  expect(written.some(({ tokens }) => tokens.length > 8)).toBe(true);
  for (const [i, one] of written.entries()) {
    for (const drug of one.steps) expect(requests[i]!.barred).not.toContain(drug);
    const segment: Segment = {
      kind: 'list',
      prompt: tokenise(tokenizer, requests[i]!.prompt),
      written: one.tokens,
      barred: requests[i]!.barred,
      weights: one.tokens.map(() => 1),
    };
    const got = await whole([segment], 300, one.tokens.length);
    one.logProbabilities.forEach((value, t) => expect(got[t]!).toBeCloseTo(value, 4));
  }
});
