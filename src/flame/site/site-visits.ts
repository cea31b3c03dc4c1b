/** Visits of a local site with their patients, folds by patient, and the site's own formulary. Trains nothing. */

import { createHash } from 'node:crypto';
import type { ClinicalContext, VisitRecord } from '../../shared/domain.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { contextOf } from '../corpus.ts';
import type { DrugLists } from '../evaluation/metrics.ts';

/** A past visit of the site: what was known and what was prescribed. */
export interface SiteVisit {
  readonly id: string;
  /** Visits of one patient never stand on both sides of a split. */
  readonly patient: string;
  readonly context: ClinicalContext;
  readonly drugs: readonly DrugId[];
}

/** A record without a patient is a patient of its own. */
export function siteVisit(record: VisitRecord): SiteVisit {
  return {
    id: record.visit,
    patient: record.patient ?? record.visit,
    context: contextOf(record),
    drugs: record.drugs.map((name) => asId<DrugId>(name)),
  };
}

/** Fold 0 … folds − 1 of a patient, from sha1 of `salt:patient`: the same on every machine, whoever else is there. */
export function patientFold(patient: string, folds: number, salt: string): number {
  return createHash('sha1').update(`${salt}:${patient}`).digest().readUInt32BE(0) % folds;
}

/** Positions in `formulary` of each visit's drugs, rising; drugs outside are left out. */
export function labelsOf(visits: readonly SiteVisit[], formulary: readonly DrugId[]): DrugLists {
  const position = new Map(formulary.map((drug, i) => [drug, i]));
  return visits.map(({ drugs }) => positionsOf(drugs, position));
}

export function positionsOf(drugs: readonly DrugId[], position: ReadonlyMap<DrugId, number>): number[] {
  return [...new Set(drugs)]
    .map((drug) => position.get(drug))
    .filter((label) => label !== undefined)
    .sort((a, b) => a - b);
}
