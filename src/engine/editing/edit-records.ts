/**
 * Stores what the editor sends, after the same checks that the screen made: patients, visits, merges. Each change stands
 * in the audit log. Judges nothing clinical.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import { patientProblems, problem, visitProblems, type FieldProblem } from '../../shared/check-input.ts';
import type { Patient, Visit } from '../../shared/domain.ts';
import type { PatientInput, VisitInput } from '../../shared/editing.ts';
import { FlameError } from '../../shared/errors.ts';
import type { DrugId, PatientId } from '../../shared/ids.ts';
import { localDate } from '../../shared/local-date.ts';
import { problemWords } from '../../shared/problem-words.ts';
import { contextHash } from '../decisions/recommend.ts';
import { appendAudit, type AuditEvent } from '../store/audit.ts';
import { discardDraft } from '../store/drafts.ts';
import type { WritableDb } from '../store/handle.ts';
import { changePatient, findLikelySame, mergePatients, setArchived } from '../store/patient-changes.ts';
import { findPatient, getPatient, insertPatient } from '../store/patients.ts';
import type { Titles } from '../store/search.ts';
import { changeVisit } from '../store/visit-changes.ts';
import { findVisit, insertVisits, listVisits } from '../store/visits.ts';

export interface Editing {
  readonly db: WritableDb;
  readonly titles: Titles;
  /** The tables; without them no new drug can be checked to exist. */
  readonly knowledge: Knowledge | null;
  /** Who edits, for the audit log. */
  readonly actor: string;
  /** Whose draft is discarded with what is saved. */
  readonly drafter: string;
  readonly now: Date;
}

/**
 * Stores a new patient, or new content for a stored one, and discards its draft.
 * @throws FlameError INVALID_INPUT naming the field
 */
export function savePatient(editing: Editing, input: PatientInput): Patient {
  const { db, drafter } = editing;
  return db.transaction(() => {
    const before = findPatient(db, input.id);
    const patient: Patient = {
      id: before?.id ?? input.id,
      name: input.name,
      sourceId: input.recordNumber,
      sex: input.sex,
      birthYear: input.birthYear,
      demo: before?.demo ?? false,
    };
    refuse([
      ...patientProblems(input, localDate(editing.now)),
      ...takenNumber(editing, patient),
      ...visitsBeforeBirth(editing, patient, before),
    ]);
    if (before === null) {
      insertPatient(db, patient);
      audit(editing, 'patient.created', patient.id);
    } else if (!same(before, patient)) {
      changePatient(db, patient);
      audit(editing, 'patient.changed', patient.id, { changed: differences(before, patient) });
    }
    discardDraft(db, drafter, input.id);
    return patient;
  });
}

/** @throws FlameError NOT_FOUND */
export function archivePatient(editing: Editing, id: PatientId, archived: boolean): void {
  const { db, now } = editing;
  db.transaction(() => {
    setArchived(db, id, archived ? now.toISOString() : null);
    audit(editing, archived ? 'patient.archived' : 'patient.restored', id);
  });
}

/** @throws FlameError NOT_FOUND, INVALID_INPUT for a patient merged into itself or demo data merged with a site's own */
export function merge(editing: Editing, from: PatientId, into: PatientId): Patient {
  const { db } = editing;
  return db.transaction(() => {
    const [source, target] = [getPatient(db, from), getPatient(db, into)];
    if (source.id === target.id) {
      throw new FlameError('INVALID_INPUT', { problem: 'a patient cannot be merged into itself' });
    }
    if (source.demo !== target.demo) {
      throw new FlameError('INVALID_INPUT', { problem: 'a demo patient is not merged with one of your own' });
    }
    const visits = mergePatients(db, source.id, target.id);
    audit(editing, 'patient.merged', target.id, { from: source.id, name: source.name, visits });
    return target;
  });
}

/**
 * Stores a new visit, or new content for a stored one (the content before is kept), and discards its draft. What the
 * record says was prescribed, the source and the patient of a stored visit stay.
 * @throws FlameError INVALID_INPUT naming the field, DRUG_UNKNOWN, NOT_FOUND without its patient
 */
export function saveVisit(editing: Editing, input: VisitInput): Visit {
  const { db, drafter, titles, now } = editing;
  return db.transaction(() => {
    const before = findVisit(db, input.id);
    const patient = getPatient(db, before?.patientId ?? input.patientId);
    const { birthYear, sex } = patient;
    const setting = { birthYear, sex, today: localDate(now), storedDate: before?.date ?? null };
    refuse(visitProblems(input, setting));
    refuseUnknownDrugs(editing, input.currentMedications, before);
    const visit = visitOf(input, patient, before);
    if (before === null) {
      insertVisits(db, [{ visit, demo: patient.demo }], titles);
      audit(editing, 'visit.created', visit.id, { patient: patient.id });
    } else if (!same(before, visit)) {
      const revision = changeVisit(db, visit, titles, now.toISOString());
      audit(editing, 'visit.changed', visit.id, {
        patient: patient.id,
        changed: [...differences(before, visit), ...differences(before.context, visit.context)]
          .filter((field) => field !== 'context')
          .sort(),
        revision,
        context: { before: contextHash(before), after: contextHash(visit) },
      });
    }
    discardDraft(db, drafter, input.id);
    return visit;
  });
}

function visitOf(input: VisitInput, patient: Patient, before: Visit | null): Visit {
  // A patient whose sex is not recorded does not erase what an earlier record of the visit says.
  const sex = patient.sex === 'unknown' ? (before?.context.sex ?? 'unknown') : patient.sex;
  return {
    id: input.id,
    patientId: patient.id,
    sourceId: before?.sourceId ?? null,
    date: input.date,
    dateKnown: input.dateKnown,
    context: {
      year: Number(input.date.slice(0, 4)),
      age: input.age,
      sex,
      setting: input.setting,
      specialty: input.specialty,
      reasons: once(input.reasons),
      diagnoses: onceBy(input.diagnoses, ({ system, code }) => `${system} ${code}`),
      chronic: once(input.chronic),
      procedures: once(input.procedures),
      currentMedications: once(input.currentMedications),
      previousMedications: once(input.previousMedications),
    },
    ageMonths: input.ageMonths,
    allergies: once(input.allergies),
    notes: input.notes,
    prescribed: before?.prescribed ?? null,
    unmapped: once(input.unmapped),
    pregnancy: input.pregnancy,
    lactation: input.lactation,
    measurements: input.measurements,
    medicationUse: onceBy(
      input.medicationUse.filter(({ drug }) => input.currentMedications.includes(drug)),
      ({ drug }) => drug,
    ),
  };
}

function takenNumber({ db }: Editing, patient: Patient): FieldProblem[] {
  if (patient.sourceId === null) return [];
  const [owner] = findLikelySame(db, patient).filter(({ same: what }) => what === 'record-number');
  if (owner === undefined) return [];
  return [problem('recordNumber', 'taken', { name: getPatient(db, owner.id).name })];
}

/** A corrected birth year may not come after a visit that is recorded already. */
function visitsBeforeBirth(
  { db, titles }: Editing,
  patient: Patient,
  before: Patient | null,
): FieldProblem[] {
  if (before === null || patient.birthYear === null || patient.birthYear === before.birthYear) return [];
  const earliest = listVisits(db, patient.id, titles).at(-1);
  const year = Number(earliest?.date.slice(0, 4) ?? Infinity);
  return year < patient.birthYear ? [problem('birthYear', 'contradicts-visits', { year })] : [];
}

function refuse(problems: readonly FieldProblem[]): void {
  const [first] = problems.filter(({ warning }) => warning !== true);
  if (first) throw new FlameError('INVALID_INPUT', { problem: `${first.field}: ${problemWords(first)}` });
}

/** Drugs that the visit held before stay, whatever today's tables know. */
function refuseUnknownDrugs({ knowledge }: Editing, drugs: readonly DrugId[], before: Visit | null): void {
  const kept = new Set(before?.context.currentMedications);
  for (const drug of drugs) {
    if (knowledge === null || kept.has(drug) || knowledge.drugs.get(drug) !== null) continue;
    const close = knowledge.drugs.suggestions(drug);
    const suggestions = close.length > 0 ? `Close names: ${close.join(', ')}.` : '';
    throw new FlameError('DRUG_UNKNOWN', { name: drug, suggestions });
  }
}

function audit(
  { db, actor, now }: Editing,
  action: AuditEvent['action'],
  subject: string,
  content: AuditEvent['content'] = {},
): void {
  appendAudit(db, { actor, action, subject, content }, now.toISOString());
}

function same(before: object, after: object): boolean {
  return differences(before, after).length === 0;
}

/** Names of the fields that differ. */
function differences(before: object, after: object): string[] {
  const old = new Map(Object.entries(before).map(([field, value]) => [field, JSON.stringify(value)]));
  return Object.entries(after)
    .filter(([field, value]) => old.get(field) !== JSON.stringify(value))
    .map(([field]) => field);
}

function once<Item>(items: readonly Item[]): Item[] {
  return [...new Set(items)];
}

function onceBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}
