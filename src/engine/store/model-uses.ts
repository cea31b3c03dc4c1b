/** The pointer to the model in use, and every turn that it made. Opens no model and does not know whether one exists. */

import { asId, type ModelId } from '../../shared/ids.ts';
import type { ModelUse } from '../../shared/models-api.ts';
import { appendAudit } from './audit.ts';
import type { ReadableDb, WritableDb } from './handle.ts';

interface Row {
  readonly at: string;
  readonly actor: string;
  readonly cause: ModelUse['cause'];
  readonly model: string;
  readonly name: string;
  readonly version: string;
}

/** A model as the pointer names it: a folder whose content changed since is not the model that was chosen. */
export type NamedModel = Pick<ModelUse, 'model' | 'name' | 'version'>;

/** The model in use; null until one was chosen, which means the shipped one. */
export function modelInUse(db: ReadableDb): ModelUse | null {
  const row = db.get<Row>('SELECT * FROM model_uses ORDER BY key DESC LIMIT 1');
  return row ? useOf(row) : null;
}

/** Every turn of the pointer, oldest first. */
export function modelUses(db: ReadableDb): ModelUse[] {
  return db.all<Row>('SELECT * FROM model_uses ORDER BY key').map(useOf);
}

/** Moves the pointer, with its audit entry. */
export function pointToModel(
  db: WritableDb,
  { model, name, version }: NamedModel,
  { actor, cause }: Pick<ModelUse, 'actor' | 'cause'>,
): void {
  const at = new Date().toISOString();
  db.transaction(() => {
    const before = modelInUse(db);
    db.run(
      'INSERT INTO model_uses (at, actor, cause, model, name, version) VALUES (?, ?, ?, ?, ?, ?)',
      at,
      actor,
      cause,
      model,
      name,
      version,
    );
    appendAudit(db, {
      actor,
      action: cause === 'used' ? 'model.used' : 'model.rolled-back',
      subject: model,
      content: {
        model: `${name} ${version}`,
        before: before === null ? null : `${before.name} ${before.version}`,
      },
    });
  });
}

/**
 * What was in use before the present model, as an undo would find it: going back twice leads two models back, and a model
 * that was used anew starts a new way back. Models that `isThere` does not know are passed over.
 * @param start the shipped model, in use before the first turn
 */
export function modelBefore(
  uses: readonly ModelUse[],
  start: NamedModel,
  isThere: (model: ModelId) => boolean,
): NamedModel | null {
  const way: NamedModel[] = [start];
  for (const use of uses) {
    if (use.cause === 'rolled-back') {
      while (way.length > 1 && way.at(-1)!.model !== use.model) way.pop();
      if (way.at(-1)!.model !== use.model) way.splice(0, way.length, use);
    } else if (way.at(-1)!.model === use.model) way[way.length - 1] = use;
    else way.push(use);
  }
  const present = way.pop()!;
  return way.reverse().find(({ model }) => model !== present.model && isThere(model)) ?? null;
}

function useOf({ at, actor, cause, model, name, version }: Row): ModelUse {
  return { at, actor, cause, model: asId<ModelId>(model), name, version };
}
