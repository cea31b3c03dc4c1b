/**
 * Fits π_cls to a site: new drugs, an adapter with its length chosen on validation visits, and the local combination on top
 * of it or of the pack as it is, whichever wins on learning visits. Scores of learning visits come from adapters that did not see their patients. Chooses no visits, writes no model.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import type { DrugId } from '../../shared/ids.ts';
import { atTemperature, fitTemperature, foldTemperature } from '../classifier/calibration.ts';
import { Classifier } from '../classifier/classifier.ts';
import { codeTables } from '../encoding/code-tables.ts';
import { type EncodedCorpus, encodeCorpus, Encoder, selectVisits } from '../encoding/encoding.ts';
import { mean, rowOf, type ScoreTable, setPerVisit } from '../evaluation/metrics.ts';
import type { ModelPack } from '../model-pack.ts';
import { scoreOnce } from '../classifier/predict.ts';
import { expectedJaccardLists } from '../lists/set-rules.ts';
import { adaptToSite, INNER_FOLDS, innerFolds, PATIENTS_MINIMUM, siteFormulary } from '../site/adapt.ts';
import type { Experts } from '../site/experts.ts';
import type { SiteVisit } from '../site/site-visits.ts';
import type { TrainingControl } from './control.ts';
import { extendedPack, type ExtensionRows, extensionRows } from './extension.ts';
import { priorOf } from './local-scorer.ts';
import { addOffsets, fitOffsets, movedBiases } from './moved-biases.ts';
import type { AdapterSettings } from './profiles.ts';
import { type AdapterProgress, trainAdapter } from './train-adapter.ts';
import type { TrainingDevice } from './training-device.ts';

export interface FitOptions {
  readonly base: ModelPack;
  readonly knowledge: Knowledge;
  /** Visits whose drugs are in the spelling of `base`'s formulary, or in the tables' for others. */
  readonly train: readonly SiteVisit[];
  readonly validation: readonly SiteVisit[];
  readonly settings: AdapterSettings;
  readonly seed: number;
  readonly threads: number;
  /** Where steps run; absent: on the CPU. */
  readonly device?: TrainingDevice;
  readonly control: TrainingControl;
  /** Drugs of the local combination; absent: those of enough learning visits. */
  readonly formulary?: readonly DrugId[];
  /** Where checkpoints are kept: before their names. */
  readonly checkpoint?: string;
  readonly onProgress?: (stage: 'adapter' | 'cross-fitting' | 'site', progress: AdapterProgress) => void;
}

/** The adapter alone, the local combination on the pack with moved biases, the combination on top of the adapter. */
export type CandidateName = 'adapter' | 'unchanged' | 'combination';

export interface Candidate {
  readonly name: CandidateName;
  /** Over the larger formulary, its weights changed and calibrated; its policy is the pack's own, extended. */
  readonly pack: ModelPack;
  /** What was trained, before calibration. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** Weights of π_cls with that folded in, before calibration. */
  readonly merged: ReadonlyMap<string, HostTensor>;
  readonly temperature: number;
  /** The local combination. */
  readonly site: Uint8Array | null;
  /** Probabilities of the learning visits by models that did not see their patients. */
  readonly scores: ScoreTable;
}

/** The candidate that won. */
export interface FittedClassifier extends Candidate {
  /** All, the simplest first; without the two combinations where there are too few patients. */
  readonly candidates: readonly Candidate[];
  readonly newDrugs: readonly DrugId[];
  readonly extension: ExtensionRows;
  /** Train visits, then validation visits. */
  readonly learning: EncodedCorpus;
  readonly epochs: readonly number[];
  /** Mean Jaccard of the learning visits, out of fold. */
  readonly outOfFold: {
    readonly adapter: number;
    readonly unchanged: number | null;
    readonly combination: number | null;
  };
}

/** A drug that the pack does not know is learnt from this many learning visits on. */
export const NEW_DRUG_VISITS = 5;

/** @throws FlameError CANCELLED */
export async function fitClassifier(options: FitOptions): Promise<FittedClassifier> {
  const { base, knowledge, train, validation, settings, seed, threads, control, onProgress } = options;
  const visits = [...train, ...validation];
  const newDrugs = newDrugsOf(visits, base);
  const shares = newDrugs.map((drug) => {
    const uses = visits.filter(({ drugs }) => drugs.includes(drug)).length;
    return { drug, share: (uses + 1) / (visits.length + 2) };
  });
  const extension = extensionRows(base, shares, knowledge);
  const pack = extendedPack(base, newDrugs, extension);
  const encoder = new Encoder(pack.vocabulary, codeTables(knowledge));
  const learning = encodeCorpus(encoder, visits.map(labelled));
  const positions = visits.map((_, i) => i);
  const { device } = options;
  const common = { pack, settings, seed, threads, control, ...(device ? { device } : {}) };
  const named = (name: string) =>
    options.checkpoint === undefined ? {} : { checkpoint: `${options.checkpoint}${name}` };

  const { epochs } = await trainAdapter({
    ...common,
    ...named('search'),
    train: selectVisits(learning, positions.slice(0, train.length)),
    validation: selectVisits(learning, positions.slice(train.length)),
    onProgress: (progress) => onProgress?.('adapter', progress),
  });
  const folds = innerFolds(visits);
  const outOfFold = new Float32Array(visits.length * pack.vocabulary.formulary.length);
  for (let fold = 0; fold < INNER_FOLDS; fold += 1) {
    const inside = positions.filter((i) => folds[i] === fold);
    const outside = selectVisits(
      learning,
      positions.filter((i) => folds[i] !== fold),
    );
    if (inside.length === 0 || outside.visits === 0) continue;
    const { parameters } = await trainAdapter({
      ...common,
      ...named(`fold-${fold}`),
      train: outside,
      validation: null,
      epochs,
      onProgress: ({ step, steps, values }) =>
        onProgress?.('cross-fitting', { step: fold * steps + step, steps: INNER_FOLDS * steps, values }),
    });
    const scored = await scoreOnce(
      base.manifest.network,
      pack.vocabulary,
      parameters,
      selectVisits(learning, inside),
      threads,
    );
    inside.forEach((visit, at) => outOfFold.set(rowOf(scored, at), visit * scored.drugs));
  }
  const final = await trainAdapter({
    ...common,
    ...named('final'),
    train: learning,
    validation: null,
    epochs,
    onProgress: (progress) => onProgress?.('cross-fitting', progress),
  });

  const raw: ScoreTable = {
    visits: visits.length,
    drugs: pack.vocabulary.formulary.length,
    values: outOfFold,
  };
  const temperature = fitTemperature(raw, learning.truth);
  const byAdapter = atTemperature(raw, temperature);
  const changed: ModelPack = {
    ...pack,
    parameters: foldTemperature(final.parameters, base.manifest.network, temperature),
  };
  const adapter = {
    pack: changed,
    tensors: final.tensors,
    merged: final.parameters,
    temperature,
    scores: byAdapter,
  };
  const moved = await withMovedBiases(options, pack, learning, folds);
  // Both combinations ask the same experts: these know the site's visits and no classifier.
  const experts = new Map<number, Experts>();
  const onPack = await combination(options, moved, visits, { experts, pass: 0 });
  const onAdapter = await combination(options, adapter, visits, { experts, pass: 1 });
  const candidates: Candidate[] = [
    { name: 'adapter', ...adapter, site: null },
    ...(onPack ? [{ name: 'unchanged', ...moved, ...onPack } as const] : []),
    ...(onAdapter ? [{ name: 'combination', ...adapter, ...onAdapter } as const] : []),
  ];
  const rated = candidates.map((candidate) => ({
    candidate,
    quality: mean(setPerVisit(expectedJaccardLists(candidate.scores), learning.truth).jaccard),
  }));
  const best = rated.reduce((first, next) => (next.quality > first.quality ? next : first));
  const qualityOf = (name: CandidateName): number | null =>
    rated.find(({ candidate }) => candidate.name === name)?.quality ?? null;
  return {
    ...best.candidate,
    candidates,
    newDrugs,
    extension,
    learning,
    epochs,
    outOfFold: {
      adapter: qualityOf('adapter')!,
      unchanged: qualityOf('unchanged'),
      combination: qualityOf('combination'),
    },
  };
}

/** π_cls as a combination stands on it: what changed of it, and its opinions of visits whose patients it did not see. */
type Ground = Pick<Candidate, 'pack' | 'tensors' | 'merged' | 'temperature' | 'scores'>;

/** The pack with the drugs' biases moved to the site's use, which no combination does for drugs outside its formulary. */
async function withMovedBiases(
  { threads }: FitOptions,
  pack: ModelPack,
  learning: EncodedCorpus,
  folds: readonly number[],
): Promise<Ground> {
  const { network } = pack.manifest;
  const scores = await scoreOnce(network, pack.vocabulary, pack.parameters, learning, threads);
  const all = folds.map((_, visit) => visit);
  const values = new Float32Array(scores.values.length);
  for (let fold = 0; fold < INNER_FOLDS; fold += 1) {
    const outside = all.filter((visit) => folds[visit] !== fold);
    const inside = all.filter((visit) => folds[visit] === fold);
    addOffsets(scores, fitOffsets(scores, learning.truth, outside), inside, values);
  }
  const tensors = movedBiases(pack, fitOffsets(scores, learning.truth, all));
  const merged = new Map([...pack.parameters, ...tensors]);
  return {
    pack: { ...pack, parameters: merged },
    tensors,
    merged,
    temperature: 1,
    scores: { ...scores, values },
  };
}

/** Drugs of enough visits that a pack does not know, by name. */
export function newDrugsOf(visits: readonly Pick<SiteVisit, 'drugs'>[], { vocabulary }: ModelPack): DrugId[] {
  const known = new Set(vocabulary.formulary);
  return siteFormulary(visits as readonly SiteVisit[], NEW_DRUG_VISITS)
    .filter((drug) => !known.has(drug))
    .sort();
}

/** A visit of a site as the encoder of corpora takes it; the patient stands where the survey has the clinician. */
export function labelled(visit: SiteVisit) {
  const { id, patient, context, drugs } = visit;
  return { id, year: context.year, clinician: patient, context, drugs };
}

async function combination(
  { knowledge, control, formulary, threads, onProgress }: FitOptions,
  { pack, scores }: Ground,
  visits: readonly SiteVisit[],
  { experts, pass }: { readonly experts: Map<number, Experts>; readonly pass: number },
): Promise<{ readonly site: Uint8Array; readonly scores: ScoreTable } | null> {
  const drugs = formulary ?? siteFormulary(visits);
  const own = new Set(drugs);
  const used = visits.filter((visit) => visit.drugs.some((drug) => own.has(drug)));
  if (drugs.length === 0 || new Set(used.map(({ patient }) => patient)).size < PATIENTS_MINIMUM) return null;
  const at = new Map(visits.map((visit, i) => [visit, i]));
  const places = new Map(pack.vocabulary.formulary.map((drug, i) => [drug, i]));
  const values = scores.values.slice();
  const classifier = await Classifier.of(pack, knowledge, { threads });
  try {
    const site = await adaptToSite({
      classifier: priorOf(classifier),
      knowledge,
      visits,
      formulary: drugs,
      priorOf: (visit) => rowOf(scores, at.get(visit)!),
      experts,
      onOutOfFold: (visit, probabilities) =>
        drugs.forEach((drug, i) => {
          values[at.get(visit)! * scores.drugs + places.get(drug)!] = probabilities[i]!;
        }),
      pass: () => control.pass(),
      onProgress: (step, steps) =>
        onProgress?.('site', { step: pass * steps + step, steps: 2 * steps, values: {} }),
    });
    return { site: site.toBytes(), scores: { ...scores, values } };
  } finally {
    await classifier.close();
  }
}
