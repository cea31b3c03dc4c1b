/** What is commonly typed for how a medication is taken, and a use in words. Suggests; accepts anything. */

import type { DrugUse } from '../../shared/decision.ts';
import { english } from '../language/english.ts';
import { t } from '../language/language.svelte.ts';

export const USE_FIELDS = ['dose', 'route', 'frequency', 'instructions'] as const;
type UseField = (typeof USE_FIELDS)[number];

const { routes, frequencies } = english.editor.medications;
const ROUTES = Object.keys(routes) as (keyof typeof routes)[];
const FREQUENCIES = Object.keys(frequencies) as (keyof typeof frequencies)[];

/** Read at each use, so that they follow the language. */
export const USE_EXAMPLES: Readonly<Record<UseField, () => string>> = {
  dose: () => t('editor:medications.doseExample'),
  route: () => t('editor:medications.routeExample'),
  frequency: () => t('editor:medications.frequencyExample'),
  instructions: () => t('decision:use.instructionsExample'),
};

export const COMMON_USES: Readonly<Partial<Record<UseField, () => string[]>>> = {
  route: () => ROUTES.map((route) => t(`editor:medications.routes.${route}`)),
  frequency: () => FREQUENCIES.map((frequency) => t(`editor:medications.frequencies.${frequency}`)),
};

/** "5 mg, by mouth, once a day; with food"; empty when nothing was stated. */
export function useInWords({ dose, route, frequency, instructions }: DrugUse): string {
  const taken = [dose, route, frequency].filter((part) => part !== '').join(', ');
  return [taken, instructions].filter((part) => part !== '').join('; ');
}
