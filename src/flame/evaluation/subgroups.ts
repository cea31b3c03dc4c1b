/** Which group a visit belongs to by age, sex, specialty and list length, for results that must not hide in a mean. */

import type { LabelledVisit } from '../corpus.ts';

/** One name per visit and partition. */
export interface VisitGroups {
  readonly age: string;
  readonly sex: string;
  readonly specialty: string;
  readonly listLength: string;
}
export const PARTITIONS = ['age', 'sex', 'specialty', 'listLength'] as const;
export type Partition = (typeof PARTITIONS)[number];

/** First age in years of each band. */
const AGE_BANDS = [0, 18, 45, 65, 75];
/** First number of drugs of each band; a visit that is measured holds at least two. */
const LENGTH_BANDS = [2, 3, 5, 7];
const SEXES = { F: 'women and girls', M: 'men and boys', unknown: 'not recorded' } as const;

/** @param specialtyTitle title of a NAMCS specialty code of two digits, undefined when unknown */
export function visitGroups(
  { context, drugs }: Pick<LabelledVisit, 'context' | 'drugs'>,
  specialtyTitle: (code: string) => string | undefined,
): VisitGroups {
  const { age, sex, specialty } = context;
  return {
    age: Number.isFinite(age) ? band(AGE_BANDS, age, 'years') : 'not recorded',
    sex: SEXES[sex],
    specialty:
      specialty === null ? 'not recorded' : (specialtyTitle(specialty.padStart(2, '0')) ?? specialty),
    listLength: band(LENGTH_BANDS, drugs.length, 'drugs'),
  };
}

/** `45–64 years`; the last band has no end. */
function band(starts: readonly number[], value: number, unit: string): string {
  const at = Math.max(
    0,
    starts.findLastIndex((start) => value >= start),
  );
  const [from, next] = [starts[at]!, starts[at + 1]];
  if (next === undefined) return `${from} ${unit} and over`;
  return next - from === 1 ? `${from} ${unit}` : `${from}–${next - 1} ${unit}`;
}

/** Visits of each group of a partition, groups by name as a reader counts (2, 3–4, 10 …). */
export function groupVisits(groups: readonly VisitGroups[], partition: Partition): Map<string, Uint32Array> {
  const positions = new Map<string, number[]>();
  groups.forEach((group, visit) => {
    const members = positions.get(group[partition]) ?? [];
    positions.set(group[partition], members);
    members.push(visit);
  });
  const byName = new Intl.Collator('en', { numeric: true }).compare;
  return new Map(
    [...positions]
      .sort(([a], [b]) => byName(a, b))
      .map(([name, members]) => [name, Uint32Array.from(members)]),
  );
}
