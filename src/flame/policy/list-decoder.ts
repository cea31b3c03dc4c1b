/**
 * One list for every slider position by the list policy: all positions in one batched call, under hard rules, the number
 * of interactions never rising along the slider (METHOD section 4). Trains nothing and stores nothing.
 */

import { HARD_RULE_SEVERITY } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { GridPoint, ListStep } from '../../shared/recommendation.ts';
import {
  ALPHA_GRID,
  currentConflicts,
  decode,
  type DecodingProblem,
  expectedJaccard,
  isPair,
  penaltyOf,
  selectMonotone,
} from '../lists/decoding.ts';
import { severityOf } from '../lists/pair-matrix.ts';
import { greedy, type PolicyRunner, type RunState } from './runner.ts';

/** A scored visit: what penalised decoding needs, and the encoded features. */
export interface ListProblem extends DecodingProblem {
  readonly ids: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}

const BARRED = -1e9;
const URGENT = 1e6;
/**
 * How much expected Jaccard, by π_cls's probabilities, a list of the policy may give up against penalised decoding with as
 * many pairs. On visits like those it learnt from it stays within this; a visit unlike them must not get a worse list.
 */
export const TOLERANCE = 0.01;

/**
 * The policy edits the list of penalised decoding at every α, which at 0 is π_cls's own M_p. A drug that a hard rule
 * excludes, or that may not stand beside a drug of the list or a current medication, is never added; at α = 1 nothing that
 * interacts is. Where the policy's list is clearly worse by π_cls's own probabilities, penalised decoding's stands.
 * @param alphas rising, 0 to 1
 */
export async function decodeLists(
  runner: Pick<PolicyRunner, 'run'>,
  problem: ListProblem,
  alphas: readonly number[] = ALPHA_GRID,
): Promise<GridPoint[]> {
  const penalised = decode(problem, alphas);
  const places = new Map(problem.drugs.map((drug, place) => [drug, place]));
  const starts = penalised.map(({ list }) => list.map((drug) => places.get(drug)!));
  const { distinct, of } = distinctLists(starts);
  const current = currentConflicts(problem);
  const { probabilities, ids, weights } = problem;
  const sequences = await runner.run(
    distinct.map((start) => ({ probabilities, ids, weights, start })),
    alphas.map((alpha, i) => ({ prefix: of[i]!, alpha, mode: 'interleaved' as const })),
    (state, logits) => {
      forbid(state, logits, alphas[state.row]!, problem, current);
      return greedy(state, logits);
    },
  );
  return selectMonotone(
    sequences.map(({ actions }, i) => {
      const edited = replay(problem, penalised[i]!, starts[i]!, actions, current);
      return refused(edited, penalised[i]!) ? penalised[i]! : edited;
    }),
  );
}

/** Neighbouring slider positions mostly share their list, which is read once. */
function distinctLists(lists: readonly (readonly number[])[]): {
  readonly distinct: readonly (readonly number[])[];
  /** For each list its place among the distinct ones. */
  readonly of: readonly number[];
} {
  const keys = lists.map((list) => list.join());
  const distinct = [...new Set(keys)];
  return {
    distinct: distinct.map((key) => lists[keys.indexOf(key)]!),
    of: keys.map((key) => distinct.indexOf(key)),
  };
}

/** Clearly worse by the classifier's probabilities, or with a pair where none may be because the room for edits ran out. */
export function refused(edited: GridPoint, penalised: GridPoint): boolean {
  if (edited.alpha === 1 && edited.interactionCount > 0) return true;
  return (
    penalised.interactionCount <= edited.interactionCount &&
    penalised.expectedJaccard - edited.expectedJaccard > TOLERANCE
  );
}

type CurrentConflicts = ReturnType<typeof currentConflicts>;

/**
 * Takes what hard rules forbid out of the logits. Pairs with current medications, which the network does not see, cost what
 * penalised decoding asks; at α = 1 a drug of the list that has any pair goes before anything else is done.
 */
function forbid(
  { list }: RunState,
  logits: Float32Array,
  alpha: number,
  { drugs, pairs, excluded, probabilities }: ListProblem,
  current: CurrentConflicts,
): void {
  const penalty = penaltyOf(alpha);
  const beside = [...list];
  for (let i = 0; i < drugs.length; i += 1) {
    const worst = beside.reduce(
      (level, other) => (other === i ? level : Math.max(level, severityOf(pairs, i, other))),
      0,
    );
    const interacting = current.pairs[i]! > 0 || isPair(worst);
    if (list.has(i)) {
      const urge = alpha < 1 ? penalty * current.weights[i]! : interacting ? URGENT : 0;
      logits[drugs.length + i]! += urge;
      continue;
    }
    const barred = worst >= HARD_RULE_SEVERITY || (alpha === 1 && interacting);
    if (barred || excluded?.has(drugs[i]!) || !(probabilities[i]! > 0)) logits[i] = BARRED;
    else if (current.weights[i]! > 0) logits[i] = logits[i]! - penalty * current.weights[i]!;
  }
}

/**
 * The evidence of each step: first how penalised decoding built the list, then the policy's edits.
 * @param own the point of penalised decoding; @param start the same list as places among the drugs
 */
export function replay(
  { drugs, probabilities, pairs, excluded }: DecodingProblem,
  own: GridPoint,
  start: readonly number[],
  actions: readonly number[],
  current: CurrentConflicts,
): GridPoint {
  let total = 0;
  drugs.forEach((drug, i) => {
    if (!excluded?.has(drug)) total += Math.min(1, probabilities[i]!);
  });
  const list = [...start];
  const steps: ListStep[] = [...own.steps];
  let mass = list.reduce((sum, place) => sum + probabilities[place]!, 0);
  // The point's own number, not the same sum in another order: a list that is left alone must stay that very point.
  let expected = own.expectedJaccard;
  let interactionCount = own.interactionCount;
  const conflictsOf = (place: number): number =>
    current.pairs[place]! +
    list.filter((other) => other !== place && isPair(severityOf(pairs, place, other))).length;
  for (const id of actions) {
    if (id >= 2 * drugs.length) break;
    const adding = id < drugs.length;
    const place = adding ? id : id - drugs.length;
    const before = expected;
    const change = adding ? conflictsOf(place) : 0 - conflictsOf(place); // never −0, which JSON would lose
    if (adding) list.push(place);
    else list.splice(list.indexOf(place), 1);
    mass += adding ? probabilities[place]! : -probabilities[place]!;
    expected = expectedJaccard(mass, list.length, total);
    interactionCount += change;
    steps.push({
      action: adding ? 'add' : 'remove',
      drug: drugs[place]!,
      probability: probabilities[place]!,
      expectedJaccardChange: expected - before,
      interactionChange: change,
    });
  }
  return {
    alpha: own.alpha,
    list: list.map((place): DrugId => drugs[place]!),
    steps,
    interactionCount,
    expectedJaccard: expected,
  };
}
