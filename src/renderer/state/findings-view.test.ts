import { describe, expect, it } from 'vitest';
import { pairKey } from '../../shared/interactions.ts';
import { FINDINGS } from '../testing/example-findings.ts';
import { drugId } from '../testing/fixtures.ts';
import { findingsInWords, unknownWords } from '../wording/findings.ts';
import { toldByTable, viewFindings, type FindingsQuestion } from './findings-view.ts';
import { setOf } from './sets.ts';

const ALL = ['naproxen', 'spironolactone', 'lisinopril', 'furosemide'].map(drugId);
const question: FindingsQuestion = {
  answer: { report: { findings: FINDINGS, knowledgeVersion: 'k' }, drugs: setOf(ALL) },
  list: ALL,
  current: [drugId('warfarin')],
  told: setOf(),
  tableShown: true,
  allergyWarned: false,
};
const checksOf = (list: readonly { readonly check: string }[]): string[] => list.map(({ check }) => check);

describe('viewFindings', () => {
  it('sorts by how loudly a finding may speak, and keeps the unknown apart', () => {
    const view = viewFindings(question);
    expect(checksOf(view.interrupt)).toEqual(['contraindications', 'interactions']);
    expect(checksOf(view.list)).toEqual(['renal-function']);
    expect(checksOf(view.fold)).toEqual(['age']);
    expect(checksOf(view.missing)).toEqual(['renal-function', 'allergies']);
    expect(checksOf(view.uncovered)).toEqual(['contraindications']);
    expect(findingsInWords(view)).toBe('2 to act on, 1 to know, 1 minor; 2 questions open');
  });

  it('cuts to the drugs on the screen, and names those that were not asked about', () => {
    const view = viewFindings({ ...question, list: ['spironolactone', 'metformin'].map(drugId) });
    expect([view.interrupt, view.fold]).toEqual([[], []]);
    expect(checksOf(view.list)).toEqual(['renal-function']);
    expect(view.unasked).toEqual(['metformin']);
    expect(viewFindings({ ...question, answer: null }).unasked).toHaveLength(5);
  });

  it('does not tell again what the table of interactions or a warning tells', () => {
    const told = setOf([pairKey(drugId('naproxen'), drugId('warfarin'))]);
    const view = viewFindings({ ...question, told, allergyWarned: true });
    expect(checksOf(view.interrupt)).toEqual(['contraindications']);
    expect(checksOf(view.missing)).toEqual(['renal-function']);
  });

  it('tells a severe pair of drugs that were taken together already, which the table folds away', () => {
    const [naproxen, warfarin, lisinopril] = ['naproxen', 'warfarin', 'lisinopril'].map(drugId);
    const pair = (b: typeof warfarin, severity: 2 | 3) =>
      ({ a: naproxen!, b: b!, severity, disputed: false, sources: [] }) as const;
    const amongCurrent = [pair(warfarin, 3), pair(lisinopril, 2)];
    expect([...toldByTable({ found: [], amongCurrent })]).toEqual([pairKey(naproxen!, lisinopril!)]);
    expect(toldByTable({ found: amongCurrent, amongCurrent: [] }).size).toBe(2);
  });

  it('keeps a check that broke off in sight, whatever is on the list', () => {
    const failed = { state: 'failed', check: 'age', drugs: [], problem: 'table is damaged' } as const;
    const answer = { report: { findings: [...FINDINGS, failed], knowledgeVersion: 'k' }, drugs: setOf(ALL) };
    const view = viewFindings({ ...question, answer, list: [], allergyWarned: true });
    expect(view.failed).toEqual([{ check: 'age', problem: 'table is damaged' }]);
    expect(findingsInWords(view)).toBe('nothing found; 1 question open');
  });

  it('says in words what was not answered, and for which drugs', () => {
    const [kidney, allergy] = viewFindings(question).missing;
    expect(unknownWords(kidney!, (drug) => drug)).toBe(
      'Kidney function: no creatinine is recorded. Concerns lisinopril.',
    );
    expect(unknownWords(allergy!, (drug) => drug)).toBe(
      'Allergies: no drug is known by the entry “shellfish”.',
    );
  });
});
