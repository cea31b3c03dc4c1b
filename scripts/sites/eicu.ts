/** The published eICU demo tables → visits, one a unit stay, with the drugs of the stay before. Trains nothing. */

import { join } from 'node:path';
import type { VisitRecord } from '../../src/shared/domain.ts';
import { groupBy, unique } from '../demo/tables.ts';
import { readCsv, type Row } from './csv.ts';
import type { DrugNames, NameReading } from './drug-names.ts';
import { MappingCounter, type MappingReport } from './mapping.ts';

export const EICU_FILES = ['patient', 'diagnosis', 'medication'];

/** The age that stands for `> 89`. */
const OLDEST = 90;
const ICD9 = /^(?:\d{3}(?:\.\d{1,2})?|V\d{2}(?:\.\d{1,2})?|E\d{3}(?:\.\d)?)$/;

export function compileEicu(
  folder: string,
  names: DrugNames,
): { readonly visits: readonly VisitRecord[]; readonly mapping: MappingReport } {
  const table = (name: string): Row[] => readCsv(join(folder, `${name}.csv.gz`));
  const { drugs, mapping } = drugsByStay(table('medication'), names);
  const diagnoses = groupBy(table('diagnosis'), (row) => row['patientunitstayid']!);
  const usable = table('patient').flatMap((stay) => {
    const id = stay['patientunitstayid']!;
    const prescribed = [...(drugs.get(id) ?? [])].sort();
    const dx = codesOf(diagnoses.get(id) ?? []);
    return prescribed.length === 0 || dx.length === 0 ? [] : [{ stay, dx, drugs: prescribed }];
  });
  const visits = [...groupBy(usable, ({ stay }) => stay['uniquepid']!).values()].flatMap((stays) =>
    stays.map(({ stay, dx, drugs: prescribed }): VisitRecord => {
      const before = stays.filter((other) => isBefore(other.stay, stay)).sort(byTime);
      return {
        visit: `eicu-demo-${stay['patientunitstayid']!}`,
        patient: `eicu-demo-${stay['uniquepid']!}`,
        year: Number(stay['hospitaldischargeyear']),
        clinician: `hospital-${stay['hospitalid']!}`,
        age: stay['age'] === '> 89' ? OLDEST : Number(stay['age']),
        sex: ({ Female: 'F', Male: 'M' } as const)[stay['gender']!] ?? 'unknown',
        setting: 'intensive-care',
        reasons: [],
        dx_system: 'ICD-9-CM',
        dx,
        chronic: [],
        procedures: [],
        previous: before.at(-1)?.drugs ?? [],
        drugs: prescribed,
      };
    }),
  );
  return { visits: visits.sort((a, b) => (a.visit < b.visit ? -1 : 1)), mapping };
}

/** Orders that were not cancelled; a row without a name is read as its HICL code is read on rows that carry both. */
function drugsByStay(
  rows: readonly Row[],
  names: DrugNames,
): { readonly drugs: ReadonlyMap<string, Set<string>>; readonly mapping: MappingReport } {
  const byCode = readingsByCode(rows, names);
  const mapping = new MappingCounter();
  const drugs = new Map<string, Set<string>>();
  for (const row of rows) {
    if (row['drugordercancelled'] === 'Yes') continue;
    const name = row['drugname']!.trim();
    const reading = name === '' ? (byCode.get(row['drughiclseqno']!) ?? null) : names.read(name);
    mapping.count(name, reading);
    if (reading?.kind !== 'drug') continue;
    const list = drugs.get(row['patientunitstayid']!) ?? new Set();
    for (const drug of reading.drugs) list.add(drug);
    drugs.set(row['patientunitstayid']!, list);
  }
  return { drugs, mapping: mapping.report() };
}

/** For each HICL code the reading of most of its named rows. */
function readingsByCode(rows: readonly Row[], names: DrugNames): Map<string, NameReading> {
  const votes = new Map<string, Map<string, { reading: NameReading; rows: number }>>();
  for (const row of rows) {
    const [name, code] = [row['drugname']!.trim(), row['drughiclseqno']!];
    if (name === '' || code === '' || code === '0') continue;
    const reading = names.read(name);
    if (reading.kind === 'unmapped') continue;
    const key = reading.kind === 'drug' ? reading.drugs.join() : '';
    const ofCode = votes.get(code) ?? new Map<string, { reading: NameReading; rows: number }>();
    const vote = ofCode.get(key) ?? { reading, rows: 0 };
    vote.rows += 1;
    votes.set(code, ofCode.set(key, vote));
  }
  return new Map(
    [...votes].map(([code, ofCode]) => [
      code,
      [...ofCode.values()].reduce((best, vote) => (vote.rows > best.rows ? vote : best)).reading,
    ]),
  );
}

/** ICD-9-CM codes, the primary ones first, then by the time of entry. The column holds `401.9, I10`. */
function codesOf(rows: readonly Row[]): string[] {
  const order = ['Primary', 'Major', 'Other'];
  const sorted = [...rows].sort(
    (a, b) =>
      order.indexOf(a['diagnosispriority']!) - order.indexOf(b['diagnosispriority']!) ||
      Number(a['diagnosisoffset']) - Number(b['diagnosisoffset']) ||
      Number(a['diagnosisid']) - Number(b['diagnosisid']),
  );
  return unique(
    sorted.flatMap((row) =>
      row['icd9code']!.split(',')
        .map((code) => code.trim())
        .filter((code) => ICD9.test(code))
        .slice(0, 1)
        .map((code) => code.replace('.', '')),
    ),
  );
}

/**
 * The tables order unit stays within a hospital stay, and hospital stays by year of discharge only: two hospital stays of
 * one year have no order, so neither is the other's past.
 */
function isBefore(a: Row, b: Row): boolean {
  if (a['patienthealthsystemstayid'] === b['patienthealthsystemstayid'])
    return Number(a['unitvisitnumber']) < Number(b['unitvisitnumber']);
  return Number(a['hospitaldischargeyear']) < Number(b['hospitaldischargeyear']);
}

function byTime({ stay: a }: { readonly stay: Row }, { stay: b }: { readonly stay: Row }): number {
  return (
    Number(a['hospitaldischargeyear']) - Number(b['hospitaldischargeyear']) ||
    Number(a['patienthealthsystemstayid']) - Number(b['patienthealthsystemstayid']) ||
    Number(a['unitvisitnumber']) - Number(b['unitvisitnumber'])
  );
}
