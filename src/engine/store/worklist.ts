/** Finds what waits: visits of a day, recommendations that nobody decided on, what was opened last. Writes nothing. */

import { asId, type PatientId, type VisitId } from '../../shared/ids.ts';
import type { Worklist, WorkVisit, WorkVisits } from '../../shared/worklist.ts';
import type { ReadableDb, SqlValue } from './handle.ts';
import { diagnosisTitles } from './patients.ts';
import type { Titles } from './search.ts';

/** Visits that a part shows; the rest is counted. */
export const SHOWN = 50;
const RECENT = 8;
/** Openings looked through for the latest visits; one visit is often opened again and again. */
const OPENINGS = 200;

interface Row {
  readonly key: number;
  readonly patient_id: string;
  readonly visit_id: string;
  readonly name: string;
  readonly demo: number;
  readonly date: string;
  readonly date_known: number;
  readonly decided: number;
  readonly at: string | null;
}

const VISIT = `v.key, p.id AS patient_id, v.id AS visit_id, p.name, p.demo, v.date, v.date_known,
  EXISTS (SELECT 1 FROM decisions d WHERE d.visit = v.key) AS decided`;
const JOINED = 'visits v JOIN patients p ON p.key = v.patient AND p.archived_at IS NULL';

/**
 * @param date ISO date of today
 * @param actor whose openings count
 */
export function readWorklist(
  db: ReadableDb,
  titles: Titles,
  { date, actor }: { readonly date: string; readonly actor: string },
): Worklist {
  const visitOf = (row: Row): WorkVisit => ({
    patientId: asId<PatientId>(row.patient_id),
    visitId: asId<VisitId>(row.visit_id),
    patientName: row.name,
    demo: row.demo === 1,
    date: row.date,
    dateKnown: row.date_known === 1,
    diagnoses: diagnosisTitles(db, row.key, titles),
    decided: row.decided === 1,
    at: row.at,
  });
  const part = (columns: string, from: string, order: string, ...values: SqlValue[]): WorkVisits => ({
    total: db.get<{ n: number }>(`SELECT count(*) AS n FROM ${from}`, ...values)!.n,
    visits: db
      .all<Row>(`SELECT ${VISIT}, ${columns} FROM ${from} ORDER BY ${order} LIMIT ${SHOWN}`, ...values)
      .map(visitOf),
  });
  return {
    date,
    today: part(
      'NULL AS at',
      `${JOINED} WHERE v.date = ? AND v.date_known = 1`,
      'decided, p.name, v.key',
      date,
    ),
    // Replies that nothing was decided on are kept for the latest recommendation of a visit only.
    undecided: part(
      'r.created_at AS at',
      `recommendations r JOIN ${JOINED} WHERE v.key = r.visit
         AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.recommendation = r.key)`,
      'r.key DESC',
    ),
    recent: lastOpened(db, actor).flatMap(({ visit, at }) =>
      db.all<Row>(`SELECT ${VISIT}, ? AS at FROM ${JOINED} WHERE v.id = ?`, at, visit).map(visitOf),
    ),
  };
}

/** The visits that somebody opened last, from the audit log. */
function lastOpened(db: ReadableDb, actor: string): { visit: string; at: string }[] {
  const openings = db.all<{ visit: string; at: string }>(
    `SELECT subject AS visit, at FROM audit_entries WHERE action = 'visit.viewed' AND actor = ?
     ORDER BY sequence DESC LIMIT ${OPENINGS}`,
    actor,
  );
  const latest = new Map<string, string>();
  for (const { visit, at } of openings) if (!latest.has(visit)) latest.set(visit, at);
  return [...latest].slice(0, RECENT).map(([visit, at]) => ({ visit, at }));
}
