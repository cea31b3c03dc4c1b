/** The physician's edits of a proposed list: an ordered history folded into verdicts. Knows nothing of scores or interactions. */

import type { DrugName } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { applyEdits } from '../../shared/recommendation.ts';

/*
 * The rule: what the physician said of a drug outranks the slider. A drug kept or added stays at every position, a
 * drug removed stays off at every position, until the physician says otherwise (`release`) or undoes it.
 */

export type EditAction = 'keep' | 'add' | 'remove' | 'release';

export interface Edit {
  readonly action: EditAction;
  readonly drug: DrugName;
  /** False when the drug came from the search and the model has no score for it; null when nobody asked. */
  readonly inFormulary: boolean | null;
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

/** The list on the screen: the proposal without what was removed, then what was kept or added. */
export function editedList(proposed: readonly DrugId[], edits: readonly Edit[]): readonly DrugId[] {
  const { wanted, unwanted } = split(edits);
  return applyEdits(proposed, wanted, unwanted);
}

/** The edits as a decision stores them: only those that change the proposal at the slider's position. */
export function decisionEdits(
  proposed: readonly DrugId[],
  edits: readonly Edit[],
): { readonly added: readonly DrugId[]; readonly removed: readonly DrugId[] } {
  const { wanted, unwanted } = split(edits);
  const offered = new Set(proposed);
  return {
    added: wanted.filter((drug) => !offered.has(drug)),
    removed: unwanted.filter((drug) => offered.has(drug)),
  };
}

/** The edit in words, for the undo button. */
export function editWords(edit: Edit): string {
  switch (edit.action) {
    case 'keep':
      return `keep ${edit.drug.name}`;
    case 'add':
      return `add ${edit.drug.name}`;
    case 'remove':
      return `remove ${edit.drug.name}`;
    case 'release':
      return `let the slider decide on ${edit.drug.name}`;
  }
}

function split(edits: readonly Edit[]): { wanted: DrugId[]; unwanted: DrugId[] } {
  const wanted: DrugId[] = [];
  const unwanted: DrugId[] = [];
  for (const [drug, edit] of standingEdits(edits)) {
    if (edit.action === 'remove') unwanted.push(drug);
    else wanted.push(drug);
  }
  return { wanted, unwanted };
}
