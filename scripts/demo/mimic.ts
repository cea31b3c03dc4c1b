/** The MIMIC-IV demo extract of data/demo/mimic-iv-demo → visits, one an admission. No general MIMIC reader. */

import { join } from 'node:path';
import type { VisitRecord } from '../../src/shared/domain.ts';
import { admissionOf, inOrder } from './mimic-admission.ts';
import { groupBy, readList, readTable, unique, type Row } from './tables.ts';

export function compileMimic(folder: string): VisitRecord[] {
  const table = (name: string): Row[] => readTable(join(folder, name));
  const patients = new Map(table('patients.csv').map((row) => [row['subject_id']!, row]));
  const diagnoses = groupBy(table('diagnoses_icd.csv'), (row) => row['hadm_id']!);
  const procedures = groupBy(table('procedures_icd.csv'), (row) => row['hadm_id']!);
  const prescriptions = groupBy(table('prescriptions.csv'), (row) => row['hadm_id']!);
  const names = new Map(
    table('drug-names.tsv').map((row) => [row['name']!.toLowerCase(), readList(row['ingredients']!)]),
  );
  const ingredientsOf = ({ drug }: Row): readonly string[] => {
    const known = names.get(drug!.trim().toLowerCase());
    if (!known) throw new Error(`drug-names.tsv has no row for "${drug!}"`);
    return known;
  };
  const admissions = groupBy(table('admissions.csv'), (row) => row['subject_id']!);
  return [...patients.values()].flatMap((patient) => {
    const stays = [...(admissions.get(patient['subject_id']!) ?? [])].sort((a, b) =>
      a['admittime']! < b['admittime']! ? -1 : 1,
    );
    let previous: readonly string[] = [];
    return stays.flatMap((stay) => {
      const drugs = unique((prescriptions.get(stay['hadm_id']!) ?? []).flatMap(ingredientsOf)).sort();
      const codes = inOrder(diagnoses.get(stay['hadm_id']!) ?? []);
      if (drugs.length === 0 || codes.length === 0) return [];
      const record = recordOf(patient, stay, codes, procedures.get(stay['hadm_id']!) ?? [], drugs, previous);
      previous = drugs;
      return [record];
    });
  });
}

function recordOf(
  patient: Row,
  stay: Row,
  codes: readonly Row[],
  procedures: readonly Row[],
  drugs: readonly string[],
  previous: readonly string[],
): VisitRecord {
  const { year, date, age, sex, dx_system } = admissionOf(patient, stay, codes);
  return {
    visit: `mimic-iv-demo-${stay['hadm_id']!}`,
    patient: `mimic-iv-demo-${patient['subject_id']!}`,
    name: `Inpatient ${patient['subject_id']!}`,
    date,
    year,
    age,
    sex,
    setting: 'inpatient',
    reasons: [],
    dx_system,
    dx: unique(codes.map((row) => row['icd_code']!)),
    chronic: [],
    procedures: unique(procedures.map((row) => row['icd_code']!)),
    previous,
    drugs,
    notes: `De-identified admission (${stay['admission_type']!.toLowerCase()}). Diagnoses were coded after discharge.`,
  };
}
