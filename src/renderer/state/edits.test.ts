import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import { applyEdits } from '../../shared/recommendation.ts';
import { editedList, editsOf, standingEdits, wordsOf, type Edit, type EditAction } from './edits.ts';

const id = (name: string): DrugId => asId<DrugId>(name);
const edit = (action: EditAction, name: string): Edit => ({
  action,
  drug: { id: id(name), name, drugClass: null },
  inFormulary: null,
});

const drugs = ['a', 'b', 'c', 'd', 'e'];
const anyList = fc.uniqueArray(fc.constantFrom(...drugs).map(id));
const anyEdits = fc.array(
  fc.tuple(
    fc.constantFrom<EditAction>('keep', 'modify', 'add', 'remove', 'release'),
    fc.constantFrom(...drugs),
  ),
);

describe('edits', () => {
  it('outrank the slider: a kept drug stays, a removed drug stays off', () => {
    const edits = [edit('keep', 'a'), edit('remove', 'b')];
    expect(editedList([id('a'), id('b')], edits)).toEqual(['a']);
    expect(editedList([id('c')], edits)).toEqual(['c', 'a']);
  });

  it('let the last word on a drug stand, and release it to the slider', () => {
    const edits = [edit('remove', 'a'), edit('add', 'a')];
    expect(editedList([], edits)).toEqual(['a']);
    expect(editedList([], [...edits, edit('release', 'a')])).toEqual([]);
    expect(standingEdits([...edits, edit('release', 'a')]).size).toBe(0);
  });

  it('undo by dropping the last one', () => {
    const edits = [edit('add', 'a'), edit('remove', 'a')];
    expect(editedList([], edits.slice(0, -1))).toEqual(['a']);
  });

  it('reach the engine so that it rebuilds the list on the screen', () => {
    fc.assert(
      fc.property(anyList, anyEdits, (proposed, raw) => {
        const edits = raw.map(([action, name]) => edit(action, name));
        const { chosen, rejected } = wordsOf(edits);
        const wanted = chosen.map(({ drug }) => drug);
        expect(applyEdits(proposed, wanted, rejected)).toEqual(editedList(proposed, edits));
        expect(new Set([...wanted, ...rejected]).size).toBe(wanted.length + rejected.length);
        const undecided = proposed.filter((drug) => !standingEdits(edits).has(drug));
        expect(new Set(editedList(proposed, edits))).toEqual(new Set([...wanted, ...undecided]));
      }),
    );
  });

  it('lead from a decision back to its own words', () => {
    fc.assert(
      fc.property(anyList, anyEdits, (proposed, raw) => {
        const words = wordsOf(raw.map(([action, name]) => edit(action, name)));
        const decision = {
          final: words.chosen.map(({ drug }) => ({ id: drug, name: drug, drugClass: null })),
          chosen: words.chosen,
          rejected: words.rejected.map((drug) => ({ drug, name: drug, reason: null, note: '' })),
        };
        const again = editsOf(decision, () => undefined);
        expect(wordsOf(again)).toEqual(words);
        expect(editedList(proposed, again)).toEqual(
          applyEdits(
            proposed,
            words.chosen.map(({ drug }) => drug),
            words.rejected,
          ),
        );
      }),
    );
  });

  it('keep how a modified drug is taken, and call each word by its name', () => {
    const use = { dose: '5 mg', route: 'by mouth', frequency: 'once a day', instructions: '' };
    const edits = [edit('keep', 'a'), { ...edit('modify', 'a'), use }, edit('add', 'b'), edit('remove', 'c')];
    expect(wordsOf(edits)).toEqual({
      chosen: [
        { drug: 'a', verdict: 'modified', use },
        { drug: 'b', verdict: 'added', use: { dose: '', route: '', frequency: '', instructions: '' } },
      ],
      rejected: ['c'],
    });
  });
});
