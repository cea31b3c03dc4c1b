/** What still works when a part of Flame failed, in words. The failure itself is worded in src/shared/errors.ts. */

import type { AppStatus, WireErrorData } from '../../shared/contract.ts';
import { describeError, isErrorCode } from '../../shared/errors.ts';

type Part = AppStatus['failures'][number]['part'];

export const STILL_WORKS: Readonly<Record<Part, string>> = {
  store: 'No patient can be shown or saved until this is mended. Flame has changed nothing.',
  knowledge:
    'Patients, visits and saved decisions can be read. No interaction is checked and no recommendation is made.',
  model:
    'Patients, visits, saved decisions and the interaction tables still work. No recommendation is made.',
};

export const PART_NAMES: Readonly<Record<Part, string>> = {
  store: 'Visit database',
  knowledge: 'Interaction tables',
  model: 'Model',
};

/** Wording of an error that came as data; an unknown code shows itself instead of nothing. */
export function errorWords(error: WireErrorData): { title: string; action: string } {
  if (isErrorCode(error.code)) return describeError(error.code, error.details);
  return describeError('INTERNAL', { problem: error.code });
}
