/**
 * Step-wise GRPO on text (METHOD section 1): groups of lists sampled from one reading of a visit, judged by the potential
 * drug by drug, every token credited with the step of its drug. Reads no file.
 */
import type { HostTensor } from '../../nn/dtype.ts';
import { buildInference } from '../../nn/inference.ts';
import { Random } from '../../nn/random.ts';
import { openSession } from '../../nn/session.ts';
import { batchFeeds, Trainer } from '../../nn/trainer.ts';
import { FlameError } from '../../shared/errors.ts';
import type { PairMatrix } from '../lists/pair-matrix.ts';
import { type CreditSettings, groupAdvantages, ListState } from '../policy/potential.ts';
import { interactionWeight } from '../policy/rollouts.ts';
import { sampleAction } from '../policy/runner.ts';
import { copyOf, progressMeter } from '../policy/train-supervised.ts';
import type { GrpoSettings } from '../policy/objectives.ts';
import { type ListSegment, TextBatch } from './batch.ts';
import { type ReadOuts, textGrpoObjective, textLogProbabilities } from './network.ts';
import { TextPolicy, type TextShape, type TextVisit, type WrittenList } from './policy.ts';
import { tokenise } from './sequence.ts';
import { allBut, type TextTrainingRun, trainerOptions } from './train.ts';
import { stepsOfTokens, type FormularyTrie } from './trie.ts';

export interface TextReinforcedSettings extends CreditSettings, GrpoSettings {
  readonly rounds: number;
  /** Visits of a round, each with one generation of `group` samples; also the rows of an update. */
  readonly visits: number;
  readonly group: number;
  readonly temperature: number;
  readonly learningRate: number;
  readonly beta: number;
  readonly seed: number;
}

export interface TextReinforcement {
  readonly run: TextTrainingRun;
  readonly shape: TextShape;
  readonly pairs: PairMatrix;
  /** π_cls's own list for each visit of the corpus. */
  readonly starts: readonly (readonly number[])[];
}

type Kind = 'add' | 'remove';
interface TextGroup {
  readonly kind: Kind;
  readonly start: readonly number[];
  readonly truth: readonly number[];
  readonly alpha: number;
  readonly barred: ReadonlySet<number>;
  readonly read: TextVisit;
}

/** φ before the first and after every step of a written list. */
export function potentialsOf(
  { kind, start, truth, alpha }: Pick<TextGroup, 'kind' | 'start' | 'truth' | 'alpha'>,
  steps: readonly number[],
  pairs: PairMatrix,
  beta: number,
): number[] {
  const weights = { alpha: interactionWeight(alpha), beta };
  const state = new ListState(start, truth, pairs);
  return [
    state.potential(weights),
    ...steps.map((drug) => {
      if (kind === 'add') state.add(drug);
      else state.remove(drug);
      return state.potential(weights);
    }),
  ];
}

/**
 * Â of every token: that of the step it belongs to. The stop, and a step that was cut off, change nothing.
 * @param group the written lists of one group with their potentials
 */
export function tokenAdvantages(
  trie: FormularyTrie,
  group: readonly { readonly tokens: readonly number[]; readonly potentials: readonly number[] }[],
  credit: CreditSettings,
): number[][] {
  const steps = group.map(({ tokens }) => stepsOfTokens(trie, tokens));
  const padded = group.map(({ potentials }, i) => {
    const used = (steps[i]!.at(-1) ?? -1) + 1;
    const all = [...potentials];
    while (all.length < used + 1) all.push(potentials.at(-1)!);
    return all;
  });
  const advantages = groupAdvantages(padded, credit);
  return steps.map((own, i) => own.map((step) => advantages[i]![step]!));
}

/** @throws FlameError CANCELLED */
export async function reinforce(
  { run, shape, pairs, starts }: TextReinforcement,
  settings: TextReinforcedSettings,
  from: ReadonlyMap<string, HostTensor>,
): Promise<Map<string, HostTensor>> {
  const { network, prompts, tokenizer, trie } = run;
  const { visits, group: samples, rounds, seed } = settings;
  const tokens = shape.contextTokens + samples * (shape.listTokens + shape.writtenTokens);
  const outs = { candidates: 0, actions: visits * samples * shape.writtenTokens, breadth: trie.breadth };
  const trainer = await Trainer.create(
    (scope) => textGrpoObjective(scope, network, visits, tokens, outs, settings, run.place),
    trainerOptions(run, seed, 0, from),
  );
  const { reference, close } = await referencePolicy(run, visits, tokens, outs, copyOf(from));
  const batch = new TextBatch(visits, tokens, 3 * network.tables.contextWidth, outs, trie);
  const random = Random.for(seed, 'text-rollouts');
  const report = progressMeter(rounds, run.onProgress, 1);
  try {
    for (let round = 0; round < rounds; round += 1) {
      if (run.signal?.aborted) throw new FlameError('CANCELLED');
      const policy = new TextPolicy({
        network,
        prompts,
        tokenizer,
        trie,
        shape,
        weights: trainer.parameters(),
        ...(run.session ? { session: run.session } : {}),
        ...(run.place ? { place: run.place } : {}),
      });
      batch.clear();
      let [reward, potential, edits] = [0, 0, 0];
      for (let row = 0; row < visits; row += 1) {
        const group = drawGroup(run, starts, random);
        const prompt = prompts.list(group.kind, group.start, group.alpha);
        const written = await policy.write(
          group.read,
          Array.from({ length: samples }, () => ({ prompt, barred: group.barred })),
          (logits, allowed) =>
            allowed[sampleAction(Float32Array.from(logits), settings.temperature, random.uniform())]!,
        );
        const judged = written.map((one) => ({
          ...one,
          potentials: potentialsOf(group, one.steps, pairs, settings.beta),
        }));
        const advantages = tokenAdvantages(trie, judged, settings);
        batch.context.set(group.read.vectors, row * group.read.vectors.length);
        batch.write(
          row,
          group.read.context,
          written.map((one, i) => segmentOf(one, advantages[i]!, group, tokenise(tokenizer, prompt), shape)),
        );
        for (const { potentials } of judged) {
          reward += potentials.at(-1)! - potentials[0]!;
          potential += potentials.at(-1)!;
          edits += potentials.length - 1;
        }
      }
      await policy.close();
      const before = settings.klWeight > 0 ? await reference(batch) : undefined;
      await trainer.step(batch.forGrpo(before), { learningRate: settings.learningRate });
      const count = visits * samples;
      report(round + 1, { reward: reward / count, potential: potential / count, edits: edits / count });
    }
    return copyOf(trainer.parameters());
  } finally {
    await trainer.close();
    await close();
  }
}

/** log π_ref of the list tokens of a batch. */
async function referencePolicy(
  { network, place, session }: TextTrainingRun,
  rows: number,
  tokens: number,
  outs: ReadOuts,
  parameters: ReadonlyMap<string, HostTensor>,
): Promise<{ reference: (batch: TextBatch) => Promise<Float32Array>; close: () => Promise<void> }> {
  const { graph, inputs } = buildInference(
    (scope) => textLogProbabilities(scope, network, rows, tokens, outs, place),
    parameters,
  );
  const opened = await openSession(graph.toModel(), session);
  return {
    reference: async (batch) => {
      const feeds = batchFeeds({ inputs }, batch.forLogProbabilities());
      const { logProbability } = await opened.run(feeds);
      return logProbability!.data as Float32Array;
    },
    close: () => opened.close(),
  };
}

/** A visit at a slider position, to add to π_cls's list or to remove from it. */
function drawGroup(
  { corpus, trie }: TextTrainingRun,
  starts: readonly (readonly number[])[],
  random: Random,
): TextGroup {
  const visit = random.int(corpus.visits);
  const start = starts[visit]!;
  const u = random.uniform();
  const kind = start.length > 0 && random.uniform() < 0.5 ? 'remove' : 'add';
  return {
    kind,
    start,
    truth: corpus.truth[visit]!,
    alpha: u < 0.3 ? 0 : u < 0.45 ? 1 : Math.round(10 * random.uniform()) / 10,
    barred: kind === 'add' ? new Set(start) : allBut(start, trie.root.drugs),
    read: corpus.visit(visit),
  };
}

function segmentOf(
  { tokens, logProbabilities }: WrittenList,
  advantages: readonly number[],
  { barred }: TextGroup,
  prompt: ListSegment['prompt'],
  { listTokens }: TextShape,
): ListSegment {
  return {
    kind: 'list',
    prompt: { ids: prompt.ids.slice(-listTokens), slots: prompt.slots.slice(-listTokens) },
    written: tokens,
    barred,
    weights: tokens.map(() => 1),
    advantages,
    old: logProbabilities,
  };
}
