/**
 * π_cls: a model pack ready to score visits, each drug of the formulary in one pass (METHOD section 2). Chooses no list,
 * knows no interaction, and keeps nothing of a visit.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import { NnError } from '../../nn/errors.ts';
import type { SessionOptions } from '../../nn/session.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import type { DrugId } from '../../shared/ids.ts';
import { codeTables } from '../encoding/code-tables.ts';
import { type EncodedVisit, Encoder } from '../encoding/encoding.ts';
import { rowOf } from '../evaluation/metrics.ts';
import { type ModelPack, type PackManifest, readModelPack } from '../model-pack.ts';
import { Predictor } from './predict.ts';

export interface ScoredVisit {
  /** Calibrated probability of each drug of `formulary`, in its order. */
  readonly probabilities: Float32Array;
  /** Codes of which the model knows neither the code nor a family. */
  readonly unknownCodes: readonly string[];
  /** Codes read through their family. */
  readonly generalisedCodes: readonly string[];
}

export interface ClassifierOptions {
  /** Largest number of visits in one pass; more are cut. Default 64. */
  readonly batch?: number;
  readonly threads?: number;
  /** Where the graphs run; absent: on the CPU. */
  readonly session?: SessionOptions;
}

export class Classifier {
  readonly manifest: PackManifest;
  /** The drugs that can be scored, most used first. */
  readonly formulary: readonly DrugId[];
  private readonly encoder: Encoder;
  private readonly predictor: Predictor;

  private constructor(pack: ModelPack, encoder: Encoder, predictor: Predictor) {
    this.manifest = pack.manifest;
    this.formulary = pack.vocabulary.formulary;
    this.encoder = encoder;
    this.predictor = predictor;
  }

  /**
   * Opens models/<name> and warms it up for single visits.
   * @throws FlameError MODEL_PACK_MISSING, MODEL_PACK_CORRUPT
   */
  static async open(
    directory: string,
    knowledge: Pick<Knowledge, 'codes'>,
    options: ClassifierOptions = {},
  ): Promise<Classifier> {
    return Classifier.of(readModelPack(directory), knowledge, options);
  }

  /** The classifier of a pack that was read. @throws FlameError MODEL_PACK_CORRUPT when the weights do not fit */
  static async of(
    pack: ModelPack,
    knowledge: Pick<Knowledge, 'codes'>,
    options: ClassifierOptions = {},
  ): Promise<Classifier> {
    const { vocabulary, parameters, manifest } = pack;
    const predictor = new Predictor({
      network: manifest.network,
      shape: { features: vocabulary.features.length, drugs: vocabulary.formulary.length },
      parameters,
      buckets: [1, options.batch ?? 64],
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      ...(options.session === undefined ? {} : { session: options.session }),
    });
    const encoder = new Encoder(vocabulary, codeTables(knowledge));
    const classifier = new Classifier(pack, encoder, predictor);
    try {
      await classifier.score([WARM_UP]);
    } catch (cause) {
      if (!(cause instanceof NnError)) throw cause;
      const problem = `its weights do not fit its network (${cause.message})`;
      throw new FlameError('MODEL_PACK_CORRUPT', { pack: manifest.name, problem }, { cause });
    }
    return classifier;
  }

  /** Scores visits in order. Any context is accepted, an empty one too. */
  async score(contexts: readonly ClinicalContext[]): Promise<ScoredVisit[]> {
    const encoded = contexts.map((context) => this.encoder.encode(context));
    const scores = await this.predictor.score(encoded);
    return encoded.map(({ unknownCodes, generalisedCodes }, visit) => ({
      probabilities: rowOf(scores, visit).slice(),
      unknownCodes,
      generalisedCodes,
    }));
  }

  /** A visit as the pack's networks read it. */
  encode(context: ClinicalContext): EncodedVisit {
    return this.encoder.encode(context);
  }

  async close(): Promise<void> {
    await this.predictor.close();
  }
}

/** Touches the code tables of both systems, so that the first real visit does not wait for them. */
const WARM_UP: ClinicalContext = {
  year: 2009,
  age: Number.NaN,
  sex: 'unknown',
  setting: 'unknown',
  specialty: null,
  reasons: [],
  diagnoses: [
    { system: 'ICD-9-CM', code: '25000' },
    { system: 'ICD-10-CM', code: 'E119' },
  ],
  chronic: [],
  procedures: ['0WJ0XZZ'],
  currentMedications: [],
  previousMedications: [],
};
