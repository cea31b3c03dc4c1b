/** The severity of every pair of a fixed drug list as one flat table. Holds numbers only: no sources, no words. */

import type { Severity } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';

/** Symmetric; `levels[i * size + j]` is the severity of drugs i and j, 0 where no interaction is recorded. */
export interface PairMatrix {
  readonly size: number;
  readonly levels: Uint8Array;
}

/** Two drugs and their severity, however much else is known of them. */
export interface PairLevel {
  readonly a: DrugId;
  readonly b: DrugId;
  readonly severity: Severity;
}

/** Pairs with a drug outside `drugs` are left out. */
export function buildPairMatrix(drugs: readonly DrugId[], interactions: Iterable<PairLevel>): PairMatrix {
  const index = new Map(drugs.map((drug, i) => [drug, i]));
  const size = drugs.length;
  const levels = new Uint8Array(size * size);
  for (const { a, b, severity } of interactions) {
    const i = index.get(a);
    const j = index.get(b);
    if (i === undefined || j === undefined) continue;
    levels[i * size + j] = severity;
    levels[j * size + i] = severity;
  }
  return { size, levels };
}

export function severityOf(pairs: PairMatrix, i: number, j: number): Severity | 0 {
  return (pairs.levels[i * pairs.size + j] ?? 0) as Severity | 0;
}
