/** Maps between ICD-9 and ICD-10 (general equivalence maps), both ways. Approximate by nature: says how it matched. */

import { normaliseCode } from './codes.ts';
import { lazy, type Tables } from './tables.ts';

/** Candidates in the other system, likeliest first; `matched` is the code or prefix that the map held. */
export interface CodeCandidates {
  readonly codes: readonly string[];
  readonly matched: string;
  readonly exact: boolean;
}

const SHORTEST_PREFIX = 3;
const BODY_PART = 4;

interface Direction {
  readonly map: ReadonlyMap<string, readonly string[]>;
  /** Keys in order, for prefix search. */
  readonly keys: readonly string[];
}

export class CodeMaps {
  readonly #toIcd10: () => Direction;
  readonly #toIcd9: () => Direction;
  readonly #procedures: () => ReadonlyMap<string, readonly string[]>;
  readonly #toProcedure: () => Direction;

  constructor(tables: Tables) {
    this.#toIcd10 = lazy(() => direction(readMap(tables.lines('icd9-icd10.tsv.gz'))));
    this.#toIcd9 = lazy(() => direction(invert(this.#toIcd10().map)));
    this.#procedures = lazy(() => readMap(tables.lines('icd9-pcs.tsv.gz')));
    this.#toProcedure = lazy(() => direction(invert(this.#procedures())));
  }

  /** ICD-10-CM candidates of an ICD-9-CM code; a truncated or unknown code answers for its longest known prefix. */
  toIcd10(code: string): CodeCandidates {
    return candidates(this.#toIcd10(), normaliseCode(code));
  }

  /**
   * ICD-9-CM candidates of an ICD-10-CM code. Survey codes of 2016 are cut to four characters: a code that is the
   * beginning of mapped codes answers for all of them; an unmapped one falls back to shorter prefixes.
   */
  toIcd9(code: string): CodeCandidates {
    return candidates(this.#toIcd9(), normaliseCode(code));
  }

  procedureToPcs(code: string): readonly string[] {
    return this.#procedures().get(normaliseCode(code)) ?? [];
  }

  /** ICD-9 procedures of an ICD-10-PCS code; for an unmapped one those of its body part (the first four characters). */
  procedureToIcd9(code: string): CodeCandidates {
    return candidates(this.#toProcedure(), normaliseCode(code), BODY_PART);
  }
}

function readMap(lines: readonly string[]): Map<string, readonly string[]> {
  return new Map(
    lines.map((line) => {
      const [from = '', to = ''] = line.split('\t');
      return [from, to.split(' ')];
    }),
  );
}

function direction(map: ReadonlyMap<string, readonly string[]>): Direction {
  return { map, keys: [...map.keys()].sort() };
}

/** The codes whose own first candidate is the target come first, full codes before categories: they mean it best. */
function invert(map: ReadonlyMap<string, readonly string[]>): Map<string, readonly string[]> {
  const back = new Map<string, { first: string[]; other: string[] }>();
  for (const [from, targets] of map) {
    targets.forEach((target, rank) => {
      const held = back.get(target) ?? { first: [], other: [] };
      back.set(target, held);
      (rank === 0 ? held.first : held.other).push(from);
    });
  }
  const fullFirst = (codes: string[]): string[] =>
    codes.sort((x, y) => y.length - x.length || (x < y ? -1 : 1));
  return new Map(
    [...back].map(([target, { first, other }]) => [target, [...fullFirst(first), ...fullFirst(other)]]),
  );
}

function candidates({ map, keys }: Direction, code: string, shortest = SHORTEST_PREFIX): CodeCandidates {
  const exact = map.get(code);
  if (exact) return { codes: exact, matched: code, exact: true };
  for (let length = code.length; length >= shortest; length -= 1) {
    const prefix = code.slice(0, length);
    const votes = new Map<string, number>();
    for (let index = lowerBound(keys, prefix); keys[index]?.startsWith(prefix); index += 1) {
      for (const target of map.get(keys[index]!)!) votes.set(target, (votes.get(target) ?? 0) + 1);
    }
    if (votes.size > 0) {
      const codes = [...votes].sort(([x, m], [y, n]) => n - m || (x < y ? -1 : 1)).map(([target]) => target);
      return { codes, matched: prefix, exact: false };
    }
  }
  return { codes: [], matched: '', exact: false };
}

function lowerBound(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
