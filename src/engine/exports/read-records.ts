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

const PAGE = 200;

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

/** Every patient with a visit in the scope, in the order in which they were stored; a merged patient is the one it became. */
export function* readRecords(db: ReadableDb, scope: ExportScope): Generator<ExportedPatient> {
  const values = valuesOf(scope);
  let after = 0;
  while (true) {
    const rows = db.all<PatientRow>(
      `SELECT p.key, p.id, p.demo, p.source_id, p.name, p.sex, p.birth_year FROM patients p WHERE p.key > ?
         AND EXISTS (SELECT 1 FROM visits v WHERE v.patient = p.key AND ${IN_SCOPE}) ORDER BY p.key LIMIT ${PAGE}`,
      after,
      ...values,
    );
    for (const row of rows) {
      const visits = db
        .all<{ id: string }>(
          `SELECT v.id ${SCOPED} AND v.patient = ? ORDER BY v.date, v.key`,
          ...values,
          row.key,
        )
        .map(({ id }) => readVisit(db, asId<VisitId>(id)));
      yield { patient: patientOf(row), visits };
      after = row.key;
    }
    if (rows.length < PAGE) return;
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
