/** Counts what was decided: over time, by drug, by severity, by reason. Counts the latest decision of each visit only. */

import type { Severity } from '../../shared/domain.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { endOfLocalDay, startOfLocalDay } from '../../shared/local-date.ts';
import type { DrugAcceptance, Overview, OverviewQuery, SeverityAcceptance } from '../../shared/overview.ts';
import { countDecisionFigures } from './decision-figures.ts';
import type { ReadableDb, SqlValue, WritableDb } from './handle.ts';
import { OverrideReasonColumn } from './json-columns.ts';
import { periodsOf, type Day } from './overview-periods.ts';

/**
 * The decisions that count, as `counted`. The one place that says which: the latest one of each visit, so that an
 * amendment takes the place of what it amends.
 */
const COUNTED = `WITH counted AS MATERIALIZED (
  SELECT f.* FROM decision_figures f WHERE f.saved_at >= ? AND f.saved_at < ?
    AND NOT EXISTS (SELECT 1 FROM decision_figures n WHERE n.visit = f.visit AND n.decision > f.decision))`;

/** One row a local day: decisions, their summed interaction rates, severe pairs and findings, decisions with one. */
const DAYS = `${COUNTED} SELECT date(saved_at, 'localtime') AS day, count(*) AS decisions,
    sum(interaction_rate) AS rates, sum(severe_proposed) AS proposedAlerts, sum(severe) AS alerts,
    sum(findings) AS findings, sum(severe + findings > 0) AS alerted
  FROM counted WHERE demo = ? GROUP BY day ORDER BY day`;

const LEFT_OUT = `${COUNTED} SELECT count(*) AS n FROM counted WHERE demo <> ?`;

/** Severity null: put on the list without having been proposed. */
const DRUGS = `${COUNTED} SELECT g.drug, max(g.name) AS name, g.severity, count(*) AS n, sum(g.kept) AS kept
  FROM counted f JOIN decision_figure_drugs g ON g.decision = f.decision WHERE f.demo = ?
  GROUP BY g.drug, g.severity`;

/** Reasons given for pairs and for other findings. */
const REASONS = `${COUNTED} SELECT g.reason, sum(g.count) AS count
  FROM counted f JOIN decision_figure_reasons g ON g.decision = f.decision WHERE f.demo = ?
  GROUP BY g.reason ORDER BY sum(g.count) DESC, g.reason`;

interface CountedDay extends Day {
  readonly proposedAlerts: number;
}

interface DrugRow {
  readonly drug: string;
  readonly name: string;
  readonly severity: number | null;
  readonly n: number;
  readonly kept: number;
}

/** Decisions that were not counted yet are counted first; whoever may not wait runs countDecisionFigures before. */
export function readOverview(db: WritableDb, query: OverviewQuery): Overview {
  for (const _left of countDecisionFigures(db));
  return sumsOf(db, query);
}

function sumsOf(db: ReadableDb, { from, to, demo }: OverviewQuery): Overview {
  const values: SqlValue[] = [
    from === null ? '' : startOfLocalDay(from),
    to === null ? '9999' : endOfLocalDay(to),
    demo ? 1 : 0,
  ];
  const days = db.all<CountedDay>(DAYS, ...values);
  const drugs = db.all<DrugRow>(DRUGS, ...values);
  const sum = (of: (day: CountedDay) => number): number => days.reduce((total, day) => total + of(day), 0);
  return {
    decisions: sum((day) => day.decisions),
    leftOut: db.get<{ n: number }>(LEFT_OUT, ...values)!.n,
    ...periodsOf(days),
    interactionRates: sum((day) => day.rates),
    drugs: byDrug(drugs),
    severities: bySeverity(drugs),
    overrides: db
      .all<{ reason: string; count: number }>(REASONS, ...values)
      .map(({ reason, count }) => ({ reason: OverrideReasonColumn.parse(reason), count })),
    alerts: {
      proposed: sum((day) => day.proposedAlerts),
      final: sum((day) => day.alerts),
      findings: sum((day) => day.findings),
      decisionsWith: sum((day) => day.alerted),
    },
  };
}

function byDrug(rows: readonly DrugRow[]): DrugAcceptance[] {
  const found = new Map<string, DrugAcceptance>();
  for (const { drug, name, severity, n, kept } of rows) {
    const before = found.get(drug) ?? { drug: asId<DrugId>(drug), name, proposed: 0, kept: 0, added: 0 };
    found.set(drug, {
      ...before,
      name: name > before.name ? name : before.name,
      ...(severity === null
        ? { added: before.added + n }
        : { proposed: before.proposed + n, kept: before.kept + kept }),
    });
  }
  const often = ({ proposed, added }: DrugAcceptance): number => proposed + added;
  return [...found.values()].sort((a, b) => often(b) - often(a) || (a.drug < b.drug ? -1 : 1));
}

/** Proposed drugs by the worst pair that they stood in. */
function bySeverity(rows: readonly DrugRow[]): SeverityAcceptance[] {
  const found = new Map<number, { proposed: number; kept: number }>();
  for (const { severity, n, kept } of rows) {
    if (severity === null) continue;
    const before = found.get(severity) ?? { proposed: 0, kept: 0 };
    found.set(severity, { proposed: before.proposed + n, kept: before.kept + kept });
  }
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([severity, counts]) => ({ severity: severity as 0 | Severity, ...counts }));
}
