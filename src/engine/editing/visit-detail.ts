/** A stored visit with every code's title and every drug's name, ready to show. Works without tables: titles are null then. */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { CodeSystem } from '../../knowledge/codes.ts';
import type { VisitDetail } from '../../shared/contract.ts';
import type { CodeTitle, DrugName, Patient, Visit } from '../../shared/domain.ts';
import type { DrugId, VisitId } from '../../shared/ids.ts';
import { isMadeFrom } from '../decisions/recommend.ts';
import { listDecisions } from '../store/decisions.ts';
import type { ReadableDb } from '../store/handle.ts';
import { getPatient } from '../store/patients.ts';
import { decidedContexts } from '../store/recommendations.ts';
import type { Titles } from '../store/search.ts';
import { visitChangedAt } from '../store/visit-changes.ts';
import { getVisit } from '../store/visits.ts';

/** ICD-10-PCS codes have seven characters, ICD-9 procedures four at most. */
const PCS_LENGTH = 7;

export function titlesOf(knowledge: Knowledge | null): Titles {
  return {
    titleOf: (system, code) => knowledge?.codes.title(system, code) ?? null,
    drugNameOf: (drug) => knowledge?.drugs.name(drug).name ?? null,
  };
}

/** @throws FlameError NOT_FOUND */
export function readVisitDetail(db: ReadableDb, knowledge: Knowledge | null, visitId: VisitId): VisitDetail {
  const visit = getVisit(db, visitId);
  return {
    ...withTitles(knowledge, getPatient(db, visit.patientId), visit),
    decisions: listDecisions(db, visitId),
    outdated: decidedContexts(db, visitId)
      .filter((made) => !isMadeFrom(made, visit))
      .map(({ decision }) => decision),
    changedAt: visitChangedAt(db, visitId),
  };
}

function withTitles(
  knowledge: Knowledge | null,
  patient: Patient,
  visit: Visit,
): Omit<VisitDetail, 'decisions' | 'outdated' | 'changedAt'> {
  const title = (system: CodeSystem, code: string): CodeTitle => ({
    code,
    title: knowledge?.codes.title(system, code) ?? null,
  });
  const name = (drug: DrugId): DrugName =>
    knowledge?.drugs.name(drug) ?? { id: drug, name: drug, drugClass: null };
  const { context } = visit;
  return {
    patient,
    visit,
    titles: {
      diagnoses: context.diagnoses.map((diagnosis) => ({
        ...diagnosis,
        title: title(diagnosis.system, diagnosis.code).title,
      })),
      reasons: context.reasons.map((code) => title('NAMCS-REASON', code)),
      chronic: context.chronic.map((code) => title('NAMCS-CHRONIC', code)),
      procedures: context.procedures.map((code) =>
        title(code.length === PCS_LENGTH ? 'ICD-10-PCS' : 'ICD-9-PROC', code),
      ),
      specialty: context.specialty === null ? null : title('NAMCS-SPECIALTY', context.specialty),
    },
    currentMedications: context.currentMedications.map(name),
    previousMedications: context.previousMedications.map(name),
    prescribed: visit.prescribed?.map(name) ?? null,
  };
}
