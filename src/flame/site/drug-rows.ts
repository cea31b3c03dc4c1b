/**
 * One row of evidence for each drug of the site's formulary and a visit: what experts, the shipped classifier and the
 * previous list say of it. All drugs share the columns, so that a rare drug borrows strength. Weighs nothing.
 */

import type { Experts, Opinions } from './experts.ts';
import { logit, sigmoid } from '../probability.ts';
import { heldBefore } from './patient-history.ts';
import type { SiteInput } from './site-encoder.ts';

/** What is known of the site's drugs beside its visits. */
export interface DrugTraits {
  /** Position of each site drug in the classifier's formulary, −1 where it is not there. */
  readonly classifierPositions: Int32Array;
  /** Mean logit of the classifier over the site's training visits; 0 where the drug is not there. */
  readonly classifierMeans: Float32Array;
  /** Scaled log of the drug's visits in the office survey: drugs of long use at home are kept, hospital drugs are not. */
  readonly officeUse: Float32Array;
  /** For each drug the other site drugs of one of its classes. */
  readonly classMates: readonly (readonly number[])[];
}

export const COLUMNS = [
  'one',
  'base',
  'codes',
  'all',
  'history',
  'history·base',
  'history·codes',
  'history·all',
  'previous',
  'previous·persistence',
  'previous·all',
  'previous·length',
  'previous·previous length',
  'not previous·uptake',
  'class mate previous',
  'earlier lists',
  'classifier',
  'history·classifier',
  'classifier logit',
  'classifier knows',
  'length',
  'length·base',
  'history·length',
  'mass',
  'previous length',
  'previous length·base',
  'previous share',
  'persistence',
  'uptake',
  'office use',
  'diagnoses',
  'procedures',
  'age',
] as const;
export const WIDTH = COLUMNS.length;

/** Log of a usual list length, so that the log of a previous length is about centred. */
const USUAL_LOG_LENGTH = 3;
/** A usual logit of the classifier. */
const USUAL_LOGIT = -3;
/** Lists like everybody's that stand behind the share of a patient's own lists. */
const PRIOR_LISTS = 1;

/** Writes the rows of one visit at `at` of `out`: drugs · WIDTH values. @param prior the classifier's probabilities */
export function writeRows(
  out: Float32Array,
  at: number,
  input: SiteInput,
  opinion: Opinions,
  experts: Experts,
  traits: DrugTraits,
  prior: Float32Array,
): void {
  const drugs = experts.base.length;
  const before = new Set(input.previous);
  const earlier = heldBefore(input.earlier, drugs);
  const mates = new Set(input.previous.flatMap((drug) => traits.classMates[drug]!));
  const history = input.previousLength > 0 ? 1 : 0;
  const past = history * (Math.log(Math.max(1, input.previousLength)) - USUAL_LOG_LENGTH);
  // Of a short list little is known, so its share leans towards 0.
  const share = (history * before.size) / (input.previousLength + 5);
  const [, diagnoses = 0, procedures = 0, age = 0] = input.size;
  for (let drug = 0; drug < drugs; drug += 1) {
    const base = experts.base[drug]!;
    const codes = opinion.fromCodes[drug]! - base;
    const all = opinion.fromAll[drug]! - base;
    const previous = before.has(drug) ? 1 : 0;
    const known = traits.classifierPositions[drug]! >= 0 ? 1 : 0;
    const zero = known === 1 ? logit(prior[traits.classifierPositions[drug]!]!) : 0;
    const lift = zero - known * traits.classifierMeans[drug]!;
    out.set(
      [
        1,
        base,
        codes,
        all,
        history,
        history * base,
        history * codes,
        history * all,
        previous,
        previous * experts.persistence[drug]!,
        previous * all,
        previous * opinion.length,
        previous * past,
        history * (1 - previous) * (experts.uptake[drug]! - base),
        (1 - previous) * (mates.has(drug) ? 1 : 0),
        logit((earlier.held[drug]! + PRIOR_LISTS * sigmoid(base)) / (earlier.lists + PRIOR_LISTS)) - base,
        lift,
        history * lift,
        known * (zero - USUAL_LOGIT),
        known,
        opinion.length,
        opinion.length * base,
        history * opinion.length,
        opinion.mass,
        past,
        past * base,
        share,
        experts.persistence[drug]!,
        experts.uptake[drug]! - base,
        traits.officeUse[drug]!,
        diagnoses,
        procedures,
        age,
      ],
      at + drug * WIDTH,
    );
  }
}
