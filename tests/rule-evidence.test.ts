/** The compile holds the rules against label text: what agrees, what has to be judged, and what falls with its words. */

import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readDrugs } from '../scripts/knowledge/drugs.ts';
import { readPatientRules } from '../scripts/knowledge/patient-rules.ts';
import {
  checkPatientRules,
  passagesOf,
  readEvidence,
  type EvidenceFile,
} from '../scripts/knowledge/rule-evidence.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import type { PatientRules } from '../src/knowledge/patient-rules.ts';
import { asId, type DrugId } from '../src/shared/ids.ts';

const ROOT = resolve(import.meta.dirname, '..');
const SOURCES = join(ROOT, 'data', 'knowledge');
const { texts } = loadKnowledge(join(ROOT, 'resources', 'knowledge'));

let rules: PatientRules;
let evidence: EvidenceFile;
let sections: Map<string, readonly string[]>;

beforeAll(() => {
  rules = readPatientRules(SOURCES, readDrugs(SOURCES));
  evidence = readEvidence(SOURCES);
  const drugs = Object.values(rules).flatMap((list) =>
    Array.isArray(list)
      ? (list as { drugs?: readonly string[] }[]).flatMap(({ drugs: ids = [] }) => ids)
      : [],
  );
  sections = new Map(drugs.map((id) => [id, texts.contraindications(asId<DrugId>(id))]));
});

const answer = (rule: string, drug: string) =>
  checkPatientRules(rules, sections, evidence)
    .find((one) => one.rule.id === rule)
    ?.answers.get(drug);

describe('the shipped rules', () => {
  test('are each held against the section of each of their drugs', () => {
    const checked = checkPatientRules(rules, sections, evidence);
    for (const { rule, answers } of checked) expect([...answers.keys()]).toEqual(rule.drugs);
    expect(answer('renal:fondaparinux-30', 'fondaparinux')).toMatchObject({ state: 'agrees' });
    expect(answer('renal:nitrofurantoin-60', 'nitrofurantoin')).toMatchObject({ state: 'differs' });
    expect(answer('renal:digoxin-60', 'digoxin')).toEqual({ state: 'silent', cut: false });
    expect(answer('renal:lithium-30', 'lithium')).toEqual({ state: 'no-section' });
  });

  test('leave no drug contraindicated against a section that is held whole and says nothing of it', () => {
    const bad = new Map(sections).set('fondaparinux', ['Contraindicated in active major bleeding.']);
    expect(() => checkPatientRules(rules, bad, evidence)).toThrow(
      /renal:fondaparinux-30, fondaparinux: contraindicated by the rule, and the whole section is silent/,
    );
  });

  test('have another number than the label only where somebody judged it', () => {
    const bad = new Map(sections).set('dofetilide', [
      'Contraindicated in severe renal impairment (creatinine clearance <15 mL/min).',
    ]);
    expect(() => checkPatientRules(rules, bad, evidence)).toThrow(
      /renal:dofetilide-20, dofetilide: to be judged/,
    );
  });

  test('are not milder than a label that forbids, unless somebody judged it', () => {
    const bad = new Map(sections).set('digoxin', ['Digoxin is contraindicated in renal failure.']);
    expect(() => checkPatientRules(rules, bad, evidence)).toThrow(/renal:digoxin-60, digoxin: to be judged/);
  });
});

describe('a judgement', () => {
  test('falls when the words that it judged are gone', () => {
    const bad = new Map(sections).set('penicillamine', ['Contraindicated in renal insufficiency.']);
    expect(() => checkPatientRules(rules, bad, evidence)).toThrow(
      /no label text holds “use of penicillamine/,
    );
  });

  test('of a rule that does not exist is refused', () => {
    const { judgements } = evidence;
    const more = { ...judgements[0]!, rule: 'renal:nothing-10' };
    expect(() =>
      checkPatientRules(rules, sections, { ...evidence, judgements: [...judgements, more] }),
    ).toThrow(/renal:nothing-10.*there is no such rule/);
  });
});

test('a passage is cut around what it is quoted for, and cross-references do not count', () => {
  const text = `${'Filler words here, '.repeat(20)}creatinine clearance < 40 mL/min, ${'and more of them, '.repeat(20)}.`;
  const [passage] = passagesOf(text, /creatinine/i);
  expect(passage).toMatch(/^… .*creatinine clearance < 40 mL\/min.* …$/);
  expect(passage!.length).toBeLessThan(320);
  expect(passagesOf('Hypersensitivity [see Use in Renal Impairment (8.6)].', /renal/i)).toEqual([]);
});
