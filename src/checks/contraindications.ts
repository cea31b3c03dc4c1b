/**
 * Contraindication sections of labels against the patient's coded conditions: shown as label text with the phrase marked,
 * for a person to read. Never a rule: matching words is not reading.
 */

import type { LabelCondition } from '../knowledge/patient-rules.ts';
import { isCutOff } from '../knowledge/texts.ts';
import type { Severity } from '../shared/domain.ts';
import type { Finding, FoundFinding, MissingFact } from '../shared/findings.ts';
import type { DrugId } from '../shared/ids.ts';
import type { CheckedDrug, MakeCheck } from './check.ts';
import { findCondition, type LabelHit } from './label-text.ts';
import { pregnancyOf } from './life-stages.ts';

/** The label forbids the drug for the condition, as far as words tell; unreviewed text counts as 3, as among pairs. */
const NAMED: Severity = 3;
/** The label asks for a degree of the condition that the codes do not tell, e.g. uncontrolled. */
const NAMED_TO_A_DEGREE: Severity = 2;

/** Not a coded condition: whether the patient is pregnant is asked for itself. */
const PREGNANCY: LabelCondition = {
  id: 'pregnancy',
  title: 'pregnancy',
  icd9: [],
  icd10: [],
  chronic: [],
  phrases: ['pregnancy', 'pregnant'],
  accepts: ['known', 'suspected'],
  notAfterWords: [],
};

/** As pregnancy: recorded, not coded. */
const LACTATION: LabelCondition = {
  ...PREGNANCY,
  id: 'lactation',
  title: 'breastfeeding',
  phrases: ['nursing mothers?', 'nursing women', 'breast-?\\s?feeding', 'lactation', 'lactating'],
};

/** Rules speak for the label where there is one: a drug with a rule on this matter is left to it. */
const KIDNEY = new Set(['kidney-disease', 'end-stage-renal-disease']);

export const contraindicationCheck: MakeCheck = ({ texts, version, patientRules }) => {
  const { conditions: known, renal, pregnancy, lactation } = patientRules();
  const withKidneyRule = new Set(renal.flatMap(({ drugs }) => drugs));
  const withPregnancyRule = new Set(pregnancy.flatMap(({ drugs }) => drugs));
  const withLactationRule = new Set(lactation.flatMap(({ drugs }) => drugs));
  const found = new Map<string, LabelHit | null>();

  function hitOf(drug: DrugId, condition: LabelCondition): LabelHit | null {
    const key = `${drug}\u0000${condition.id}`;
    let hit = found.get(key);
    if (hit === undefined) {
      hit = findCondition(texts.contraindications(drug), condition);
      found.set(key, hit);
    }
    return hit;
  }

  return ({ facts, drugs, conditions }) => {
    const coded = conditions();
    const present = known
      .filter(({ id }) => coded.has(id))
      .map((condition) => ({ condition, because: coded.get(condition.id)! }));
    const { state, because } = pregnancyOf(facts);
    if (state === 'pregnant') present.push({ condition: PREGNANCY, because });
    if (facts.lactation === 'lactating') present.push({ condition: LACTATION, because: 'Breastfeeding' });
    // Without any code there is nothing to compare the labels with, which is not the same as nothing found.
    const nothingCoded = facts.diagnoses.length + facts.chronic.length === 0;
    if (present.length === 0 && !nothingCoded) return [];
    return drugs.flatMap((drug): Finding[] => {
      const sections = texts.contraindications(drug.canonical);
      if (sections.length === 0)
        return [{ state: 'not-covered', check: 'contraindications', drugs: [drug.id] }];
      const asked = present.filter(
        ({ condition: { id } }) =>
          !(KIDNEY.has(id) && withKidneyRule.has(drug.canonical)) &&
          !(id === PREGNANCY.id && withPregnancyRule.has(drug.canonical)) &&
          !(id === LACTATION.id && withLactationRule.has(drug.canonical)),
      );
      const hits = asked.flatMap(({ condition, because: reason }) => {
        const hit = hitOf(drug.canonical, condition);
        return hit === null ? [] : [{ hit, reason }];
      });
      const named = onePerPlace(hits).map(({ hit, reason }) => findingFor(drug, hit, reason, version));
      if (nothingCoded) return [...named, notCheckedFor(drug, 'diagnoses')];
      return sections.every(isCutOff) ? [...named, notCheckedFor(drug, 'label-end')] : named;
    });
  };
};

function notCheckedFor(drug: CheckedDrug, missing: MissingFact): Finding {
  return { state: 'not-checked', check: 'contraindications', drugs: [drug.id], missing, entry: null };
}

/** Two conditions may point at one place (cirrhosis and liver disease): the less qualified reading stays. */
function onePerPlace<Item extends { readonly hit: LabelHit }>(hits: readonly Item[]): Item[] {
  const kept = new Map<string, Item>();
  for (const item of hits) {
    const { text, from } = item.hit.excerpt;
    const place = `${from} ${text}`;
    const held = kept.get(place);
    if (!held || item.hit.qualifiers.length < held.hit.qualifiers.length) kept.set(place, item);
  }
  return [...kept.values()];
}

function findingFor(
  drug: CheckedDrug,
  { excerpt, qualifiers }: LabelHit,
  reason: string,
  version: string,
): FoundFinding {
  const open = qualifiers.length > 0;
  return {
    state: 'found',
    check: 'contraindications',
    drugs: [drug.id],
    severity: open ? NAMED_TO_A_DEGREE : NAMED,
    because: reason,
    effect: '',
    management: open
      ? `Read the label text: it says “${qualifiers.join(' ')}”, and the codes do not tell whether that is so here.`
      : 'Read the label text, and choose another drug or write down why not.',
    mechanism: null,
    label: excerpt,
    sources: [{ citation: 'FDA label, contraindications section', version, reviewed: false }],
  };
}
