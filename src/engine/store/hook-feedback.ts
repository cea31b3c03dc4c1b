/** Counts what callers of the on-site service reported about its cards, by day and by reason. Stores nothing. */

import { OVERRIDE_REASONS } from '../../shared/decision.ts';
import type { HookFeedbackFigures } from '../../shared/hooks-api.ts';
import { endOfLocalDay, startOfLocalDay } from '../../shared/local-date.ts';
import type { ReadableDb } from './handle.ts';
import { hookSettings } from './hooks.ts';
import { stretchesOf } from './overview-periods.ts';

/** A card counts once, by what was said of it last: a caller that sends its feedback again changes no figure. */
const LATEST = `WITH latest AS (
  SELECT f.* FROM hook_feedback f WHERE f.at >= ? AND f.at < ?
    AND NOT EXISTS (SELECT 1 FROM hook_feedback n WHERE n.card = f.card AND n.service = f.service AND n.key > f.key))`;

interface CountedDay {
  readonly day: string;
  readonly answered: number;
  readonly cards: number;
  readonly accepted: number;
  readonly overridden: number;
}

export function readHookFeedback(
  db: ReadableDb,
  { from, to }: { readonly from: string | null; readonly to: string | null },
): HookFeedbackFigures {
  const values = [from === null ? '' : startOfLocalDay(from), to === null ? '9999' : endOfLocalDay(to)];
  const answers = db.all<{ day: string; answered: number; cards: number }>(
    `SELECT date(at, 'localtime') AS day, count(*) AS answered, sum(json_array_length(content, '$.cards')) AS cards
     FROM audit_entries WHERE action = 'hooks.answered' AND at >= ? AND at < ? GROUP BY day`,
    ...values,
  );
  const outcomes = db.all<{ day: string; accepted: number; overridden: number }>(
    `${LATEST} SELECT date(at, 'localtime') AS day, sum(outcome = 'accepted') AS accepted,
       sum(outcome = 'overridden') AS overridden FROM latest GROUP BY day`,
    ...values,
  );
  const reasons = db.all<{ reason: string | null; count: number }>(
    `${LATEST} SELECT reason, count(*) AS count FROM latest WHERE outcome = 'overridden' GROUP BY reason`,
    ...values,
  );
  const days = new Map<string, CountedDay>();
  for (const one of [...answers, ...outcomes]) {
    const none = { day: one.day, answered: 0, cards: 0, accepted: 0, overridden: 0 };
    days.set(one.day, { ...none, ...days.get(one.day), ...one });
  }
  const inOrder = [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
  const { period, periods } = stretchesOf(inOrder);
  return {
    enabled: hookSettings(db).enabled,
    answered: sum(inOrder, 'answered'),
    cards: sum(inOrder, 'cards'),
    accepted: sum(inOrder, 'accepted'),
    overridden: sum(inOrder, 'overridden'),
    period,
    periods: periods.map(({ start, days: within }) => ({
      start,
      cards: sum(within, 'cards'),
      accepted: sum(within, 'accepted'),
      overridden: sum(within, 'overridden'),
    })),
    reasons: reasonsOf(reasons),
  };
}

function sum(days: readonly CountedDay[], of: Exclude<keyof CountedDay, 'day'>): number {
  return days.reduce((total, day) => total + day[of], 0);
}

/** Codes of the caller's own are counted together: what they mean is not known here. */
function reasonsOf(
  rows: readonly { readonly reason: string | null; readonly count: number }[],
): HookFeedbackFigures['reasons'] {
  const counts = new Map<HookFeedbackFigures['reasons'][number]['reason'], number>();
  for (const { reason, count } of rows) {
    const known = OVERRIDE_REASONS.find((one) => one === reason);
    const key = known ?? (reason === null ? 'none' : 'own');
    counts.set(key, (counts.get(key) ?? 0) + count);
  }
  return [...counts]
    .map(([reason, count]) => ({ reason, count }))
    .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
}
