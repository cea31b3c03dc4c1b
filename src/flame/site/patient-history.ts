/**
 * What a patient's earlier visits say of each drug: how often it was held, and how long ago. Takes them from the context;
 * looks nothing up and weighs nothing.
 */

import type { ClinicalContext, EarlierVisit } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { positionsOf, type SiteVisit } from './site-visits.ts';

/** Visits further back are forgotten: what was decided then says little beside ten newer lists. */
export const MOST_EARLIER_VISITS = 10;

/** With its day; null when only the year is known. */
type Dated = SiteVisit & { readonly date: string | null };

/** The context with the newest earlier list as its previous one, where it gives none itself. */
export function withPreviousList(context: ClinicalContext): ClinicalContext {
  const [newest] = context.earlierVisits ?? [];
  if (context.previousMedications.length > 0 || !newest) return context;
  return { ...context, previousMedications: newest.drugs };
}

/**
 * Formulary positions of each earlier list, newest first. The previous list of the visit stands for the newest one where it
 * is given, since the physician may have corrected it.
 */
export function earlierLists(
  { previousMedications, earlierVisits = [] }: ClinicalContext,
  positions: ReadonlyMap<DrugId, number>,
): number[][] {
  const lists = earlierVisits.slice(0, MOST_EARLIER_VISITS).map(({ drugs }) => positionsOf(drugs, positions));
  if (previousMedications.length > 0) lists[0] = positionsOf(previousMedications, positions);
  return lists;
}

/** What a list counts for against the one after it. */
const RECENCY = 0.7;

/**
 * How many lists held each drug, and how many there are, where the newest counts 1 and each one before it RECENCY times the
 * one after it.
 */
export function heldBefore(
  earlier: readonly (readonly number[])[],
  drugs: number,
): { readonly held: Float64Array; readonly lists: number } {
  const held = new Float64Array(drugs);
  let lists = 0;
  let worth = 1;
  for (const list of earlier) {
    for (const drug of list) held[drug]! += worth;
    lists += worth;
    worth *= RECENCY;
  }
  return { held, lists };
}

/**
 * Visits of a file with what the file says of each patient's earlier days; src/engine/store/earlier-visits.ts reads the same
 * of the stored ones. Neither the visit itself nor one of its day or later is looked at.
 */
export function withEarlierVisits<Some extends Dated>(visits: readonly Some[]): Some[] {
  const ofPatient = new Map<string, Some[]>();
  for (const visit of visits) ofPatient.set(visit.patient, [...(ofPatient.get(visit.patient) ?? []), visit]);
  return visits.map((visit) => ({
    ...visit,
    context: { ...visit.context, earlierVisits: earlierOf(visit, ofPatient.get(visit.patient)!) },
  }));
}

function earlierOf({ date }: Dated, all: readonly Dated[]): EarlierVisit[] {
  if (date === null) return [];
  const day = (text: string): number => Math.round(Date.parse(`${text}T00:00:00Z`) / 86_400_000);
  // Of two visits of one day the later one in the file comes first, as the one stored later does.
  return [...all]
    .reverse()
    .flatMap((visit) =>
      visit.date !== null && visit.date < date && visit.drugs.length > 0
        ? [{ drugs: visit.drugs, daysAgo: day(date) - day(visit.date) }]
        : [],
    )
    .sort((a, b) => a.daysAgo - b.daysAgo)
    .slice(0, MOST_EARLIER_VISITS);
}

/** The context with every drug in another spelling. */
export function respelled(context: ClinicalContext, spelled: (drug: DrugId) => DrugId): ClinicalContext {
  const { currentMedications, previousMedications, earlierVisits } = context;
  return {
    ...context,
    currentMedications: currentMedications.map(spelled),
    previousMedications: previousMedications.map(spelled),
    ...(earlierVisits && {
      earlierVisits: earlierVisits.map((visit) => ({ ...visit, drugs: visit.drugs.map(spelled) })),
    }),
  };
}
