/**
 * The model in use, and its changes one after another: what the pointer in the database names, or the shipped one until that is open.
 * Opens before it moves the pointer, so that a model that does not open changes nothing.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { ModelId } from '../../shared/ids.ts';
import type { ModelUse } from '../../shared/models-api.ts';
import type { StoreInUse } from '../access/store-in-use.ts';
import type { Devices } from '../devices/devices.ts';
import { attempt, failed, valueOf, type Part } from '../parts.ts';
import { modelInUse, pointToModel } from '../store/model-uses.ts';
import type { TablesInUse } from '../tables-in-use.ts';
import { ActiveModel, assertUsable, openActiveModel, openInstalled } from './active-model.ts';
import type { ModelFolders } from './installed.ts';

export interface ModelPlace {
  readonly folders: ModelFolders;
  readonly devices: Devices;
  readonly store: StoreInUse;
  readonly tables: TablesInUse;
}

export class ModelInUse {
  readonly #place: ModelPlace;
  #part: Part<ActiveModel>;
  /** Settled when the change before is through. */
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(place: ModelPlace, part: Part<ActiveModel>) {
    this.#place = place;
    this.#part = part;
  }

  /** Opens the model that the database points to, or the shipped one where it is not open; fails never. */
  static async open(place: ModelPlace): Promise<ModelInUse> {
    return new ModelInUse(place, await openChosen(place));
  }

  get part(): Part<ActiveModel> {
    return this.#part;
  }

  /**
   * Makes an installed model the one in use.
   * @throws FlameError MODEL_GATES_FAILED, MODEL_UNMEASURED, of the MODEL_PACK or STORE family, and KNOWLEDGE_CORRUPT
   */
  use(id: ModelId, turn: Pick<ModelUse, 'actor' | 'cause'>): Promise<void> {
    return this.#inTurn(async () => {
      const { folders, devices, store, tables } = this.#place;
      const { db } = valueOf(store.part);
      const knowledge = valueOf(tables.shipped);
      assertUsable(folders, id);
      const model = await openInstalled(id, { folders, knowledge, session: devices.session() });
      const { name, version } = model;
      try {
        pointToModel(db, { model: id, name, version }, turn);
      } catch (thrown) {
        await model.close();
        throw thrown;
      }
      await this.#replace({ ok: true, value: new ActiveModel(id, model, valueOf(tables.part), null) });
    });
  }

  /** Opens the model in use once more, e.g. because the database is open now or the processor changed. */
  reopen(): Promise<void> {
    return this.#inTurn(async () => {
      const { part } = this.#place.tables;
      if (!part.ok) return; // Without tables no model runs.
      const opened = await openChosen(this.#place);
      if (opened.ok) opened.value.takeTables(part.value);
      await this.#replace(opened);
    });
  }

  /** Recommends from other tables from now on. */
  takeTables(tables: Knowledge): void {
    if (this.#part.ok) this.#part.value.takeTables(tables);
  }

  /** Takes the model out of use until it is opened again. */
  fail(thrown: unknown): Promise<void> {
    return this.#replace(failed('model', thrown));
  }

  async close(): Promise<void> {
    await this.#changing;
    if (this.#part.ok) await this.#part.value.retire();
  }

  async #replace(next: Part<ActiveModel>): Promise<void> {
    const before = this.#part;
    this.#part = next;
    if (before.ok) await before.value.retire();
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => undefined);
    return changed;
  }
}

async function openChosen({ folders, devices, store, tables }: ModelPlace): Promise<Part<ActiveModel>> {
  const { shipped } = tables;
  if (!shipped.ok) return shipped;
  return attempt('model', () => {
    const pointer = store.part.ok ? modelInUse(store.part.value.db) : null;
    return openActiveModel(pointer, { folders, knowledge: shipped.value, session: devices.session() });
  });
}
