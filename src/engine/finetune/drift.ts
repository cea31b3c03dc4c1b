/**
 * Agreement of signed lists with what was proposed, over time: whether a model still fits how the clinic prescribes. Counts
 * what is stored; changes no model.
 */

import { bootstrapMean, mean } from '../../flame/evaluation/metrics.ts';
import type { DriftReport, DriftWindow } from '../../shared/finetune-api.ts';
import type { ReadableDb } from '../store/handle.ts';

/** Decisions of a window; fewer say nothing. */
export const WINDOW = 20;
/** Newest decisions that are looked at. */
const MOST = 2000;
/** How much lower the newest window must agree, its whole interval below the mean before, to raise the alert. */
const ALERT_DROP = 0.1;

interface Row {
  readonly saved_at: string;
  readonly model: string;
  readonly proposed: string;
  readonly final: string;
}

export function driftReport(
  db: ReadableDb,
  model: { readonly name: string; readonly version: string } | null,
): DriftReport {
  const rows = db.all<Row>(
    `SELECT d.saved_at, d.model_name || ' ' || d.model_version AS model, d.proposed, d.final
     FROM decisions d JOIN visits v ON v.key = d.visit
     WHERE d.signer_name IS NOT NULL AND v.demo = 0
       AND d.key = (SELECT max(key) FROM decisions WHERE visit = d.visit)
     ORDER BY d.key DESC LIMIT ${MOST}`,
  );
  return {
    size: WINDOW,
    ...windowsOf(rows.reverse().map(agreementOf), model && `${model.name} ${model.version}`),
  };
}

interface Agreement {
  readonly at: string;
  readonly model: string;
  readonly jaccard: number;
}

/** @param decisions oldest first; @param model the one in use */
export function windowsOf(
  decisions: readonly Agreement[],
  model: string | null,
): Pick<DriftReport, 'windows' | 'alert'> {
  const windows: DriftWindow[] = [];
  let open: Agreement[] = [];
  const close = (): void => {
    if (open.length > 0) windows.push(windowOf(open));
    open = [];
  };
  for (const decision of decisions) {
    if (open.length === WINDOW || (open[0] && open[0].model !== decision.model)) close();
    open.push(decision);
  }
  close();
  const own = windows.filter((window) => window.model === model && window.decisions === WINDOW);
  const [last, earlier] = [own.at(-1), own.slice(0, -1)];
  if (!last || earlier.length === 0) return { windows, alert: null };
  const before = mean(earlier.map(({ agreement }) => agreement.mean));
  const fell = last.agreement.high < before && before - last.agreement.mean >= ALERT_DROP;
  return { windows, alert: fell ? { before, now: last.agreement.mean } : null };
}

function windowOf(decisions: readonly Agreement[]): DriftWindow {
  const values = decisions.map(({ jaccard }) => jaccard);
  return {
    from: decisions[0]!.at,
    to: decisions.at(-1)!.at,
    decisions: decisions.length,
    model: decisions[0]!.model,
    agreement: { mean: mean(values), ...bootstrapMean(values) },
  };
}

function agreementOf({ saved_at, model, proposed, final }: Row): Agreement {
  const ids = (text: string): Set<string> =>
    new Set((JSON.parse(text) as readonly { readonly id: string }[]).map(({ id }) => id));
  const [a, b] = [ids(proposed), ids(final)];
  const common = [...a].filter((drug) => b.has(drug)).length;
  const union = a.size + b.size - common;
  return { at: saved_at, model, jaccard: union === 0 ? 1 : common / union };
}
