/** FHIR dates and times, of any precision, as moments and ages. Guesses no time zone of the machine it runs on. */

import { dayOf, yearsBetween } from '../codes.ts';

/**
 * Milliseconds; a date without a time begins its day, a time without a zone is taken as UTC wherever it is read, a time that is none
 * (a leap second) begins its day, what is unreadable is the beginning of time.
 */
export function time(written: string): number {
  const zoned = !written.includes('T') || /(?:Z|[+-]\d{2}:?\d{2})$/i.test(written);
  const at = Date.parse(zoned ? written : `${written}Z`);
  if (!Number.isNaN(at)) return at;
  const day = dayOf(written);
  return day === null ? 0 : Date.parse(day);
}

/** The end of what was written: of its day, month or year where it says no more. */
export function endOf(written: string): number {
  const [year, month] = [Number(written.slice(0, 4)), Number(written.slice(5, 7))];
  if (written.length === 4) return Date.UTC(year + 1, 0, 1) - 1;
  if (written.length === 7) return Date.UTC(year, month, 1) - 1;
  return time(written) + (written.includes('T') ? 0 : 24 * 3600 * 1000 - 1);
}

/** Whole years; null where the birth is not known or later. */
export function ageAt(birth: string, start: string): number | null {
  if (birth === '') return null;
  const [born, day] = [whole(birth), whole(start)];
  return born === null || day === null ? null : yearsBetween(born, day);
}

/** A day for a date of which only the year or the month is known: its middle. */
function whole(written: string): string | null {
  if (/^\d{4}$/.test(written)) return `${written}-07-01`;
  if (/^\d{4}-\d{2}$/.test(written)) return `${written}-15`;
  return dayOf(written);
}
