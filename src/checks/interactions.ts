/** Interacting pairs and duplicate therapy, as the tables and class rules record them. Judges no pair itself. */

import { nameKey, shorterKeys } from '../knowledge/names.ts';
import type { Interaction, InteractionSource, Severity } from '../shared/domain.ts';
import type { CheckName, Finding, FoundFinding } from '../shared/findings.ts';
import type { DrugId } from '../shared/ids.ts';
import type { MakeCheck } from './check.ts';

/** The tables' rules of duplicate therapy; every other source of a pair is an interaction. */
const DUPLICATE = 'rule:duplicate-';

function isDuplicate({ source }: InteractionSource): boolean {
  return source.startsWith(DUPLICATE);
}

/** Pairs with current medications included, and the drugs that no table covers. */
export const interactionCheck: MakeCheck = ({ interactions, interactionVersion }) => {
  return ({ drugs, pairs }) => {
    const ids = drugs.map(({ id }) => id);
    return [
      ...pairFindings(pairs(), interactionVersion, 'interactions', (source) => !isDuplicate(source)),
      ...interactions
        .notCovered(ids)
        .map((drug): Finding => ({ state: 'not-covered', check: 'interactions', drugs: [drug] })),
    ];
  };
};

/** Two drugs of one group by a rule of the tables, and one ingredient under two names. */
export const duplicateCheck: MakeCheck = ({ interactionVersion, version }) => {
  return ({ drugs, pairs }) => {
    const found: Finding[] = pairFindings(pairs(), interactionVersion, 'duplicate-therapy', isDuplicate);
    const bases = drugs.map(({ id, canonical }) => ({ id, base: baseOf(canonical) }));
    for (const [index, a] of bases.entries()) {
      for (const b of bases.slice(index + 1)) {
        if (a.base === b.base) found.push(sameIngredient([a.id, b.id], version));
      }
    }
    return found;
  };
};

function pairFindings(
  pairs: readonly Interaction[],
  version: string,
  check: CheckName,
  belongs: (source: InteractionSource) => boolean,
): FoundFinding[] {
  return pairs.flatMap((pair) => {
    const sources = pair.sources.filter((source) => source.setAside === undefined && belongs(source));
    return sources.length === 0 ? [] : [pairFinding(pair, sources, version, check)];
  });
}

function pairFinding(
  { a, b }: Interaction,
  sources: readonly InteractionSource[],
  version: string,
  check: CheckName,
): FoundFinding {
  const first = (field: 'effect' | 'management' | 'mechanism'): string | undefined =>
    sources.find((source) => source[field] !== undefined)?.[field];
  return {
    state: 'found',
    check,
    drugs: [a, b],
    severity: Math.max(...sources.map(({ severity }) => severity)) as Severity,
    because: '',
    effect: first('effect') ?? '',
    management: first('management') ?? '',
    mechanism: first('mechanism') ?? null,
    label: null,
    sources: sources.map(({ source, citation, reviewed, support }) => ({
      citation: `${citation} (${source})`,
      version,
      reviewed,
      ...(support === undefined ? {} : { support }),
    })),
  };
}

/** The name without its salt: `hydrocortisone acetate` → `hydrocortisone`. */
function baseOf(drug: DrugId): string {
  const key = nameKey(drug);
  return shorterKeys(key).at(-1) ?? key;
}

function sameIngredient(drugs: readonly DrugId[], version: string): FoundFinding {
  return {
    state: 'found',
    check: 'duplicate-therapy',
    drugs,
    severity: 2,
    because: '',
    effect:
      'The same ingredient twice: a double dose, unless the two are different forms (cream and tablet).',
    management: 'Keep one, or make sure that both are meant.',
    mechanism: null,
    label: null,
    sources: [
      { citation: 'Ingredient names of the drug table, without their salts', version, reviewed: true },
    ],
  };
}
