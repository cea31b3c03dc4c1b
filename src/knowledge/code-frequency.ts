/** How often diagnoses are recorded in the training visits of the corpus, to rank a search. Office visits of 1995–2008. */

import type { DiagnosisSystem } from '../shared/domain.ts';
import type { CodeMaps } from './code-maps.ts';
import { lazy, type Tables } from './tables.ts';

type Count = readonly [code: string, visits: number];

const CATEGORY_LENGTH = 3;
const CATEGORY_SHARE = 0.01;

export class CodeFrequency {
  readonly #icd9: () => ReadonlyMap<string, number>;
  readonly #icd10: () => ReadonlyMap<string, number>;

  constructor(tables: Tables, maps: CodeMaps) {
    const recorded = lazy(() =>
      tables.lines('diagnosis-counts.tsv.gz').map((line): Count => {
        const [code = '', visits] = line.split('\t');
        return [code, Number(visits)];
      }),
    );
    this.#icd9 = lazy(() => withCategories(recorded()));
    this.#icd10 = lazy(() =>
      withCategories(
        recorded().flatMap(([icd9, visits]): Count[] => {
          const [first] = maps.toIcd10(icd9).codes;
          return first === undefined ? [] : [[first, visits]];
        }),
      ),
    );
  }

  /**
   * Visits with the code; an ICD-10 code has those of the ICD-9 codes whose first equivalent it is. A category has a
   * hundredth of its codes' besides its own: broad terms stay in sight below the usual code.
   */
  visits(system: DiagnosisSystem, code: string): number {
    return (system === 'ICD-9-CM' ? this.#icd9() : this.#icd10()).get(code) ?? 0;
  }
}

function withCategories(counts: readonly Count[]): Map<string, number> {
  const visits = new Map<string, number>();
  const add = (code: string, more: number): unknown => visits.set(code, (visits.get(code) ?? 0) + more);
  for (const [code, count] of counts) {
    add(code, count);
    if (code.length > CATEGORY_LENGTH) add(code.slice(0, CATEGORY_LENGTH), CATEGORY_SHARE * count);
  }
  return visits;
}
