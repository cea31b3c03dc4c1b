/** When the next backup is due. Pure: looks at no clock and no file. */

export interface ScheduleInputs {
  /** Local hour of the day. */
  readonly hour: number;
  readonly lastSuccess: Date | null;
  /** When the last try failed; null when it did not. */
  readonly lastFailure: Date | null;
  /** When the database was opened. */
  readonly opened: Date;
}

/** Nobody who has just started Flame is to wait for a backup that was missed while it was off. */
export const AFTER_OPENING_MS = 2 * 60_000;
/** A failed one is tried again after this. */
export const AGAIN_AFTER_MS = 3_600_000;

/**
 * The moment of the next backup, which may have passed: then it is due. One a day at its hour; one that was missed is made up
 * soon after the opening. A success in the future, by a clock that was set back since, counts for nothing.
 */
export function nextBackupAt({ hour, lastSuccess, lastFailure, opened }: ScheduleInputs, now: Date): Date {
  const slot = latestSlot(hour, now);
  const isDone = lastSuccess !== null && lastSuccess >= slot && lastSuccess <= now;
  if (isDone) return nextSlot(slot, hour);
  const again = lastFailure === null || lastFailure > now ? 0 : lastFailure.getTime() + AGAIN_AFTER_MS;
  return new Date(Math.max(slot.getTime(), opened.getTime() + AFTER_OPENING_MS, again));
}

function latestSlot(hour: number, now: Date): Date {
  const today = new Date(now);
  today.setHours(hour, 0, 0, 0);
  if (today > now) today.setDate(today.getDate() - 1);
  return today;
}

function nextSlot(slot: Date, hour: number): Date {
  const next = new Date(slot);
  next.setDate(next.getDate() + 1);
  next.setHours(hour, 0, 0, 0);
  return next;
}
