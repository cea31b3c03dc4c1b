/** What both MIMIC-IV demo compilers read of one admission: its coding system, its date and the patient's age. */

import type { VisitRecord } from '../../src/shared/domain.ts';
import { type Row, unique } from './tables.ts';

/** Dates are shifted per patient; the year is put back into the middle of the patient's three-year group. */
export function admissionOf(
  patient: Row,
  stay: Row,
  codes: readonly Row[],
): Required<Pick<VisitRecord, 'year' | 'date' | 'age' | 'sex' | 'dx_system'>> {
  const versions = unique(codes.map((row) => row['icd_version']));
  if (versions.length !== 1) throw new Error(`admission ${stay['hadm_id']!} mixes ICD versions`);
  const shift = Number(stay['admittime']!.slice(0, 4)) - Number(patient['anchor_year']);
  const year = middleOf(patient['anchor_year_group']!) + shift;
  return {
    year,
    date: `${year}-${leapSafe(stay['admittime']!.slice(5, 10))}`,
    age: Number(patient['anchor_age']) + shift,
    sex: patient['gender'] === 'F' ? 'F' : 'M',
    dx_system: versions[0] === '9' ? 'ICD-9-CM' : 'ICD-10-CM',
  };
}

/** Rows of codes in the order of their `seq_num`. */
export function inOrder(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => Number(a['seq_num']) - Number(b['seq_num']));
}

/** `2011 - 2013` → 2012. */
function middleOf(group: string): number {
  const [first, last] = group.split('-').map(Number);
  return Math.round((first! + last!) / 2);
}

/** The shifted year may have been a leap year where the shown one is not. */
function leapSafe(monthAndDay: string): string {
  return monthAndDay === '02-29' ? '02-28' : monthAndDay;
}
