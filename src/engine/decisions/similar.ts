/**
 * Which past visits of the site are most like this one, by the families of their codes. Counts what was prescribed there;
 * learns nothing and names nobody.
 */

import type { CodeMaps } from '../../knowledge/code-maps.ts';
import type { ClinicalContext, Diagnosis } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { SimilarVisits } from '../../shared/reasons.ts';
import { categoryOf } from '../../flame/encoding/code-families.ts';
import type { PastVisit } from '../store/similar-visits.ts';

/** So many of the most similar visits are counted. */
const NEIGHBOURS = 20;
/** Fewer say nothing. */
const FEWEST = 5;
/** Least share of common code families, of all families of the two visits. */
const LEAST_SIMILARITY = 0.25;

type Coded = Pick<ClinicalContext, 'diagnoses' | 'reasons' | 'chronic'>;

/**
 * The most similar past visits: the Jaccard similarity of two visits' code families (ICD-9-CM categories of the diagnoses,
 * ICD-10 read through the equivalence map; the first four digits of the reasons; the chronic flags). Ties: the later visit.
 */
export function mostSimilar(visit: Coded, past: readonly PastVisit[], maps: CodeMaps): readonly PastVisit[] {
  const familiesOf = familyReader(maps);
  const own = familiesOf(visit);
  if (own.size === 0) return [];
  return past
    .map((other) => ({ other, similarity: jaccard(own, familiesOf(other)) }))
    .filter(({ similarity }) => similarity >= LEAST_SIMILARITY)
    .sort((a, b) => b.similarity - a.similarity)
    .slice(0, NEIGHBOURS)
    .map(({ other }) => other);
}

/** How many of them got the drug; null where they are too few to speak of. */
export function countAmong(similar: readonly PastVisit[], drug: DrugId): SimilarVisits | null {
  if (similar.length < FEWEST) return null;
  return { visits: similar.length, withDrug: similar.filter(({ drugs }) => drugs.includes(drug)).length };
}

function familyReader(maps: CodeMaps): (visit: Coded) => ReadonlySet<string> {
  const known = new Map<string, string>();
  const family = ({ system, code }: Diagnosis): string => {
    const key = `${system} ${code}`;
    let found = known.get(key);
    if (found === undefined) {
      const icd9 = system === 'ICD-9-CM' ? code : maps.toIcd9(code).codes[0];
      found = icd9 === undefined ? key : `dx ${categoryOf(icd9)}`;
      known.set(key, found);
    }
    return found;
  };
  return ({ diagnoses, reasons, chronic }) =>
    new Set([
      ...diagnoses.map(family),
      ...reasons.map((code) => `reason ${code.slice(0, 4)}`),
      ...chronic.map((flag) => `chronic ${flag}`),
    ]);
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const common = [...a].filter((family) => b.has(family)).length;
  return common / (a.size + b.size - common || 1);
}
