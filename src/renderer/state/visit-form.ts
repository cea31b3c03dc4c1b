/** Makes the form of a visit: empty, of a stored visit, or carried over from the visit before. Stores nothing. */

import type { VisitDetail } from '../../shared/contract.ts';
import { isUseStated, type Decision } from '../../shared/decision.ts';
import {
  NO_MEASUREMENTS,
  type DrugName,
  type Measurements,
  type MedicationUse,
} from '../../shared/domain.ts';
import type { MedicationEntry, VisitForm } from '../../shared/editing.ts';
import { monthsText } from '../../shared/read-form.ts';
import { asId, type PatientId, type VisitId } from '../../shared/ids.ts';

/** @param today ISO date */
export function newVisitForm(patientId: PatientId, today: string): VisitForm {
  return {
    kind: 'visit',
    id: asId<VisitId>(crypto.randomUUID()),
    patientId,
    isNew: true,
    date: today,
    age: '',
    setting: 'office',
    specialty: '',
    reasons: [],
    diagnoses: [],
    chronic: [],
    procedures: [],
    medications: [],
    previous: [],
    allergies: [],
    unmapped: [],
    pregnancy: 'unknown',
    lactation: 'unknown',
    measurements: typedMeasurements(NO_MEASUREMENTS),
    notes: '',
  };
}

/**
 * A new visit that starts from the one before: allergies, chronic conditions, specialty, and what the patient takes since:
 * the current medications of then with what was decided, or what the record says was prescribed.
 */
export function followUpForm(last: VisitDetail, today: string): VisitForm {
  const { visit } = last;
  const [decision] = last.decisions;
  const taken = decision
    ? [...last.currentMedications, ...decision.final]
    : [...last.currentMedications, ...(last.prescribed ?? [])];
  const drugs = onceById(taken);
  return {
    ...newVisitForm(visit.patientId, today),
    setting: visit.context.setting === 'unknown' ? 'office' : visit.context.setting,
    specialty: visit.context.specialty ?? '',
    chronic: visit.context.chronic,
    medications: entriesOf(drugs, [...visit.medicationUse, ...decidedUses(decision)]),
    previous: drugs,
    allergies: visit.allergies,
    unmapped: visit.unmapped,
  };
}

export function formOfVisit({
  visit,
  titles,
  currentMedications,
  previousMedications,
}: VisitDetail): VisitForm {
  const { context } = visit;
  return {
    kind: 'visit',
    id: visit.id,
    patientId: visit.patientId,
    isNew: false,
    date: visit.dateKnown ? visit.date : visit.date.slice(0, 4),
    age: visit.ageMonths === null ? String(context.age) : monthsText(visit.ageMonths),
    setting: context.setting,
    specialty: context.specialty ?? '',
    reasons: titles.reasons,
    diagnoses: titles.diagnoses,
    chronic: context.chronic,
    procedures: titles.procedures,
    medications: entriesOf(currentMedications, visit.medicationUse),
    previous: previousMedications,
    allergies: visit.allergies,
    unmapped: visit.unmapped,
    pregnancy: visit.pregnancy,
    lactation: visit.lactation,
    measurements: typedMeasurements(visit.measurements),
    notes: visit.notes,
  };
}

function entriesOf(drugs: readonly DrugName[], uses: readonly MedicationUse[]): MedicationEntry[] {
  const byDrug = new Map(uses.map((use) => [use.drug, use]));
  return drugs.map((drug) => {
    const { dose = '', route = '', frequency = '' } = byDrug.get(drug.id) ?? {};
    return { drug, dose, route, frequency };
  });
}

/** How the decided drugs are taken, where it was written in. */
function decidedUses(decision: Decision | undefined): MedicationUse[] {
  const stated = (decision?.chosen ?? []).filter(({ use }) => isUseStated(use));
  return stated.map(({ drug, use: { dose, route, frequency } }) => ({ drug, dose, route, frequency }));
}

function onceById(drugs: readonly DrugName[]): DrugName[] {
  return [...new Map(drugs.map((drug) => [drug.id, drug])).values()];
}

function typedMeasurements(measured: Measurements): VisitForm['measurements'] {
  const typed = (field: keyof Measurements): string =>
    measured[field] === null ? '' : String(measured[field]);
  return {
    creatinine: typed('creatinine'),
    weight: typed('weight'),
    height: typed('height'),
    systolic: typed('systolic'),
    diastolic: typed('diastolic'),
    heartRate: typed('heartRate'),
    temperature: typed('temperature'),
  };
}
