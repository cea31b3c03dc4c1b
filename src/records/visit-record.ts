/**
 * One record of the visit format (docs/references/visit-format.md): checks it, says in words what is wrong with it, and
 * turns its names into clinical terms. Reads no file and looks nothing up by itself.
 */

import { z } from 'zod';
import { BELIEVED, LAST_MONTH, OLDEST } from '../shared/check-input.ts';
import type { ClinicalContext, Measurements, Visit, VisitRecord } from '../shared/domain.ts';
import type { DrugId } from '../shared/ids.ts';

/** A checked record; `drugs` is null while nothing was prescribed yet. */
export type ParsedVisit = Omit<VisitRecord, 'drugs'> & { readonly drugs: readonly string[] | null };

export type ParsedRecord =
  { readonly ok: true; readonly record: ParsedVisit } | { readonly ok: false; readonly problem: string };

/** Finds the ingredients behind a name as written in a record; null when no table knows it. */
export type DrugResolver = (name: string) => readonly DrugId[] | null;

/** What a record says, in Flame's own terms. */
export interface VisitContent extends Pick<Visit, 'ageMonths' | 'pregnancy' | 'lactation' | 'measurements'> {
  /** ISO date; January 1 when only the year is known. */
  readonly date: string;
  readonly dateKnown: boolean;
  readonly context: ClinicalContext;
  readonly allergies: readonly string[];
  readonly notes: string;
  readonly prescribed: readonly DrugId[] | null;
  /** Entries of the source without an ingredient, and the names that were not resolved. */
  readonly unmapped: readonly string[];
  /** Names that the resolver did not know, once for each mention. */
  readonly unresolved: readonly string[];
}

/** De-identified corpora shift dates by up to two centuries, so a year far ahead is not an error. */
const YEARS = [1900, 2300] as const;
const LONGEST_LIST = 1000;
const LONGEST_NOTE = 200_000;
const SHOWN_PROBLEMS = 3;

/** Half a surrogate pair is no letter: the database, the search and every export would each make another of it. */
const text = z.string().transform((written) => written.toWellFormed());
const line = text.pipe(z.string().trim().min(1, 'is empty').max(300, 'is longer than 300 characters'));
const code = z
  .string({ error: 'must be a code in quotes (a bare number would lose its leading zeros)' })
  .transform((text) => text.replace(/[.\s]/g, '').toUpperCase())
  .pipe(z.string().regex(/^[A-Z0-9_-]{1,16}$/, 'is not a code of letters and digits'));
const list = <Item extends z.ZodType>(item: Item) =>
  z.array(item).max(LONGEST_LIST, `holds more than ${LONGEST_LIST} entries`);
const codes = list(code).default([]);
/** Beyond these lies another unit or a slip of the keyboard (src/shared/check-input.ts). */
const measured = (name: keyof Measurements) =>
  z.number().min(BELIEVED[name][0]).max(BELIEVED[name][1]).optional();

const Schema = z
  .strictObject({
    visit: line,
    year: z.int().min(YEARS[0]).max(YEARS[1]).optional(),
    clinician: line.optional(),
    age: z.int().min(0).max(OLDEST),
    age_months: z.int().min(0).max(LAST_MONTH).optional(),
    sex: z.enum(['F', 'M', 'unknown']),
    specialty: line.optional(),
    reasons: codes,
    dx_system: z.enum(['ICD-9-CM', 'ICD-10-CM']).optional(),
    dx: codes,
    chronic: codes,
    procedures: codes,
    drugs: list(line).optional(),
    unmapped: list(line).optional(),
    patient: line.optional(),
    name: line.optional(),
    date: z
      .string()
      .refine(isDate, { error: 'is not a day of the calendar written YYYY-MM-DD', abort: true })
      .optional(),
    setting: z.enum(['office', 'inpatient', 'intensive-care', 'emergency', 'unknown']).optional(),
    allergies: list(line).optional(),
    current: list(line).optional(),
    previous: list(line).optional(),
    pregnancy: z.enum(['pregnant', 'not-pregnant', 'unknown']).optional(),
    lactation: z.enum(['lactating', 'not-lactating', 'unknown']).optional(),
    creatinine: measured('creatinine'),
    weight: measured('weight'),
    height: measured('height'),
    systolic: measured('systolic'),
    diastolic: measured('diastolic'),
    heart_rate: measured('heartRate'),
    temperature: measured('temperature'),
    notes: text.pipe(z.string().max(LONGEST_NOTE, `is longer than ${LONGEST_NOTE} characters`)).optional(),
  })
  .superRefine((record, context) => {
    const wrong = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (record.year === undefined && record.date === undefined) wrong('year', 'is missing, and so is date');
    if (
      record.year !== undefined &&
      record.date !== undefined &&
      Number(record.date.slice(0, 4)) !== record.year
    )
      wrong('date', `is not in the year ${record.year}`);
    if (record.age_months !== undefined && Math.floor(record.age_months / 12) !== record.age)
      wrong('age_months', `is not at the age of ${record.age}`);
    if (record.dx.length > 0 && record.dx_system === undefined) wrong('dx_system', 'is missing beside dx');
    if (record.sex === 'M' && record.pregnancy === 'pregnant') wrong('pregnancy', 'is recorded for a man');
    if (record.sex === 'M' && record.lactation === 'lactating') wrong('lactation', 'is recorded for a man');
    const { systolic, diastolic } = record;
    if (systolic !== undefined && diastolic !== undefined && diastolic >= systolic)
      wrong('diastolic', 'is not below systolic');
  });

/** Checks a record, e.g. a parsed line. Fields with the value null count as absent. */
export function parseVisitRecord(value: unknown): ParsedRecord {
  const parsed = Schema.safeParse(withoutNulls(value), { reportInput: true });
  if (!parsed.success) return { ok: false, problem: wordsOf(parsed.error) };
  const { year, dx_system, drugs, ...rest } = parsed.data;
  const record = {
    ...rest,
    year: year ?? Number(rest.date!.slice(0, 4)),
    dx_system: dx_system ?? 'ICD-10-CM',
    reasons: once(rest.reasons),
    dx: once(rest.dx),
    chronic: once(rest.chronic),
    procedures: once(rest.procedures),
    drugs: drugs ?? null,
  };
  return { ok: true, record: record as ParsedVisit };
}

/** Checks one line of text that should hold a record. */
export function parseVisitText(text: string): ParsedRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, problem: 'is not JSON: one complete JSON object a line is expected' };
  }
  return parseVisitRecord(value);
}

/** Says a record in clinical terms; drug names go through `resolve`, and those it does not know are kept apart. */
export function interpretVisit(record: ParsedVisit, resolve: DrugResolver): VisitContent {
  const unresolved: string[] = [];
  const resolveAll = (names: readonly string[]): DrugId[] =>
    once(
      names.flatMap((name) => {
        const found = resolve(name);
        if (found !== null && found.length > 0) return found;
        unresolved.push(name);
        return [];
      }),
    );
  const currentMedications = resolveAll(record.current ?? []);
  const previousMedications = resolveAll(record.previous ?? []);
  const prescribed = record.drugs === null ? null : resolveAll(record.drugs);
  return {
    date: record.date ?? `${record.year}-01-01`,
    dateKnown: record.date !== undefined,
    context: contextFrom(record, currentMedications, previousMedications),
    ageMonths: record.age_months ?? null,
    allergies: record.allergies ?? [],
    pregnancy: record.pregnancy ?? 'unknown',
    lactation: record.lactation ?? 'unknown',
    measurements: measurementsOf(record),
    notes: record.notes ?? '',
    prescribed,
    unmapped: once([...(record.unmapped ?? []), ...unresolved]),
    unresolved,
  };
}

function measurementsOf(record: ParsedVisit): Measurements {
  return {
    creatinine: record.creatinine ?? null,
    weight: record.weight ?? null,
    height: record.height ?? null,
    systolic: record.systolic ?? null,
    diastolic: record.diastolic ?? null,
    heartRate: record.heart_rate ?? null,
    temperature: record.temperature ?? null,
  };
}

/** What a policy may see of a record, with the medications already read as ingredients. */
export function contextFrom(
  record: Omit<VisitRecord, 'drugs'>,
  currentMedications: readonly DrugId[],
  previousMedications: readonly DrugId[],
): ClinicalContext {
  return {
    year: record.year,
    age: record.age,
    sex: record.sex,
    setting: record.setting ?? 'office',
    specialty: record.specialty ?? null,
    reasons: record.reasons,
    diagnoses: record.dx.map((dx) => ({ system: record.dx_system, code: dx })),
    chronic: record.chronic,
    procedures: record.procedures,
    currentMedications,
    previousMedications,
  };
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const year = Number(text.slice(0, 4));
  const time = new Date(`${text}T00:00:00Z`);
  return (
    year >= YEARS[0] &&
    year <= YEARS[1] &&
    !Number.isNaN(time.getTime()) &&
    time.toISOString().startsWith(text)
  );
}

function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

function once<Item>(items: readonly Item[]): Item[] {
  return [...new Set(items)];
}

function wordsOf(error: z.ZodError): string {
  const problems = error.issues.slice(0, SHOWN_PROBLEMS).map((issue) => {
    const [field, ...rest] = issue.path;
    if (field === undefined && issue.code === 'invalid_type') return 'is not a JSON object';
    const where = `${String(field ?? '')}${rest.map((part) => `[${String(part)}]`).join('')}`;
    return `${where} ${complaint(issue)}`.trim();
  });
  const more = error.issues.length - problems.length;
  return problems.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

function complaint(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `unknown field ${issue.keys.slice(0, 5).join(', ')}`;
    case 'invalid_type':
      if (issue.message.startsWith('must')) return issue.message;
      if (issue.input === undefined) return 'is missing';
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      if (issue.input === undefined) return 'is missing';
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' ? issue.message : `is below ${String(issue.minimum)}`;
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `is above ${String(issue.maximum)}`
        : issue.message;
    default:
      return issue.message;
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text in quotes',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
};
