import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AFTER_OPENING_MS, AGAIN_AFTER_MS, nextBackupAt } from './schedule.ts';

const at = (text: string): Date => new Date(text); // Local times: no Z.
const MORNING = at('2026-11-28T08:00:00');
const never = { hour: 20, lastSuccess: null, lastFailure: null, opened: MORNING };
const DAY = 24 * 3_600_000;

describe('the next backup', () => {
  test('one that was missed is made up soon after the opening, not at once', () => {
    const last = at('2026-11-26T20:00:05');
    const due = nextBackupAt({ ...never, lastSuccess: last }, MORNING);
    expect(due.getTime()).toBe(MORNING.getTime() + AFTER_OPENING_MS);
    expect(nextBackupAt(never, MORNING)).toEqual(due);
  });

  test('after a success the next is at the hour: today when it is still to come, else tomorrow', () => {
    const today = nextBackupAt({ ...never, lastSuccess: at('2026-11-27T21:10:00') }, MORNING);
    expect(today).toEqual(at('2026-11-28T20:00:00'));
    const evening = at('2026-11-28T20:00:30');
    expect(nextBackupAt({ ...never, lastSuccess: evening }, evening)).toEqual(at('2026-11-29T20:00:00'));
  });

  test('at the hour it is due while Flame runs', () => {
    const lastSuccess = at('2026-11-27T20:00:30');
    const now = at('2026-11-28T20:00:10');
    expect(nextBackupAt({ ...never, lastSuccess }, now)).toEqual(at('2026-11-28T20:00:00'));
  });

  test('a failed one is tried again an hour later, and a failure of days ago hinders nothing', () => {
    const now = at('2026-11-28T21:00:00');
    const lastFailure = at('2026-11-28T20:30:00');
    expect(nextBackupAt({ ...never, lastFailure }, now).getTime()).toBe(
      lastFailure.getTime() + AGAIN_AFTER_MS,
    );
    expect(+nextBackupAt({ ...never, lastFailure: at('2026-11-20T20:30:00') }, now)).toBeLessThan(+now);
  });

  test('whatever the clock says: within a day and the wait after opening, and due again once a day has passed', () => {
    const time = fc.date({ min: at('2020-01-01'), max: at('2035-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(
        time,
        fc.option(time),
        fc.option(time),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: DAY }),
        (now, lastSuccess, lastFailure, hour, open) => {
          const inputs = { hour, lastSuccess, lastFailure, opened: new Date(+now - open) };
          const next = nextBackupAt(inputs, now);
          expect(+next - +now).toBeLessThanOrEqual(DAY + 3_600_000); // The day that is an hour longer.
          const later = new Date(+now + DAY + 3_600_000 + AFTER_OPENING_MS + AGAIN_AFTER_MS);
          const kept = {
            ...inputs,
            lastSuccess: lastSuccess !== null && lastSuccess > now ? null : lastSuccess,
          };
          if (lastFailure === null || lastFailure <= now)
            expect(+nextBackupAt(kept, later)).toBeLessThanOrEqual(+later);
        },
      ),
      { numRuns: 500 },
    );
  });
});
