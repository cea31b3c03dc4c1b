/**
 * The classifier adapted to a site: probabilities of every drug of the site's own formulary, new drugs included, for any
 * context. Trains nothing (see adapt.ts), chooses no list and knows no interaction. Its state holds counts and weights,
 * and no visit.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import { formatSafetensors, parseSafetensors } from '../../nn/safetensors.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { ScoredVisit } from '../classifier/classifier.ts';
import { combine, type Combination } from './combination.ts';
import { COLUMNS, type DrugTraits, WIDTH, writeRows } from './drug-rows.ts';
import { askExperts, type Experts } from './experts.ts';
import { SiteEncoder, type SiteInput } from './site-encoder.ts';

/** The part of a Classifier that a site model leans on. */
export interface PriorClassifier {
  readonly formulary: readonly DrugId[];
  readonly manifest: { readonly name: string; readonly version: string };
  score(contexts: readonly ClinicalContext[]): Promise<readonly Pick<ScoredVisit, 'probabilities'>[]>;
}

/** What the model was made from; shown beside its numbers. */
export interface SiteProvenance {
  readonly classifier: string;
  readonly knowledgeVersion: string;
  readonly visits: number;
  readonly patients: number;
}

export interface SiteState {
  readonly formulary: readonly DrugId[];
  readonly features: readonly string[];
  readonly experts: Experts;
  readonly traits: DrugTraits;
  readonly combination: Combination;
  readonly provenance: SiteProvenance;
}

/** Changes when a stored state can no longer be read: columns are part of it. */
const FORMAT = `flame-site-1 ${COLUMNS.join(',')}`;

export class SiteModel {
  readonly state: SiteState;
  private readonly encoder: SiteEncoder;
  private readonly classifier: PriorClassifier;

  /** @throws FlameError INVALID_INPUT when the state was made with another classifier */
  constructor(state: SiteState, classifier: PriorClassifier, knowledge: Pick<Knowledge, 'codes'>) {
    if (state.provenance.classifier !== nameOf(classifier))
      throw new FlameError('INVALID_INPUT', {
        problem: `the site was adapted from ${state.provenance.classifier}, not from ${nameOf(classifier)}`,
      });
    this.state = state;
    this.classifier = classifier;
    this.encoder = new SiteEncoder(state, knowledge);
  }

  /** The drugs that are scored, most used at the site first. */
  get formulary(): readonly DrugId[] {
    return this.state.formulary;
  }

  /** Calibrated probability of each drug of `formulary`, for each context in order. Any context is accepted. */
  async score(contexts: readonly ClinicalContext[]): Promise<Float32Array[]> {
    const { experts, traits, combination, formulary } = this.state;
    const priors = await this.classifier.score(contexts);
    const inputs = contexts.map((context) => this.encoder.encode(context));
    const rows = evidenceRows(
      inputs,
      experts,
      traits,
      priors.map(({ probabilities }) => probabilities),
      this.encoder.features,
    );
    const values = combine(combination, rows);
    return inputs.map((_, visit) => values.slice(visit * formulary.length, (visit + 1) * formulary.length));
  }

  toBytes(): Uint8Array {
    return formatState(this.state);
  }

  /** @throws FlameError INVALID_INPUT when the bytes are no state of this format, or of another classifier */
  static fromBytes(
    bytes: Uint8Array,
    classifier: PriorClassifier,
    knowledge: Pick<Knowledge, 'codes'>,
  ): SiteModel {
    return new SiteModel(parseState(bytes), classifier, knowledge);
  }
}

export function nameOf({ manifest }: Pick<PriorClassifier, 'manifest'>): string {
  return `${manifest.name} ${manifest.version}`;
}

/** Evidence [visits · drugs · WIDTH]. */
export function evidenceRows(
  inputs: readonly SiteInput[],
  experts: Experts,
  traits: DrugTraits,
  priors: readonly Float32Array[],
  features: number,
): Float32Array {
  const drugs = experts.base.length;
  const rows = new Float32Array(inputs.length * drugs * WIDTH);
  askExperts(experts, inputs, features).forEach((opinion, visit) =>
    writeRows(rows, visit * drugs * WIDTH, inputs[visit]!, opinion, experts, traits, priors[visit]!),
  );
  return rows;
}

function formatState(state: SiteState): Uint8Array {
  const { experts, traits, combination } = state;
  const drugs = state.formulary.length;
  const float32 = (data: Float32Array, ...shape: number[]): HostTensor => ({ dtype: 'float32', shape, data });
  const float64 = (data: Float64Array): HostTensor => ({ dtype: 'float64', shape: [data.length], data });
  const int32 = (data: Int32Array): HostTensor => ({ dtype: 'int32', shape: [data.length], data });
  const tensors = new Map<string, HostTensor>([
    ['base', float32(experts.base, drugs)],
    ['persistence', float32(experts.persistence, drugs)],
    ['uptake', float32(experts.uptake, drugs)],
    ['codes.weights', float32(experts.fromCodes.weights, state.features.length, drugs)],
    ['codes.bias', float32(experts.fromCodes.bias, drugs)],
    ['all.weights', float32(experts.fromAll.weights, state.features.length, drugs)],
    ['all.bias', float32(experts.fromAll.bias, drugs)],
    ['length', float64(experts.length)],
    ['classifier.positions', int32(traits.classifierPositions)],
    ['classifier.means', float32(traits.classifierMeans, drugs)],
    ['office.use', float32(traits.officeUse, drugs)],
    ['combination', float64(combination.weights)],
    ['trees.roots', int32(combination.trees.roots)],
    ['trees.columns', int32(combination.trees.columns)],
    ['trees.values', float32(combination.trees.values, combination.trees.values.length)],
    ['trees.below', int32(combination.trees.below)],
  ]);
  const plain = {
    formulary: state.formulary,
    features: state.features,
    classMates: traits.classMates,
    meanLength: experts.meanLength,
    temperature: combination.temperature,
    provenance: state.provenance,
  };
  return formatSafetensors(tensors, { metadata: { format: FORMAT, plain: JSON.stringify(plain) } });
}

interface PlainState extends Pick<SiteState, 'formulary' | 'features' | 'provenance'> {
  readonly classMates: DrugTraits['classMates'];
  readonly meanLength: number;
  readonly temperature: number;
}

function parseState(bytes: Uint8Array): SiteState {
  const unreadable = (cause?: unknown): FlameError =>
    new FlameError(
      'INVALID_INPUT',
      { problem: 'this is no adapted model that this version can read' },
      { cause },
    );
  let file: ReturnType<typeof parseSafetensors>;
  try {
    file = parseSafetensors(bytes);
  } catch (cause) {
    throw unreadable(cause);
  }
  if (file.metadata['format'] !== FORMAT) throw unreadable();
  const plain = JSON.parse(file.metadata['plain']!) as PlainState;
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names what the format says
  const data = <Data extends HostTensor['data']>(name: string): Data => {
    const tensor = file.tensors.get(name);
    if (!tensor) throw unreadable();
    return tensor.data as Data;
  };
  const linear = (name: string): Experts['fromAll'] => ({
    features: plain.features.length,
    labels: plain.formulary.length,
    weights: data(`${name}.weights`),
    bias: data(`${name}.bias`),
  });
  return {
    formulary: plain.formulary,
    features: plain.features,
    experts: {
      base: data('base'),
      persistence: data('persistence'),
      uptake: data('uptake'),
      fromCodes: linear('codes'),
      fromAll: linear('all'),
      length: data('length'),
      meanLength: plain.meanLength,
    },
    traits: {
      classifierPositions: data('classifier.positions'),
      classifierMeans: data('classifier.means'),
      officeUse: data('office.use'),
      classMates: plain.classMates,
    },
    combination: {
      weights: data('combination'),
      trees: {
        roots: data('trees.roots'),
        columns: data('trees.columns'),
        values: data('trees.values'),
        below: data('trees.below'),
      },
      temperature: plain.temperature,
    },
    provenance: plain.provenance,
  };
}
