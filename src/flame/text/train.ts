/**
 * Imitation on text: answers to drug-level questions and written lists, both from one packed row a visit (METHOD sections
 * 1 and 2). Trains the whole model, or an adapter where `place` gives the model's weights. Reads no file.
 */
import type { HostTensor } from '../../nn/dtype.ts';
import type { TextTokenizer } from '../../nn/pretrained/tokenizer.ts';
import { Random } from '../../nn/random.ts';
import { warmupCosine } from '../../nn/schedule.ts';
import type { SessionOptions } from '../../nn/session.ts';
import { Trainer, type TrainerOptions } from '../../nn/trainer.ts';
import { FlameError } from '../../shared/errors.ts';
import { rowOf, type ScoreTable } from '../evaluation/metrics.ts';
import { corruptList, type ErrorStatistics } from '../policy/policy-corpus.ts';
import { copyOf, type PolicyProgress, progressMeter } from '../policy/train-supervised.ts';
import { type ListSegment, type Segment, segmentTokens, TextBatch } from './batch.ts';
import type { TextCorpus } from './corpus.ts';
import { type PlaceModel, type ReadOuts, type TextNetwork, textObjective } from './network.ts';
import type { Prompts } from './prompts.ts';
import { tokenise, type Tokens } from './sequence.ts';
import type { FormularyTrie } from './trie.ts';

export interface TextTrainingRun {
  readonly network: TextNetwork;
  readonly prompts: Prompts;
  readonly tokenizer: TextTokenizer;
  readonly trie: FormularyTrie;
  readonly corpus: TextCorpus;
  readonly prior: Float32Array;
  readonly place?: PlaceModel;
  readonly session?: SessionOptions;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: PolicyProgress) => void;
}

export interface TextImitationSettings {
  readonly rows: number;
  /** Tokens of a row: context and segments. */
  readonly tokens: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Wrong candidates a visit, on average. */
  readonly negatives: number;
  /** Where lists start: from nothing, or with the errors that π_cls makes. */
  readonly lists: 'from-nothing' | 'from-errors';
  readonly seed: number;
}

/** π_cls's scores of the corpus's visits and its errors there, to draw lists with errors. */
export interface KnownErrors {
  readonly scores: ScoreTable;
  readonly statistics: ErrorStatistics;
}

const FLOOR = 0.05;
/** What clinicians prescribed is what accuracy alone asks for. */
const IMITATION_ALPHA = 0;
const ADAMW = { clipNorm: 1, beta2: 0.98 } as const;

/** @throws FlameError CANCELLED */
export async function imitate(
  run: TextTrainingRun,
  settings: TextImitationSettings,
  from?: ReadonlyMap<string, HostTensor>,
  errors?: KnownErrors,
): Promise<Map<string, HostTensor>> {
  const { network, trie, corpus } = run;
  const { rows, tokens, steps, seed } = settings;
  const outs = readOutsOf(run, settings);
  const segments = new SegmentMaker(run, settings, errors);
  const trainer = await Trainer.create(
    (scope) => textObjective(scope, network, rows, tokens, outs, run.place),
    trainerOptions(run, seed, settings.weightDecay, from),
  );
  const batch = new TextBatch(rows, tokens, 3 * network.tables.contextWidth, outs, trie);
  const random = Random.for(seed, 'text');
  const report = progressMeter(steps, run.onProgress);
  try {
    while (trainer.steps < steps) {
      if (run.signal?.aborted) throw new FlameError('CANCELLED');
      batch.clear();
      for (let row = 0; row < rows; row += 1) {
        const visit = random.int(corpus.visits);
        const { context, vectors } = corpus.visit(visit);
        batch.context.set(vectors, row * vectors.length);
        const room = tokens - context.ids.length;
        batch.write(row, context, fittingSegments(segments.of(visit, random), room, batch.room));
      }
      const learningRate = warmupCosine(
        {
          peak: settings.learningRate,
          warmupSteps: Math.min(100, Math.ceil(steps / 10)),
          totalSteps: steps,
          floor: FLOOR,
        },
        trainer.steps,
      );
      const { loss, metrics } = await trainer.step(batch.forImitation(), { learningRate });
      report(trainer.steps, {
        loss,
        answering: Number(metrics['answering']!.data[0]),
        writing: Number(metrics['writing']!.data[0]),
      });
    }
    return copyOf(trainer.parameters());
  } finally {
    await trainer.close();
  }
}

export function trainerOptions(
  run: Pick<TextTrainingRun, 'session'>,
  seed: number,
  weightDecay: number,
  from: ReadonlyMap<string, HostTensor> | undefined,
): TrainerOptions {
  return {
    seed,
    optimizer: { ...ADAMW, weightDecay },
    ...(from ? { parameters: from } : {}),
    ...(run.session ? { session: run.session } : {}),
  };
}

function readOutsOf({ trie }: TextTrainingRun, { rows, negatives }: TextImitationSettings): ReadOuts {
  return {
    candidates: rows * (negatives + 8),
    actions: rows * 24,
    breadth: trie.breadth,
  };
}

/** As many segments as fit into a row and a batch, in their order. */
function fittingSegments(
  segments: readonly Segment[],
  tokens: number,
  room: { readonly candidates: number; readonly actions: number },
): Segment[] {
  let { candidates, actions } = room;
  let left = tokens;
  return segments.filter((segment) => {
    const size = segmentTokens(segment).ids.length;
    const [needs, writes] = segment.kind === 'candidate' ? [1, 0] : [0, segment.written.length];
    if (size > left || needs > candidates || writes > actions) return false;
    left -= size;
    candidates -= needs;
    actions -= writes;
    return true;
  });
}

/** Draws the questions of a visit. */
class SegmentMaker {
  private readonly run: TextTrainingRun;
  private readonly settings: TextImitationSettings;
  private readonly errors: KnownErrors | undefined;
  private readonly candidates: readonly Tokens[];
  /** Chance of each drug to be asked about where it was not prescribed. */
  private readonly chances: Float64Array;

  constructor(run: TextTrainingRun, settings: TextImitationSettings, errors: KnownErrors | undefined) {
    this.run = run;
    this.settings = settings;
    this.errors = errors;
    const { prompts, tokenizer, prior } = run;
    this.candidates = prompts.names.map((_, drug) => tokenise(tokenizer, prompts.candidate(drug)));
    // By the root of its frequency: common drugs are asked about often, rare ones not too seldom.
    const roots = Array.from(prior, (logit) => Math.sqrt(1 / (1 + Math.exp(-logit))));
    const scale = settings.negatives / roots.reduce((sum, root) => sum + root, 0);
    this.chances = Float64Array.from(roots, (root) => Math.min(1, root * scale));
  }

  of(visit: number, random: Random): Segment[] {
    const truth = this.run.corpus.truth[visit]!;
    const lists =
      this.settings.lists === 'from-nothing' ? this.whole(truth, random) : this.edits(visit, random);
    const questions = this.questions(truth, random);
    const order = random.shuffle(Uint32Array.from(questions, (_, i) => i));
    return [...lists, ...Array.from(order, (i) => questions[i]!)];
  }

  /**
   * Every prescribed drug is asked about, any other with its chance q: that multiplies the odds of yes by 1/q, which the
   * offset takes back together with the drug's frequency, so that the answer itself says what the visit adds to it.
   */
  private questions(truth: readonly number[], random: Random): Segment[] {
    return this.candidates.flatMap((tokens, drug): Segment[] => {
      const isTrue = truth.includes(drug);
      const chance = this.chances[drug]!;
      if (!isTrue && random.uniform() >= chance) return [];
      const offset = this.run.prior[drug]! - Math.log(chance);
      return [{ kind: 'candidate', tokens, offset, label: isTrue ? 1 : 0, weight: 1 }];
    });
  }

  private whole(truth: readonly number[], random: Random): ListSegment[] {
    return [this.listSegment('add', [], random.shuffle([...truth]), new Set())];
  }

  /** The two generations of the paper from a list with errors: what is missing, and what is wrong. */
  private edits(visit: number, random: Random): ListSegment[] {
    const { corpus, trie } = this.run;
    const truth = corpus.truth[visit]!;
    const { scores, statistics } = this.errors!;
    const start = corruptList(truth, rowOf(scores, visit), statistics, random);
    const missing = random.shuffle(truth.filter((drug) => !start.includes(drug)));
    const wrong = random.shuffle(start.filter((drug) => !truth.includes(drug)));
    return [
      this.listSegment('add', start, missing, new Set(start)),
      this.listSegment('remove', start, wrong, allBut(start, trie.root.drugs)),
    ];
  }

  private listSegment(
    kind: 'add' | 'remove',
    start: readonly number[],
    drugs: readonly number[],
    barred: ReadonlySet<number>,
  ): ListSegment {
    const { trie, tokenizer, prompts } = this.run;
    const written = [...drugs.flatMap((drug) => trie.tokensOf(drug)), ...trie.tokensOf('stop')];
    return {
      kind: 'list',
      prompt: tokenise(tokenizer, prompts.list(kind, start, IMITATION_ALPHA)),
      written,
      barred,
      weights: written.map(() => 1),
    };
  }
}

/** Everything that is not on a list. */
export function allBut(list: readonly number[], drugs: readonly number[]): Set<number> {
  const kept = new Set(list);
  return new Set(drugs.filter((drug) => !kept.has(drug)));
}
