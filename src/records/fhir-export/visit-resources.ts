/** A patient and a visit as FHIR R4 resources, with everything they refer to. Decisions are decision-resources.ts's. */

import type {
  AllergyIntolerance,
  CodeableConcept,
  Condition,
  Encounter,
  FhirResource,
  MedicationRequest,
  MedicationStatement,
  Observation,
  Patient as FhirPatient,
  Procedure,
  Quantity,
} from 'fhir/r4';
import type { Directions, Measurements, Patient, Setting, Visit } from '../../shared/domain.ts';
import type { DrugId, PatientId } from '../../shared/ids.ts';
import {
  ACT_CODE,
  coded,
  COMPLETE_RECORD,
  extension,
  FLAME,
  LOINC,
  medication,
  NULL_FLAVOR,
  reference,
  SNOMED,
  UCUM,
  type ExportNames,
} from './terms.ts';

const PCS_LENGTH = 7;
const CLINICAL_STATUS = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const CONDITION_CATEGORY = 'http://terminology.hl7.org/CodeSystem/condition-category';
const ALLERGY_STATUS = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical';
const OBSERVATION_CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category';

/** Each setting a class (R4 demands one); what is not known is said to be unknown. */
const CLASSES: Readonly<Record<Setting, { system: string; code: string; display: string }>> = {
  office: { system: ACT_CODE, code: 'AMB', display: 'ambulatory' },
  inpatient: { system: ACT_CODE, code: 'IMP', display: 'inpatient encounter' },
  'intensive-care': { system: ACT_CODE, code: 'ACUTE', display: 'inpatient acute' },
  emergency: { system: ACT_CODE, code: 'EMER', display: 'emergency' },
  unknown: { system: NULL_FLAVOR, code: 'UNK', display: 'unknown' },
};

export function patientResource(patient: Patient): FhirPatient {
  const { id, name, sourceId, sex, birthYear, demo } = patient;
  return {
    resourceType: 'Patient',
    id,
    ...(demo ? { meta: { tag: [{ system: `${FLAME}/CodeSystem/tag`, code: 'demo' }] } } : {}),
    identifier: [{ system: `${FLAME}/identifier/patient`, value: sourceId ?? id }],
    name: [{ text: name }],
    gender: sex === 'F' ? 'female' : sex === 'M' ? 'male' : 'unknown',
    ...(birthYear === null ? {} : { birthDate: String(birthYear) }),
  };
}

/** A patient's allergy entries, each with the visit at which it is written down first; visits refer to them by their position. */
export type AllergyEntries = ReadonlyMap<string, Visit>;

export function allergyEntries(visits: readonly Visit[]): AllergyEntries {
  const first = new Map<string, Visit>();
  for (const visit of visits)
    for (const entry of visit.allergies) if (!first.has(entry)) first.set(entry, visit);
  return first;
}

export function allergyResources(
  patientId: PatientId,
  entries: AllergyEntries,
  names: ExportNames,
): AllergyIntolerance[] {
  return [...entries].map(([entry, visit], index) => {
    const drugs = names.allergens(entry);
    const coding = drugs.length === 1 ? medication(drugs[0]!, names).coding : undefined;
    return {
      resourceType: 'AllergyIntolerance',
      id: allergyId(patientId, index),
      clinicalStatus: { coding: [{ system: ALLERGY_STATUS, code: 'active' }] },
      code: { ...(coding ? { coding } : {}), text: entry },
      patient: reference('Patient', patientId),
      encounter: reference('Encounter', visit.id),
      ...linksOf(visit).recorded,
    };
  });
}

function allergyId(patientId: PatientId, index: number): string {
  return `${patientId}-al${index}`;
}

/** The visit, and what was recorded at it. */
export function visitResources(visit: Visit, entries: AllergyEntries, names: ExportNames): FhirResource[] {
  const { id, context, prescribed } = visit;
  const links = linksOf(visit);
  const procedureSystem = (code: string) => (code.length === PCS_LENGTH ? 'ICD-10-PCS' : 'ICD-9-PROC');
  const use = new Map(visit.medicationUse.map((one) => [one.drug, one]));
  return [
    encounterOf(visit, entries, names),
    ...context.diagnoses.map(({ system, code }, index): Condition => ({
      ...condition(`${id}-dx${index}`, 'encounter-diagnosis', coded(system, code, names)),
      ...links.both,
      ...links.recorded,
    })),
    ...context.chronic.map((code, index): Condition => ({
      ...condition(`${id}-ch${index}`, 'problem-list-item', coded('NAMCS-CHRONIC', code, names)),
      ...links.both,
      ...links.recorded,
    })),
    ...context.procedures.map((code, index): Procedure => ({
      resourceType: 'Procedure',
      id: `${id}-pr${index}`,
      status: 'completed',
      code: coded(procedureSystem(code), code, names),
      ...links.both,
      performedDateTime: links.date,
    })),
    ...observationsOf(visit, links),
    ...context.currentMedications.map((drug, index) =>
      statementOf(visit, `${id}-cm${index}`, 'active', drug, names, use.get(drug)),
    ),
    ...context.previousMedications.map((drug, index) =>
      statementOf(visit, `${id}-pm${index}`, 'completed', drug, names),
    ),
    ...(prescribed ?? []).map((drug, index) => requestOf(visit, `${id}-rx${index}`, medication(drug, names))),
    ...visit.unmapped.map((entry, index) => requestOf(visit, `${id}-un${index}`, { text: entry })),
  ];
}

export function statementId(visit: Visit, drug: DrugId): string | null {
  const index = visit.context.currentMedications.indexOf(drug);
  return index < 0 ? null : `${visit.id}-cm${index}`;
}

/** Patient and encounter of everything that belongs to a visit, and its date: a year where only that is known. */
function linksOf({ id, patientId, date, dateKnown }: Visit) {
  const day = dateKnown ? date : date.slice(0, 4);
  return {
    date: day,
    both: { subject: reference('Patient', patientId), encounter: reference('Encounter', id) },
    recorded: { recordedDate: day },
  };
}

function encounterOf(visit: Visit, entries: AllergyEntries, names: ExportNames): Encounter {
  const { id, patientId, sourceId, context, notes, prescribed } = visit;
  const { date } = linksOf(visit);
  const known = [...entries.keys()];
  return {
    resourceType: 'Encounter',
    id,
    extension: [
      extension(COMPLETE_RECORD, { valueBoolean: true }),
      extension('age-in-years', { valueInteger: context.age }),
      ...(visit.ageMonths === null ? [] : [extension('age-in-months', { valueInteger: visit.ageMonths })]),
      extension('setting', { valueCode: context.setting }),
      ...(visit.lactation === 'unknown' ? [] : [extension('lactation', { valueCode: visit.lactation })]),
      ...(notes === '' ? [] : [extension('notes', { valueString: notes })]),
      ...visit.allergies.map((entry) =>
        extension('allergy', {
          valueReference: reference('AllergyIntolerance', allergyId(patientId, known.indexOf(entry))),
        }),
      ),
    ],
    identifier: [{ system: `${FLAME}/identifier/visit`, value: sourceId ?? id }],
    status: prescribed === null ? 'in-progress' : 'finished',
    class: CLASSES[context.setting],
    ...(context.specialty === null
      ? {}
      : { serviceType: coded('NAMCS-SPECIALTY', context.specialty, names) }),
    subject: reference('Patient', patientId),
    period: { start: date, end: date },
    ...(context.reasons.length === 0
      ? {}
      : { reasonCode: context.reasons.map((reason) => coded('NAMCS-REASON', reason, names)) }),
  };
}

function condition(id: string, category: string, code: CodeableConcept): Omit<Condition, 'subject'> {
  return {
    resourceType: 'Condition',
    id,
    clinicalStatus: { coding: [{ system: CLINICAL_STATUS, code: 'active' }] },
    category: [{ coding: [{ system: CONDITION_CATEGORY, code: category }] }],
    code,
  };
}

/** LOINC code, title, unit (UCUM) and category of each measurement; blood pressure is one panel. */
const MEASURED: Readonly<
  Record<keyof Measurements, { loinc: string; title: string; unit: string; category: string }>
> = {
  creatinine: {
    loinc: '2160-0',
    title: 'Creatinine [Mass/volume] in Serum or Plasma',
    unit: 'mg/dL',
    category: 'laboratory',
  },
  weight: { loinc: '29463-7', title: 'Body weight', unit: 'kg', category: 'vital-signs' },
  height: { loinc: '8302-2', title: 'Body height', unit: 'cm', category: 'vital-signs' },
  systolic: { loinc: '8480-6', title: 'Systolic blood pressure', unit: 'mm[Hg]', category: 'vital-signs' },
  diastolic: { loinc: '8462-4', title: 'Diastolic blood pressure', unit: 'mm[Hg]', category: 'vital-signs' },
  heartRate: { loinc: '8867-4', title: 'Heart rate', unit: '/min', category: 'vital-signs' },
  temperature: { loinc: '8310-5', title: 'Body temperature', unit: 'Cel', category: 'vital-signs' },
};

function observationsOf(visit: Visit, links: ReturnType<typeof linksOf>): Observation[] {
  const { id, measurements, pregnancy } = visit;
  const common = (name: string, category: string) => ({
    resourceType: 'Observation' as const,
    id: `${id}-ob-${name}`,
    status: 'final' as const,
    category: [{ coding: [{ system: OBSERVATION_CATEGORY, code: category }] }],
    ...links.both,
    effectiveDateTime: links.date,
  });
  const concept = (loinc: string, title: string): CodeableConcept => ({
    coding: [{ system: LOINC, code: loinc, display: title }],
    text: title,
  });
  const quantity = (value: number, unit: string): Quantity => ({ value, unit, system: UCUM, code: unit });
  const single = (['creatinine', 'weight', 'height', 'heartRate', 'temperature'] as const).flatMap(
    (name): Observation[] => {
      const { loinc, title, unit, category } = MEASURED[name];
      const value = measurements[name];
      return value === null
        ? []
        : [{ ...common(name, category), code: concept(loinc, title), valueQuantity: quantity(value, unit) }];
    },
  );
  const pressures = (['systolic', 'diastolic'] as const).flatMap((name) => {
    const { loinc, title, unit } = MEASURED[name];
    const value = measurements[name];
    return value === null ? [] : [{ code: concept(loinc, title), valueQuantity: quantity(value, unit) }];
  });
  const pregnant = {
    coding: [
      pregnancy === 'pregnant'
        ? { system: SNOMED, code: '77386006', display: 'Pregnant' }
        : { system: SNOMED, code: '60001007', display: 'Not pregnant' },
    ],
  };
  return [
    ...single,
    ...(pressures.length === 0
      ? []
      : [
          {
            ...common('bp', 'vital-signs'),
            code: concept('85354-9', 'Blood pressure panel with all children optional'),
            component: pressures,
          },
        ]),
    ...(pregnancy === 'unknown'
      ? []
      : [
          {
            ...common('pregnancy', 'social-history'),
            code: concept('82810-3', 'Pregnancy status'),
            valueCodeableConcept: pregnant,
          },
        ]),
  ];
}

function statementOf(
  visit: Visit,
  statement: string,
  status: MedicationStatement['status'],
  drug: DrugId,
  names: ExportNames,
  use?: Directions,
): MedicationStatement {
  const { id, patientId } = visit;
  const text = use === undefined ? '' : directionsText(use);
  return {
    resourceType: 'MedicationStatement',
    id: statement,
    status,
    medicationCodeableConcept: medication(drug, names),
    subject: reference('Patient', patientId),
    context: reference('Encounter', id),
    dateAsserted: linksOf(visit).date,
    ...(text === '' ? {} : { dosage: [{ text }] }),
  };
}

/** What the record says was prescribed at the visit; whether it is still taken is not known. */
function requestOf(visit: Visit, id: string, what: CodeableConcept): MedicationRequest {
  const { both, date } = linksOf(visit);
  return {
    resourceType: 'MedicationRequest',
    id,
    status: 'unknown',
    intent: 'order',
    medicationCodeableConcept: what,
    ...both,
    authoredOn: date,
  };
}

export function directionsText({ dose, route, frequency }: Directions): string {
  return [dose, route, frequency]
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(', ');
}
