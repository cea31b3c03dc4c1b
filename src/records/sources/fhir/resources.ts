/**
 * The parts of FHIR R4 resources that a visit is made of (https://hl7.org/fhir/R4), each read as far as it is safe. Fields
 * that Flame does not use are not looked at.
 */

import { z } from 'zod';
import { unknownModifier } from './negated.ts';

const text = z.string().max(4000);
const code = z.string().max(200);
const coding = z.object({
  system: z.string().max(300).optional(),
  code: code.optional(),
  display: text.optional(),
  extension: z.unknown().optional(),
});
const concept = z.object({ coding: z.array(coding).max(200).optional(), text: text.optional() });
export type Concept = z.infer<typeof concept>;
const reference = z.object({ reference: z.string().max(2000).optional() });
const quantity = z.object({
  value: z.number().optional(),
  comparator: z.string().max(10).optional(),
  unit: z.string().max(100).optional(),
  code: z.string().max(100).optional(),
});
const dateTime = z
  .string()
  .regex(/^\d{4}(?:-\d{2}(?:-\d{2}(?:T.*)?)?)?$/, 'is not a FHIR date')
  .max(60);
const period = z.object({ start: dateTime.optional(), end: dateTime.optional() });
/** A status as one code of a CodeableConcept (`clinicalStatus`, `verificationStatus`). */
const status = concept.optional();
const measured = {
  valueQuantity: quantity.optional(),
  valueCodeableConcept: concept.optional(),
};
const medication = {
  medicationCodeableConcept: concept.optional(),
  medicationReference: reference.optional(),
  contained: z
    .array(
      z.looseObject({ resourceType: z.string().max(100), id: code.optional(), code: concept.optional() }),
    )
    .max(500)
    .optional(),
};

export const RESOURCES = {
  Patient: z.object({
    identifier: z.unknown().optional(),
    name: z
      .array(
        z.object({
          use: code.optional(),
          text: text.optional(),
          family: text.optional(),
          given: z.array(text).max(50).optional(),
        }),
      )
      .max(100)
      .optional(),
    gender: code.optional(),
    birthDate: dateTime.optional(),
  }),
  Encounter: z.object({
    identifier: z.unknown().optional(),
    extension: z.unknown().optional(),
    status: code.optional(),
    class: coding.optional(),
    type: z.array(concept).max(100).optional(),
    serviceType: concept.optional(),
    subject: reference.optional(),
    period: period.optional(),
    reasonCode: z.array(concept).max(100).optional(),
  }),
  Condition: z.object({
    clinicalStatus: status,
    verificationStatus: status,
    code: concept.optional(),
    subject: reference.optional(),
    encounter: reference.optional(),
    onsetDateTime: dateTime.optional(),
    onsetPeriod: period.optional(),
    abatementDateTime: dateTime.optional(),
    abatementPeriod: period.optional(),
    recordedDate: dateTime.optional(),
  }),
  Procedure: z.object({
    status: code.optional(),
    code: concept.optional(),
    subject: reference.optional(),
    encounter: reference.optional(),
    performedDateTime: dateTime.optional(),
    performedPeriod: period.optional(),
  }),
  MedicationRequest: z.object({
    status: code.optional(),
    intent: code.optional(),
    subject: reference.optional(),
    encounter: reference.optional(),
    authoredOn: dateTime.optional(),
    ...medication,
  }),
  MedicationStatement: z.object({
    status: code.optional(),
    subject: reference.optional(),
    context: reference.optional(),
    effectiveDateTime: dateTime.optional(),
    effectivePeriod: period.optional(),
    dateAsserted: dateTime.optional(),
    ...medication,
  }),
  MedicationAdministration: z.object({
    status: code.optional(),
    subject: reference.optional(),
    context: reference.optional(),
    effectiveDateTime: dateTime.optional(),
    effectivePeriod: period.optional(),
    ...medication,
  }),
  AllergyIntolerance: z.object({
    clinicalStatus: status,
    verificationStatus: status,
    code: concept.optional(),
    patient: reference.optional(),
    recordedDate: dateTime.optional(),
    onsetDateTime: dateTime.optional(),
    reaction: z
      .array(z.object({ substance: concept.optional() }))
      .max(100)
      .optional(),
  }),
  Observation: z.object({
    status: code.optional(),
    code: concept,
    subject: reference.optional(),
    encounter: reference.optional(),
    effectiveDateTime: dateTime.optional(),
    effectivePeriod: period.optional(),
    ...measured,
    component: z
      .array(z.object({ code: concept, ...measured }))
      .max(200)
      .optional(),
  }),
  Medication: z.object({ code: concept.optional() }),
} as const;

export type ResourceType = keyof typeof RESOURCES;
export type Resource<Type extends ResourceType> = z.infer<(typeof RESOURCES)[Type]>;

export function isResourceType(type: string): type is ResourceType {
  return Object.hasOwn(RESOURCES, type);
}

export type ReadResource<Type extends ResourceType> =
  { readonly ok: true; readonly resource: Resource<Type> } | { readonly ok: false; readonly problem: string };

/** Reads a resource; a field of the wrong type refuses it, with the field's name. Fields with the value null count as absent. */
export function readResource<Type extends ResourceType>(type: Type, value: object): ReadResource<Type> {
  const modifier = unknownModifier(value);
  if (modifier !== null) return { ok: false, problem: `${type}: ${modifier}` };
  if (isOfR5(value))
    return { ok: false, problem: `${type}: is written as FHIR R5 writes it; export it as R4 (4.0.1)` };
  const parsed = RESOURCES[type].safeParse(withoutNulls(value));
  if (parsed.success) return { ok: true, resource: parsed.data as Resource<Type> };
  const [issue] = parsed.error.issues;
  const message = (issue?.message ?? '').replace(/^Invalid input: /, '');
  return { ok: false, problem: `${type}: ${issue?.path.join('.') ?? ''} ${message}`.trim() };
}

/** By the fields that a visit depends on and that R5 renamed or made lists. */
function isOfR5(value: object): boolean {
  const { class: kind, actualPeriod, medication } = value as Readonly<Record<string, unknown>>;
  return Array.isArray(kind) || actualPeriod !== undefined || medication !== undefined;
}

function withoutNulls(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

/**
 * The last part of a reference: `urn:uuid:x`, `Patient/x`, `https://host/fhir/Patient/x/_history/2` → `x`. Null for what
 * names nothing by itself (`Patient?identifier=…`, an identifier without a reference) and for what says that it is of another type
 * than the one asked for: identifiers are only unique within a type.
 */
export function referenced(
  link: { readonly reference?: string | undefined } | undefined,
  type?: ResourceType,
): string | null {
  const written = link?.reference;
  if (written === undefined || written.includes('?')) return null;
  const plain = written.replace(/\/_history\/.*$/, '');
  const named = /(?:^|\/)([A-Z][A-Za-z]+)\/[^/]+$/.exec(plain)?.[1];
  if (type !== undefined && named !== undefined && named !== type) return null;
  const last = plain.startsWith('urn:')
    ? plain.slice(plain.lastIndexOf(':') + 1)
    : plain.slice(plain.lastIndexOf('/') + 1);
  return last === '' ? null : last;
}

const SYSTEMS: readonly (readonly [
  RegExp,
  'icd-10' | 'icd-9' | 'icd-10-pcs' | 'icd-9-proc' | 'snomed' | 'loinc' | 'rxnorm' | 'ndc',
])[] = [
  // The address that HL7 gives ICD-10-PCS names no part of it.
  [/cms\.gov\/medicare\/coding\/icd10|icd-10-pcs|6\.103\b.*pcs|2\.16\.840\.1\.113883\.6\.4$/i, 'icd-10-pcs'],
  [/icd-?10|2\.16\.840\.1\.113883\.6\.90$/i, 'icd-10'],
  [/2\.16\.840\.1\.113883\.6\.104$|icd-?9.*proc/i, 'icd-9-proc'],
  [/icd-?9|2\.16\.840\.1\.113883\.6\.103$/i, 'icd-9'],
  [/snomed/i, 'snomed'],
  [/loinc/i, 'loinc'],
  [/rxnorm/i, 'rxnorm'],
  [/\bndc\b/i, 'ndc'],
];

/** The codes of a concept in one code system, told by the usual addresses and object identifiers. */
export function codesIn(concept: Concept | undefined, system: (typeof SYSTEMS)[number][1]): string[] {
  return (concept?.coding ?? []).flatMap(({ system: address = '', code: written }) => {
    const known = SYSTEMS.find(([pattern]) => pattern.test(address))?.[1];
    return known === system && written !== undefined && written !== '' ? [written] : [];
  });
}

/** What a concept says in words; a text that is blank says nothing. */
export function wordsOf(concept: Concept | undefined): string {
  const { text: said, coding: codings = [] } = concept ?? {};
  const words = [said, ...codings.map(({ display }) => display)].map((one) => one?.trim() ?? '');
  return words.find((one) => one !== '') ?? '';
}
