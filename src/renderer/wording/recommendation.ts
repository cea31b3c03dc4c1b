/** Warnings, exclusions, reasons and the measured front of a recommendation in words. Hides none of them. */

import type { OverrideReason } from '../../shared/decision.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { Exclusion, FrontPoint, Habits, RecommendationWarning } from '../../shared/recommendation.ts';
import type { HabitEffect } from '../state/list-view.ts';
import { plural, sentenceList } from './changes.ts';
import { percent } from './probability.ts';

type NameOf = (drug: DrugId) => string;

export function exclusionWords(exclusion: Exclusion, nameOf: NameOf): string {
  switch (exclusion.kind) {
    case 'allergy':
      return `recorded allergy: ${exclusion.allergy}`;
    case 'already-taken':
      return 'already among the current medications';
    case 'duplicate-class':
      return `same class as ${nameOf(exclusion.with)} (${exclusion.drugClass})`;
    case 'contraindicated-pair':
      return `contraindicated with ${nameOf(exclusion.with)}`;
    case 'patient-rule':
      return `contraindicated for this patient: ${exclusion.because}. ${exclusion.effect} (${exclusion.source})`;
  }
}

const OUTSIDE = {
  inpatient: 'The model learned from office visits; this is not one. Read the proposals with reserve.',
  paediatric: 'The model saw few children. Read the proposals with reserve and dose for the child.',
  'no-diagnosis': 'The visit holds no diagnosis. The proposals rest on the other entries only.',
} as const;

export function warningWords(warning: RecommendationWarning, nameOf: NameOf): string {
  switch (warning.kind) {
    case 'unknown-codes':
      return `Not known to the tables and not used: ${sentenceList(warning.codes)}.`;
    case 'current-medication-outside-formulary':
      return `The model does not know the current medication ${sentenceList(warning.drugs.map(nameOf))}. Interactions with it are checked all the same.`;
    case 'not-covered':
      return `No interaction table covers ${sentenceList(warning.drugs.map(nameOf))}: not checked, which does not mean safe.`;
    case 'allergy-not-understood':
      return `This allergy entry names no drug that Flame knows, so nothing was excluded for it: ${sentenceList(warning.entries)}.`;
    case 'outside-training-population':
      return OUTSIDE[warning.reason];
  }
}

/** Habits between these move too little to be spoken of. */
const NOTABLE = { more: 1.25, less: 0.8 } as const;

/** Why a drug stands higher or lower here than the model alone would put it; null where habits hardly move it. */
export function habitWords({ factor, modelAlone }: HabitEffect): string | null {
  if (factor > NOTABLE.less && factor < NOTABLE.more) return null;
  const times = factor.toFixed(factor < 0.095 ? 2 : 1);
  return `Prescribed here about ${times} times as often as expected; the model alone says ${percent(modelAlone)}.`;
}

/** What this clinic's decisions did to the lists as a whole. */
export function habitsInWords({ decisions, used }: Habits): string {
  if (decisions === 0) return 'No decisions of this clinic yet.';
  const counted = `${plural(decisions, 'decision')} of this clinic`;
  return used ? `Adjusted by ${counted}.` : `Not adjusted; ${counted} set aside.`;
}

export const OVERRIDE_REASON_WORDS: Readonly<Record<OverrideReason, string>> = {
  'will-monitor': 'I will monitor for it',
  'dose-adjusted': 'Dose or timing adjusted',
  'tolerated-before': 'Patient tolerated it before',
  'benefit-outweighs-risk': 'Benefit outweighs the risk',
  'information-wrong': 'The information does not apply or is wrong',
  other: 'Other (please write it down)',
};

/** What was measured at a slider position, for the sentence of its protocol to follow. */
export function frontWords(point: FrontPoint): string {
  const rate = Number((point.interactionRate * 100).toFixed(1));
  return `In use: agreement ${point.jaccard.toFixed(3)}, interaction rate ${rate} %.`;
}
