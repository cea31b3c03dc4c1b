/** A stored visit with every code's title and every drug's name, ready to show. Works without tables: titles are null then. */

import type { Knowledge } from '../knowledge/knowledge.ts';
import type { CodeSystem } from '../knowledge/codes.ts';
import type { Decision, VisitDetail } from '../shared/contract.ts';
import type { CodeTitle, DrugName, Patient, Visit } from '../shared/domain.ts';
import type { DrugId } from '../shared/ids.ts';
import type { Titles } from './store/search.ts';

/** ICD-10-PCS codes have seven characters, ICD-9 procedures four at most. */
const PCS_LENGTH = 7;

export function titlesOf(knowledge: Knowledge | null): Titles {
  return {
    titleOf: (system, code) => knowledge?.codes.title(system, code) ?? null,
    drugNameOf: (drug) => knowledge?.drugs.name(drug).name ?? null,
  };
}

export function visitDetail(
  knowledge: Knowledge | null,
  patient: Patient,
  visit: Visit,
  decisions: readonly Decision[],
): VisitDetail {
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
    decisions,
  };
}
