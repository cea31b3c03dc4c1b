/**
 * The model in use: opened by the pointer, or the shipped one in its place with the reason. Stays open until the last
 * call that works with it is through. Moves no pointer.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { SessionOptions } from '../../nn/session.ts';
import type { ModelFallback } from '../../shared/contract.ts';
import { FlameError, toWireError } from '../../shared/errors.ts';
import type { ModelId } from '../../shared/ids.ts';
import type { OpenModel } from './model.ts';
import { Recommender } from '../decisions/recommend.ts';
import type { NamedModel } from '../store/model-uses.ts';
import { baseFolder, folderOf, SHIPPED_MODEL, type ModelFolders } from './installed.ts';
import { kindOf, type OpenContext } from './model-kind.ts';

export interface OpenOptions {
  readonly folders: ModelFolders;
  readonly knowledge: Knowledge;
  readonly session?: SessionOptions;
}

export class ActiveModel {
  readonly id: ModelId;
  readonly model: OpenModel;
  /** Why this is not the model that was chosen; null when it is. */
  readonly fallback: ModelFallback | null;
  #recommender: Recommender;
  #users = 0;
  #retired = false;

  constructor(id: ModelId, model: OpenModel, knowledge: Knowledge, fallback: ModelFallback | null) {
    this.id = id;
    this.model = model;
    this.#recommender = new Recommender(knowledge, model);
    this.fallback = fallback;
  }

  /** Over the tables in use; another one whenever they change. */
  get recommender(): Recommender {
    return this.#recommender;
  }

  /** Recommends from other tables from now on: a site's own came or went. */
  takeTables(knowledge: Knowledge): void {
    this.#recommender = new Recommender(knowledge, this.model);
  }

  /** Lets `work` use the model, which stays open until it is through even when another one is chosen meanwhile. */
  async use<T>(work: (active: ActiveModel) => T | Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      return await work(this);
    } finally {
      this.#users -= 1;
      await this.#closeWhenLeft();
    }
  }

  /** Closes the model once nobody works with it. */
  async retire(): Promise<void> {
    if (this.#retired) return;
    this.#retired = true;
    await this.#closeWhenLeft();
  }

  async #closeWhenLeft(): Promise<void> {
    if (this.#retired && this.#users === 0) await this.model.close();
  }
}

/**
 * Opens the model that the pointer names; null is the shipped one. Where it does not open, the shipped one stands in.
 * @throws FlameError of the MODEL_PACK family when the shipped model does not open either
 */
export async function openActiveModel(
  pointer: NamedModel | null,
  options: OpenOptions,
): Promise<ActiveModel> {
  if (pointer === null || pointer.model === SHIPPED_MODEL) return openShipped(options, null);
  try {
    const model = await openNamed(pointer, options);
    return new ActiveModel(pointer.model, model, options.knowledge, null);
  } catch (thrown) {
    const { model: id, name, version } = pointer;
    return openShipped(options, { wanted: { id, name, version }, error: toWireError(thrown) });
  }
}

/** @throws FlameError MODEL_GATES_FAILED, MODEL_UNMEASURED for a model that may not recommend, or of the MODEL_PACK family */
export function assertUsable(folders: ModelFolders, id: ModelId): void {
  const folder = folderOf(folders, id);
  kindOf(folder).assertUsable(folder);
}

/** @throws FlameError of the MODEL_PACK family */
export async function openInstalled(id: ModelId, { folders, knowledge, session }: OpenOptions): Promise<OpenModel> {
  const folder = folderOf(folders, id);
  const context: OpenContext = {
    knowledge,
    ...(session === undefined ? {} : { session }),
    baseFolder: (name, version) => baseFolder(folders, name, version),
  };
  return kindOf(folder).open(folder, context);
}

async function openShipped(options: OpenOptions, fallback: ModelFallback | null): Promise<ActiveModel> {
  const model = await openInstalled(SHIPPED_MODEL, options);
  return new ActiveModel(SHIPPED_MODEL, model, options.knowledge, fallback);
}

/** A folder that holds another model than the one that was chosen is not opened in its name. */
async function openNamed({ model: id, name, version }: NamedModel, options: OpenOptions): Promise<OpenModel> {
  const model = await openInstalled(id, options);
  if (model.name === name && model.version === version) return model;
  await model.close();
  const problem = `it holds ${model.name} ${model.version} instead of ${name} ${version}, which was chosen`;
  throw new FlameError('MODEL_PACK_CORRUPT', { pack: name, problem });
}
