/** The numbers of one row by age, sex, specialty and list length, with intervals. Decides no group (subgroups.ts). */

import { bootstrapMean, type DrugLists, type Interval, mean } from '../../src/flame/evaluation/metrics.ts';
import type { PairMatrix } from '../../src/flame/lists/pair-matrix.ts';
import {
  groupVisits,
  type Partition,
  PARTITIONS,
  type VisitGroups,
} from '../../src/flame/evaluation/subgroups.ts';
import { ratesOf, type RowResult } from './measure.ts';

export interface Estimate {
  readonly mean: number;
  readonly interval: Interval;
}

export interface GroupResult {
  readonly partition: Partition;
  readonly group: string;
  readonly visits: number;
  /** Of the row's own list, or of the expected-Jaccard set where it has none. */
  readonly jaccard: Estimate;
  /** null for a row without scores. */
  readonly prauc: Estimate | null;
  readonly ddiRate: Estimate;
  /** Of the clinicians' own lists in the group. */
  readonly truthDdiRate: number;
}

export function measureGroups(
  { perVisit, ratesPerVisit }: Pick<RowResult, 'perVisit' | 'ratesPerVisit'>,
  groups: readonly VisitGroups[],
  truth: DrugLists,
  pairs: PairMatrix,
): GroupResult[] {
  const jaccard = perVisit.jaccardOwn ?? perVisit.jaccardSet;
  if (!jaccard) throw new RangeError('subgroups need lists');
  const truthRates = ratesOf(truth, pairs);
  return PARTITIONS.flatMap((partition) =>
    [...groupVisits(groups, partition)].map(([group, members]) => ({
      partition,
      group,
      visits: members.length,
      jaccard: estimate(jaccard, members),
      prauc: perVisit.prauc ? estimate(perVisit.prauc, members) : null,
      ddiRate: estimate(ratesPerVisit, members),
      truthDdiRate: mean(valuesOf(truthRates, members)),
    })),
  );
}

function estimate(values: Float64Array, members: Uint32Array): Estimate {
  const own = valuesOf(values, members);
  return { mean: mean(own), interval: bootstrapMean(own) };
}

function valuesOf(values: Float64Array, members: Uint32Array): Float64Array {
  return Float64Array.from(members, (visit) => values[visit]!);
}
