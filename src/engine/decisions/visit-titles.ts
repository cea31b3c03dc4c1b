/** Titles of the entries of a visit, for reasons and alternatives. Invents none: a code without a title has null. */

import type { VisitEntry } from '../../flame/classifier/leave-one-out.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { ClinicalContext, CodeTitle } from '../../shared/domain.ts';

/** ICD-10-PCS codes have seven characters, ICD-9 procedures four at most. */
const PCS_LENGTH = 7;

type Titled = Pick<Knowledge, 'codes' | 'drugs'>;

/** Code or drug with its title; age and sex have the value of the context for a code. */
export function entryCode(
  { codes, drugs }: Titled,
  entry: VisitEntry,
  { age, sex }: ClinicalContext,
): CodeTitle {
  switch (entry.kind) {
    case 'diagnosis': {
      const { system, code } = entry.diagnosis;
      return { code, title: codes.title(system, code) };
    }
    case 'reason':
      return { code: entry.code, title: codes.title('NAMCS-REASON', entry.code) };
    case 'chronic':
      return { code: entry.code, title: codes.title('NAMCS-CHRONIC', entry.code) };
    case 'specialty':
      return { code: entry.code, title: codes.title('NAMCS-SPECIALTY', entry.code) };
    case 'procedure': {
      const system = entry.code.length === PCS_LENGTH ? 'ICD-10-PCS' : 'ICD-9-PROC';
      return { code: entry.code, title: codes.title(system, entry.code) };
    }
    case 'current-medication':
    case 'previous-medication':
      return { code: entry.drug, title: drugs.name(entry.drug).name };
    case 'age':
      return { code: String(age), title: null };
    case 'sex':
      return { code: sex, title: null };
    case 'note':
      return { code: '', title: null };
  }
}

/** What may call for a drug: the titles of diagnoses, chronic conditions and reasons, as far as the tables have them. */
export function titlesOfVisit({ codes }: Titled, { diagnoses, chronic, reasons }: ClinicalContext): string[] {
  return [
    ...diagnoses.map(({ system, code }) => codes.title(system, code)),
    ...chronic.map((flag) => codes.title('NAMCS-CHRONIC', flag)),
    ...reasons.map((code) => codes.title('NAMCS-REASON', code)),
  ].filter((title) => title !== null);
}
