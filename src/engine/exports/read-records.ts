/** Reads what an export is to hold, patient by patient, so that any number of visits fits into memory. Writes nothing. */

import type { ExportedPatient, ExportedVisit } from '../../records/exported.ts';
import type { ExportedDecision } from '../../records/fhir-export/decision-resources.ts';
import type { Sex } from '../../shared/domain.ts';
import type { ExportCount, ExportScope } from '../../shared/export-api.ts';
import { asId, type VisitId } from '../../shared/ids.ts';
import { listAudit } from '../store/audit.ts';
import { isReplaced, listDecisions } from '../store/decisions.ts';
import type { ReadableDb, SqlValue } from '../store/handle.ts';
import { patientOf } from '../store/patients.ts';
import { latestRecommendation } from '../store/recommendations.ts';
import { getVisit } from '../store/visits.ts';

/** A visit of the scope: demo or not, first and last day, one patient alone. An end or a patient that is null lets all through. */
const IN_SCOPE = `p.demo = ? AND v.date >= coalesce(?, '') AND v.date <= coalesce(?, '9999-12-31')
  AND p.id = coalesce(?, p.id)`;
const SCOPED = `FROM visits v JOIN patients p ON p.key = v.patient WHERE ${IN_SCOPE}`;

function valuesOf({ from, to, demo, patientId }: ExportScope): SqlValue[] {
  return [demo ? 1 : 0, from, to, patientId];
}

export function countRecords(db: ReadableDb, scope: ExportScope): ExportCount {
  const values = valuesOf(scope);
  const { patients, visits } = db.get<{ patients: number; visits: number }>(
    `SELECT count(DISTINCT v.patient) AS patients, count(*) AS visits ${SCOPED}`,
    ...values,
  )!;
  const { decisions } = db.get<{ decisions: number }>(
    `SELECT count(*) AS decisions FROM decisions d WHERE d.visit IN (SELECT v.key ${SCOPED})`,
    ...values,
  )!;
  return { patients, visits, decisions };
}

interface PatientRow {
  readonly key: number;
  readonly id: string;
  readonly demo: number;
  readonly source_id: string | null;
  readonly name: string;
  readonly sex: Sex;
  readonly birth_year: number | null;
}

/**
 * Every patient with a visit in the scope, in the order in which they were stored, or by what `rank` makes of their
 * identifiers, so that the order tells nothing. A merged patient is the one it became.
 */
export function* readRecords(
  db: ReadableDb,
  scope: ExportScope,
  rank: ((patient: string) => string) | null = null,
): Generator<ExportedPatient> {
  const values = valuesOf(scope);
  const order = db.all<{ key: number; id: string }>(
    `SELECT DISTINCT p.key, p.id ${SCOPED} ORDER BY p.key`,
    ...values,
  );
  if (rank !== null) {
    const ranks = new Map(order.map(({ key, id }) => [key, rank(id)]));
    order.sort((a, b) => (ranks.get(a.key)! < ranks.get(b.key)! ? -1 : 1));
  }
  for (const { key } of order) {
    const row = db.get<PatientRow>(
      'SELECT key, id, demo, source_id, name, sex, birth_year FROM patients WHERE key = ?',
      key,
    );
    const visits = db.all<{ id: string }>(
      `SELECT v.id ${SCOPED} AND v.patient = ? ORDER BY v.date, v.key`,
      ...values,
      key,
    );
    // Between two turns somebody may have merged the patient into another one.
    if (row === undefined || visits.length === 0) continue;
    yield { patient: patientOf(row), visits: visits.map(({ id }) => readVisit(db, asId<VisitId>(id))) };
  }
}

function readVisit(db: ReadableDb, id: VisitId): ExportedVisit {
  const decisions = listDecisions(db, id).map((decision): ExportedDecision => ({
    decision,
    replaced: isReplaced(db, decision.id),
    audit: listAudit(db, decision.id).map(({ sequence, at, actor, action, hash }) => ({
      sequence,
      at,
      actor,
      action,
      hash,
    })),
  }));
  return {
    visit: getVisit(db, id),
    decisions,
    proposal: decisions.length === 0 ? latestRecommendation(db, id) : null,
  };
}
