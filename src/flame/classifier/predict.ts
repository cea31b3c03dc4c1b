/** Runs trained weights over encoded visits, one or many, and returns probabilities. Trains and chooses nothing. */

import type { HostTensor } from '../../nn/dtype.ts';
import { InferenceModel } from '../../nn/inference.ts';
import { sigmoid } from '../../nn/ops.ts';
import type { SessionOptions } from '../../nn/session.ts';
import type { EncodedCorpus } from '../encoding/encoding.ts';
import type { ScoreTable } from '../evaluation/metrics.ts';
import type { Vocabulary } from '../encoding/vocabulary.ts';
import { buildTrainedNetwork, type NetworkConfig, type NetworkShape } from './network.ts';

export interface PredictorOptions {
  readonly network: NetworkConfig;
  readonly shape: NetworkShape;
  readonly parameters: ReadonlyMap<string, HostTensor>;
  /** Batch sizes of the graphs that are opened; see InferenceModel. */
  readonly buckets: readonly number[];
  readonly threads?: number;
  /** Where the graphs run; absent: on the CPU. */
  readonly session?: SessionOptions;
}

/** Probabilities of every visit of a corpus by trained weights that are used this once. */
export async function scoreOnce(
  network: NetworkConfig,
  { features, formulary }: Vocabulary,
  parameters: ReadonlyMap<string, HostTensor>,
  corpus: EncodedCorpus,
  threads?: number,
): Promise<ScoreTable> {
  const predictor = new Predictor({
    network,
    shape: { features: features.length, drugs: formulary.length },
    parameters,
    buckets: [256],
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    return await predictor.scoreCorpus(corpus);
  } finally {
    await predictor.close();
  }
}

export class Predictor {
  private readonly model: InferenceModel;
  private readonly shape: NetworkShape;
  private readonly largest: number;

  constructor({ network, shape, parameters, buckets, threads, session }: PredictorOptions) {
    this.shape = shape;
    this.largest = Math.max(...buckets);
    this.model = new InferenceModel(
      (scope, rows) => {
        const x = scope.input('features', 'float', [rows, shape.features]);
        return { probabilities: sigmoid(buildTrainedNetwork(scope, network, shape, x)) };
      },
      { parameters, buckets, session: { ...session, ...(threads === undefined ? {} : { threads }) } },
    );
  }

  async warmUp(): Promise<void> {
    await this.model.warmUp();
  }

  /** Probabilities [rows, drugs] of rows given as ids and weights. */
  async score(
    rows: readonly { readonly ids: ArrayLike<number>; readonly weights: ArrayLike<number> }[],
  ): Promise<ScoreTable> {
    const { features, drugs } = this.shape;
    const values = new Float32Array(rows.length * drugs);
    for (let from = 0; from < rows.length; from += this.largest) {
      const part = rows.slice(from, from + this.largest);
      const dense = new Float32Array(part.length * features);
      part.forEach(({ ids, weights }, row) => {
        for (let i = 0; i < ids.length; i += 1) dense[row * features + ids[i]!] = weights[i]!;
      });
      const { probabilities } = await this.model.run({ features: dense }, part.length);
      values.set(probabilities!.data as Float32Array, from * drugs);
    }
    return { visits: rows.length, drugs, values };
  }

  async scoreCorpus(corpus: EncodedCorpus): Promise<ScoreTable> {
    const rows = Array.from({ length: corpus.visits }, (_, visit) => {
      const [from, to] = [corpus.starts[visit]!, corpus.starts[visit + 1]!];
      return { ids: corpus.ids.subarray(from, to), weights: corpus.weights.subarray(from, to) };
    });
    return this.score(rows);
  }

  async close(): Promise<void> {
    await this.model.close();
  }
}
