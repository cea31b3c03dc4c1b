/** The one wording of what is wrong with a form's field, for the screen and for the engine's refusal. Checks nothing. */

import type { FieldProblem, ProblemCode } from './check-input.ts';

/** Names in braces are filled from the details. Also the English of the screen (src/renderer/language). */
export const PROBLEM_WORDING: Readonly<Record<ProblemCode, string>> = {
  missing: 'This is needed.',
  'not-a-date': 'Not a day of the calendar. Write YYYY-MM-DD, or the year alone.',
  'in-the-future': 'This lies in the future.',
  'before-birth': 'This lies before the birth year {birthYear}.',
  'too-early': 'Not before {earliest}.',
  'not-a-number': 'Write a number without a unit.',
  'not-whole': 'Write a whole number.',
  'out-of-range': 'Not between {least} and {most}: check the unit.',
  'contradicts-birth-year': 'Born in {birthYear}, the patient was {least} or {most} years old.',
  'contradicts-visits': 'A visit is recorded in {year}, before this.',
  'not-below-systolic': 'Not below the systolic pressure.',
  male: 'The patient’s sex is recorded as male. Correct one of the two if it is wrong.',
  'too-long': 'More than {most} characters.',
  'too-many': 'More than {most} entries.',
  taken: 'This number belongs to {name}.',
};

export function problemWords({ code, details }: FieldProblem): string {
  return PROBLEM_WORDING[code].replace(/\{(\w+)\}/g, (_whole, key: string) => {
    const value = details[key];
    return typeof value === 'number' && value >= 10_000 ? value.toLocaleString('en') : String(value ?? '');
  });
}
