/** The published MIMIC-IV demo tables → visits, one an admission, with the drugs of the admission before. Trains nothing. */

import { join } from 'node:path';
import type { VisitRecord } from '../../src/shared/domain.ts';
import { admissionOf, inOrder } from '../demo/mimic-admission.ts';
import { groupBy, unique } from '../demo/tables.ts';
import { readCsv, type Row } from './csv.ts';
import type { DrugNames } from './drug-names.ts';
import { MappingCounter, type MappingReport } from './mapping.ts';

export const MIMIC_FILES = ['patients', 'admissions', 'diagnoses_icd', 'procedures_icd', 'prescriptions'];

/** `drug_type` of the fluid that another drug of the order is given in: 0.9 % sodium chloride, a bag, sterile water. */
const CARRIER = 'BASE';

export function compileMimicIv(
  folder: string,
  names: DrugNames,
): { readonly visits: readonly VisitRecord[]; readonly mapping: MappingReport } {
  const table = (name: string): Row[] => readCsv(join(folder, `${name}.csv.gz`));
  const byAdmission = (name: string): Map<string, Row[]> => groupBy(table(name), (row) => row['hadm_id']!);
  const diagnoses = byAdmission('diagnoses_icd');
  const procedures = byAdmission('procedures_icd');
  const mapping = new MappingCounter();
  const drugs = new Map<string, Set<string>>();
  for (const row of table('prescriptions')) {
    if (row['drug_type'] === CARRIER) continue;
    const reading = names.read(row['drug']!);
    mapping.count(row['drug']!, reading);
    if (reading.kind !== 'drug') continue;
    const list = drugs.get(row['hadm_id']!) ?? new Set();
    for (const drug of reading.drugs) list.add(drug);
    drugs.set(row['hadm_id']!, list);
  }
  const admissions = groupBy(table('admissions'), (row) => row['subject_id']!);
  const visits = table('patients').flatMap((patient) => {
    const stays = [...(admissions.get(patient['subject_id']!) ?? [])];
    stays.sort((a, b) => (a['admittime']! < b['admittime']! ? -1 : 1));
    let previous: readonly string[] = [];
    return stays.flatMap((stay) => {
      const prescribed = [...(drugs.get(stay['hadm_id']!) ?? [])].sort();
      const codes = inOrder(diagnoses.get(stay['hadm_id']!) ?? []);
      if (prescribed.length === 0 || codes.length === 0) return [];
      const done = inOrder(procedures.get(stay['hadm_id']!) ?? []);
      const record = recordOf(patient, stay, codes, done, prescribed, previous);
      previous = prescribed;
      return [record];
    });
  });
  return { visits: visits.sort((a, b) => (a.visit < b.visit ? -1 : 1)), mapping: mapping.report() };
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
    year,
    date,
    age,
    sex,
    setting: 'inpatient',
    reasons: [],
    dx_system,
    dx: unique(codes.map((row) => row['icd_code']!.trim())),
    chronic: [],
    procedures: unique(procedures.map((row) => row['icd_code']!.trim())),
    previous,
    drugs,
  };
}
