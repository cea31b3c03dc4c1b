/**
 * π_list of a model pack, ready to write one list for every slider position. Scores nothing: probabilities are the
 * caller's, and so are the hard rules.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import { NnError } from '../../nn/errors.ts';
import type { SessionOptions } from '../../nn/session.ts';
import { FlameError } from '../../shared/errors.ts';
import type { GridPoint } from '../../shared/recommendation.ts';
import { ALPHA_GRID, type DecodingProblem } from '../lists/decoding.ts';
import { recordedPairs } from '../lists/formulary-pairs.ts';
import type { ModelPack } from '../model-pack.ts';
import { FREE_FEATURE_WEIGHT } from '../classifier/network.ts';
import type { Vocabulary } from '../encoding/vocabulary.ts';
import { decodeLists } from './list-decoder.ts';
import type { PolicyConfig } from './network.ts';
import { ContextVectors } from './policy-corpus.ts';
import { PolicyRunner } from './runner.ts';

/** The features of a visit by the vocabulary of the pack, as its encoder gives them. */
export interface VisitFeatures {
  readonly ids: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}
/** Penalised decoding mostly writes no more different lists than this along the slider. */
const FEW_LISTS = 4;
type PairTables = Pick<Knowledge, 'drugs' | 'interactions'>;

export interface TrainedListPolicy {
  readonly config: PolicyConfig;
  readonly vocabulary: Vocabulary;
  /** Weights of π_cls, whose feature embeddings the policy reads a visit with. */
  readonly classifier: ReadonlyMap<string, HostTensor>;
  readonly parameters: ReadonlyMap<string, HostTensor>;
  readonly knowledge: PairTables;
  readonly threads?: number | undefined;
  /** Where the graphs run; absent: on the CPU. */
  readonly session?: SessionOptions | undefined;
}

export class ListPolicy {
  private readonly runner: PolicyRunner;
  /** Settled when the call before is through: the decoder holds the keys and values of one call. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(runner: PolicyRunner) {
    this.runner = runner;
  }

  /**
   * Opens the policy of a pack and warms it up; null when the pack has none.
   * @throws FlameError MODEL_PACK_CORRUPT when the weights do not fit
   */
  static async of(
    { manifest, vocabulary, parameters, policy }: ModelPack,
    knowledge: PairTables,
    { threads, session }: Pick<TrainedListPolicy, 'threads' | 'session'> = {},
  ): Promise<ListPolicy | null> {
    if (!manifest.policy || !policy) return null;
    try {
      return await ListPolicy.open({
        config: manifest.policy.network,
        vocabulary,
        classifier: parameters,
        parameters: policy,
        knowledge,
        threads,
        session,
      });
    } catch (cause) {
      if (!(cause instanceof NnError)) throw cause;
      const problem = `the weights of its list policy do not fit its network (${cause.message})`;
      throw new FlameError('MODEL_PACK_CORRUPT', { pack: manifest.name, problem }, { cause });
    }
  }

  /** Opens trained weights and warms them up. @throws NnError when they do not fit */
  static async open(trained: TrainedListPolicy): Promise<ListPolicy> {
    const { config, vocabulary, classifier, parameters, knowledge, threads, session } = trained;
    const { formulary } = vocabulary;
    const pairs = recordedPairs(formulary, knowledge);
    const vectors = new ContextVectors(vocabulary, classifier.get(FREE_FEATURE_WEIGHT)!);
    const runner = new PolicyRunner({
      config,
      shape: { drugs: formulary.length, context: vectors.width },
      tables: { pairs },
      vectors,
      parameters,
      maxRows: ALPHA_GRID.length,
      buckets: [1, FEW_LISTS, ALPHA_GRID.length],
      ...(threads === undefined ? {} : { threads }),
      ...(session === undefined ? {} : { session }),
    });
    await runner.warmUp();
    const opened = new ListPolicy(runner);
    const probabilities = formulary.map((_, rank) => 0.5 / (1 + rank));
    await opened.lists({ drugs: formulary, probabilities, pairs }, { ids: [], weights: [] });
    return opened;
  }

  /**
   * One list for each position of the slider. Calls wait for each other.
   * @param alphas rising, no more than ALPHA_GRID has
   */
  lists(
    problem: DecodingProblem,
    { ids, weights }: VisitFeatures,
    alphas: readonly number[] = ALPHA_GRID,
  ): Promise<GridPoint[]> {
    const decoded = this.last.then(() => decodeLists(this.runner, { ...problem, ids, weights }, alphas));
    this.last = decoded.catch(() => undefined);
    return decoded;
  }

  async close(): Promise<void> {
    await this.runner.close();
  }
}
