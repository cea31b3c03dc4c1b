/** How often drugs were prescribed together in the training visits of the corpus. Counts only; says nothing of why. */

import { asId, type DrugId } from '../shared/ids.ts';
import { lazy, type Tables } from './tables.ts';

/** A drug often prescribed beside another one: 30 visits or more, at least 1.5 times as often as by chance. */
export interface CoPrescribed {
  readonly drug: DrugId;
  /** Training visits that hold both. */
  readonly together: number;
  /** Training visits that hold this one. */
  readonly visits: number;
  /** Visits with both over those expected if the two had nothing to do with each other. */
  readonly lift: number;
}

export class CoPrescriptions {
  readonly #table: () => ReadonlyMap<string, readonly CoPrescribed[]>;

  constructor(tables: Tables) {
    this.#table = lazy(() => read(tables.lines('co-prescription.tsv.gz')));
  }

  /** Partners of a drug in the tables' spelling, the most frequent first; null for a drug too rare to count. */
  of(drug: DrugId): readonly CoPrescribed[] | null {
    return this.#table().get(drug) ?? null;
  }
}

function read(lines: readonly string[]): Map<string, readonly CoPrescribed[]> {
  return new Map(
    lines.map((line) => {
      const [drug = '', , partners = ''] = line.split('\t');
      return [drug, partners.split('|').map(readPartner)];
    }),
  );
}

function readPartner(cell: string): CoPrescribed {
  const [name = '', together, visits, lift] = cell.split(':');
  return { drug: asId<DrugId>(name), together: Number(together), visits: Number(visits), lift: Number(lift) };
}
