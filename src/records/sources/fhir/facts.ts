/** FHIR resources → facts of one patient: what is needed of each, and which are left out and why. Makes no visit. */

import type { DrugCode } from '../../../knowledge/drug-reader.ts';
import type { ImportLog } from '../../import-log.ts';
import { dayOf, icdCode, saysNoAllergy } from '../codes.ts';
import type { Fact } from '../source.ts';
import { measuredBy, type Measured } from './measurements.ts';
import { isDifferential, isOver, isRefuted, whyNotSo } from './negated.ts';
import { ownCodes, ownEncounter, ownIdentifier, ownIngredient, type OwnEncounter } from './own.ts';
import { codesIn, referenced, wordsOf, type Concept, type Resource, type ResourceType } from './resources.ts';

/** A medication as a resource names it, or the Medication resource that does. */
export type Drug = { readonly name: string; readonly codes: readonly DrugCode[] } | { readonly ref: string };

export type PatientFact = readonly [
  kind: 'Patient',
  name: string,
  gender: string,
  birth: string,
  /** The identifier that Flame's own export gives. */
  own?: string | null,
];
export type EncounterFact = readonly [
  kind: 'Encounter',
  key: string,
  setting: string,
  start: string,
  end: string | null,
  words: string,
  file: string,
  line: number,
  /** Where Flame wrote it as a whole record. */
  own?: OwnEncounter | null,
];
export interface ConditionCodes {
  readonly ten: readonly string[];
  readonly nine: readonly string[];
  readonly snomed: readonly string[];
  /** Flags of chronic conditions, which only Flame's own export holds. */
  readonly chronic?: readonly string[];
}
export type ConditionFact = readonly [
  kind: 'Condition',
  encounter: string | null,
  codes: ConditionCodes,
  words: string,
  onset: string | null,
  abatement: string | null,
  active: boolean,
];
export type ProcedureFact = readonly [
  kind: 'Procedure',
  encounter: string | null,
  codes: readonly string[],
  time: string | null,
];
/** Requests and administrations belong to the encounter, statements tell what is taken. */
export type DrugFact = readonly [
  kind: 'Request' | 'Statement' | 'Administration',
  encounter: string | null,
  drug: Drug,
  start: string | null,
  end: string | null,
  active: boolean,
];
export type AllergyFact = readonly [kind: 'Allergy', words: string, recorded: string | null, key?: string];
export type ObservationFact = readonly [
  kind: 'Observation',
  encounter: string | null,
  time: string | null,
  measured: readonly Measured[],
];

/** Where a resource was read. */
export interface Place {
  readonly file: string;
  readonly line: number;
  /** The name under which other resources refer to it. */
  readonly key: string;
}

/** SNOMED CT: no known allergy, no known drug allergy, no known food allergy, no known environmental allergy. */
const NO_ALLERGY = new Set(['716186003', '409137002', '429625007', '428607008']);
type Reader<Type extends ResourceType> = (
  resource: Resource<Type>,
  place: Place,
  log: ImportLog,
) => Fact | null;

/** One reader for each resource that counts; null where the resource says nothing that counts, after telling the log why. */
const READERS: { readonly [Type in Exclude<ResourceType, 'Medication'>]: Reader<Type> } = {
  Patient: ({ name = [], gender = 'unknown', birthDate = '', identifier }) => {
    const shown = name.find(({ use }) => use === 'official') ?? name[0];
    const words = shown?.text ?? [...(shown?.given ?? []), shown?.family ?? ''].join(' ');
    const own = ownIdentifier(identifier, 'patient');
    return ['Patient', words.replace(/\s+/g, ' ').trim(), gender, birthDate, own];
  },

  Encounter: (encounter, { key, file, line }, log) => {
    const { class: kind, type = [], reasonCode = [], period } = encounter;
    if (period?.start === undefined) {
      log.refuse(line, 'Encounter: period.start is missing, so the visit has no date', file);
      return null;
    }
    if (period.start.length >= 10 && dayOf(period.start) === null) {
      log.refuse(
        line,
        `Encounter: period.start is no day of the calendar: ${period.start.slice(0, 40)}`,
        file,
      );
      return null;
    }
    const words = [...type, ...reasonCode].map(wordsOf).filter((one) => one !== '');
    const shown = [...new Set(words)].join('; ');
    const own = ownEncounter(encounter);
    return ['Encounter', key, kind?.code ?? '', period.start, period.end ?? null, shown, file, line, own];
  },

  Condition: (condition, _place, log) => {
    const { code, encounter, onsetDateTime, onsetPeriod, recordedDate, abatementDateTime, abatementPeriod } =
      condition;
    const { clinicalStatus, verificationStatus } = condition;
    if (isRefuted(verificationStatus, code)) return left(log, 'Condition that was refuted');
    if (isDifferential(verificationStatus))
      return left(log, 'Condition that is one of several possible diagnoses');
    const words = wordsOf(code);
    const chronic = ownCodes(code, 'NAMCS-CHRONIC');
    const codes: ConditionCodes = {
      ten: clean(codesIn(code, 'icd-10')),
      nine: clean(codesIn(code, 'icd-9')),
      snomed: codesIn(code, 'snomed'),
      ...(chronic.length > 0 ? { chronic } : {}),
    };
    if (words === '' && Object.values(codes).every((list: readonly string[]) => list.length === 0))
      return left(log, 'Condition without a code');
    return [
      'Condition',
      referenced(encounter, 'Encounter'),
      codes,
      words,
      onsetDateTime ?? onsetPeriod?.start ?? recordedDate ?? null,
      abatementDateTime ?? abatementPeriod?.end ?? onsetPeriod?.end ?? null,
      !isOver(clinicalStatus, code),
    ];
  },

  Procedure: ({ code, encounter, performedDateTime, performedPeriod }, _place, log) => {
    const codes = clean([...codesIn(code, 'icd-10-pcs'), ...codesIn(code, 'icd-9-proc')]);
    if (codes.length === 0) return left(log, 'Procedure without an ICD procedure code');
    return [
      'Procedure',
      referenced(encounter, 'Encounter'),
      codes,
      performedDateTime ?? performedPeriod?.start ?? null,
    ];
  },

  MedicationRequest: (request, _place, log) => {
    const { status = 'unknown', encounter, authoredOn } = request;
    const drug = drugOf(request);
    if (drug === null) return left(log, 'MedicationRequest without a medication');
    return [
      'Request',
      referenced(encounter, 'Encounter'),
      drug,
      authoredOn ?? null,
      null,
      status === 'active' || status === 'on-hold',
    ];
  },

  MedicationStatement: (statement, _place, log) => {
    const { status, context, effectiveDateTime, effectivePeriod, dateAsserted } = statement;
    if (status === undefined) return left(log, 'MedicationStatement without a status');
    const drug = drugOf(statement);
    if (drug === null) return left(log, 'MedicationStatement without a medication');
    const end = effectivePeriod?.end ?? (status === 'completed' ? (effectiveDateTime ?? null) : null);
    const start = effectivePeriod?.start ?? effectiveDateTime ?? dateAsserted ?? null;
    return ['Statement', referenced(context, 'Encounter'), drug, start, end, status !== 'completed'];
  },

  MedicationAdministration: (given, _place, log) => {
    const { status, context, effectiveDateTime, effectivePeriod } = given;
    if (status === undefined) return left(log, 'MedicationAdministration without a status');
    const drug = drugOf(given);
    if (drug === null) return left(log, 'MedicationAdministration without a medication');
    return [
      'Administration',
      referenced(context, 'Encounter'),
      drug,
      effectivePeriod?.start ?? effectiveDateTime ?? null,
      null,
      false,
    ];
  },

  AllergyIntolerance: (allergy, { key }, log) => {
    const { code, clinicalStatus, verificationStatus, recordedDate, onsetDateTime, reaction = [] } = allergy;
    if (isRefuted(verificationStatus)) return left(log, 'AllergyIntolerance that was refuted');
    if (isOver(clinicalStatus)) return left(log, 'AllergyIntolerance that is no longer active');
    const words =
      wordsOf(code) || reaction.map(({ substance }) => wordsOf(substance)).find((one) => one !== '');
    if (saysNoAllergy(words ?? '') || codesIn(code, 'snomed').some((one) => NO_ALLERGY.has(one)))
      return left(log, 'AllergyIntolerance that says there is none');
    if (!words) return left(log, 'AllergyIntolerance without words');
    return ['Allergy', words.slice(0, 300), recordedDate ?? onsetDateTime ?? null, key];
  },

  Observation: (observation, _place, log) => {
    const found = measuredBy(observation);
    for (const one of found) if ('problem' in one) log.leaveOut(one.problem);
    const measured = found.filter((one) => !('problem' in one));
    if (measured.length === 0) return null;
    const { encounter, effectiveDateTime, effectivePeriod } = observation;
    return [
      'Observation',
      referenced(encounter, 'Encounter'),
      effectiveDateTime ?? effectivePeriod?.start ?? null,
      measured,
    ];
  },
};

/** The fact that a resource tells of its patient; null where it tells none that counts, after telling the log why. */
export function factOf<Type extends keyof typeof READERS>(
  type: Type,
  /** As it stands in the file. */
  written: object,
  resource: Resource<Type>,
  place: Place,
  log: ImportLog,
): Fact | null {
  const why = whyNotSo(type, written);
  return why === null ? (READERS[type] as Reader<Type>)(resource, place, log) : left(log, why);
}

function left(log: ImportLog, reason: string): null {
  log.leaveOut(reason);
  return null;
}

function clean(codes: readonly string[]): string[] {
  return codes.flatMap((code) => icdCode(code) ?? []);
}

function drugOf(resource: Resource<'MedicationRequest'>): Drug | null {
  const { medicationCodeableConcept, medicationReference, contained = [] } = resource;
  if (medicationCodeableConcept) return drugIn(medicationCodeableConcept);
  const written = medicationReference?.reference;
  if (written?.startsWith('#')) {
    const inside = contained.find(
      ({ resourceType, id }) => resourceType === 'Medication' && id === written.slice(1),
    );
    return inside?.code && whyNotSo('Medication', inside) === null ? drugIn(inside.code) : null;
  }
  const ref = referenced(medicationReference, 'Medication');
  return ref === null ? null : { ref };
}

/** RxNorm and NDC codes, and the words; the ingredient's name alone where Flame's own export names it. */
export function drugIn(concept: Concept): Drug | null {
  const own = ownIngredient(concept);
  if (own !== null) return { name: own, codes: [] };
  const codes: DrugCode[] = [
    ...codesIn(concept, 'rxnorm').map((code): DrugCode => ({ system: 'rxnorm', code })),
    ...codesIn(concept, 'ndc').map((code): DrugCode => ({ system: 'ndc', code })),
  ];
  const name = wordsOf(concept).slice(0, 300);
  return name === '' && codes.length === 0 ? null : { name, codes };
}
