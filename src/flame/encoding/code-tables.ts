/** Answers what code families ask, from the compiled knowledge tables. Interprets no visit. */

import { normaliseCode } from '../../knowledge/codes.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { categoryOf, type CodeTables } from './code-families.ts';

/** Endings under which the CCS tables file a code that a visit gives cut short: unspecified ones first. */
const ENDINGS = ['', '0', '00', '9', '90', '1'];

export function codeTables({ codes }: Pick<Knowledge, 'codes'>): CodeTables {
  const groupsOf = (code: string): readonly string[] => {
    for (const stem of new Set([code, code.slice(0, 4), categoryOf(code)]))
      for (const ending of ENDINGS) {
        const found = codes.groups(stem + ending);
        if (found.length > 0) return found;
      }
    return [];
  };
  return {
    ccsOfDiagnosis: (icd9) =>
      groupsOf(normaliseCode(icd9)).map((label) => label.slice(0, label.indexOf(' '))),
    icd9OfDiagnosis: (icd10) => codes.maps.toIcd9(icd10).codes,
    icd9OfProcedure: (pcs) => codes.maps.procedureToIcd9(pcs).codes,
  };
}
