/**
 * Places a diagnosis or procedure code in its families, narrow to wide, so that an unseen or foreign code still lands
 * near its relatives (METHOD section 3). ICD-10 is read through its ICD-9 candidates. Holds no tables of its own.
 */

import type { Diagnosis } from '../../shared/domain.ts';

/** What the families need to know of the code systems; `src/knowledge` answers. Codes carry no dot. */
export interface CodeTables {
  /** Multi-level CCS categories of an ICD-9-CM diagnosis or of its nearest relative, wide to narrow, e.g. `7`, `7.1`. */
  ccsOfDiagnosis(icd9: string): readonly string[];
  /** ICD-9-CM diagnoses that an ICD-10-CM code, or the longest known prefix of it, maps back to. */
  icd9OfDiagnosis(icd10: string): readonly string[];
  /** ICD-9-CM procedures of an ICD-10-PCS code. */
  icd9OfProcedure(pcs: string): readonly string[];
}

export interface DiagnosisFamilies {
  /** The ICD-9-CM codes that stand for the diagnosis: one, or none when nothing maps. */
  readonly codes: readonly string[];
  /** Feature names of the wider groups. */
  readonly groups: readonly string[];
  /** ICD-9-CM category (three characters; four for E codes), null when nothing maps. */
  readonly category: string | null;
}

export interface CodeFamilies {
  diagnosis(diagnosis: Diagnosis): DiagnosisFamilies;
  /** Feature names of the groups of an ICD-9 or ICD-10-PCS procedure. */
  procedure(code: string): readonly string[];
}

/** ICD-9-CM category of a code: `25000` → `250`, `V6759` → `V67`, `E8490` → `E849`. */
export function categoryOf(icd9: string): string {
  return icd9.slice(0, icd9.startsWith('E') ? 4 : 3);
}

/** @param uses how often training saw an ICD-9-CM diagnosis: among several candidates the most used one is read */
export function codeFamilies(tables: CodeTables, uses: (icd9: string) => number): CodeFamilies {
  const known = new Map<string, DiagnosisFamilies>();
  return {
    diagnosis({ system, code }) {
      const key = `${system} ${code}`;
      let found = known.get(key);
      if (!found) {
        const icd9 = system === 'ICD-9-CM' ? code : mostUsed(tables.icd9OfDiagnosis(code), uses);
        found = icd9 === undefined ? { codes: [], groups: [], category: null } : familiesOf(icd9, tables);
        known.set(key, found);
      }
      return found;
    },
    procedure(code) {
      const isPcs = code.length === 7;
      const icd9 = isPcs ? tables.icd9OfProcedure(code)[0] : code;
      if (icd9 === undefined) return [];
      const groups = [`pr2:${icd9.slice(0, 2)}`, `pr3:${icd9.slice(0, 3)}`];
      return isPcs ? [`pr:${icd9}`, ...groups] : groups;
    },
  };
}

function mostUsed(candidates: readonly string[], uses: (icd9: string) => number): string | undefined {
  let best: string | undefined;
  for (const candidate of candidates) {
    if (best === undefined || uses(candidate) > uses(best)) best = candidate;
  }
  return best;
}

function familiesOf(icd9: string, tables: CodeTables): DiagnosisFamilies {
  const category = categoryOf(icd9);
  const groups = [`dx3:${category}`, ...tables.ccsOfDiagnosis(icd9).map((id) => `ccs:${id}`)];
  if (icd9.length > category.length + 1) groups.push(`dx4:${icd9.slice(0, category.length + 1)}`);
  return { codes: [icd9], groups, category };
}
