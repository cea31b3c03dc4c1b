/** Puts days together to weeks or months, so that a period holds enough decisions to say something. Asks no table. */

import type { Overview, OverviewPeriod } from '../../shared/overview.ts';
import { localDate } from '../../shared/local-date.ts';

/** What one local day holds. */
export interface Day {
  /** ISO date. */
  readonly day: string;
  readonly decisions: number;
  /** Sum of interaction rates over its decisions. */
  readonly rates: number;
  /** Pairs of severity 3 and above. */
  readonly alerts: number;
  /** Other findings of severity 3 and above. */
  readonly findings: number;
  /** Decisions with such a pair or finding. */
  readonly alerted: number;
}

/** The longest stretch, in days, that is shown by day and by week. */
const BY_DAY = 14;
const BY_WEEK = 92;
const DAY_MS = 86_400_000;

export function periodsOf(days: readonly Day[]): Pick<Overview, 'period' | 'periods'> {
  const { period, periods } = stretchesOf(days);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
  return {
    period,
    periods: periods.map(({ start, days: within }): OverviewPeriod => ({
      start,
      decisions: sum(within.map(({ decisions }) => decisions)),
      interactionRates: sum(within.map(({ rates }) => rates)),
    })),
  };
}

/**
 * By day, week (from Monday) or month, after the time between the first and the last day; empty periods included.
 * @param days in order
 */
export function stretchesOf<Item extends { readonly day: string }>(
  days: readonly Item[],
): { period: Overview['period']; periods: { start: string; days: Item[] }[] } {
  const [first, last] = [days[0], days.at(-1)];
  if (!first || !last) return { period: 'month', periods: [] };
  const span = (noon(last.day).getTime() - noon(first.day).getTime()) / DAY_MS;
  const period = span <= BY_DAY ? 'day' : span <= BY_WEEK ? 'week' : 'month';
  const found = new Map<string, Item[]>();
  const end = startOf(last.day, period);
  for (let start = startOf(first.day, period); start <= end; start = after(start, period))
    found.set(start, []);
  for (const item of days) found.get(startOf(item.day, period))!.push(item);
  return { period, periods: [...found].map(([start, within]) => ({ start, days: within })) };
}

/** Noon, which a change of the clock moves into no other day. */
function noon(date: string): Date {
  return new Date(`${date}T12:00:00`);
}

function startOf(date: string, period: Overview['period']): string {
  if (period === 'month') return `${date.slice(0, 7)}-01`;
  if (period === 'day') return date;
  const day = noon(date);
  day.setDate(day.getDate() - ((day.getDay() + 6) % 7));
  return localDate(day);
}

function after(date: string, period: Overview['period']): string {
  const day = noon(date);
  if (period === 'month') day.setMonth(day.getMonth() + 1);
  else day.setDate(day.getDate() + (period === 'week' ? 7 : 1));
  return localDate(day);
}
