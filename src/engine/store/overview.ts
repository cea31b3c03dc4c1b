/** Counts what was decided: over time, by drug, by severity, by reason. Counts the latest decision of each visit only. */

import { z } from 'zod';
import type { Severity } from '../../shared/domain.ts';
import { EVALUATION_SEVERITY, OVERRIDE_SEVERITY } from '../../shared/domain.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { endOfLocalDay, startOfLocalDay } from '../../shared/local-date.ts';
import type { DrugAcceptance, Overview, OverviewQuery, SeverityAcceptance } from '../../shared/overview.ts';
import type { ReadableDb, SqlValue } from './handle.ts';
import { OverrideReasonColumn } from './json-columns.ts';
import { periodsOf, type Day } from './overview-periods.ts';

/**
 * The decisions that count, as `counted`. The one place that says which: the latest one of each visit, so that an
 * amendment takes the place of what it amends.
 */
const COUNTED = `WITH counted AS MATERIALIZED (
  SELECT d.*, date(d.saved_at, 'localtime') AS day, v.demo FROM decisions d JOIN visits v ON v.key = d.visit
  WHERE d.key = (SELECT max(key) FROM decisions WHERE visit = d.visit) AND d.saved_at >= ? AND d.saved_at < ?)`;

const FINAL = "SELECT value ->> '$.id' FROM json_each(d.final)";
const PROPOSED = "SELECT value ->> '$.id' FROM json_each(d.proposed)";

export function readOverview(db: ReadableDb, { from, to, demo }: OverviewQuery): Overview {
  const range: SqlValue[] = [
    from === null ? '' : startOfLocalDay(from),
    to === null ? '9999' : endOfLocalDay(to),
  ];
  // eslint-disable-next-line flame/constant-sql -- asked with the constants of this file alone
  const ask: Ask = (sql) => db.all(`${COUNTED} ${sql}`, ...range, demo ? 1 : 0);
  const days = ask<Day>(DAYS);
  const [left] = ask<{ n: number }>('SELECT count(*) AS n FROM counted WHERE demo <> ?');
  const sum = (of: (day: Day) => number): number => days.reduce((total, day) => total + of(day), 0);
  const { severities, alerts } = ofProposals(ask);
  return {
    decisions: sum((day) => day.decisions),
    leftOut: left?.n ?? 0,
    ...periodsOf(days),
    interactionRates: sum((day) => day.rates),
    drugs: byDrug(ask),
    severities,
    overrides: ask<{ reason: string; count: number }>(REASONS).map(({ reason, count }) => ({
      reason: OverrideReasonColumn.parse(reason),
      count,
    })),
    alerts: {
      proposed: alerts,
      final: sum((day) => day.alerts),
      findings: sum((day) => day.findings),
      decisionsWith: sum((day) => day.alerted),
    },
  };
}

type Ask = <Row>(sql: string) => Row[];

/** One row a local day: decisions, their summed interaction rates, severe pairs and findings, decisions with one. */
const DAYS = `SELECT day, count(*) AS decisions, sum(rate) AS rates, sum(severe) AS alerts, sum(found) AS findings,
    sum(severe + found > 0) AS alerted
  FROM (SELECT day,
    CASE WHEN json_array_length(d.final) < 2 THEN 0.0 ELSE
      (SELECT count(*) FROM json_each(d.interactions) i WHERE i.value ->> '$.severity' >= ${EVALUATION_SEVERITY}
        AND i.value ->> '$.a' IN (${FINAL}) AND i.value ->> '$.b' IN (${FINAL}))
      * 2.0 / (json_array_length(d.final) * (json_array_length(d.final) - 1)) END AS rate,
    (SELECT count(*) FROM json_each(d.interactions) i WHERE i.value ->> '$.severity' >= ${OVERRIDE_SEVERITY}) AS severe,
    (SELECT count(*) FROM json_each(d.findings) f
      WHERE f.value ->> '$.finding.state' = 'found' AND f.value ->> '$.finding.severity' >= ${OVERRIDE_SEVERITY}) AS found
    FROM counted d WHERE d.demo = ?)
  GROUP BY day ORDER BY day`;

const DRUGS = `SELECT drug, max(name) AS name, sum(proposed) AS proposed, sum(kept) AS kept, sum(added) AS added
  FROM (
    SELECT p.value ->> '$.id' AS drug, p.value ->> '$.name' AS name, 1 AS proposed,
      p.value ->> '$.id' IN (${FINAL}) AS kept, 0 AS added
    FROM mine d, json_each(d.proposed) p
    UNION ALL
    SELECT f.value ->> '$.id', f.value ->> '$.name', 0, 0, 1
    FROM mine d, json_each(d.final) f WHERE f.value ->> '$.id' NOT IN (${PROPOSED}))
  GROUP BY drug ORDER BY sum(proposed) + sum(added) DESC, drug`;

/** Reasons given for pairs and for other findings. */
const REASONS = `, mine AS MATERIALIZED (SELECT * FROM counted WHERE demo = ?)
  SELECT reason, count(*) AS count FROM (
    SELECT o.reason FROM mine d JOIN decision_overrides o ON o.decision = d.key
    UNION ALL
    SELECT f.value ->> '$.override.reason' FROM mine d, json_each(d.findings) f
    WHERE f.value ->> '$.override.reason' IS NOT NULL)
  GROUP BY reason ORDER BY count(*) DESC, reason`;

function byDrug(ask: Ask): DrugAcceptance[] {
  return ask<Omit<DrugAcceptance, 'drug'> & { drug: string }>(
    `, mine AS MATERIALIZED (SELECT * FROM counted WHERE demo = ?) ${DRUGS}`,
  ).map((row) => ({ ...row, drug: asId<DrugId>(row.drug) }));
}

const Ids = z.array(z.string());
const Pairs = z.array(z.tuple([z.string(), z.string(), z.int().min(1).max(4)]));

/** What the lists held when they were proposed, from the stored replies that they were taken of. */
const PROPOSALS = `SELECT (SELECT json_group_array(value ->> '$.id') FROM json_each(d.proposed)) AS proposed,
    (SELECT json_group_array(value ->> '$.id') FROM json_each(d.final)) AS final,
    (SELECT json_group_array(value ->> '$.id') FROM json_each(r.reply, '$.currentMedications')) AS current,
    (SELECT json_group_array(json_array(value -> '$.a', value -> '$.b', value -> '$.severity'))
      FROM json_each(r.reply, '$.interactions')) AS pairs
  FROM counted d JOIN recommendations r ON r.key = d.recommendation WHERE d.demo = ?`;

/** Proposed drugs by the worst pair that they stood in, and the severe pairs of the proposals. */
function ofProposals(ask: Ask): { severities: SeverityAcceptance[]; alerts: number } {
  const counts = new Map<number, { proposed: number; kept: number }>();
  let alerts = 0;
  for (const row of ask<Record<'proposed' | 'final' | 'current' | 'pairs', string>>(PROPOSALS)) {
    const proposed = new Set(Ids.parse(JSON.parse(row.proposed)));
    const final = new Set(Ids.parse(JSON.parse(row.final)));
    const present = new Set([...proposed, ...Ids.parse(JSON.parse(row.current))]);
    const worst = new Map<string, number>();
    for (const [a, b, severity] of Pairs.parse(JSON.parse(row.pairs))) {
      if (!present.has(a) || !present.has(b)) continue;
      if (severity >= OVERRIDE_SEVERITY && (proposed.has(a) || proposed.has(b))) alerts += 1;
      for (const drug of [a, b]) worst.set(drug, Math.max(severity, worst.get(drug) ?? 0));
    }
    for (const drug of proposed) {
      const severity = worst.get(drug) ?? 0;
      const { proposed: n, kept } = counts.get(severity) ?? { proposed: 0, kept: 0 };
      counts.set(severity, { proposed: n + 1, kept: kept + (final.has(drug) ? 1 : 0) });
    }
  }
  const severities = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([severity, count]) => ({ severity: severity as 0 | Severity, ...count }));
  return { severities, alerts };
}
