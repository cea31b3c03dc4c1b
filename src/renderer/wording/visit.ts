/** People, dates and places of a visit in words. Formats; knows no code tables. */

import type { Patient, Setting, Sex } from '../../shared/domain.ts';
import { t } from '../language/language.svelte.ts';
import { locale, numberWords } from './numbers.ts';

export function sexWord(sex: Sex): string {
  return t(`people:sex.${sex}`);
}

/** "female", "born 1957", "record number 12": what tells patients of one name apart, as far as it is known. */
export function identity({ sex, birthYear, sourceId }: Patient): string[] {
  return [
    sexWord(sex),
    ...(birthYear === null ? [] : [t('patients:born', { year: birthYear })]),
    ...(sourceId === null ? [] : [t('patients:recordNumber', { number: sourceId })]),
  ];
}

export function settingWord(setting: Setting): string {
  return t(`people:setting.${setting}`);
}

/** "61 y, female"; under two years "7 mo, female" where the months are known; without a birth year only the sex. */
export function ageAndSex(age: number | null, sex: Sex, months: number | null = null): string {
  if (months === 0) return t('people:newbornAndSex', { sex: sexWord(sex) });
  if (months !== null) return t('people:monthsAndSex', { months, sex: sexWord(sex) });
  if (age === null) return sexWord(sex);
  return age === 0
    ? t('people:infantAndSex', { sex: sexWord(sex) })
    : t('people:ageAndSex', { age, sex: sexWord(sex) });
}

/** "b. 1957, female". The age at a visit is what the visit says: a year of birth leaves it open by one. */
export function bornAndSex({ birthYear, sex }: Pick<Patient, 'birthYear' | 'sex'>): string {
  return birthYear === null ? sexWord(sex) : t('people:bornAndSex', { year: birthYear, sex: sexWord(sex) });
}

/** A measured value to three significant digits, as nobody measures more at a visit. */
export function measuredWords(value: number): string {
  return numberWords(Number(value.toPrecision(3)));
}

const DAY = { day: 'numeric', month: 'short', year: 'numeric' } as const;

/** "14 Mar 2009"; only the year when the day is not known. */
export function dateWords(isoDate: string, dateKnown = true): string {
  const day = new Date(`${isoDate.slice(0, 10)}T00:00:00Z`);
  if (!dateKnown || Number.isNaN(day.getTime())) return isoDate.slice(0, 4);
  return day.toLocaleDateString(locale(), { ...DAY, timeZone: 'UTC' });
}

/** Local date and time of an ISO instant: "14 Mar 2009, 09:05". */
export function timeWords(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  return time.toLocaleString(locale(), { ...DAY, hour: '2-digit', minute: '2-digit' });
}

/** "about 2 minutes left". */
export function timeLeft(seconds: number): string {
  if (seconds < 2) return t('people:left.almostDone');
  if (seconds < 90) return t('people:left.seconds', { count: Math.round(seconds) });
  if (seconds < 5400) return t('people:left.minutes', { count: Math.round(seconds / 60) });
  return t('people:left.hours', { count: Math.round(seconds / 3600) });
}
