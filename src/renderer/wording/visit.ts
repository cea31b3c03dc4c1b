/** People, dates and places of a visit in words. Formats; knows no code tables. */

import type { Patient, Setting, Sex } from '../../shared/domain.ts';

const SEX: Readonly<Record<Sex, string>> = { F: 'female', M: 'male', unknown: 'sex unknown' };
const SETTING: Readonly<Record<Setting, string>> = {
  office: 'office visit',
  inpatient: 'inpatient stay',
  'intensive-care': 'intensive care',
  emergency: 'emergency department',
  unknown: 'setting unknown',
};
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export function sexWord(sex: Sex): string {
  return SEX[sex];
}

export function settingWord(setting: Setting): string {
  return SETTING[setting];
}

/** "67 y, female"; without a birth year only the sex. */
export function ageAndSex(age: number | null, sex: Sex): string {
  return age === null ? SEX[sex] : `${age} y, ${SEX[sex]}`;
}

/** Age in whole years at a date, as far as a birth year tells. */
export function ageAt(patient: Pick<Patient, 'birthYear'>, isoDate: string | null): number | null {
  if (patient.birthYear === null || isoDate === null) return null;
  return Math.max(0, Number(isoDate.slice(0, 4)) - patient.birthYear);
}

/** "14 Mar 2009"; only the year when the day is not known. */
export function dateWords(isoDate: string, dateKnown = true): string {
  const [year = '', month = '', day = ''] = isoDate.slice(0, 10).split('-');
  const name = MONTHS[Number(month) - 1];
  if (!dateKnown || name === undefined) return year;
  return `${Number(day)} ${name} ${year}`;
}

/** Local date and time of an ISO instant: "14 Mar 2009, 09:05". */
export function timeWords(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const two = (n: number): string => String(n).padStart(2, '0');
  const month = MONTHS[time.getMonth()] ?? '';
  return `${time.getDate()} ${month} ${time.getFullYear()}, ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** "about 2 minutes left". */
export function timeLeft(seconds: number): string {
  if (seconds < 2) return 'almost done';
  if (seconds < 90) return `about ${Math.round(seconds)} seconds left`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} minutes left`;
  return `about ${Math.round(seconds / 3600)} hours left`;
}
