/** Recorded allergies against the drugs: the drug itself, its class, and classes that cross-react. Knows no food. */

import { readAllergyEntry } from '../knowledge/allergies.ts';
import { FROM_MEMORY } from '../knowledge/patient-rules.ts';
import type { Severity } from '../shared/domain.ts';
import type { Finding, FindingSource, FoundFinding } from '../shared/findings.ts';
import { findingOf, rulesByDrug, type CheckedDrug, type MakeCheck } from './check.ts';

/** The drug itself, or a member of a class that labels exclude as a whole: as hard as the rule that keeps it off lists. */
const SAME_CLASS: Severity = 4;

export const allergyCheck: MakeCheck = ({ drugs: tables, version, patientRules }) => {
  const { crossReactivity, allergyClasses } = patientRules();
  const cross = rulesByDrug(crossReactivity);
  return ({ facts, drugs }) => {
    const findings: Finding[] = [];
    for (const written of new Set(facts.allergies)) {
      const { named, classes } = readAllergyEntry(tables, written);
      if (named.length + classes.length === 0) {
        findings.push({
          state: 'not-checked',
          check: 'allergies',
          drugs: [],
          missing: 'allergy-meaning',
          entry: written,
        });
      }
      const because = `Recorded allergy: ${written}`;
      for (const drug of drugs) {
        const group = classes.find(({ members }) => members.includes(drug.canonical))?.allergyClass;
        if (named.includes(drug.canonical)) {
          findings.push(excluded(drug, because, { citation: 'the recorded entry itself', version }));
        } else if (group) {
          const support = allergyClasses[group.title]?.[drug.canonical] ?? FROM_MEMORY;
          const source = { citation: group.citation, version, support };
          const how = group.partners?.includes(drug.canonical)
            ? `; it is sold only together with a drug of the class ${group.title}`
            : `, of the class ${group.title}`;
          findings.push(excluded(drug, `${because}${how}`, source));
        } else {
          for (const rule of cross.get(drug.canonical) ?? []) {
            const from = classes.find(({ allergyClass }) => allergyClass.title === rule.allergyClass);
            if (from)
              findings.push(
                findingOf('allergies', rule, drug, `${because}, of the class ${rule.allergyClass}`),
              );
          }
        }
      }
    }
    return findings;
  };
};

function excluded(drug: CheckedDrug, because: string, source: Omit<FindingSource, 'reviewed'>): FoundFinding {
  return {
    state: 'found',
    check: 'allergies',
    drugs: [drug.id],
    severity: SAME_CLASS,
    because,
    effect: 'Allergic reaction, up to anaphylaxis.',
    management: 'Do not use, unless the entry proves wrong; ask what happened.',
    mechanism: null,
    label: null,
    sources: [{ ...source, reviewed: true }],
  };
}
