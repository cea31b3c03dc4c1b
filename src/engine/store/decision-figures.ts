/**
 * Counts each decision once, for the overview: pairs, warnings, drugs kept and added, reasons. Kept beside the decision,
 * which never changes; sums nothing and judges nothing.
 */

import { z } from 'zod';
import { EVALUATION_SEVERITY, OVERRIDE_SEVERITY } from '../../shared/domain.ts';
import { DecidedFindings } from './finding-columns.ts';
import type { ReadableDb, WritableDb } from './handle.ts';

/** Raise it with any change of what is counted: every decision is then counted anew. */
const COUNTING = 1;
/** Decisions a transaction. */
const BATCH = 250;

interface Row {
  readonly key: number;
  readonly visit: number;
  readonly demo: number;
  readonly saved_at: string;
  readonly proposed: string;
  readonly final: string;
  readonly interactions: string;
  readonly findings: string;
  /** Of the stored reply: what the lists were proposed beside. */
  readonly current: string | null;
  readonly recorded: string | null;
}

const Drugs = z.array(z.object({ id: z.string(), name: z.string() }));
const Pairs = z.array(z.object({ a: z.string(), b: z.string(), severity: z.int().min(1).max(4) }));

/**
 * Counts decisions that were not counted yet, oldest first, one transaction a step; yields how many are left.
 * Stopped anywhere, the next call goes on.
 */
export function* countDecisionFigures(db: WritableDb): Generator<number, void> {
  while (true) {
    const left = uncounted(db);
    if (left === 0) return;
    db.transaction(() => {
      for (const row of nextRows(db)) store(db, row);
    });
    yield Math.max(0, left - BATCH);
  }
}

const UNCOUNTED = `FROM decisions d LEFT JOIN decision_figures f ON f.decision = d.key
  WHERE f.counting IS NOT ${COUNTING}`;

function uncounted(db: ReadableDb): number {
  return db.get<{ n: number }>(`SELECT count(*) AS n ${UNCOUNTED}`)!.n;
}

function nextRows(db: ReadableDb): Row[] {
  return db.all<Row>(
    `SELECT d.key, d.visit, v.demo, d.saved_at, d.proposed, d.final, d.interactions, d.findings,
       r.reply -> '$.currentMedications' AS current, r.reply -> '$.interactions' AS recorded
     FROM decisions d JOIN visits v ON v.key = d.visit JOIN recommendations r ON r.key = d.recommendation
     WHERE d.key IN (SELECT d.key ${UNCOUNTED} ORDER BY d.key LIMIT ${BATCH})`,
  );
}

function store(db: WritableDb, row: Row): void {
  const proposed = Drugs.parse(JSON.parse(row.proposed));
  const final = Drugs.parse(JSON.parse(row.final));
  const pairs = Pairs.parse(JSON.parse(row.interactions));
  const findings = DecidedFindings.parse(JSON.parse(row.findings));
  const onFinal = new Set(final.map(({ id }) => id));
  const onProposed = new Set(proposed.map(({ id }) => id));
  const counted = pairs.filter(
    ({ a, b, severity }) => severity >= EVALUATION_SEVERITY && onFinal.has(a) && onFinal.has(b),
  ).length;
  const { worst, severe } = recordedFor(onProposed, row);

  db.run('DELETE FROM decision_figure_drugs WHERE decision = ?', row.key);
  db.run('DELETE FROM decision_figure_reasons WHERE decision = ?', row.key);
  db.run(
    `INSERT OR REPLACE INTO decision_figures
       (decision, counting, visit, demo, saved_at, interaction_rate, severe_proposed, severe, findings)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[row.key, COUNTING, row.visit, row.demo, row.saved_at],
    final.length < 2 ? 0 : (2 * counted) / (final.length * (final.length - 1)),
    severe,
    pairs.filter(({ severity }) => severity >= OVERRIDE_SEVERITY).length,
    findings.filter(({ finding }) => finding.state === 'found' && finding.severity >= OVERRIDE_SEVERITY)
      .length,
  );
  const drug = `INSERT INTO decision_figure_drugs (decision, drug, name, severity, kept) VALUES (?, ?, ?, ?, ?)`;
  for (const { id, name } of proposed)
    db.run(drug, row.key, id, name, worst.get(id) ?? 0, onFinal.has(id) ? 1 : 0);
  for (const { id, name } of final) if (!onProposed.has(id)) db.run(drug, row.key, id, name, null, 1);
  db.run(
    `INSERT INTO decision_figure_reasons (decision, reason, count)
     SELECT ?, reason, count(*) FROM (
       SELECT reason FROM decision_overrides WHERE decision = ? UNION ALL SELECT value FROM json_each(?))
     GROUP BY reason`,
    row.key,
    row.key,
    JSON.stringify(findings.flatMap(({ override }) => (override === null ? [] : [override.reason]))),
  );
}

/** What was recorded within the proposal and the current medications: each drug's worst severity, and the severe pairs. */
function recordedFor(
  proposed: ReadonlySet<string>,
  { current, recorded }: Row,
): { worst: ReadonlyMap<string, number>; severe: number } {
  const taken = Drugs.parse(JSON.parse(current ?? '[]')).map(({ id }) => id);
  const present = new Set([...proposed, ...taken]);
  const worst = new Map<string, number>();
  let severe = 0;
  for (const { a, b, severity } of Pairs.parse(JSON.parse(recorded ?? '[]'))) {
    if (!present.has(a) || !present.has(b)) continue;
    if (severity >= OVERRIDE_SEVERITY && (proposed.has(a) || proposed.has(b))) severe += 1;
    for (const id of [a, b]) worst.set(id, Math.max(severity, worst.get(id) ?? 0));
  }
  return { worst, severe };
}
