/**
 * MIMIC-III v1.4 and MIMIC-IV v2/v3 hosp tables → visits, one an admission. Column names from the public documentation of
 * both releases; case and order do not matter. Reads no notes and no intensive-care tables.
 */

import type { Sex } from '../../shared/domain.ts';
import { bounded, countDrugs, dayOf, icdCode, infantMonths, Mentions, yearsBetween } from './codes.ts';
import type { Fact, SourceContext, SourceFile, SourceVisit, VisitSource } from './source.ts';
import { readTable, tableFile } from './tables.ts';

export const MIMIC_TABLES = [
  'patients',
  'admissions',
  'diagnoses_icd',
  'procedures_icd',
  'prescriptions',
] as const;

/** `drug_type` of the fluid that another drug of the order is given in: 0.9 % sodium chloride, a bag, sterile water. */
const CARRIER = 'BASE';
/** MIMIC-III moves the birth of patients above 89 by two centuries. */
const OLDEST_SHOWN = 89;
const ABOVE_OLDEST = 90;

type Admission = readonly [kind: 'a', stay: string, time: string, reason: string, file: string, line: number];
type Person = readonly [kind: 'p', gender: string, birth: string, age: string, year: string, group: string];
type Code = readonly [kind: 'd' | 'o', stay: string, order: number, code: string, version: string];
type Order = readonly [kind: 'm', stay: string, drug: string, ndc: string, start: string];

export interface MimicOptions {
  /** What identifiers begin with, so that those of two releases do not meet. */
  readonly prefix: string;
  /** Only drugs that were ordered on the day of admission. */
  readonly firstDay?: boolean | undefined;
}

export class MimicSource implements VisitSource {
  readonly format: 'mimic-iii' | 'mimic-iv';
  readonly #files: readonly SourceFile[];
  readonly #prefix: string;
  readonly #firstDay: boolean;

  constructor(
    format: 'mimic-iii' | 'mimic-iv',
    files: readonly SourceFile[],
    { prefix, firstDay = false }: MimicOptions,
  ) {
    this.#firstDay = firstDay;
    this.format = format;
    this.#files = files;
    this.#prefix = prefix;
  }

  async *stage(context: SourceContext): AsyncGenerator<void> {
    const { staging, log } = context;
    const third = this.format === 'mimic-iii';
    const file = (table: (typeof MIMIC_TABLES)[number]): SourceFile => tableFile(this.#files, table);
    const people = third ? ['dob'] : ['anchor_age', 'anchor_year'];
    yield* readTable(context, file('patients'), 'patients', ['subject_id', 'gender', ...people], (row) => {
      const cells = ['gender', 'dob', 'anchor_age', 'anchor_year', 'anchor_year_group'].map((name) =>
        row.get(name),
      );
      staging.add(row.get('subject_id'), ['p', ...cells]);
    });
    yield* readTable(
      context,
      file('admissions'),
      'admissions',
      ['subject_id', 'hadm_id', 'admittime'],
      (row) => {
        const [stay, time, reason] = [row.get('hadm_id'), row.get('admittime'), row.get('diagnosis')];
        if (stay === '') log.refuse(row.line, 'hadm_id is empty', row.file);
        else if (dayOf(time) === null)
          log.refuse(row.line, `admittime is no time: ${time.slice(0, 40)}`, row.file);
        else staging.add(row.get('subject_id'), ['a', stay, time, reason, row.file, row.line]);
      },
    );
    const column = third ? 'icd9_code' : 'icd_code';
    for (const [kind, table] of [
      ['d', 'diagnoses_icd'],
      ['o', 'procedures_icd'],
    ] as const) {
      const needed = ['subject_id', 'hadm_id', 'seq_num', column, ...(third ? [] : ['icd_version'])];
      yield* readTable(context, file(table), table, needed, (row) => {
        const code = icdCode(row.get(column));
        if (code === null) log.leaveOut(`${table}: no ICD code in ${column}`);
        else {
          const version = third ? '9' : row.get('icd_version');
          staging.add(row.get('subject_id'), [
            kind,
            row.get('hadm_id'),
            Number(row.get('seq_num')),
            code,
            version,
          ]);
        }
      });
    }
    const started = third ? 'startdate' : 'starttime';
    const orders = ['subject_id', 'hadm_id', 'drug', 'drug_type', ...(this.#firstDay ? [started] : [])];
    yield* readTable(context, file('prescriptions'), 'prescriptions', orders, (row) => {
      if (row.get('drug_type').toUpperCase() === CARRIER)
        log.leaveOut('prescriptions: the fluid that another drug is given in (drug_type BASE)');
      else {
        const start = this.#firstDay ? row.get(started).slice(0, 10) : '';
        staging.add(row.get('subject_id'), ['m', row.get('hadm_id'), row.get('drug'), row.get('ndc'), start]);
      }
    });
  }

  visitsOf(patient: string, facts: readonly Fact[], context: SourceContext): SourceVisit[] {
    const { log } = context;
    const person = facts.find((fact): fact is Fact & Person => fact[0] === 'p');
    const admissions = facts.filter((fact): fact is Fact & Admission => fact[0] === 'a');
    const stays = new Map(
      admissions.map(([, id, time]) => [id, new Stay(this.#firstDay ? time.slice(0, 10) : null)]),
    );
    for (const fact of facts) {
      if (fact[0] === 'p' || fact[0] === 'a') continue;
      const stay = stays.get(fact[1] as string);
      if (stay) stay.add(fact as Code | Order);
      else log.leaveOut('rows of an admission that is not in admissions');
    }
    admissions.sort((a, b) => (a[2] === b[2] ? (a[1] < b[1] ? -1 : 1) : a[2] < b[2] ? -1 : 1));
    return admissions.flatMap(([, id, time, reason, file, line]) => {
      const origin = { file, line };
      if (!person) {
        log.refuse(line, `patient ${patient} is not in patients`, file);
        return [];
      }
      const when = this.format === 'mimic-iii' ? thirdTime(person, time) : fourthTime(person, time);
      if (typeof when === 'string') {
        log.refuse(line, when, file);
        return [];
      }
      const { system, codes, procedures, drugs } = stays.get(id)!.read(context);
      const visit: SourceVisit = {
        visit: `${this.#prefix}-${id}`,
        patient: `${this.#prefix}-${patient}`,
        ...when,
        sex: sexOf(person[1]),
        setting: 'inpatient',
        reasons: [],
        dx_system: system,
        dx: codes,
        chronic: [],
        procedures,
        current: [],
        drugs,
        ...(reason === '' ? {} : { notes: `Admission diagnosis: ${reason}` }),
        origin,
      };
      return [visit];
    });
  }
}

/** The rows of one admission. */
class Stay {
  readonly #codes: Code[] = [];
  readonly #procedures: Code[] = [];
  readonly #drugs = new Mentions();
  readonly #day: string | null;

  /** @param day orders that start later are left out; null keeps all */
  constructor(day: string | null) {
    this.#day = day;
  }

  add(fact: Code | Order): void {
    switch (fact[0]) {
      case 'd':
        this.#codes.push(fact);
        break;
      case 'o':
        this.#procedures.push(fact);
        break;
      case 'm':
        if (this.#day !== null && fact[4] > this.#day) return;
        this.#drugs.add(fact[2], /[1-9]/.test(fact[3]) ? [{ system: 'ndc', code: fact[3] }] : []);
    }
  }

  read(context: SourceContext): Pick<SourceVisit, 'procedures' | 'drugs'> & {
    readonly system: SourceVisit['dx_system'];
    readonly codes: string[];
  } {
    const { log } = context;
    const drugs = this.#drugs.list();
    countDrugs(drugs, context);
    const ninth = this.#codes.filter(([, , , , version]) => version === '9').length;
    const version = ninth * 2 >= this.#codes.length && ninth > 0 ? '9' : '10';
    const others = this.#codes.filter((code) => code[4] !== version).length;
    // A visit has one coding system.
    if (others > 0)
      log.leaveOut('diagnoses_icd: codes of the other ICD version than most of the admission', others);
    const inOrder = (codes: readonly Code[]): string[] =>
      [...codes].sort((a, b) => a[2] - b[2] || (a[3] < b[3] ? -1 : 1)).map(([, , , code]) => code);
    return {
      system: version === '9' ? 'ICD-9-CM' : 'ICD-10-CM',
      codes: bounded(inOrder(this.#codes.filter((code) => code[4] === version)), log, 'diagnoses'),
      procedures: bounded(inOrder(this.#procedures), log, 'procedures'),
      drugs,
    };
  }
}

type When = Pick<SourceVisit, 'year' | 'date' | 'age' | 'age_months'>;

/** Dates are shifted per patient; the year is put back into the middle of the patient's three-year group. */
function fourthTime([, , , anchorAge, anchorYear, group]: Person, time: string): When | string {
  const shift = Number(time.slice(0, 4)) - Number(anchorYear);
  const age = Number(anchorAge) + shift;
  if (anchorAge === '' || !Number.isInteger(age))
    return 'anchor_age or anchor_year of the patient is no number';
  const middle = middleOf(group);
  const year = middle === null ? Number(time.slice(0, 4)) : middle + shift;
  return { year, date: `${year}-${leapSafe(time.slice(5, 10))}`, age };
}

/** Dates are shifted per patient, into the years 2100 to 2200; they stay there. */
function thirdTime([, , dob]: Person, time: string): When | string {
  const [birth, day] = [dayOf(dob), dayOf(time)!];
  if (birth === null) return 'dob of the patient is no date';
  const age = yearsBetween(birth, day);
  if (age === null) return 'the admission lies before dob of the patient';
  const shown = age > OLDEST_SHOWN ? ABOVE_OLDEST : age;
  return { year: Number(day.slice(0, 4)), date: day, age: shown, ...infantMonths(birth, day, age) };
}

/** `2011 - 2013` → 2012; null where the release has no groups. */
function middleOf(group: string): number | null {
  const [first = NaN, last = NaN] = group.split('-').map((part) => Number(part.trim() === '' ? NaN : part));
  return Number.isNaN(first + last) ? null : Math.round((first + last) / 2);
}

/** The shifted year may have been a leap year where the shown one is not. */
function leapSafe(monthAndDay: string): string {
  return monthAndDay === '02-29' ? '02-28' : monthAndDay;
}

function sexOf(gender: string): Sex {
  const letter = gender.toUpperCase().slice(0, 1);
  return letter === 'F' || letter === 'M' ? letter : 'unknown';
}
