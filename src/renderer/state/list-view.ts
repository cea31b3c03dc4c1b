/** Pure views of a recommendation for the screen: rows of the list, other candidates, exclusions, names. Holds no state. */

import type { InteractionReport, VisitDetail } from '../../shared/contract.ts';
import { NO_USE, type DrugUse, type Verdict } from '../../shared/decision.ts';
import type { DrugName, Interaction } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { probabilityOf, type Candidate, type Recommendation } from '../../shared/recommendation.ts';
import type { Coverage, NodeRole } from '../graph/model.ts';
import { verdictOf, type Edit } from './edits.ts';
import type { PairAnswers } from './pairs.ts';

/** How far the clinic's own decisions moved a drug. */
export interface HabitEffect {
  /** What its odds were multiplied by. */
  readonly factor: number;
  /** The probability that the model alone gives. */
  readonly modelAlone: number;
}

export interface ListRow {
  readonly drug: DrugName;
  readonly role: Exclude<NodeRole, 'current' | 'removed' | 'alternative'>;
  /** The physician's word on it. */
  readonly verdict: Verdict | 'undecided';
  /** How it is to be taken, as far as it was written in. */
  readonly use: DrugUse;
  /** Null when the model has no score for the drug. */
  readonly probability: number | null;
  /** What the clinic's habits did to it; null without habits. */
  readonly habit: HabitEffect | null;
  readonly outsideFormulary: boolean;
  /** The slider's list holds it too, so that letting go of it changes nothing now. */
  readonly proposedNow: boolean;
  readonly coverage: Coverage;
  /** Its pairs with the list and the current medications, most severe first. */
  readonly pairs: readonly Interaction[];
  /** Hard rules that the physician overruled by adding it. */
  readonly exclusions: Candidate['exclusions'];
}

export function namesOf(
  detail: VisitDetail | null,
  reply: Recommendation | null,
  edits: readonly Edit[],
): ReadonlyMap<DrugId, DrugName> {
  const known: DrugName[] = [
    ...(detail?.previousMedications ?? []),
    ...(detail?.prescribed ?? []),
    ...(detail?.decisions ?? []).flatMap((decision) => [...decision.proposed, ...decision.final]),
    ...(detail?.currentMedications ?? []),
    ...edits.map((edit) => edit.drug),
    ...(reply?.currentMedications ?? []),
    ...(reply?.candidates ?? []).map((candidate) => candidate.drug),
  ];
  return new Map(known.map((drug) => [drug.id, drug]));
}

/** The reply's interactions, and of the later check only pairs that the reply cannot know. */
export function mergedInteractions(
  reply: Recommendation | null,
  check: InteractionReport,
): readonly Interaction[] {
  const known = new Set([
    ...(reply?.candidates ?? []).map((candidate) => candidate.drug.id),
    ...(reply?.currentMedications ?? []).map((drug) => drug.id),
  ]);
  const news = check.interactions.filter((pair) => !known.has(pair.a) || !known.has(pair.b));
  return [...(reply?.interactions ?? []), ...news];
}

export function listRows(input: {
  readonly reply: Recommendation | null;
  readonly proposed: readonly DrugId[];
  readonly list: readonly DrugId[];
  readonly standing: ReadonlyMap<DrugId, Edit>;
  readonly pairs: PairAnswers;
  readonly names: ReadonlyMap<DrugId, DrugName>;
}): readonly ListRow[] {
  const candidates = new Map((input.reply?.candidates ?? []).map((entry) => [entry.drug.id, entry]));
  const proposed = new Set(input.proposed);
  const uncovered = new Set(input.pairs.uncoveredDrugs);
  const unchecked = new Set(input.pairs.uncheckedDrugs);
  return input.list.map((id) => {
    const candidate = candidates.get(id);
    const edit = input.standing.get(id);
    const verdict = (edit && verdictOf(edit)) ?? 'undecided';
    return {
      drug: input.names.get(id) ?? { id, name: id, drugClass: null },
      role: verdict === 'added' ? 'added' : verdict === 'undecided' ? 'proposed' : 'kept',
      verdict,
      use: edit?.use ?? NO_USE,
      probability: candidate?.probability ?? (input.reply && probabilityOf(input.reply, id)),
      habit: habitEffect(input.reply, id),
      outsideFormulary: candidate === undefined && edit?.inFormulary === false,
      proposedNow: proposed.has(id),
      coverage: unchecked.has(id) ? 'unchecked' : uncovered.has(id) ? 'not-covered' : 'covered',
      pairs: input.pairs.found.filter((pair) => pair.a === id || pair.b === id),
      exclusions: candidate?.exclusions ?? hardRules(input.reply, id),
    };
  });
}

export function habitEffect(reply: Recommendation | null, drug: DrugId): HabitEffect | null {
  const factor = reply?.habits.factors[drug];
  const modelAlone = reply?.scores[drug];
  return factor === undefined || modelAlone === undefined ? null : { factor, modelAlone };
}

/** Hard rules against a drug that is no candidate: what the reply says of allergies and of what is taken already. */
export function hardRules(reply: Recommendation | null, drug: DrugId): Candidate['exclusions'] {
  const candidate = reply?.candidates.find((entry) => entry.drug.id === drug);
  if (candidate) return candidate.exclusions;
  const allergy = reply?.allergens.find((entry) => entry.drug === drug);
  const taken = reply?.currentMedications.some((entry) => entry.id === drug) ?? false;
  return [
    ...(allergy ? [{ kind: 'allergy', allergy: allergy.allergy } as const] : []),
    ...(taken ? [{ kind: 'already-taken' } as const] : []),
  ];
}

/** Candidates that a hard rule keeps off, and that the physician has not put on the list. */
export function excludedDrugs(reply: Recommendation | null, list: readonly DrugId[]): readonly Candidate[] {
  const onList = new Set(list);
  return (reply?.candidates ?? []).filter(
    (candidate) => candidate.exclusions.length > 0 && !onList.has(candidate.drug.id),
  );
}

/** Admissible candidates that are neither on the list nor removed by the physician. */
export function otherCandidates(
  reply: Recommendation | null,
  list: readonly DrugId[],
  standing: ReadonlyMap<DrugId, Edit>,
): readonly Candidate[] {
  const onList = new Set(list);
  return (reply?.candidates ?? []).filter(
    ({ drug, exclusions }) =>
      exclusions.length === 0 && !onList.has(drug.id) && standing.get(drug.id)?.action !== 'remove',
  );
}
