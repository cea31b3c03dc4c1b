import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type ModelId } from '../../shared/ids.ts';
import type { ModelUse } from '../../shared/models-api.ts';
import { listAudit } from './audit.ts';
import { modelBefore, modelInUse, modelUses, pointToModel, type NamedModel } from './model-uses.ts';
import { withStore } from './testing.ts';

const named = (name: string): NamedModel => ({ model: asId<ModelId>(name), name, version: '1' });
const SHIPPED = named('shipped/a');
const everything = (): boolean => true;

describe('the pointer to the model in use', () => {
  it('is the newest turn; each turn is audited with it and none can be changed', async () => {
    await withStore(({ db }) => {
      expect(modelInUse(db)).toBeNull();
      pointToModel(db, named('local/b'), { actor: 'ada', cause: 'used' });
      pointToModel(db, SHIPPED, { actor: 'ben', cause: 'rolled-back' });
      expect(modelInUse(db)).toMatchObject({ ...SHIPPED, actor: 'ben', cause: 'rolled-back' });
      expect(modelUses(db).map(({ model }) => model)).toEqual(['local/b', 'shipped/a']);
      expect(listAudit(db).map(({ action, actor, content }) => [action, actor, content])).toEqual([
        ['model.used', 'ada', { model: 'local/b 1', before: null }],
        ['model.rolled-back', 'ben', { model: 'shipped/a 1', before: 'local/b 1' }],
      ]);
      expect(() => db.run("UPDATE model_uses SET model = 'x'")).toThrow(/cannot be changed/);
      expect(() => db.run('DELETE FROM model_uses')).toThrow(/cannot be deleted/);
    });
  });
});

describe('the way back', () => {
  /** Plays turns with an undo list kept beside it; the two must always agree. */
  it('is that of an undo, for any order of using and going back', () => {
    const names = ['shipped/a', 'local/b', 'local/c', 'local/d'];
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.constantFrom(...names), { nil: null }), { maxLength: 12 }),
        (turns) => {
          const uses: ModelUse[] = [];
          const undo = ['shipped/a'];
          const turn = (cause: ModelUse['cause'], name: string): void => {
            uses.push({ at: '', actor: '', cause, ...named(name) });
          };
          for (const name of turns) {
            if (name !== null) {
              if (undo.at(-1) !== name) undo.push(name);
              turn('used', name);
              continue;
            }
            const before = modelBefore(uses, SHIPPED, everything);
            expect(before?.model ?? null).toBe(undo.at(-2) ?? null);
            if (before === null) continue;
            undo.pop();
            turn('rolled-back', before.model);
          }
          expect(modelBefore(uses, SHIPPED, everything)?.model ?? null).toBe(undo.at(-2) ?? null);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('passes over models that are gone', () => {
    const use = (name: string): ModelUse => ({ at: '', actor: '', cause: 'used', ...named(name) });
    const uses = [use('local/b'), use('local/c'), use('local/d')];
    expect(modelBefore(uses, SHIPPED, (id) => id !== 'local/c')?.model).toBe('local/b');
    expect(modelBefore(uses, SHIPPED, (id) => id.startsWith('shipped'))?.model).toBe('shipped/a');
    expect(modelBefore([], SHIPPED, everything)).toBeNull();
  });
});
