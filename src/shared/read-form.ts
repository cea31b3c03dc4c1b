/** Reads a form as typed into the input that can be stored, with everything that is wrong with it. Stores nothing. */

import {
  isCalendarDay,
  LAST_MONTH,
  patientProblems,
  problem,
  visitProblems,
  type FieldProblem,
  type VisitSetting,
} from './check-input.ts';
import type { Measurements } from './domain.ts';
import type { PatientForm, PatientInput, VisitForm, VisitInput } from './editing.ts';

/** `input` is null while something stands in the way of storing it; warnings do not. */
export interface ReadForm<Input> {
  readonly input: Input | null;
  readonly problems: readonly FieldProblem[];
}

/** @param today ISO date */
export function readPatientForm(form: PatientForm, today: string): ReadForm<PatientInput> {
  const birthYear = readNumber('birthYear', form.birthYear);
  const input: PatientInput = {
    id: form.id,
    name: oneLine(form.name),
    recordNumber: oneLine(form.recordNumber) === '' ? null : oneLine(form.recordNumber),
    sex: form.sex,
    birthYear: birthYear.value,
  };
  return finished(input, [...birthYear.problems, ...patientProblems(input, today)]);
}

export function readVisitForm(form: VisitForm, setting: VisitSetting): ReadForm<VisitInput> {
  const { date, dateKnown } = readDate(form.date);
  const age = readAge(form.age, date, setting.birthYear);
  const measured = readMeasurements(form.measurements);
  const input: VisitInput = {
    id: form.id,
    patientId: form.patientId,
    date,
    dateKnown,
    age: age.value?.years ?? 0,
    ageMonths: age.value?.months ?? null,
    setting: form.setting,
    specialty: form.specialty === '' ? null : form.specialty,
    reasons: form.reasons.map(({ code }) => code),
    diagnoses: form.diagnoses.map(({ system, code }) => ({ system, code })),
    chronic: form.chronic,
    procedures: form.procedures.map(({ code }) => code),
    currentMedications: form.medications.map(({ drug }) => drug.id),
    previousMedications: form.previous.map(({ id }) => id),
    medicationUse: form.medications
      .map(({ drug, dose, route, frequency }) => ({
        drug: drug.id,
        dose: oneLine(dose),
        route: oneLine(route),
        frequency: oneLine(frequency),
      }))
      .filter(({ dose, route, frequency }) => dose + route + frequency !== ''),
    allergies: form.allergies.map(oneLine),
    unmapped: form.unmapped.map(oneLine),
    pregnancy: form.pregnancy,
    lactation: form.lactation,
    measurements: measured.value,
    notes: wellFormed(form.notes),
  };
  const checked = visitProblems(input, setting).filter(
    ({ field }) => field !== 'age' || age.problems.length === 0,
  );
  return finished(input, [...age.problems, ...measured.problems, ...checked]);
}

/** Age in whole years at a date as far as a birth year tells; null when either is not known. */
export function ageFromBirthYear(date: string, birthYear: number | null): number | null {
  if (birthYear === null || !isCalendarDay(date)) return null;
  const age = Number(date.slice(0, 4)) - birthYear;
  return age < 0 ? null : age;
}

/** `YYYY-MM-DD`, or a year alone, which is stored as its first of January. */
export function readDate(typed: string): { readonly date: string; readonly dateKnown: boolean } {
  const text = typed.trim();
  return /^\d{4}$/.test(text) ? { date: `${text}-01-01`, dateKnown: false } : { date: text, dateKnown: true };
}

function finished<Input>(input: Input, problems: readonly FieldProblem[]): ReadForm<Input> {
  const blocked = problems.some(({ warning }) => warning !== true);
  return { input: blocked ? null : input, problems };
}

interface Read<Value> {
  readonly value: Value;
  readonly problems: readonly FieldProblem[];
}

/** A decimal comma is a decimal point. */
function readNumber(field: string, typed: string): Read<number | null> {
  const text = typed.trim().replace(',', '.');
  if (text === '') return { value: null, problems: [] };
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return { value: Number(text), problems: [] };
  return { value: null, problems: [problem(field, 'not-a-number')] };
}

/** Completed years, and the months where they were typed and count. */
interface TypedAge {
  readonly years: number;
  readonly months: number | null;
}

const DAYS_PER_MONTH = 365.25 / 12;
/** `7 mo`, `3 weeks`, `10 d`; German beside English, since the field is one for all languages. */
const SMALL_AGE =
  /^(\d+(?:\.\d+)?)\s*(?:(m|mo|mon|months?|monate?)|(w|wks?|weeks?|wochen?)|(d|days?|tage?))\.?$/i;

/** An age under two years as it is typed: `7 mo`. */
export function monthsText(months: number): string {
  return `${months} mo`;
}

/** Completed years of an age as typed; null when it is empty or says none. */
export function typedYears(typed: string): number | null {
  return readAge(typed, '', null).value?.years ?? null;
}

function readAge(typed: string, date: string, birthYear: number | null): Read<TypedAge | null> {
  const small = SMALL_AGE.exec(typed.trim().replace(',', '.'));
  if (small) return { value: smallAge(small), problems: [] };
  const read = readNumber('age', typed);
  if (read.problems.length > 0) return { value: null, problems: read.problems };
  if (read.value !== null) return { value: { years: read.value, months: null }, problems: [] };
  const derived = ageFromBirthYear(date, birthYear);
  if (derived !== null) return { value: { years: derived, months: null }, problems: [] };
  // An unreadable or impossible date says so itself; the age that follows from it is not a second fault.
  return { value: null, problems: birthYear === null ? [problem('age', 'missing')] : [] };
}

function smallAge([, count, months, weeks]: RegExpExecArray): TypedAge {
  const number = Number(count);
  const inMonths = months ? number : (number * (weeks ? 7 : 1)) / DAYS_PER_MONTH;
  const completed = Math.floor(inMonths);
  return { years: Math.floor(completed / 12), months: completed <= LAST_MONTH ? completed : null };
}

function readMeasurements(typed: VisitForm['measurements']): Read<Measurements> {
  const read = (field: keyof Measurements): Read<number | null> => readNumber(field, typed[field]);
  const all = {
    creatinine: read('creatinine'),
    weight: read('weight'),
    height: read('height'),
    systolic: read('systolic'),
    diastolic: read('diastolic'),
    heartRate: read('heartRate'),
    temperature: read('temperature'),
  };
  return {
    value: {
      creatinine: all.creatinine.value,
      weight: all.weight.value,
      height: all.height.value,
      systolic: all.systolic.value,
      diastolic: all.diastolic.value,
      heartRate: all.heartRate.value,
      temperature: all.temperature.value,
    },
    problems: Object.values(all).flatMap(({ problems }) => problems),
  };
}

/** One line without control characters; what is visible stays as typed, right-to-left text and emoji included. */
function oneLine(text: string): string {
  return wellFormed(text)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
}

/** Half a character, e.g. of a text cut in the middle of an emoji, becomes the replacement character. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}
