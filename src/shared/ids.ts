/** Branded identifiers, so that a visit's id cannot be passed where a patient's is meant. Holds no logic. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type PatientId = Branded<'PatientId'>;
export type VisitId = Branded<'VisitId'>;
export type RecommendationId = Branded<'RecommendationId'>;
export type DecisionId = Branded<'DecisionId'>;

/** Where an installed model lies: `shipped/<folder>` or `local/<folder>`. */
export type ModelId = Branded<'ModelId'>;

/** A fine-tuning job. */
export type JobId = Branded<'JobId'>;

/** Canonical ingredient name in lower case, as the knowledge tables spell it, e.g. `warfarin`. */
export type DrugId = Branded<'DrugId'>;

/** Adopts a string that was checked at an edge (a database row, a parsed message) as an id. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names the id it checked
export function asId<Id extends string>(checked: string): Id {
  return checked as Id;
}
