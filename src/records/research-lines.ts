/**
 * The de-identified research export: a line for each visit, by the rules of docs/references/research-export.md. What is not
 * named there is not written; text that a person typed never is.
 */

import { createHmac } from 'node:crypto';
import type { Visit } from '../shared/domain.ts';
import type { DrugId } from '../shared/ids.ts';
import type { ExportedDecision } from './fhir-export/decision-resources.ts';
import type { ExportedPatient } from './exported.ts';
import type { ExportNames } from './fhir-export/terms.ts';

/** Days by which a patient's dates move at most, in either direction. */
export const LONGEST_SHIFT = 365;
/** Ages from here on are one group. */
export const OLDEST_AGE = 90;
const PSEUDONYM_DIGITS = 24;

export interface ResearchNames extends ExportNames {
  /** Whether the drug tables hold the id; one that only a record used may be anything. */
  knows(id: DrugId): boolean;
}

/** Turns identifiers into pseudonyms and dates into others, the same in each export under the same secret. */
export class Deidentifier {
  readonly #secret: Buffer;

  /** @param secret 32 bytes that never leave the profile */
  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  pseudonym(kind: 'patient' | 'visit' | 'decision', id: string): string {
    return this.#mac(`${kind}:${id}`).toString('hex').slice(0, PSEUDONYM_DIGITS);
  }

  /** Days, from 1 to LONGEST_SHIFT, back or forth. */
  shiftOf(patient: string): number {
    const mac = this.#mac(`shift:${patient}`);
    const days = 1 + (mac.readUInt32BE(0) % LONGEST_SHIFT);
    return (mac[4]! & 1) === 0 ? days : -days;
  }

  /** @param date ISO date or time; what is written is a day */
  shifted(patient: string, date: string): string {
    const day = new Date(`${date.slice(0, 10)}T00:00:00Z`);
    day.setUTCDate(day.getUTCDate() + this.shiftOf(patient));
    return day.toISOString().slice(0, 10);
  }

  #mac(text: string): Buffer {
    return createHmac('sha256', this.#secret).update(text).digest();
  }
}

export function researchLines(
  { patient, visits }: ExportedPatient,
  names: ResearchNames,
  hidden: Deidentifier,
): string[] {
  return visits.map(({ visit, decisions }) => {
    const undated = tellsAge(
      visit,
      visits.map((other) => other.visit),
    );
    const { year, date, ...facts } = visitFacts(patient.id, visit, names, hidden);
    const told = {
      visit: hidden.pseudonym('visit', visit.id),
      patient: hidden.pseudonym('patient', patient.id),
      ...(undated ? {} : { year, ...(date === undefined ? {} : { date }) }),
      ...facts,
      decisions: decisions.map((decided) => {
        const { day, ...decision } = decisionFacts(patient.id, decided, names, hidden);
        return undated ? decision : { ...decision, day };
      }),
    };
    return `${JSON.stringify(told)}\n`;
  });
}

const YEAR = 365.25 * 86_400_000;

/** Whether a visit's distance from an earlier one, whose age is told, tells an age above the oldest group. */
function tellsAge({ date, context }: Visit, all: readonly Visit[]): boolean {
  if (context.age < OLDEST_AGE) return false;
  return all.some((other) => {
    const apart = Math.floor((Date.parse(date) - Date.parse(other.date)) / YEAR);
    return apart > 0 && Math.min(other.context.age, OLDEST_AGE) + apart > OLDEST_AGE;
  });
}

function visitFacts(patient: string, visit: Visit, names: ResearchNames, hidden: Deidentifier) {
  const { context, prescribed, measurements, pregnancy, lactation } = visit;
  const date = hidden.shifted(patient, visit.date);
  const known = (drugs: readonly DrugId[]): DrugId[] => drugs.filter((drug) => names.knows(drug));
  const titled = <Code extends string>(
    codes: readonly Code[],
    ...systems: Parameters<ExportNames['title']>[0][]
  ): Code[] => codes.filter((code) => systems.some((system) => names.title(system, code) !== null));
  const allergens = visit.allergies.map((entry) =>
    names.allergens(entry).filter((drug) => names.knows(drug)),
  );
  return {
    year: Number(date.slice(0, 4)),
    date: visit.dateKnown ? date : undefined,
    age: Math.min(context.age, OLDEST_AGE),
    sex: context.sex,
    setting: context.setting,
    ...(context.specialty === null ? {} : { specialty: titled([context.specialty], 'NAMCS-SPECIALTY')[0] }),
    reasons: titled(context.reasons, 'NAMCS-REASON'),
    diagnoses: context.diagnoses.filter(({ system, code }) => names.title(system, code) !== null),
    chronic: titled(context.chronic, 'NAMCS-CHRONIC'),
    procedures: titled(context.procedures, 'ICD-9-PROC', 'ICD-10-PCS'),
    current: known(context.currentMedications),
    previous: known(context.previousMedications),
    ...(prescribed === null ? {} : { drugs: known(prescribed) }),
    allergens: [...new Set(allergens.flat())],
    allergiesLeftOut: allergens.filter((drugs) => drugs.length === 0).length,
    pregnancy,
    lactation,
    measurements,
  };
}

/** What was decided, by drugs and by the reasons that are chosen from a list; no note, name, use or comment. */
function decisionFacts(
  patient: string,
  { decision, replaced }: ExportedDecision,
  names: ResearchNames,
  hidden: Deidentifier,
) {
  const { id, savedAt, alpha, version, model, knowledgeVersion } = decision;
  const isKnown = ({ a, b }: { readonly a: DrugId; readonly b: DrugId }): boolean =>
    names.knows(a) && names.knows(b);
  return {
    decision: hidden.pseudonym('decision', id),
    day: hidden.shifted(patient, savedAt),
    version,
    replaced,
    modelVersion: /^[0-9a-f]{8,64}$/.test(model.version) ? model.version : null,
    knowledgeVersion,
    alpha,
    proposed: decision.proposed.map((drug) => drug.id).filter((drug) => names.knows(drug)),
    chosen: decision.chosen
      .filter(({ drug }) => names.knows(drug))
      .map(({ drug, verdict }) => ({ drug, verdict })),
    rejected: decision.rejected
      .filter(({ drug }) => names.knows(drug))
      .map(({ drug, reason }) => ({ drug, reason })),
    interactions: decision.interactions.filter(isKnown).map(({ a, b, severity }) => ({ a, b, severity })),
    overrides: decision.overrides
      .filter(isKnown)
      .map(({ a, b, severity, reason }) => ({ a, b, severity, reason })),
    findings: decision.findings.map(({ finding, override }) => ({
      check: finding.check,
      state: finding.state,
      drugs: finding.drugs.filter((drug) => names.knows(drug)),
      severity: finding.state === 'found' ? finding.severity : null,
      overrideReason: override?.reason ?? null,
    })),
  };
}
