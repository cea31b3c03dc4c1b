/** Changes a stored visit and keeps every content that it had before. Decides nothing about what may be changed. */

import { z } from 'zod';
import type { Visit } from '../../shared/domain.ts';
import { asId, type DrugId, type PatientId, type VisitId } from '../../shared/ids.ts';
import type { ReadableDb, WritableDb } from './handle.ts';
import { refreshLastVisit } from './patient-changes.ts';
import { patientKeyOf } from './patients.ts';
import { indexPatient, type Titles } from './search.ts';
import { deleteContent, insertContent, visitWords } from './visit-content.ts';
import { getVisit, visitKeyOf } from './visits.ts';

/** A content that a visit had until it was replaced. */
export interface VisitRevision {
  /** From 1, in order. */
  readonly revision: number;
  /** ISO time. */
  readonly replacedAt: string;
  readonly visit: Visit;
}

/**
 * Replaces the content of a stored visit; its patient and its source stay.
 * @param at ISO time
 * @returns the number of the revision that keeps the content before
 * @throws FlameError NOT_FOUND
 */
export function changeVisit(db: WritableDb, visit: Visit, titles: Titles, at: string): number {
  return db.transaction(() => {
    const before = getVisit(db, visit.id);
    const key = visitKeyOf(db, visit.id);
    const revision =
      db.get<{ n: number }>('SELECT count(*) AS n FROM visit_revisions WHERE visit = ?', key)!.n + 1;
    db.run(
      'INSERT INTO visit_revisions (visit, revision, replaced_at, content) VALUES (?, ?, ?, ?)',
      key,
      revision,
      at,
      JSON.stringify(before),
    );
    updateRow(db, key, visit, titles, at);
    deleteContent(db, key);
    insertContent(db, key, visit);
    const patientKey = patientKeyOf(db, before.patientId);
    refreshLastVisit(db, patientKey);
    indexPatient(db, patientKey);
    return revision;
  });
}

/** When the visit was last changed; null when it is as it was stored first. */
export function visitChangedAt(db: ReadableDb, id: VisitId): string | null {
  return (
    db.get<{ changed_at: string | null }>('SELECT changed_at FROM visits WHERE id = ?', id)?.changed_at ??
    null
  );
}

/** Oldest first. */
export function visitRevisions(db: ReadableDb, id: VisitId): VisitRevision[] {
  return db
    .all<{ revision: number; replaced_at: string; content: string }>(
      `SELECT revision, replaced_at, content FROM visit_revisions
       WHERE visit = (SELECT key FROM visits WHERE id = ?) ORDER BY revision`,
      id,
    )
    .map(({ revision, replaced_at, content }) => ({
      revision,
      replacedAt: replaced_at,
      visit: VisitColumn.parse(JSON.parse(content)),
    }));
}

function updateRow(db: WritableDb, key: number, visit: Visit, titles: Titles, at: string): void {
  const { context } = visit;
  const { problems, drugs } = visitWords(visit, titles);
  db.run(
    `UPDATE visits SET date = ?, date_known = ?, year = ?, age = ?, sex = ?, setting = ?, specialty = ?, notes = ?,
       prescribed_known = ?, problem_words = ?, drug_words = ?, pregnancy = ?, lactation = ?, age_months = ?, changed_at = ?
     WHERE key = ?`,
    visit.date,
    visit.dateKnown ? 1 : 0,
    context.year,
    context.age,
    context.sex,
    context.setting,
    context.specialty,
    visit.notes,
    visit.prescribed === null ? 0 : 1,
    problems,
    drugs,
    visit.pregnancy,
    visit.lactation,
    visit.ageMonths,
    at,
    key,
  );
}

const texts = z.array(z.string());
const drug = z.string().transform((text) => asId<DrugId>(text));
const measured = z.number().nullable();

/** A visit as it was written; what later versions add is filled in by them. */
const VisitColumn: z.ZodType<Visit> = z.object({
  id: z.string().transform((text) => asId<VisitId>(text)),
  patientId: z.string().transform((text) => asId<PatientId>(text)),
  sourceId: z.string().nullable(),
  date: z.string(),
  dateKnown: z.boolean(),
  context: z.object({
    year: z.number(),
    age: z.number(),
    sex: z.enum(['F', 'M', 'unknown']),
    setting: z.enum(['office', 'inpatient', 'intensive-care', 'emergency', 'unknown']),
    specialty: z.string().nullable(),
    reasons: texts,
    diagnoses: z.array(z.object({ system: z.enum(['ICD-9-CM', 'ICD-10-CM']), code: z.string() })),
    chronic: texts,
    procedures: texts,
    currentMedications: z.array(drug),
    previousMedications: z.array(drug),
  }),
  ageMonths: z.number().nullable().default(null),
  allergies: texts,
  notes: z.string(),
  prescribed: z.array(drug).nullable(),
  unmapped: texts,
  pregnancy: z.enum(['pregnant', 'not-pregnant', 'unknown']),
  lactation: z.enum(['lactating', 'not-lactating', 'unknown']),
  measurements: z.object({
    creatinine: measured,
    weight: measured,
    height: measured,
    systolic: measured,
    diastolic: measured,
    heartRate: measured,
    temperature: measured,
  }),
  medicationUse: z.array(z.object({ drug, dose: z.string(), route: z.string(), frequency: z.string() })),
});
