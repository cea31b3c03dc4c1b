/** Failures in the chosen language: what happened, what to do, what still works. The English is that of src/shared/errors.ts. */

import type { AppStatus, WireErrorData } from '../../shared/contract.ts';
import type { FieldProblem } from '../../shared/check-input.ts';
import { isErrorCode, type ErrorCode, type ErrorDetails } from '../../shared/errors.ts';
import { filled, t } from '../language/language.svelte.ts';
import { numberWords } from './numbers.ts';

type Part = AppStatus['failures'][number]['part'];

export function partName(part: Part): string {
  return t(`shell:part.${part}`);
}

export function stillWorks(part: Part): string {
  return t(`shell:stillWorks.${part}`);
}

/** Wording of an error that came as data; an unknown code shows itself instead of nothing. */
export function errorWords({ code, details }: WireErrorData): { title: string; action: string } {
  return isErrorCode(code) ? wordsOf(code, details) : wordsOf('INTERNAL', { problem: code });
}

function wordsOf(code: ErrorCode, details: ErrorDetails): { title: string; action: string } {
  return { title: filled(`errors:${code}.title`, details), action: filled(`errors:${code}.action`, details) };
}

/** What is wrong with a field of a form. Years are written without a separator of thousands, long lengths with one. */
export function fieldWords({ code, details }: FieldProblem): string {
  const values = Object.entries(details).map(([name, value]) => [
    name,
    typeof value === 'number' && value >= 10_000 ? numberWords(value) : value,
  ]);
  return filled(`problems:${code}`, Object.fromEntries(values) as typeof details);
}
