/**
 * Splits a site's visits into train, validation and held-out, by patient and by time: the patients who were seen last are
 * held out, those before them validate. No patient stands on two sides. Chooses no visits.
 */

import { createHash } from 'node:crypto';
import type { SiteVisit } from '../site/site-visits.ts';

/** A visit with its day; null when only the year is known. */
export interface DatedVisit extends SiteVisit {
  readonly date: string | null;
}

export interface VisitSplit {
  readonly train: readonly DatedVisit[];
  readonly validation: readonly DatedVisit[];
  readonly heldOut: readonly DatedVisit[];
}

/** Shares of the visits that are held out, and that validate. */
const HELD_OUT = 0.2;
const VALIDATION = 0.15;
/** Share of the patients that each of the two holds at least, unless it grew to `MOST` times its share of visits. */
const LEAST_PATIENTS = 0.1;
const MOST = 1.5;

export function splitVisits(visits: readonly DatedVisit[]): VisitSplit {
  const last = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const { patient, date, context } of visits) {
    const day = date ?? `${context.year}`;
    if (day > (last.get(patient) ?? '')) last.set(patient, day);
    counts.set(patient, (counts.get(patient) ?? 0) + 1);
  }
  const hash = (patient: string): string => createHash('sha1').update(`split:${patient}`).digest('hex');
  // Ties, and sites that know no day, go by the hash of the patient: as good as drawn, and the same each time.
  const order = [...last]
    .map(([patient, day]) => ({ patient, key: `${day} ${hash(patient)}` }))
    .sort((a, b) => (a.key < b.key ? 1 : -1));
  const side = new Map<string, keyof VisitSplit>();
  const parts = [
    ['heldOut', HELD_OUT],
    ['validation', VALIDATION],
  ] as const;
  let next = 0;
  for (const [part, share] of parts) {
    let [ownVisits, ownPatients] = [0, 0];
    // A few patients with many visits say little of other patients, so both are counted; but most stays for training.
    const wanted = (): boolean =>
      (ownVisits < share * visits.length || ownPatients < LEAST_PATIENTS * order.length) &&
      ownVisits < share * MOST * visits.length;
    while (next < order.length && wanted()) {
      const { patient } = order[next]!;
      side.set(patient, part);
      ownVisits += counts.get(patient)!;
      ownPatients += 1;
      next += 1;
    }
  }
  for (const { patient } of order.slice(next)) side.set(patient, 'train');
  const of = (part: keyof VisitSplit): DatedVisit[] =>
    visits.filter(({ patient }) => side.get(patient) === part);
  return { train: of('train'), validation: of('validation'), heldOut: of('heldOut') };
}
