/** Which backups are kept: the newest of each of the last days, weeks and months. Touches no file. */

import type { Retention } from '../../shared/backup-api.ts';

const DAY_MS = 86_400_000;

/**
 * Times (ms) of the backups to remove. The newest is never one of them, nor is one that lies in the future by this
 * computer's clock: a clock that was set wrong must not cost a backup.
 */
export function backupsToRemove(times: readonly Date[], keep: Retention, now: Date): ReadonlySet<number> {
  const sorted = times.map((time) => time.getTime()).sort((a, b) => b - a);
  const past = sorted.filter((time) => time <= now.getTime());
  const kept = new Set<number>([...sorted.slice(0, 1), ...sorted.filter((time) => time > now.getTime())]);
  const buckets: readonly [number, (time: number) => string][] = [
    [keep.daily, (time) => new Date(time).toISOString().slice(0, 10)],
    // Weeks begin on Monday: the epoch was a Thursday.
    [keep.weekly, (time) => String(Math.floor((time / DAY_MS + 3) / 7))],
    [keep.monthly, (time) => new Date(time).toISOString().slice(0, 7)],
  ];
  for (const [count, bucketOf] of buckets) {
    const seen = new Set<string>();
    for (const time of past) {
      const bucket = bucketOf(time);
      if (seen.has(bucket)) continue;
      if (seen.size >= count) break;
      seen.add(bucket);
      kept.add(time);
    }
  }
  return new Set(sorted.filter((time) => !kept.has(time)));
}
