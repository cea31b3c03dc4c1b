/** Everything that the rules were held against, in one place for the tables and the report. Judges nothing itself. */

import { ALLERGY_CLASSES } from '../../src/knowledge/allergies.ts';
import type { PatientRule, PatientRules } from '../../src/knowledge/patient-rules.ts';
import {
  checkClassRules,
  classRuleSupport,
  pairKey,
  type CheckedClassRule,
  type ClassRuleSupport,
} from './class-evidence.ts';
import type { DrugTables } from './drugs.ts';
import type { Pair } from './interactions.ts';
import { readPatientRules } from './patient-rules.ts';
import {
  allergyClassSupport,
  checkPatientRules,
  readEvidence,
  supportOf,
  type CheckedRule,
  type EvidenceFile,
} from './rule-evidence.ts';
import type { ResolvedRule } from './rules.ts';

export interface RuleEvidence {
  /** The rules as they are compiled, with their support. */
  readonly patientRules: PatientRules;
  readonly checked: readonly CheckedRule[];
  readonly classRules: readonly CheckedClassRule[];
  readonly classSupport: ClassRuleSupport;
  readonly file: EvidenceFile;
  /** Members of each allergy class, as many as resolve. */
  readonly allergyMembers: Readonly<Record<string, readonly string[]>>;
}

interface Compiled {
  readonly tables: DrugTables;
  readonly rules: readonly ResolvedRule[];
  readonly pairs: readonly Pair[];
  readonly sections: ReadonlyMap<string, readonly string[]>;
}

/** @throws Error where label text contradicts a rule and nobody judged it, or a reading names no rule */
export function gatherEvidence(
  directory: string,
  { tables, rules, pairs, sections }: Compiled,
): RuleEvidence {
  const written = readPatientRules(directory, tables);
  const file = readEvidence(directory);
  const checked = checkPatientRules(written, sections, file);
  const known = new Set([...checked.map(({ rule }) => rule.id), ...rules.map(({ id }) => `rule:${id}`)]);
  const byId = new Map(checked.map(({ rule }) => [rule.id, rule]));
  const strangers = file.readings.flatMap(({ rules: named, drugs = [] }) =>
    drugs.filter((drug) => !named.some((id) => byId.get(id)?.drugs.some((own) => own === drug))),
  );
  if (strangers.length > 0)
    throw new Error(`rule-evidence.json: read for ${strangers.join(', ')}, which the rule does not hold`);
  const lost = file.readings.flatMap(({ rules: named }) => named).filter((id) => !known.has(id));
  if (lost.length > 0)
    throw new Error(`rule-evidence.json: read for ${lost.join(', ')}, but there is no such rule`);

  const support = new Map(checked.map((one) => [one.rule.id, supportOf(one, file.readings)]));
  const supported = <Rule extends PatientRule>(list: readonly Rule[]): Rule[] =>
    list.map((rule) => ({ ...rule, support: support.get(rule.id) ?? {} }));
  const members = (name: string): readonly string[] => tables.resolve(name);
  const classRules = checkClassRules(rules, levelsOf(pairs), sections, file);
  return {
    patientRules: {
      ...written,
      renal: supported(written.renal),
      age: supported(written.age),
      pregnancy: supported(written.pregnancy),
      lactation: supported(written.lactation),
      crossReactivity: supported(written.crossReactivity),
      allergyClasses: allergyClassSupport(members, sections),
    },
    checked,
    classRules,
    classSupport: classRuleSupport(classRules, file),
    file,
    allergyMembers: Object.fromEntries(
      ALLERGY_CLASSES.map(({ title, members: names }) => [title, [...new Set(names.flatMap(members))]]),
    ),
  };
}

/** What tables state of each pair, without the rules and without what was set aside. */
function levelsOf(pairs: readonly Pair[]): Map<string, Record<string, number>> {
  return new Map(
    pairs.map(({ a, b, evidence }) => [
      pairKey(a, b),
      Object.fromEntries(
        evidence
          .filter(({ source, setAside }) => setAside === undefined && !source.startsWith('rule:'))
          .map(({ source, level }) => [source, level]),
      ),
    ]),
  );
}
