/** Warnings, exclusions, reasons and the measured front of a recommendation in words. Hides none of them. */

import { OVERRIDE_REASONS } from '../../shared/decision.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { Exclusion, FrontPoint, Habits, RecommendationWarning } from '../../shared/recommendation.ts';
import type { HabitEffect } from '../state/list-view.ts';
import { t } from '../language/language.svelte.ts';
import { lazily } from '../language/lazily.ts';
import { sentenceList } from './changes.ts';
import { numberWords } from './numbers.ts';
import { percent } from './probability.ts';

type NameOf = (drug: DrugId) => string;

export function exclusionWords(exclusion: Exclusion, nameOf: NameOf): string {
  switch (exclusion.kind) {
    case 'allergy':
      return t('recommend:exclusion.allergy', { allergy: exclusion.allergy });
    case 'already-taken':
      return t('recommend:exclusion.already-taken');
    case 'duplicate-class':
      return t('recommend:exclusion.duplicate-class', {
        drug: nameOf(exclusion.with),
        drugClass: exclusion.drugClass,
      });
    case 'contraindicated-pair':
      return t('recommend:exclusion.contraindicated-pair', { drug: nameOf(exclusion.with) });
    case 'patient-rule':
      return t('recommend:exclusion.patient-rule', {
        because: exclusion.because,
        effect: exclusion.effect,
        source: exclusion.source,
      });
  }
}

export function warningWords(warning: RecommendationWarning, nameOf: NameOf): string {
  switch (warning.kind) {
    case 'unknown-codes':
      return t('recommend:warning.unknown-codes', { codes: sentenceList(warning.codes) });
    case 'current-medication-outside-formulary':
      return t('recommend:warning.current-medication-outside-formulary', {
        drugs: sentenceList(warning.drugs.map(nameOf)),
      });
    case 'not-covered':
      return t('recommend:warning.not-covered', { drugs: sentenceList(warning.drugs.map(nameOf)) });
    case 'allergy-not-understood':
      return t('recommend:warning.allergy-not-understood', { entries: sentenceList(warning.entries) });
    case 'outside-training-population':
      return t(`recommend:warning.${warning.reason}`);
    case 'note-read': {
      const { read, characters } = warning;
      if (read === 0) return t('recommend:warning.note-unread');
      return t(`recommend:warning.${read === characters ? 'note-read' : 'note-cut'}`, { read, characters });
    }
  }
}

/** Habits between these move too little to be spoken of. */
const NOTABLE = { more: 1.25, less: 0.8 } as const;

/**
 * Why a drug stands higher or lower here than the model alone would put it; null where habits hardly move it.
 * @param own the habits are those of whoever is signed in, not the clinic's
 */
export function habitWords({ factor, modelAlone }: HabitEffect, own: boolean): string | null {
  if (factor > NOTABLE.less && factor < NOTABLE.more) return null;
  const times = numberWords(factor, factor < 0.095 ? 2 : 1);
  return t(own ? 'recommend:habits.ownDrug' : 'recommend:habits.drug', {
    times,
    percent: percent(modelAlone),
  });
}

/** What this clinic's decisions, or one's own, did to the lists as a whole. */
export function habitsInWords({ decisions, used }: Habits, own: boolean): string {
  if (decisions === 0) return t(own ? 'recommend:habits.ownNone' : 'recommend:habits.none');
  const adjusted = own ? 'recommend:habits.ownAdjusted' : 'recommend:habits.adjusted';
  const setAside = own ? 'recommend:habits.ownSetAside' : 'recommend:habits.setAside';
  return t(used ? adjusted : setAside, { count: decisions });
}

export const OVERRIDE_REASON_WORDS = lazily(OVERRIDE_REASONS, (reason) => t(`recommend:reason.${reason}`));

/** What was measured at a slider position, for the sentence of its protocol to follow. */
export function frontWords(point: FrontPoint): string {
  return t('recommend:slider.inUse', {
    jaccard: numberWords(point.jaccard, 3),
    rate: numberWords(Number((point.interactionRate * 100).toFixed(1))),
  });
}
