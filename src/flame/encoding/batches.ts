/**
 * Fills the dense inputs of one training step from encoded visits: token dropout, and the simulated medication history
 * of docs/references/evaluation.md. Draws every random number from one seeded stream; runs no graph.
 */

import type { Random } from '../../nn/random.ts';
import type { EncodedCorpus } from './encoding.ts';
import { familyOf } from './features.ts';
import { maskNames, type NetworkConfig, type NetworkShape } from '../classifier/network.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface BatchSettings {
  readonly rows: number;
  /** Share of a visit's features that is hidden from each training row; a code's families are hidden independently. */
  readonly tokenDropout: number;
  /** Share of rows that show part of the visit's own list as current medications; the loss skips those drugs. */
  readonly revealCurrent: number;
  /** Share of rows that show a noisy copy of the list as the previous visit's; the loss keeps all drugs. */
  readonly revealPrevious: number;
  /** Half-life in years of a visit's weight in the loss, counted back from the last training year; 0: all weigh 1. */
  readonly recencyHalfLife: number;
}

/** A previous list repeats a drug with this probability, and holds one foreign drug for this share of its length. */
const PREVIOUS_KEEPS = 0.7;
const PREVIOUS_FOREIGN = 0.25;

/** Rows that supervise training beside the visits of the protocol, which they must be told apart from. */
export interface Supplement {
  /** Visits with fewer than two formulary drugs; a feature of their own marks them. */
  readonly corpus: EncodedCorpus;
  /** Number of drugs beside the formulary that are learnt too. */
  readonly auxiliary: number;
}

/** Dense arrays under the input names of the training graph; reused from step to step. */
export type DenseBatch = Record<string, Float32Array>;

export class BatchFiller {
  /** Rows to draw: the visits of the corpus, then those of the supplement. */
  readonly visits: number;
  private readonly corpus: EncodedCorpus;
  private readonly supplement: EncodedCorpus | undefined;
  private readonly settings: BatchSettings;
  private readonly features: number;
  private readonly drugs: number;
  private readonly lastYear: number;
  private readonly currentOf: Int32Array;
  private readonly previousOf: Int32Array;
  /** Features that are never dropped: without its year a visit would be read as of no time. */
  private readonly kept: Uint8Array;
  private readonly masks: readonly { readonly name: string; readonly rate: number }[];
  private readonly batch: DenseBatch;
  /** Every drug as often as training used it: where foreign drugs are drawn from. */
  private readonly urn: Uint16Array;

  constructor(
    corpus: EncodedCorpus,
    vocabulary: Vocabulary,
    config: NetworkConfig,
    settings: BatchSettings,
    supplement?: Supplement,
  ) {
    this.corpus = corpus;
    this.supplement = supplement?.corpus;
    this.visits = corpus.visits + (supplement?.corpus.visits ?? 0);
    this.settings = settings;
    const shape = trainingShape(vocabulary, supplement);
    this.features = shape.features;
    this.drugs = shape.drugs;
    this.lastYear = vocabulary.lastYear;
    const ids = new Map(vocabulary.features.map((key, id) => [key, id]));
    this.currentOf = Int32Array.from(vocabulary.formulary, (drug) => ids.get(`current:${drug}`) ?? -1);
    this.previousOf = Int32Array.from(vocabulary.formulary, (drug) => ids.get(`previous:${drug}`) ?? -1);
    this.kept = Uint8Array.from(vocabulary.features, (key) => (familyOf(key) === 'year' ? 1 : 0));
    const width = config.kind === 'flame' ? config.width : 0;
    const rate = config.kind === 'flame' ? config.dropout : 0;
    this.masks = maskNames(config).map((name) => ({ name, rate }));
    this.batch = {
      features: new Float32Array(settings.rows * this.features),
      targets: new Float32Array(settings.rows * this.drugs),
      weights: new Float32Array(settings.rows * this.drugs),
    };
    for (const { name } of this.masks) this.batch[name] = new Float32Array(settings.rows * width);
    this.urn = Uint16Array.from(corpus.truth.flat());
  }

  /** The batch of the visits `order[from]` … `order[from + rows − 1]`. */
  fill(order: Uint32Array, from: number, random: Random): DenseBatch {
    const { rows } = this.settings;
    const { features, targets, weights } = this.batch as Record<
      'features' | 'targets' | 'weights',
      Float32Array
    >;
    features.fill(0);
    targets.fill(0);
    for (let row = 0; row < rows; row += 1) {
      const drawn = order[from + row]!;
      const own = drawn < this.corpus.visits;
      const corpus = own ? this.corpus : this.supplement!;
      const visit = own ? drawn : drawn - this.corpus.visits;
      const x = features.subarray(row * this.features, (row + 1) * this.features);
      const y = targets.subarray(row * this.drugs, (row + 1) * this.drugs);
      const w = weights.subarray(row * this.drugs, (row + 1) * this.drugs);
      w.fill(this.weightOf(corpus.years[visit]!) / rows);
      for (const drug of corpus.truth[visit]!) y[drug] = 1;
      if (this.supplement) for (const drug of corpus.auxiliary[visit]!) y[drug] = 1;
      this.writeFeatures(corpus, visit, x, random);
      this.writeHistory(corpus.truth[visit]!, x, w, random);
      if (!own) x[this.features - 1] = 1;
    }
    for (const { name, rate } of this.masks) fillMask(this.batch[name]!, rate, random);
    return this.batch;
  }

  private weightOf(year: number): number {
    const { recencyHalfLife } = this.settings;
    return recencyHalfLife === 0 ? 1 : 2 ** ((year - this.lastYear) / recencyHalfLife);
  }

  private writeFeatures(
    { starts, ids, weights }: EncodedCorpus,
    visit: number,
    x: Float32Array,
    random: Random,
  ): void {
    const { tokenDropout } = this.settings;
    for (let i = starts[visit]!; i < starts[visit + 1]!; i += 1) {
      const id = ids[i]!;
      if (this.kept[id] === 1 || random.uniform() >= tokenDropout) x[id] = weights[i]!;
    }
  }

  /** Corpus N has no history: it is simulated from the visit's own list, and what is shown is not asked for. */
  private writeHistory(truth: readonly number[], x: Float32Array, w: Float32Array, random: Random): void {
    const { revealCurrent, revealPrevious } = this.settings;
    const draw = random.uniform();
    if (draw < revealCurrent) {
      if (truth.length < 2) return; // a part of the list stays hidden
      const shown = random.shuffle([...truth]).slice(0, 1 + random.int(truth.length - 1));
      for (const drug of shown) {
        if (this.currentOf[drug]! >= 0) x[this.currentOf[drug]!] = 1;
        w[drug] = 0;
      }
    } else if (draw < revealCurrent + revealPrevious) {
      for (const drug of truth)
        if (random.uniform() < PREVIOUS_KEEPS && this.previousOf[drug]! >= 0) x[this.previousOf[drug]!] = 1;
      for (let i = 0; i < truth.length; i += 1) {
        if (random.uniform() >= PREVIOUS_FOREIGN) continue;
        const foreign = this.previousOf[this.urn[random.int(this.urn.length)]!]!;
        if (foreign >= 0) x[foreign] = 1;
      }
    }
  }
}

/** The network that learns from a supplement: a last feature marks its rows, and auxiliary drugs follow the formulary. */
export function trainingShape(vocabulary: Vocabulary, supplement?: Supplement): NetworkShape {
  return {
    features: vocabulary.features.length + (supplement ? 1 : 0),
    drugs: vocabulary.formulary.length + (supplement?.auxiliary ?? 0),
  };
}

/** Dropout with the rate rounded to 1/256, so that one draw serves four elements: masks are most of the draws. */
export function fillMask(mask: Float32Array, rate: number, random: Random): void {
  const cut = Math.round(rate * 256);
  const keep = 256 / (256 - cut);
  let bits = 0;
  for (let i = 0; i < mask.length; i += 1) {
    if (i % 4 === 0) bits = random.bits();
    mask[i] = (bits & 255) < cut ? 0 : keep;
    bits >>>= 8;
  }
}
