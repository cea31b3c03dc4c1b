/**
 * Adapts the shipped classifier to a site's own past visits: fits the experts, and the combination of their out-of-fold
 * opinions with the classifier's. Deterministic; no held-out visit and no random draw takes part. Stores nothing.
 */

import { createHash } from 'node:crypto';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { FlameError } from '../../shared/errors.ts';
import type { DrugId } from '../../shared/ids.ts';
import { countFormulary } from '../corpus.ts';
import { combine, type EvidenceBlock, fitCombination, joined } from './combination.ts';
import { type DrugTraits, WIDTH } from './drug-rows.ts';
import { type Experts, fitExperts } from './experts.ts';
import { logit } from '../probability.ts';
import { SiteEncoder } from './site-encoder.ts';
import { evidenceRows, nameOf, type PriorClassifier, SiteModel } from './site-model.ts';
import { labelsOf, type SiteVisit } from './site-visits.ts';

export interface AdaptationOptions {
  readonly classifier: PriorClassifier;
  readonly knowledge: Pick<Knowledge, 'codes' | 'drugs' | 'version'>;
  readonly visits: readonly SiteVisit[];
  /** Absent: the drugs of at least `minimumVisits` of `visits`, most used first. */
  readonly formulary?: readonly DrugId[];
  readonly minimumVisits?: number;
  /**
   * The classifier's probabilities of a training visit, where it was trained on such visits itself: by a classifier that
   * did not see the visit's inner fold (`innerFolds`). Absent: the classifier is asked.
   */
  readonly priorOf?: (visit: SiteVisit) => Float32Array;
  /**
   * The site's experts, by the inner fold that they did not see (INNER_FOLDS: they saw all): found here or put here. They
   * do not depend on the classifier, so a second adaptation to the same visits and formulary need not fit them again.
   */
  readonly experts?: Map<number, Experts>;
  /** Hears the combined probabilities of training visits, from experts that did not see their patients. */
  readonly onOutOfFold?: (visit: SiteVisit, probabilities: Float32Array) => void;
  /** Called after each piece of work with the event loop free. */
  readonly pass?: () => Promise<void>;
  /** Called after each of `steps` pieces of work. */
  readonly onProgress?: (done: number, steps: number) => void;
}

/** Fewer patients cannot tell what generalises. */
export const PATIENTS_MINIMUM = 20;
export const FORMULARY_VISITS = 10;
export const INNER_FOLDS = 5;
/** Inner folds whose patients decide the number of trees and the temperature. */
const LOOK_FOLDS = 2;
/** Brings log counts of the survey to the scale of the other columns. */
const OFFICE_SCALE = 5;

/**
 * @throws FlameError INVALID_INPUT with fewer than PATIENTS_MINIMUM patients, or when no drug is used often enough
 */
export async function adaptToSite(options: AdaptationOptions): Promise<SiteModel> {
  const { classifier, knowledge, onProgress } = options;
  const formulary = options.formulary ?? siteFormulary(options.visits, options.minimumVisits);
  const members = new Set(formulary);
  const visits = options.visits.filter(({ drugs }) => drugs.some((drug) => members.has(drug)));
  const patients = new Set(visits.map(({ patient }) => patient));
  if (patients.size < PATIENTS_MINIMUM || formulary.length === 0) {
    const problem = `${patients.size} patients and ${formulary.length} drugs: at least ${PATIENTS_MINIMUM} patients are needed`;
    throw new FlameError('INVALID_INPUT', { problem });
  }
  const contexts = visits.map(({ context }) => context);
  const priors = options.priorOf
    ? visits.map(options.priorOf)
    : (await classifier.score(contexts)).map(({ probabilities }) => probabilities);
  const encoder = SiteEncoder.learn(contexts, formulary, knowledge);
  const inputs = contexts.map((context) => encoder.encode(context));
  const truth = labelsOf(visits, formulary);
  const traits = traitsOf(formulary, classifier, priors, knowledge);
  const folds = innerFolds(visits);
  const steps = INNER_FOLDS + 2;
  const known = options.experts ?? new Map<number, Experts>();
  const expertsWithout = (fold: number): Experts => {
    const found = known.get(fold);
    if (found) return found;
    const seen = <T>(items: readonly T[]): T[] => items.filter((_, i) => folds[i] !== fold);
    const fitted = fitExperts(seen(inputs), seen(truth), formulary.length, encoder.features);
    known.set(fold, fitted);
    return fitted;
  };
  const evidence: EvidenceBlock[] = [];
  for (let fold = 0; fold < INNER_FOLDS; fold += 1) {
    await options.pass?.();
    const within = <T>(items: readonly T[]): T[] => items.filter((_, i) => folds[i] === fold);
    evidence.push({
      rows: evidenceRows(within(inputs), expertsWithout(fold), traits, within(priors), encoder.features),
      truth: within(truth),
    });
    onProgress?.(fold + 1, steps);
  }
  const combination = fitCombination(
    together(evidence.slice(LOOK_FOLDS)),
    together(evidence.slice(0, LOOK_FOLDS)),
    formulary.length,
    WIDTH,
  );
  onProgress?.(steps - 1, steps);
  evidence.forEach(({ rows }, fold) => {
    if (!options.onOutOfFold) return;
    const own = visits.filter((_, i) => folds[i] === fold);
    const values = combine(combination, rows);
    own.forEach((visit, at) =>
      options.onOutOfFold!(visit, values.slice(at * formulary.length, (at + 1) * formulary.length)),
    );
  });
  await options.pass?.();
  const experts = expertsWithout(INNER_FOLDS);
  onProgress?.(steps, steps);
  return new SiteModel(
    {
      formulary,
      features: encoder.state.features,
      experts,
      traits,
      combination,
      provenance: {
        classifier: nameOf(classifier),
        knowledgeVersion: knowledge.version,
        visits: visits.length,
        patients: patients.size,
      },
    },
    classifier,
    knowledge,
  );
}

/** Drugs of at least `minimum` visits, most used first, ties by name. */
export function siteFormulary(visits: readonly SiteVisit[], minimum = FORMULARY_VISITS): DrugId[] {
  return countFormulary(visits, minimum);
}

function together(blocks: readonly EvidenceBlock[]): EvidenceBlock {
  return { rows: joined(...blocks.map(({ rows }) => rows)), truth: blocks.flatMap(({ truth }) => truth) };
}

/** Inner fold of each visit: patients in the order of their hash, dealt out in turn, so that no fold is empty. */
export function innerFolds(visits: readonly Pick<SiteVisit, 'patient'>[]): number[] {
  const hash = (patient: string): string => createHash('sha1').update(`inner:${patient}`).digest('hex');
  const hashes = new Map(visits.map(({ patient }) => [patient, hash(patient)]));
  const ordered = [...hashes].sort(([, a], [, b]) => (a < b ? -1 : 1)).map(([patient]) => patient);
  const foldOf = new Map(ordered.map((patient, i) => [patient, i % INNER_FOLDS]));
  return visits.map(({ patient }) => foldOf.get(patient)!);
}

function traitsOf(
  formulary: readonly DrugId[],
  classifier: PriorClassifier,
  priors: readonly Float32Array[],
  { drugs }: Pick<Knowledge, 'drugs'>,
): DrugTraits {
  const known = new Map(classifier.formulary.map((drug, i) => [drug, i]));
  const classifierPositions = Int32Array.from(formulary, (drug) => known.get(drug) ?? -1);
  const classifierMeans = Float32Array.from(classifierPositions, (position) =>
    position < 0 ? 0 : priors.reduce((sum, prior) => sum + logit(prior[position]!), 0) / priors.length,
  );
  const titles = formulary.map((drug) =>
    drugs.classesOf(drug).flatMap(({ kind, title }) => (kind === 'EPC' || kind === 'Flame' ? [title] : [])),
  );
  const classMates = titles.map((own, a) =>
    formulary.flatMap((_, b) => (a !== b && own.some((title) => titles[b]!.includes(title)) ? [b] : [])),
  );
  const officeUse = Float32Array.from(
    formulary,
    (drug) => Math.log1p(drugs.get(drug)?.visits ?? 0) / OFFICE_SCALE - 1,
  );
  return { classifierPositions, classifierMeans, officeUse, classMates };
}
