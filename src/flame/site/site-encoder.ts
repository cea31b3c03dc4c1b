/** Reads a context as a site's models do: weighted features that the site has seen, and the previous list. Runs no model. */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { type CodeFamilies, codeFamilies } from '../encoding/code-families.ts';
import { codeTables } from '../encoding/code-tables.ts';
import { describeVisit } from '../encoding/features.ts';
import { earlierLists, withPreviousList } from './patient-history.ts';
import { positionsOf } from './site-visits.ts';

export interface SparseRow {
  readonly ids: readonly number[];
  readonly weights: readonly number[];
}

/** A context ready for the site's experts. It holds nothing of the visit's own drugs. */
export interface SiteInput {
  /** Demographics, codes and their families. */
  readonly codes: SparseRow;
  /** The same, and the drugs of the previous visit. */
  readonly full: SparseRow;
  /** Formulary positions of the previous visit's drugs. */
  readonly previous: readonly number[];
  /** Drugs of the previous visit inside and outside the formulary; 0 when there was none. */
  readonly previousLength: number;
  /** Formulary positions of each earlier list, the previous visit's first. */
  readonly earlier: readonly (readonly number[])[];
  /** [1, …]: what the length of a list is predicted from. */
  readonly size: readonly number[];
}

export interface EncoderState {
  readonly formulary: readonly DrugId[];
  /** Names of the features, those of codes first, then those of previous drugs. */
  readonly features: readonly string[];
}

/** A feature needs this many of the site's visits. */
const FEATURE_MINIMUM = 2;
/** Survey years and the survey's counts (at most six diagnoses) say nothing of a hospital. */
const UNUSED = new Set(['year', 'count', 'current-medication']);
const NO_YEAR = 0;

export const SIZE_WIDTH = 7;

export class SiteEncoder {
  readonly state: EncoderState;
  private readonly families: CodeFamilies;
  private readonly ids: ReadonlyMap<string, number>;
  private readonly positions: ReadonlyMap<DrugId, number>;

  constructor(state: EncoderState, knowledge: Pick<Knowledge, 'codes'>) {
    this.state = state;
    this.families = siteFamilies(knowledge);
    this.ids = new Map(state.features.map((key, id) => [key, id]));
    this.positions = new Map(state.formulary.map((drug, i) => [drug, i]));
  }

  /** Learns from training contexts which features a site uses. */
  static learn(
    contexts: readonly ClinicalContext[],
    formulary: readonly DrugId[],
    knowledge: Pick<Knowledge, 'codes'>,
  ): SiteEncoder {
    const families = siteFamilies(knowledge);
    const uses = new Map<string, number>();
    for (const context of contexts)
      for (const key of describe(withPreviousList(context), families).keys())
        uses.set(key, (uses.get(key) ?? 0) + 1);
    const known = [...uses].filter(([, count]) => count >= FEATURE_MINIMUM).map(([key]) => key);
    return new SiteEncoder({ formulary, features: known.sort() }, knowledge);
  }

  get features(): number {
    return this.state.features.length;
  }

  encode(given: ClinicalContext): SiteInput {
    const context = withPreviousList(given);
    const codes = { ids: [] as number[], weights: [] as number[] };
    const full = { ids: [] as number[], weights: [] as number[] };
    for (const [key, weight] of describe(context, this.families)) {
      const id = this.ids.get(key);
      if (id === undefined) continue;
      for (const row of key.startsWith('previous') ? [full] : [codes, full]) {
        row.ids.push(id);
        row.weights.push(weight);
      }
    }
    const previousLength = new Set(context.previousMedications).size;
    const age = Number.isFinite(context.age) ? context.age / 100 : 0.6;
    return {
      codes,
      full,
      previous: positionsOf(context.previousMedications, this.positions),
      previousLength,
      earlier: earlierLists(context, this.positions),
      size: [
        1,
        Math.log1p(context.diagnoses.length) - 2,
        Math.log1p(context.procedures.length),
        age - 0.6,
        previousLength > 0 ? 1 : 0,
        previousLength > 0 ? Math.log(previousLength) - 3 : 0,
        context.setting === 'intensive-care' ? 1 : 0,
      ],
    };
  }
}

function siteFamilies(knowledge: Pick<Knowledge, 'codes'>): CodeFamilies {
  // A use count of the site's own would make the reading of a code depend on who else was admitted.
  return codeFamilies(codeTables(knowledge), () => 0);
}

function describe(context: ClinicalContext, families: CodeFamilies): Map<string, number> {
  const weights = new Map<string, number>();
  for (const { key, family, weight } of describeVisit(context, families, NO_YEAR))
    if (!UNUSED.has(family)) weights.set(key, Math.max(weights.get(key) ?? 0, weight));
  if (context.previousMedications.length > 0) weights.set('previous', 1);
  return weights;
}
