/**
 * Says what a visit holds, as weighted named features from narrow to wide (METHOD section 3). Knows no vocabulary and
 * no weights of a model; never looks at the visit's own drugs.
 */

import type { ClinicalContext } from '../../shared/domain.ts';
import type { CodeFamilies } from './code-families.ts';

/** Which embedding family a feature belongs to; ablations and dropout work by family. */
export type FeatureFamily =
  'demographic' | 'year' | 'code' | 'hierarchy' | 'count' | 'current-medication' | 'previous-medication';

export interface Feature {
  readonly key: string;
  readonly family: FeatureFamily;
  readonly weight: number;
  /** The code of the visit that the feature stands for, to tell which codes nobody knew. */
  readonly code?: string;
}

/** Knots of age in years; an age between two knots is shared between them in proportion. */
const AGE_KNOTS = [0, 0.7, 2, 4, 8, 12, 16, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 95];
/** The survey asks for chronic conditions from this year on: before it, no flag means not asked. */
const CHRONIC_ASKED_SINCE = 2005;
/** Flags of later forms (2016) that ask for what an earlier flag asked. */
const CHRONIC_ALIASES: Readonly<Record<string, string>> = {
  CAD: 'IHD',
  CKD: 'CRF',
  ESRD: 'CRF',
  DIABTYP0: 'DIABETES',
  DIABTYP1: 'DIABETES',
  DIABTYP2: 'DIABETES',
};
/** Counts above this are one class. */
const MAX_COUNT = 6;

/** @param lastYear the last training year: later visits are read as of that year */
export function describeVisit(context: ClinicalContext, families: CodeFamilies, lastYear: number): Feature[] {
  return [
    ...demographics(context),
    ...year(context, lastYear),
    ...diagnoses(context, families),
    ...reasons(context),
    ...context.chronic.map((flag) => feature(`chronic:${CHRONIC_ALIASES[flag] ?? flag}`, 'code', 1, flag)),
    ...procedures(context, families),
    feature(`count:diagnoses:${Math.min(MAX_COUNT, context.diagnoses.length)}`, 'count'),
    feature(`count:reasons:${Math.min(MAX_COUNT, context.reasons.length)}`, 'count'),
    ...context.currentMedications.map((drug) => feature(`current:${drug}`, 'current-medication')),
    ...context.previousMedications.map((drug) => feature(`previous:${drug}`, 'previous-medication')),
  ];
}

function feature(key: string, family: FeatureFamily, weight = 1, code?: string): Feature {
  return code === undefined ? { key, family, weight } : { key, family, weight, code };
}

function demographics({ age, sex, specialty }: ClinicalContext): Feature[] {
  const features = [feature(`sex:${sex}`, 'demographic')];
  if (specialty !== null)
    features.push(feature(`specialty:${Number(specialty) || specialty}`, 'demographic'));
  if (!Number.isFinite(age)) return features;
  const years = Math.min(Math.max(age, 0), AGE_KNOTS.at(-1)!);
  const upper = Math.max(
    1,
    AGE_KNOTS.findIndex((knot) => knot >= years),
  );
  const [from, to] = [AGE_KNOTS[upper - 1]!, AGE_KNOTS[upper]!];
  const share = (years - from) / (to - from);
  for (const [knot, weight] of [
    [from, 1 - share],
    [to, share],
  ] as const) {
    if (weight <= 0) continue;
    features.push(feature(`age:${knot}`, 'demographic', weight));
    features.push(feature(`age:${knot}:${sex}`, 'demographic', weight));
  }
  return features;
}

function year(context: ClinicalContext, lastYear: number): Feature[] {
  const read = Math.min(context.year, lastYear);
  const features = [feature(`year:${read}`, 'year')];
  if (read >= CHRONIC_ASKED_SINCE) features.push(feature('chronic-asked', 'year'));
  return features;
}

function diagnoses({ diagnoses: list }: ClinicalContext, families: CodeFamilies): Feature[] {
  return list.flatMap((diagnosis, position) => {
    const read = families.diagnosis(diagnosis);
    const features = read.codes.map((code) => feature(`dx:${code}`, 'code', 1, diagnosis.code));
    for (const group of read.groups) features.push(feature(group, 'hierarchy', 1, diagnosis.code));
    if (position === 0 && read.category !== null)
      features.push(feature(`dx-first:${read.category}`, 'hierarchy', 1, diagnosis.code));
    return features;
  });
}

/** Reason codes: module (1 digit), group (2), symptom (4), and the full 5 digits. */
function reasons({ reasons: list }: ClinicalContext): Feature[] {
  return list.flatMap((code, position) => {
    const features = [
      feature(`rfv:${code}`, 'code', 1, code),
      ...[4, 2, 1].map((digits) => feature(`rfv${digits}:${code.slice(0, digits)}`, 'hierarchy', 1, code)),
    ];
    if (position === 0) features.push(feature(`rfv-first:${code.slice(0, 4)}`, 'hierarchy', 1, code));
    return features;
  });
}

function procedures({ procedures: list }: ClinicalContext, families: CodeFamilies): Feature[] {
  return list.flatMap((code) => [
    feature(`pr:${code}`, 'code', 1, code),
    ...families.procedure(code).map((group) => feature(group, 'hierarchy', 1, code)),
  ]);
}

/** Family of a feature, read from its name: a vocabulary keeps names only. */
export function familyOf(key: string): FeatureFamily {
  if (key === 'chronic-asked') return 'year';
  switch (key.slice(0, key.indexOf(':'))) {
    case 'year':
      return 'year';
    case 'current':
      return 'current-medication';
    case 'previous':
      return 'previous-medication';
    case 'count':
      return 'count';
    case 'dx':
    case 'rfv':
    case 'chronic':
    case 'pr':
      return 'code';
    case 'sex':
    case 'age':
    case 'specialty':
      return 'demographic';
    default:
      return 'hierarchy';
  }
}
