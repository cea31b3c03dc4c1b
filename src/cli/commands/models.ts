/** `flame models`: lists the model packs and checks them byte by byte. Changes none. */

import { Command } from 'commander';
import { listPacks } from '../../engine/model.ts';
import { FlameError, toWireError, describeError } from '../../shared/errors.ts';
import { describeNamed, verifyNamed } from '../open-model.ts';
import { table, writeJson, writeLines } from '../output.ts';
import { openKnowledge, PATHS } from '../setup.ts';

export function modelsCommand(): Command {
  const models = new Command('models').description('list and check model packs').exitOverride();
  models
    .command('list')
    .description('name, version, formulary and measurements of every pack')
    .option('--json', 'one JSON document on standard output')
    .action(({ json }: { json?: boolean }) => {
      const packs = listPacks(PATHS.models).flatMap((name) => describeNamed(name).summary ?? []);
      if (json) {
        writeJson(packs);
        return;
      }
      if (packs.length === 0) {
        writeLines([`No model pack in ${PATHS.models}.`]);
        return;
      }
      const rows = packs.map((pack) => [pack.name, pack.version, String(pack.formularySize), pack.trainedOn]);
      writeLines(table([['pack', 'version', 'drugs', 'trained on'], ...rows]));
      for (const { name, metrics } of packs) {
        const [first] = metrics;
        if (!first) continue;
        writeLines([
          '',
          `${name}, ${first.protocol}:`,
          ...metrics.map((m) => `  ${m.name} ${m.value.toFixed(4)}`),
        ]);
      }
    });
  models
    .command('verify')
    .description('check every file of a pack, or of all packs, and run it once')
    .argument('[pack]')
    .option('--json', 'one JSON document on standard output')
    .action(async (pack: string | undefined, { json }: { json?: boolean }) => {
      const results = await verifyPacks(pack === undefined ? listPacks(PATHS.models) : [pack]);
      const failed = results.find(({ error }) => error !== null);
      if (json) writeJson(failed ? { packs: results, error: failed.error } : { packs: results });
      else writeLines(results.map(({ name, error }) => `${name}: ${error === null ? 'sound' : error.title}`));
      if (failed?.error) {
        process.stderr.write(`flame: ${failed.error.title}\n       ${failed.error.action}\n`);
        process.exitCode = 1;
      }
    });
  return models;
}

/** @throws FlameError MODEL_PACK_MISSING when there is none to check */
async function verifyPacks(names: readonly string[]) {
  if (names.length === 0) throw new FlameError('MODEL_PACK_MISSING', { pack: PATHS.models });
  const knowledge = openKnowledge();
  const results = [];
  for (const name of names) {
    try {
      results.push({ name, version: await verifyNamed(name, knowledge), error: null });
    } catch (thrown) {
      const error = toWireError(thrown);
      results.push({ name, version: null, error: { ...error, ...describeError(error.code, error.details) } });
    }
  }
  return results;
}
