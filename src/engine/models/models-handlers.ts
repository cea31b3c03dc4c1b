/** The handlers of installed models: list, describe, verify, use, go back, import, export, remove. All changes are audited. */

import { basename } from 'node:path';
import type { EngineApi } from '../../shared/contract.ts';
import { FlameError, toWireError } from '../../shared/errors.ts';
import type { ModelId } from '../../shared/ids.ts';
import type { ModelDetails, ModelIntegrity, ModelsApi, ModelsState } from '../../shared/models-api.ts';
import type { Grants } from '../grants.ts';
import { openInstalled } from './active-model.ts';
import { exportModel, removeModel } from './export-model.ts';
import { importModel } from './import-model.ts';
import { describeModel, folderOf, isInstalled, listModels, SHIPPED_MODEL } from './installed.ts';
import { kindOf } from './model-kind.ts';
import { memoryNeeded } from './model-memory.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { appendAudit, type AuditEvent } from '../store/audit.ts';
import { modelBefore, modelInUse, modelUses, type NamedModel } from '../store/model-uses.ts';
import { draftBook } from '../unfinished-files.ts';
import type { Workspace } from '../workspace.ts';

/** Turns shown; the audit log holds all. */
const SHOWN_TURNS = 50;

export function modelsHandlers(
  workspace: Workspace,
  actor: () => string,
  grants: Grants,
): Pick<Handlers<EngineApi>, keyof ModelsApi> {
  const audit = (action: AuditEvent['action'], model: ModelId, content: AuditEvent['content']): void =>
    appendAudit(workspace.db, { actor: actor(), action, subject: model, content });
  const named = (model: ModelId): string => {
    const { name, version } = describeModel(workspace.modelFolders, model);
    return `${name} ${version}`.trim();
  };

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

    'models.details': (params) => {
      const { model } = parseParameters('models.details', params);
      return detailsOf(workspace, model);
    },

    'models.verify': async (params) => {
      const { model } = parseParameters('models.verify', params);
      return verifyModel(workspace, model);
    },

    'models.import': async (params, { signal, progress }) => {
      const { grant } = parseParameters('models.import', params);
      const { db, knowledge, modelFolders: folders } = workspace;
      const path = grants.path(grant, 'read');
      const imported = await importModel(path, { folders, knowledge, signal, onProgress: progress });
      grants.used(grant);
      const { id, name, version } = imported.model;
      appendAudit(db, {
        actor: actor(),
        action: 'model.imported',
        subject: id,
        content: { model: `${name} ${version}`, file: basename(path) },
      });
      return imported;
    },

    'models.export': async (params) => {
      const { model, grant } = parseParameters('models.export', params);
      const file = grants.path(grant, 'write');
      const bytes = await exportModel(workspace.modelFolders, model, file, {
        book: draftBook(workspace.db),
        // Written down before it has its name: no file leaves Flame unwritten in the log.
        beforePublish: () => audit('model.exported', model, { model: named(model), file: basename(file) }),
      });
      grants.used(grant);
      return { bytes };
    },

    'models.remove': (params) => {
      const { model } = parseParameters('models.remove', params);
      const { db, modelFolders } = workspace;
      const name = named(model);
      db.transaction(() => {
        audit('model.removed', model, { model: name });
        removeModel(modelFolders, model, [workspace.status().modelId, modelInUse(db)?.model ?? null]);
      });
      return modelsState(workspace);
    },
  };
}

function modelsState(workspace: Workspace): ModelsState {
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

/** What can be read of a damaged model is shown all the same. */
function detailsOf({ modelFolders: folders }: Workspace, id: ModelId): ModelDetails {
  const model = describeModel(folders, id);
  const base =
    model.base &&
    listModels(folders).find(
      ({ name, version }) => name === model.base?.name && version === model.base.version,
    );
  const memory = memoryNeeded(model.bytes + (base?.bytes ?? 0));
  try {
    const folder = folderOf(folders, id);
    const kind = kindOf(folder);
    const { files } = kind.describe(folder, () => null);
    return { model, ...kind.details(folder), files, memory };
  } catch (thrown) {
    const problem = model.problem ?? toWireError(thrown);
    return { model: { ...model, problem }, card: null, provenance: [], files: [], memory };
  }
}

async function verifyModel(workspace: Workspace, id: ModelId): Promise<ModelIntegrity> {
  const { knowledge, modelFolders: folders } = workspace;
  const at = new Date().toISOString();
  try {
    const folder = folderOf(folders, id);
    const kind = kindOf(folder);
    const { files } = kind.describe(folder, () => null);
    kind.check(folder);
    // Opening runs the model once to warm up.
    const model = await openInstalled(id, { folders, knowledge });
    await model.close();
    return {
      at,
      files: files.length,
      bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
      problem: null,
    };
  } catch (thrown) {
    return { at, files: 0, bytes: 0, problem: toWireError(thrown) };
  }
}
