/** Calendar days where the user sits, and the instants between which they lie. Words no date. */

/** ISO date, e.g. `2026-11-23`. */
export function localDate(now: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${String(now.getFullYear()).padStart(4, '0')}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

/** The instant at which a local day begins, as an ISO time. @param date ISO date */
export function startOfLocalDay(date: string): string {
  return new Date(`${date}T00:00:00`).toISOString();
}

/** The instant at which the day after begins: what is earlier still belongs to the day. @param date ISO date */
export function endOfLocalDay(date: string): string {
  const day = new Date(`${date}T00:00:00`);
  day.setDate(day.getDate() + 1);
  return day.toISOString();
}
