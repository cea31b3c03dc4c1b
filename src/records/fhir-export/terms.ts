/** Code systems, extensions and names that the FHIR export writes, in one place. Looks nothing up by itself. */

import type { CodeableConcept, Extension, Reference } from 'fhir/r4';
import type { CodeSystem } from '../../knowledge/codes.ts';
import type { DrugId } from '../../shared/ids.ts';

/** Names no server: identifiers of Flame's own terms stand below it, and nothing can be fetched there. */
export const FLAME = 'https://flame.invalid/fhir';

export const SYSTEMS: Readonly<Record<CodeSystem, string>> = {
  'ICD-9-CM': 'http://hl7.org/fhir/sid/icd-9-cm',
  'ICD-10-CM': 'http://hl7.org/fhir/sid/icd-10-cm',
  'ICD-9-PROC': 'urn:oid:2.16.840.1.113883.6.104',
  'ICD-10-PCS': 'http://www.cms.gov/Medicare/Coding/ICD10',
  'NAMCS-REASON': `${FLAME}/CodeSystem/namcs-reason`,
  'NAMCS-CHRONIC': `${FLAME}/CodeSystem/namcs-chronic`,
  'NAMCS-SPECIALTY': `${FLAME}/CodeSystem/namcs-specialty`,
};
export const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';
export const LOINC = 'http://loinc.org';
export const SNOMED = 'http://snomed.info/sct';
export const UCUM = 'http://unitsofmeasure.org';
export const ACT_CODE = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
export const NULL_FLAVOR = 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor';
export const DRUG_SYSTEM = `${FLAME}/CodeSystem/ingredient`;

/**
 * Extension of an Encounter: all that is recorded at the visit names it, and nothing of other visits belongs to it. Without it
 * a reader would carry active medications and problems on to later visits, as it must for other systems.
 */
export const COMPLETE_RECORD = 'complete-record';

/** What the export asks of the tables. */
export interface ExportNames {
  title(system: CodeSystem, code: string): string | null;
  drug(id: DrugId): { readonly name: string; readonly rxcui: readonly string[] };
  /** Ingredients of a written allergy entry; empty where it names none. */
  allergens(entry: string): readonly DrugId[];
}

export function extension(name: string, value: Omit<Extension, 'url'>): Extension {
  return { url: `${FLAME}/StructureDefinition/${name}`, ...value };
}

export function reference(type: string, id: string): Reference {
  return { reference: `${type}/${id}` };
}

export function coded(system: CodeSystem, code: string, names: ExportNames): CodeableConcept {
  const title = names.title(system, code);
  return {
    coding: [
      { system: SYSTEMS[system], code: dotted(system, code), ...(title === null ? {} : { display: title }) },
    ],
    text: title ?? code,
  };
}

/** An ingredient with its RxNorm concept where exactly one is known, and always with Flame's own name for it. */
export function medication(id: DrugId, names: ExportNames): CodeableConcept {
  const { name, rxcui } = names.drug(id);
  const [concept] = rxcui;
  return {
    coding: [
      ...(concept !== undefined && rxcui.length === 1
        ? [{ system: RXNORM, code: concept, display: name }]
        : []),
      { system: DRUG_SYSTEM, code: id, display: name },
    ],
    text: name,
  };
}

/** `E119` → `E11.9`, `25000` → `250.00`, `E8490` → `E849.0`; other systems are written as they are. */
function dotted(system: CodeSystem, code: string): string {
  const whole = system === 'ICD-9-PROC' ? 2 : system === 'ICD-9-CM' && code.startsWith('E') ? 4 : 3;
  const hasDot = system === 'ICD-9-CM' || system === 'ICD-10-CM' || system === 'ICD-9-PROC';
  return hasDot && code.length > whole ? `${code.slice(0, whole)}.${code.slice(whole)}` : code;
}
