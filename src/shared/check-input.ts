/**
 * What is wrong with a patient or a visit that somebody wants to store: impossible dates, ages that contradict the birth
 * year, values in another unit. The screen and the engine ask the same functions; the wording is problem-words.ts.
 */

import type { Measurements, Sex } from './domain.ts';
import { LONGEST_ENTRY, LONGEST_LIST, LONGEST_NOTE, type PatientInput, type VisitInput } from './editing.ts';

export type ProblemCode =
  | 'missing'
  | 'not-a-date'
  | 'in-the-future'
  | 'before-birth'
  | 'too-early'
  | 'not-a-number'
  | 'not-whole'
  | 'out-of-range'
  | 'contradicts-birth-year'
  | 'contradicts-visits'
  | 'not-below-systolic'
  | 'male'
  | 'too-long'
  | 'too-many'
  | 'taken';

export interface FieldProblem {
  /** Field of the form, e.g. `date`, `birthYear`, `creatinine`. */
  readonly field: string;
  readonly code: ProblemCode;
  readonly details: Readonly<Record<string, string | number>>;
  /** Only said; what it is about can be stored all the same. */
  readonly warning?: boolean;
}

/** What a visit is checked against. */
export interface VisitSetting {
  readonly birthYear: number | null;
  readonly sex: Sex;
  /** ISO date of now, in local time. */
  readonly today: string;
  /** The date that is stored already: de-identified visits may lie in the future and stay there. */
  readonly storedDate: string | null;
}

const EARLIEST_YEAR = 1900;
export const OLDEST = 130;
/** The age counts in months up to here. */
export const LAST_MONTH = 23;

/**
 * Widest values that are believed, in the units of Measurements: beyond them lies another unit (µmol/L, °F, lb) or a
 * slip of the keyboard. The extremes on record lie inside.
 */
export const BELIEVED: Readonly<Record<keyof Measurements, readonly [number, number]>> = {
  creatinine: [0.1, 30],
  weight: [0.2, 650],
  height: [20, 275],
  systolic: [30, 370],
  diastolic: [10, 360],
  heartRate: [10, 400],
  temperature: [13, 47],
};

/** @param today ISO date */
export function patientProblems(input: PatientInput, today: string): FieldProblem[] {
  const { name, recordNumber, birthYear } = input;
  const year = Number(today.slice(0, 4));
  const problems = [...textProblems('name', name), ...textProblems('recordNumber', recordNumber ?? '')];
  if (name.trim() === '') problems.push(problem('name', 'missing'));
  if (birthYear === null) return problems;
  if (!Number.isInteger(birthYear)) problems.push(problem('birthYear', 'not-whole'));
  else if (birthYear > year) problems.push(problem('birthYear', 'in-the-future'));
  else if (birthYear < year - OLDEST) {
    problems.push(problem('birthYear', 'too-early', { earliest: year - OLDEST }));
  }
  return problems;
}

export function visitProblems(input: VisitInput, setting: VisitSetting): FieldProblem[] {
  return [
    ...dateProblems(input, setting),
    ...ageProblems(input, setting.birthYear),
    ...measurementProblems(input.measurements),
    ...(input.pregnancy === 'pregnant' && setting.sex === 'M'
      ? [{ ...problem('pregnancy', 'male'), warning: true }]
      : []),
    ...listProblems(input),
    ...(input.notes.length > LONGEST_NOTE ? [problem('notes', 'too-long', { most: LONGEST_NOTE })] : []),
  ];
}

/** True for a day of the calendar written `YYYY-MM-DD`. */
export function isCalendarDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text);
}

function dateProblems({ date, dateKnown }: VisitInput, setting: VisitSetting): FieldProblem[] {
  if (date === setting.storedDate) return [];
  if (!isCalendarDay(date)) return [problem('date', 'not-a-date')];
  const year = Number(date.slice(0, 4));
  const { today, birthYear } = setting;
  if (dateKnown ? date > today : year > Number(today.slice(0, 4))) return [problem('date', 'in-the-future')];
  if (birthYear !== null && year < birthYear) return [problem('date', 'before-birth', { birthYear })];
  return year < EARLIEST_YEAR ? [problem('date', 'too-early', { earliest: EARLIEST_YEAR })] : [];
}

function ageProblems({ age, ageMonths, date }: VisitInput, birthYear: number | null): FieldProblem[] {
  if (!Number.isInteger(age)) return [problem('age', 'not-whole')];
  if (ageMonths !== null && (ageMonths < 0 || ageMonths > LAST_MONTH || Math.floor(ageMonths / 12) !== age))
    return [problem('age', 'out-of-range', { least: 0, most: OLDEST })];
  if (age < 0 || age > OLDEST) return [problem('age', 'out-of-range', { least: 0, most: OLDEST })];
  const year = Number(date.slice(0, 4));
  if (birthYear === null || !isCalendarDay(date) || year < birthYear) return [];
  const [most, least] = [year - birthYear, Math.max(0, year - birthYear - 1)];
  if (age === most || age === least) return [];
  return [problem('age', 'contradicts-birth-year', { birthYear, least, most })];
}

function measurementProblems(measured: Measurements): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [field, [least, most]] of Object.entries(BELIEVED)) {
    const value = measured[field as keyof Measurements];
    if (value === null) continue;
    if (!Number.isFinite(value)) problems.push(problem(field, 'not-a-number'));
    else if (value < least || value > most) problems.push(problem(field, 'out-of-range', { least, most }));
  }
  const { systolic, diastolic } = measured;
  if (systolic !== null && diastolic !== null && diastolic >= systolic) {
    problems.push(problem('diastolic', 'not-below-systolic'));
  }
  return problems;
}

function listProblems(input: VisitInput): FieldProblem[] {
  const lists: Readonly<Record<string, readonly string[]>> = {
    reasons: input.reasons,
    diagnoses: input.diagnoses.map(({ code }) => code),
    chronic: input.chronic,
    procedures: input.procedures,
    allergies: input.allergies,
    medications: [...input.currentMedications, ...input.unmapped],
  };
  const uses = input.medicationUse.flatMap(({ dose, route, frequency }) => [dose, route, frequency]);
  const problems = uses.flatMap((text) => textProblems('medications', text));
  for (const [field, entries] of Object.entries(lists)) {
    if (entries.length > LONGEST_LIST) problems.push(problem(field, 'too-many', { most: LONGEST_LIST }));
    problems.push(...entries.flatMap((entry) => textProblems(field, entry)));
  }
  return problems;
}

function textProblems(field: string, text: string): FieldProblem[] {
  return text.length > LONGEST_ENTRY ? [problem(field, 'too-long', { most: LONGEST_ENTRY })] : [];
}

export function problem(
  field: string,
  code: ProblemCode,
  details: FieldProblem['details'] = {},
): FieldProblem {
  return { field, code, details };
}
