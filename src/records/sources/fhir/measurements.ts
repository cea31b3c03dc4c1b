/**
 * Observations → measurements in the units of the visit format, by LOINC code and UCUM unit. A unit that is not known or a
 * value outside what is believed is left out, never converted by guess.
 */

import { BELIEVED } from '../../../shared/check-input.ts';
import type { Measurements, Pregnancy } from '../../../shared/domain.ts';
import { codesIn, type Resource } from './resources.ts';

type Kind = keyof Measurements;
/** What an observation says; `problem` where it is about one of these and cannot be used. */
export type Measured =
  | { readonly kind: Kind; readonly value: number }
  | { readonly kind: 'pregnancy'; readonly value: Pregnancy }
  | { readonly problem: string };

/** LOINC, https://loinc.org */
const KINDS: Readonly<Record<string, Kind>> = {
  '8302-2': 'height',
  '3137-7': 'height',
  '29463-7': 'weight',
  '3141-9': 'weight',
  '8480-6': 'systolic',
  '8462-4': 'diastolic',
  '8867-4': 'heartRate',
  '8310-5': 'temperature',
  '8331-1': 'temperature',
  '8332-9': 'temperature',
  '2160-0': 'creatinine',
  '38483-4': 'creatinine',
  '14682-9': 'creatinine',
};
const PREGNANCY_STATUS = '82810-3';
const PREGNANT: Readonly<Record<string, Pregnancy>> = { '77386006': 'pregnant', '60001007': 'not-pregnant' };

const same = (value: number): number => value;
/** UCUM units and how they become Flame's: cm, kg, mmHg, per minute, °C, mg/dL (creatinine: 88.42 µmol/L are 1 mg/dL). */
const UNITS: Readonly<Record<Kind, Readonly<Record<string, (value: number) => number>>>> = {
  height: {
    cm: same,
    m: (m) => m * 100,
    mm: (mm) => mm / 10,
    '[in_i]': (inches) => inches * 2.54,
    in: (inches) => inches * 2.54,
  },
  weight: {
    kg: same,
    g: (g) => g / 1000,
    '[lb_av]': (pounds) => pounds * 0.45359237,
    lb: (pounds) => pounds * 0.45359237,
    '[oz_av]': (ounces) => ounces * 0.028349523125,
  },
  systolic: { 'mm[hg]': same, mmhg: same },
  diastolic: { 'mm[hg]': same, mmhg: same },
  heartRate: { '/min': same, '{beats}/min': same, 'beats/minute': same, 'beats/min': same, bpm: same },
  temperature: {
    cel: same,
    '°c': same,
    c: same,
    '[degf]': (f) => ((f - 32) * 5) / 9,
    '°f': (f) => ((f - 32) * 5) / 9,
  },
  creatinine: {
    'mg/dl': same,
    'umol/l': (micromoles) => micromoles / 88.42,
    'µmol/l': (micromoles) => micromoles / 88.42,
  },
};

/** Everything an observation and its components measure; empty when it is about something else. */
export function measuredBy(observation: Resource<'Observation'>): Measured[] {
  return [observation, ...(observation.component ?? [])].flatMap((part) => {
    const codes = codesIn(part.code, 'loinc');
    if (codes.includes(PREGNANCY_STATUS)) {
      const [answer] = codesIn(part.valueCodeableConcept, 'snomed').flatMap((code) => PREGNANT[code] ?? []);
      return answer ? [{ kind: 'pregnancy' as const, value: answer }] : [];
    }
    const kind = codes.map((code) => KINDS[code]).find((one) => one !== undefined);
    if (kind === undefined || !part.valueQuantity) return [];
    return [measured(kind, part.valueQuantity)];
  });
}

function measured(kind: Kind, quantity: NonNullable<Resource<'Observation'>['valueQuantity']>): Measured {
  const { value, comparator, unit, code } = quantity;
  const written = (code ?? unit ?? '').trim();
  const convert = UNITS[kind][written.toLowerCase()];
  if (comparator !== undefined)
    return { problem: `Observation: ${kind} that is only a limit (${comparator})` };
  if (value === undefined) return { problem: `Observation: ${kind} without a value` };
  if (!convert)
    return { problem: `Observation: ${kind} in the unit "${written.slice(0, 40)}", which is not known` };
  const converted = convert === same ? value : Math.round(convert(value) * 100) / 100;
  const [lowest, highest] = BELIEVED[kind];
  if (converted < lowest || converted > highest)
    return { problem: `Observation: ${kind} outside what is believed` };
  return { kind, value: converted };
}
