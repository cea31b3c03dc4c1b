/**
 * A site's own CSV → visits, by a mapping from columns to the fields of the visit format. One row may be a whole visit with
 * lists in its cells, or one of several rows of a visit. Guesses no column and no date.
 */

import { BELIEVED } from '../../shared/check-input.ts';
import type { Measurements, Sex } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import { CSV_FIELDS, type ColumnMapping, type CsvField } from '../../shared/import-api.ts';
import type { DrugCode } from '../../knowledge/drug-reader.ts';
import {
  bounded,
  countDrugs,
  dayOf,
  icdCode,
  infantMonths,
  Mentions,
  saysNoAllergy,
  yearsBetween,
} from './codes.ts';
import type { Fact, SourceContext, SourceFile, SourceVisit, VisitSource } from './source.ts';
import { readTable } from './tables.ts';

type Cells = Readonly<Partial<Record<CsvField, string>>>;
type RowFact = readonly [kind: 'r', visit: string, cells: Cells, file: string, line: number];

const SEXES: ReadonlyMap<string, Sex> = new Map([
  ...['f', 'female', 'w'].map((word) => [word, 'F'] as const),
  ...['m', 'male'].map((word) => [word, 'M'] as const),
  ...['u', 'unknown'].map((word) => [word, 'unknown'] as const),
]);
/** 123456789012 as spreadsheets write it; the last digits are lost. */
const SHORTENED = /^\d(?:[.,]\d+)?E\+\d+$/i;
const SETTINGS = ['office', 'inpatient', 'intensive-care', 'emergency', 'unknown'] as const;
const MEASURED: readonly (readonly [keyof Measurements, CsvField & keyof SourceVisit])[] = [
  ['creatinine', 'creatinine'],
  ['weight', 'weight'],
  ['height', 'height'],
  ['systolic', 'systolic'],
  ['diastolic', 'diastolic'],
  ['heartRate', 'heart_rate'],
  ['temperature', 'temperature'],
];

export class CsvSource implements VisitSource {
  readonly format = 'csv';
  readonly #file: SourceFile;
  readonly #columns: ColumnMapping;
  readonly #prefix: string;

  /** @param columns column of each field; a field left out is looked for under its own name */
  constructor(file: SourceFile, columns: ColumnMapping, { prefix }: { readonly prefix: string }) {
    this.#file = file;
    this.#columns = columns;
    this.#prefix = prefix;
  }

  async *stage(context: SourceContext): AsyncGenerator<void> {
    const { staging, log } = context;
    const columns = CSV_FIELDS.map(
      (field) => [field, (this.#columns[field] ?? field).trim().toLowerCase()] as const,
    );
    const named = columns.filter(([field]) => this.#columns[field] !== undefined).map(([, column]) => column);
    const visit = columns.find(([field]) => field === 'visit')![1];
    yield* readTable(context, this.#file, 'rows', [visit, ...named], (row) => {
      const cells = Object.fromEntries(
        columns.flatMap(([field, column]) => {
          const cell = row.get(column);
          return cell === '' ? [] : [[field, cell]];
        }),
      ) as Cells;
      const shortened = [cells.visit, cells.patient].find((cell) => SHORTENED.test(cell ?? ''));
      if (cells.visit === undefined) log.refuse(row.line, 'the visit has no identifier', row.file);
      else if (shortened !== undefined)
        log.refuse(
          row.line,
          `the identifier ${shortened} was shortened by a spreadsheet, and may be another's too; export the column as text`,
          row.file,
        );
      else
        staging.add(cells.patient ?? `visit ${cells.visit}`, ['r', cells.visit, cells, row.file, row.line]);
    });
  }

  visitsOf(_patient: string, facts: readonly Fact[], context: SourceContext): SourceVisit[] {
    const visits = new Map<string, RowFact[]>();
    for (const fact of facts as unknown as readonly RowFact[]) {
      const rows = visits.get(fact[1]);
      if (rows) rows.push(fact);
      else visits.set(fact[1], [fact]);
    }
    const made = [...visits.values()].flatMap((rows) => this.#visit(rows, context));
    return made.sort((a, b) =>
      whenOf(a) === whenOf(b) ? (a.visit < b.visit ? -1 : 1) : whenOf(a) < whenOf(b) ? -1 : 1,
    );
  }

  #visit(rows: readonly RowFact[], context: SourceContext): SourceVisit[] {
    const { log } = context;
    const [, id, , file, line] = rows[0]!;
    const one = (field: CsvField): string => {
      const values = new Set(rows.flatMap(([, , cells]) => cells[field] ?? []));
      if (values.size > 1) log.leaveOut(`${field}: rows of one visit differ; the first one counts`);
      return [...values][0] ?? '';
    };
    const all = (field: CsvField): string[] => rows.flatMap(([, , cells]) => listOf(cells[field]));
    const refuse = (problem: string): SourceVisit[] => {
      log.refuse(line, problem, file);
      return [];
    };
    const written = one('date');
    const date = written === '' ? null : dayOf(written);
    if (written !== '' && date === null)
      return refuse(`date is not written YYYY-MM-DD: ${written.slice(0, 40)}`);
    const year = Number(date?.slice(0, 4) ?? (one('year') || NaN));
    if (!Number.isInteger(year)) return refuse('date is missing, and so is year');
    const birth = one('birth_date');
    const age =
      one('age') !== '' ? Number(one('age')) : birth === '' ? NaN : ageAt(birth, date ?? `${year}-07-01`);
    if (!Number.isInteger(age))
      return refuse('age is missing or no whole number, and birth_date does not give it');
    const system = one('dx_system').toUpperCase();
    const dx = this.#codes(all('dx'), 'dx', context);
    if (dx.length > 0 && !/^ICD-?(?:9|10)(?:-?CM)?$/.test(system))
      return refuse('dx_system must say ICD-9-CM or ICD-10-CM beside dx');
    const [drugs, current] = [this.#drugs(rows, 'drugs'), this.#drugs(rows, 'current')];
    countDrugs([...drugs, ...current], context);
    const patient = one('patient');
    const [name, notes, clinician, setting] = [
      one('name'),
      one('notes'),
      one('clinician'),
      one('setting').toLowerCase(),
    ];
    const known = SETTINGS.find((place) => place === setting);
    if (setting !== '' && known === undefined)
      log.leaveOut(`setting "${setting.slice(0, 40)}": is none of ${SETTINGS.join(', ')}`);
    const gender = one('sex').toLowerCase();
    const sex = SEXES.get(gender) ?? 'unknown';
    if (gender !== '' && !SEXES.has(gender))
      log.leaveOut(`sex "${gender.slice(0, 40)}": is none of F, M, unknown`);
    return [
      {
        visit: `${this.#prefix}-${id}`,
        ...(patient === '' ? {} : { patient: `${this.#prefix}-${patient}` }),
        ...(name === '' ? {} : { name: name.slice(0, 300) }),
        year,
        ...(date === null ? {} : { date }),
        ...(clinician === '' ? {} : { clinician: clinician.slice(0, 300) }),
        age,
        ...infantMonths(birth, date ?? '', age),
        sex,
        setting: known ?? 'unknown',
        reasons: [],
        dx_system: system.includes('9') ? 'ICD-9-CM' : 'ICD-10-CM',
        dx,
        chronic: [],
        procedures: this.#codes(all('procedures'), 'procedures', context),
        allergies: bounded(
          all('allergies').flatMap((words) => {
            if (!saysNoAllergy(words)) return words.slice(0, 300);
            log.leaveOut('allergies: an entry that says there is none');
            return [];
          }),
          log,
          'allergies',
        ),
        current,
        drugs: drugs.length > 0 || rows.some(([, , cells]) => cells.drugs !== undefined) ? drugs : null,
        ...this.#measured(one, log),
        ...(notes === '' ? {} : { notes }),
        origin: { file, line },
      },
    ];
  }

  /** Names and codes of one row belong together when there are as many of each. */
  #drugs(rows: readonly RowFact[], field: 'drugs' | 'current') {
    const mentions = new Mentions();
    for (const [, , cells] of rows) {
      const names = listOf(cells[field]);
      const codes: readonly (readonly DrugCode[])[] = [
        listOf(cells[`${field}_rxnorm`]).map((code) => ({ system: 'rxnorm' as const, code })),
        listOf(cells[`${field}_ndc`]).map((code) => ({ system: 'ndc' as const, code })),
      ];
      const together =
        names.length > 0 && codes.every(({ length }) => length === 0 || length === names.length);
      if (together)
        names.forEach((name, at) =>
          mentions.add(
            name,
            codes.flatMap((list) => list[at] ?? []),
          ),
        );
      else {
        for (const name of names) mentions.add(name, []);
        for (const code of codes.flat()) mentions.add('', [code]);
      }
    }
    return mentions.list();
  }

  #codes(written: readonly string[], field: string, { log }: SourceContext): string[] {
    const codes = written.flatMap((text) => {
      const code = icdCode(text);
      if (code === null) log.leaveOut(`${field}: no ICD code`);
      return code ?? [];
    });
    return bounded(codes, log, field);
  }

  #measured(one: (field: CsvField) => string, log: SourceContext['log']): Partial<SourceVisit> {
    const found = new Map<string, number>();
    for (const [kind, field] of MEASURED) {
      const written = one(field);
      if (written === '') continue;
      const value = Number(written);
      const [lowest, highest] = BELIEVED[kind];
      if (value >= lowest && value <= highest) found.set(field, value);
      else log.leaveOut(`${field}: no number with a decimal point, or outside what is believed`);
    }
    if ((found.get('diastolic') ?? 0) >= (found.get('systolic') ?? Infinity)) {
      log.leaveOut('diastolic: not below systolic');
      found.delete('systolic');
      found.delete('diastolic');
    }
    return Object.fromEntries(found);
  }
}

/** Items of a cell, separated by `;` or `|`. */
function listOf(cell: string | undefined): string[] {
  return (cell ?? '').split(/[;|]/).flatMap((item) => item.trim() || []);
}

function whenOf({ date, year }: SourceVisit): string {
  return date ?? String(year);
}

function ageAt(birth: string, day: string): number {
  const born = dayOf(birth);
  return (born === null ? null : yearsBetween(born, day)) ?? NaN;
}

/** @throws FlameError INVALID_INPUT naming what is no field */
export function readColumnMapping(pairs: readonly string[]): ColumnMapping {
  const mapping: Partial<Record<CsvField, string>> = {};
  for (const pair of pairs) {
    const [, field = '', column = ''] = /^([a-z_]+)=(.+)$/.exec(pair) ?? [];
    const known = CSV_FIELDS.find((one) => one === field);
    if (!known)
      throw new FlameError('INVALID_INPUT', {
        problem: `"${pair}" is not written field=column, with a field of: ${CSV_FIELDS.join(', ')}`,
      });
    mapping[known] = column;
  }
  return mapping;
}
