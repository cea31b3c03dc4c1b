/** The handlers of installed models: list them, use another, go back. Every turn of the pointer is audited with it. */

import type { EngineApi } from '../shared/contract.ts';
import { FlameError } from '../shared/errors.ts';
import type { ModelsApi, ModelsState } from '../shared/models-api.ts';
import { describeModel, isInstalled, listModels, SHIPPED_MODEL } from './models/installed.ts';
import { parseParameters } from './parameters.ts';
import type { Handlers } from './serve.ts';
import { modelBefore, modelUses, type NamedModel } from './store/model-uses.ts';
import type { Workspace } from './workspace.ts';

/** Turns shown; the audit log holds all. */
const SHOWN_TURNS = 50;

export function modelsHandlers(
  workspace: Workspace,
  actor: () => string,
): Pick<Handlers<EngineApi>, keyof ModelsApi> {
  return {
    'models.list': (params) => {
      parseParameters('models.list', params);
      return modelsState(workspace);
    },

    'models.use': async (params) => {
      const { model } = parseParameters('models.use', params);
      await workspace.useModel(model, { actor: actor(), cause: 'used' });
      return workspace.status();
    },

    'models.rollBack': async (params) => {
      parseParameters('models.rollBack', params);
      const previous = modelToGoBackTo(workspace);
      if (previous === null) throw new FlameError('NOT_FOUND', { what: 'model before this one' });
      await workspace.useModel(previous.model, { actor: actor(), cause: 'rolled-back' });
      return workspace.status();
    },
  };
}

export function modelsState(workspace: Workspace): ModelsState {
  return {
    models: listModels(workspace.modelFolders),
    active: workspace.status().modelId,
    previous: modelToGoBackTo(workspace)?.model ?? null,
    history: modelUses(workspace.db).reverse().slice(0, SHOWN_TURNS),
  };
}

function modelToGoBackTo({ db, modelFolders }: Workspace): NamedModel | null {
  const { name, version } = describeModel(modelFolders, SHIPPED_MODEL);
  return modelBefore(modelUses(db), { model: SHIPPED_MODEL, name, version }, (id) =>
    isInstalled(modelFolders, id),
  );
}
