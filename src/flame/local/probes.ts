/**
 * What no model may do, tried on purpose: contraindicated pairs made as probable as can be, and drugs that a rule excludes.
 * A list writer is asked; nothing is measured about accuracy.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import { HARD_RULE_SEVERITY } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import { isPair } from '../lists/decoding.ts';
import { decodingPairs } from '../lists/formulary-pairs.ts';
import { type PairMatrix, severityOf } from '../lists/pair-matrix.ts';
import { rankDrugs } from '../evaluation/metrics.ts';
import type { Scorer } from './local-scorer.ts';

/** Pairs that are tried. */
const PAIRS = 40;
/** Of the most probable drugs of a visit, those that are excluded for the trial. */
const EXCLUDED = 10;
const CERTAIN = 0.95;

/** Times that a contraindicated pair, both drugs all but certain, stood together on a list, at any slider position. */
export async function textbookViolations(
  scorer: Pick<Scorer, 'formulary' | 'lists'>,
  context: ClinicalContext,
  knowledge: Pick<Knowledge, 'drugs' | 'interactions' | 'rules'>,
): Promise<{ readonly tried: number; readonly violations: number }> {
  const { formulary } = scorer;
  const pairs = decodingPairs(formulary, knowledge);
  const forbidden: (readonly [number, number])[] = [];
  for (let a = 0; a < formulary.length; a += 1)
    for (let b = 0; b < a; b += 1) if (severityOf(pairs, a, b) >= HARD_RULE_SEVERITY) forbidden.push([a, b]);
  // Spread over the whole table, so that no class of drugs is left out.
  const every = Math.max(1, Math.floor(forbidden.length / PAIRS));
  const tried = forbidden.filter((_, i) => i % every === 0).slice(0, PAIRS);
  let violations = 0;
  for (const [a, b] of tried) {
    const probabilities = new Float32Array(formulary.length).fill(0.01);
    probabilities[a] = probabilities[b] = CERTAIN;
    const grid = await scorer.lists(context, { drugs: formulary, probabilities, pairs });
    if (grid.some(({ list }) => list.includes(formulary[a]!) && list.includes(formulary[b]!)))
      violations += 1;
  }
  return { tried: tried.length, violations };
}

/** Slider positions of a visit whose list breaks a rule: an excluded drug, a forbidden pair, more pairs toward safety. */
export async function ruleViolations(
  scorer: Pick<Scorer, 'formulary' | 'lists'>,
  context: ClinicalContext,
  probabilities: Float32Array,
  pairs: PairMatrix,
): Promise<number> {
  const { formulary } = scorer;
  const excluded = new Set<DrugId>(
    [...rankDrugs(probabilities).slice(0, EXCLUDED)]
      .filter((_, rank) => rank % 2 === 0)
      .map((drug) => formulary[drug]!),
  );
  const place = new Map(formulary.map((drug, i) => [drug, i]));
  const grid = await scorer.lists(context, { drugs: formulary, probabilities, pairs, excluded });
  let before = Number.POSITIVE_INFINITY;
  let violations = 0;
  for (const { alpha, list } of grid) {
    const own = list.map((drug) => place.get(drug)!);
    const levels = own.flatMap((a, i) => own.slice(i + 1).map((b) => severityOf(pairs, a, b)));
    const found = levels.filter(isPair).length;
    const broken =
      list.some((drug) => excluded.has(drug)) ||
      levels.some((level) => level >= HARD_RULE_SEVERITY) ||
      found > before ||
      (alpha === 1 && found > 0);
    if (broken) violations += 1;
    before = found;
  }
  return violations;
}
