/** `flame models`: lists and checks installed models; imports, uses, goes back, exports and removes in a profile. */

import { basename } from 'node:path';
import { Command } from 'commander';
import { openInstalled } from '../../engine/models/active-model.ts';
import {
  describeModel,
  folderOf,
  listModels,
  modelFolders,
  type ModelFolders,
} from '../../engine/models/installed.ts';
import { kindOf } from '../../engine/models/model-kind.ts';
import { describeError, FlameError, isErrorCode, errorData } from '../../shared/errors.ts';
import { asId, type ModelId } from '../../shared/ids.ts';
import type { InstalledModel } from '../../shared/models-api.ts';
import { ProgressLine, table, writeJson, writeLines } from '../output.ts';
import { hasProfile, profileFolder, PROFILE_OPTION, withProfileEngine } from '../profile-engine.ts';
import { interruptible, openKnowledge, PATHS } from '../setup.ts';

interface Options {
  readonly json?: boolean;
  readonly profile?: string;
}

export function modelsCommand(): Command {
  const models = new Command('models')
    .description('models: list, check, install, use, go back')
    .exitOverride();
  const command = (name: string, description: string): Command =>
    models
      .command(name)
      .description(description)
      .option(...PROFILE_OPTION)
      .option('--json', 'one JSON document on standard output');

  command('list', 'every model, shipped or installed, and which one is in use').action(list);
  command('verify', 'check every file of a model, or of all, and run it once')
    .argument('[model]', 'name, or shipped/… or local/… as `list` shows it')
    .action(verify);
  command('import', 'install a model from a folder or a zip archive; it is not used yet')
    .argument('<path>')
    .action(install);
  command('use', 'make a model the one that recommends from now on')
    .argument('<model>')
    .action(async (model: string, options: Options) =>
      turn(options, (id) => ['models.use', { model: id }], model),
    );
  command('rollback', 'go back to the model that was in use before').action(async (options: Options) =>
    turn(options, () => ['models.rollBack', {}]),
  );
  command('export', 'write a model as a zip archive')
    .argument('<model>')
    .argument('<file.zip>')
    .action(exportTo);
  command('remove', 'remove an installed model that is not in use, for good')
    .argument('<model>')
    .action(remove);
  return models;
}

function foldersOf({ profile }: Options): ModelFolders {
  return modelFolders({ models: PATHS.models, profile: profileFolder(profile) });
}

/** A model by its id, its folder or its name. @throws FlameError MODEL_PACK_MISSING, INVALID_INPUT when several are so called */
function findModel(folders: ModelFolders, named: string): InstalledModel {
  const found = listModels(folders).filter(({ id, name, version }) =>
    [id, name, `${name} ${version}`, id.slice(id.indexOf('/') + 1)].includes(named),
  );
  const exact = found.find(({ id }) => id === named) ?? (found.length === 1 ? found[0] : undefined);
  if (exact) return exact;
  if (found.length === 0) throw new FlameError('MODEL_PACK_MISSING', { pack: named });
  const problem = `several models are called ${named}: ${found.map(({ id }) => id).join(', ')}`;
  throw new FlameError('INVALID_INPUT', { problem });
}

async function list(options: Options): Promise<void> {
  const folder = profileFolder(options.profile);
  // Without a database nothing was chosen; one that cannot be opened now leaves the choice unknown, and says why.
  const state = hasProfile(folder)
    ? await withProfileEngine(folder, (engine) => engine.call('models.list', {})).catch(
        (thrown: unknown) => thrown,
      )
    : null;
  const known = state !== null && !(state instanceof Error) ? (state as { active: ModelId | null }) : null;
  const found = listModels(foldersOf(options));
  if (options.json) {
    writeJson(
      found.map((model) => ({ ...model.summary, ...model, inUse: known && known.active === model.id })),
    );
    return;
  }
  if (found.length === 0) {
    writeLines([`No model in ${PATHS.models}.`]);
    return;
  }
  const rows = found.map((model) => [
    known?.active === model.id ? '*' : '',
    model.id,
    model.name,
    model.version,
    model.summary ? String(model.summary.formularySize) : '',
    remarkOn(model),
  ]);
  writeLines(table([['', 'model', 'name', 'version', 'drugs', 'trained on'], ...rows]));
  if (known) writeLines(['', '* in use']);
  if (state instanceof Error) writeLines(['', `Which one is in use cannot be told now. ${state.message}`]);
  for (const { name, summary } of found) {
    const [first] = summary?.metrics ?? [];
    if (!first) continue;
    const lines = summary!.metrics.map((metric) => `  ${metric.name} ${metric.value.toFixed(4)}`);
    writeLines(['', `${name}, ${first.protocol}:`, ...lines]);
  }
}

function remarkOn({ base, summary, problem }: InstalledModel): string {
  if (problem)
    return isErrorCode(problem.code) ? describeError(problem.code, problem.details).title : problem.code;
  return base ? `on ${base.name} ${base.version}` : (summary?.trainedOn ?? '');
}

async function verify(named: string | undefined, options: Options): Promise<void> {
  const folders = foldersOf(options);
  const chosen = named === undefined ? listModels(folders) : [findModel(folders, named)];
  if (chosen.length === 0) throw new FlameError('MODEL_PACK_MISSING', { pack: PATHS.models });
  const knowledge = openKnowledge();
  const results = [];
  for (const { id, name } of chosen) {
    try {
      const folder = folderOf(folders, id);
      kindOf(folder).check(folder);
      const model = await openInstalled(id, { folders, knowledge });
      await model.close();
      results.push({ id, name, version: model.version, error: null });
    } catch (thrown) {
      const error = errorData(thrown);
      results.push({
        id,
        name,
        version: null,
        error: { ...error, ...describeError(error.code, error.details) },
      });
    }
  }
  const failed = results.find(({ error }) => error !== null);
  if (options.json) writeJson(failed ? { packs: results, error: failed.error } : { packs: results });
  else writeLines(results.map(({ name, error }) => `${name}: ${error === null ? 'sound' : error.title}`));
  if (failed?.error) {
    process.stderr.write(`flame: ${failed.error.title}\n       ${failed.error.action}\n`);
    process.exitCode = 1;
  }
}

async function install(path: string, options: Options): Promise<void> {
  const line = new ProgressLine();
  try {
    await withProfileEngine(profileFolder(options.profile), async (engine) => {
      const imported = await engine.call(
        'models.import',
        { grant: await engine.grant(path, 'read') },
        {
          signal: interruptible(),
          onProgress: ({ stage, fraction }) =>
            line.show(`${stage}${fraction === null ? '' : ` ${Math.round(fraction * 100)} %`}`),
        },
      );
      line.end();
      const { model, memory } = imported;
      if (options.json) writeJson(imported);
      else
        writeLines([
          `Installed ${model.name} ${model.version} as ${model.id}. It takes about ${Math.ceil(memory / 1e6)} MB of memory.`,
          `Use it with: flame models use ${model.id}`,
        ]);
    });
  } finally {
    line.end();
  }
}

/** Moves the pointer and says which model recommends now. */
async function turn(
  options: Options,
  callOf: (id: ModelId) => ['models.use', { model: ModelId }] | ['models.rollBack', Record<string, never>],
  named?: string,
): Promise<void> {
  const id = named === undefined ? asId<ModelId>('') : findModel(foldersOf(options), named).id;
  const status = await withProfileEngine(profileFolder(options.profile), (engine) => {
    const [method, params] = callOf(id);
    return method === 'models.use' ? engine.call(method, params) : engine.call(method, params);
  });
  if (options.json) writeJson({ model: status.model, id: status.modelId });
  else writeLines([`${status.model?.name} ${status.model?.version} recommends from now on.`]);
}

async function exportTo(named: string, file: string, options: Options): Promise<void> {
  const { id, name, version } = findModel(foldersOf(options), named);
  const { bytes } = await withProfileEngine(profileFolder(options.profile), async (engine) =>
    engine.call('models.export', { model: id, grant: await engine.grant(file, 'write') }),
  );
  if (options.json) writeJson({ model: id, file, bytes });
  else writeLines([`${name} ${version} is written to ${basename(file)}.`]);
}

async function remove(named: string, options: Options): Promise<void> {
  const folders = foldersOf(options);
  const { id } = findModel(folders, named);
  const { name, version } = describeModel(folders, id);
  await withProfileEngine(profileFolder(options.profile), (engine) =>
    engine.call('models.remove', { model: id }),
  );
  if (options.json) writeJson({ removed: id });
  else writeLines([`${name} ${version} is removed.`]);
}
