import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import { applyEdits } from '../../shared/recommendation.ts';
import { decisionEdits, editedList, standingEdits, type Edit, type EditAction } from './edits.ts';

const id = (name: string): DrugId => asId<DrugId>(name);
const edit = (action: EditAction, name: string): Edit => ({
  action,
  drug: { id: id(name), name, drugClass: null },
  inFormulary: null,
});

const drugs = ['a', 'b', 'c', 'd', 'e'];
const anyList = fc.uniqueArray(fc.constantFrom(...drugs).map(id));
const anyEdits = fc.array(
  fc.tuple(fc.constantFrom<EditAction>('keep', 'add', 'remove', 'release'), fc.constantFrom(...drugs)),
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
        const { added, removed } = decisionEdits(proposed, edits);
        expect(applyEdits(proposed, added, removed)).toEqual(editedList(proposed, edits));
        for (const drug of added) expect(proposed).not.toContain(drug);
        for (const drug of removed) expect(proposed).toContain(drug);
      }),
    );
  });
});
