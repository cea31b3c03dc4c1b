/** Hand-made visits on which the shipped pack's scores are frozen. No patient's. */

import type { VisitRecord } from '../../shared/domain.ts';

const base: VisitRecord = {
  visit: '',
  year: 2009,
  age: 60,
  sex: 'F',
  specialty: '1',
  reasons: [],
  dx_system: 'ICD-9-CM',
  dx: [],
  chronic: [],
  procedures: [],
  drugs: [],
};

export const PARITY_VISITS: readonly VisitRecord[] = [
  { ...base, visit: 'diabetes-hypertension', dx: ['25000', '4019'], chronic: ['DIABETES', 'HTN'] },
  { ...base, visit: 'asthma-child', age: 8, sex: 'M', specialty: '4', dx: ['49390'], reasons: ['14250'] },
  { ...base, visit: 'depression-icd10', age: 45, dx_system: 'ICD-10-CM', dx: ['F329'], specialty: '11' },
  { ...base, visit: 'with-current', age: 70, dx: ['42731'], current: ['warfarin', 'digoxin'] },
  { ...base, visit: 'empty' },
];
