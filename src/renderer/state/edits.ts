/** The physician's words on a proposed list: an ordered history folded into verdicts. Knows nothing of scores or interactions. */

import { NO_USE, type ChosenDrug, type Decision, type DrugUse, type Verdict } from '../../shared/decision.ts';
import type { DrugName } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { applyEdits } from '../../shared/recommendation.ts';
import { t } from '../language/language.svelte.ts';

/*
 * The rule: what the physician said of a drug outranks the slider. A drug accepted, modified or added stays at every
 * position, a drug rejected stays off at every position, until the physician says otherwise (`release`) or undoes it.
 */

/** `keep` accepts, `modify` accepts with a use written in, `remove` rejects, `release` takes the word back. */
export type EditAction = 'keep' | 'modify' | 'add' | 'remove' | 'release';

export interface Edit {
  readonly action: EditAction;
  readonly drug: DrugName;
  /** False when the drug came from the search and the model has no score for it; null when nobody asked. */
  readonly inFormulary: boolean | null;
  /** How the drug is to be taken, where somebody wrote it. */
  readonly use?: DrugUse;
  /** Made in one step with the edit before: the two are undone together. */
  readonly joined?: true;
}

/** The history without its last step. */
export function withoutLastStep(edits: readonly Edit[]): readonly Edit[] {
  return edits.slice(0, edits.at(-1)?.joined === true ? -2 : -1);
}

/** The last edit of each drug that still holds, in the order in which the drugs were first edited. */
export function standingEdits(edits: readonly Edit[]): ReadonlyMap<DrugId, Edit> {
  const standing = new Map<DrugId, Edit>();
  for (const edit of edits) {
    if (edit.action === 'release') standing.delete(edit.drug.id);
    else standing.set(edit.drug.id, edit);
  }
  return standing;
}

/** The list on the screen: the proposal without what was rejected, then what was accepted or added. */
export function editedList(proposed: readonly DrugId[], edits: readonly Edit[]): readonly DrugId[] {
  const { chosen, rejected } = wordsOf(edits);
  return applyEdits(
    proposed,
    chosen.map(({ drug }) => drug),
    rejected,
  );
}

/** The words as a decision stores them. A proposed drug without one is in neither. */
export function wordsOf(edits: readonly Edit[]): {
  readonly chosen: readonly ChosenDrug[];
  readonly rejected: readonly DrugId[];
} {
  const chosen: ChosenDrug[] = [];
  const rejected: DrugId[] = [];
  for (const [drug, edit] of standingEdits(edits)) {
    const verdict = verdictOf(edit);
    if (verdict === null) rejected.push(drug);
    else chosen.push({ drug, verdict, use: edit.use ?? NO_USE });
  }
  return { chosen, rejected };
}

/** Null for a drug that was rejected. */
export function verdictOf({ action }: Edit): Verdict | null {
  switch (action) {
    case 'keep':
      return 'accepted';
    case 'modify':
      return 'modified';
    case 'add':
      return 'added';
    case 'remove':
    case 'release':
      return null;
  }
}

/** The edits that lead to a decision's words, to amend them. */
export function editsOf(
  { final, chosen, rejected }: Pick<Decision, 'final' | 'chosen' | 'rejected'>,
  nameOf: (drug: DrugId) => DrugName | undefined,
): readonly Edit[] {
  const actions: Readonly<Record<Verdict, EditAction>> = {
    accepted: 'keep',
    modified: 'modify',
    added: 'add',
  };
  const names = new Map(final.map((drug) => [drug.id, drug]));
  return [
    ...chosen.map(({ drug, verdict, use }) => ({
      action: actions[verdict],
      drug: names.get(drug) ?? { id: drug, name: drug, drugClass: null },
      inFormulary: null,
      use,
    })),
    ...rejected.map(({ drug, name }) => ({
      action: 'remove' as const,
      drug: nameOf(drug) ?? { id: drug, name, drugClass: null },
      inFormulary: null,
    })),
  ];
}

/** The edit in words, for the undo button. */
export function editWords({ action, drug }: Edit, before?: Edit): string {
  if (before !== undefined) return t('decision:undo.replace', { drug: before.drug.name, other: drug.name });
  return t(`decision:undo.${action}`, { drug: drug.name });
}
