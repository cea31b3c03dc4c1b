/** Text models handed in: an unmeasured one is told and not used, and folders that cannot be run are refused by name. */

import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SHIPPED_PACK } from '../../src/flame/model-pack.ts';
import { trainTinyPack } from '../../src/flame/testing/tiny-pack.ts';
import {
  readTextManifest,
  readTextPack,
  sealTextPack,
  updateTextMeasurements,
} from '../../src/flame/text/pack.ts';
import { writeUntrainedText } from '../../src/flame/text/testing.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import { formatSafetensors, loadSafetensors } from '../../src/nn/safetensors.ts';
import { asId, type ModelId } from '../../src/shared/ids.ts';
import { startEngine, TestFolders, type TestEngine } from './engine.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const knowledge = loadKnowledge(join(ROOT, 'resources/knowledge'));
const packs = new TestFolders();
const shippedModels = join(packs.base, 'models');
const TEXT = join(packs.base, 'Ward text');
const WEIGHTS = 'model.safetensors';
let folders: TestFolders;
let running: TestEngine;
let grants = 0;

beforeAll(async () => {
  mkdirSync(shippedModels);
  await trainTinyPack(join(shippedModels, SHIPPED_PACK), knowledge, 3);
  await writeUntrainedText(TEXT, knowledge);
}, 120_000);
afterAll(() => packs.remove());
beforeEach(async () => {
  folders = new TestFolders();
  running = await startEngine(folders, { models: shippedModels });
});
afterEach(async () => {
  await running.stop();
  folders.remove();
});

const importing = async (path: string) => {
  const grant = `g${(grants += 1)}`;
  await running.shell.call('files.grant', { grant, path, purpose: 'read' });
  return running.engine.call('models.import', { grant });
};

function copyOf(folder = TEXT): string {
  const copy = join(folders.base, 'copy');
  cpSync(folder, copy, { recursive: true });
  return copy;
}
/** Makes the manifest say of a file what the file is now; a file that is gone is no longer listed. */
function restate(folder: string, file: string, bytes?: number): void {
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as {
    files: { file: string; sha256: string; bytes: number }[];
  };
  manifest.files = manifest.files.flatMap((entry) => {
    if (entry.file !== file) return [entry];
    if (bytes !== undefined) return [{ ...entry, bytes }];
    if (!readdirSync(folder).includes(file)) return [];
    const content = readFileSync(join(folder, file));
    return [{ file, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length }];
  });
  writeFileSync(path, JSON.stringify(manifest));
}
/** The same model with its weights in two shards. */
function sharded(): string {
  const folder = copyOf();
  const tensors = [...loadSafetensors(join(folder, WEIGHTS)).tensors];
  const half = tensors.length >> 1;
  const shards = [tensors.slice(0, half), tensors.slice(half)].map((part, i) => {
    const file = `model-0000${i + 1}-of-00002.safetensors`;
    writeFileSync(join(folder, file), formatSafetensors(new Map(part), { floatsAs: 'F16' }));
    return part.map(([name]) => [name, file] as const);
  });
  const index = { metadata: {}, weight_map: Object.fromEntries(shards.flat()) };
  writeFileSync(join(folder, `${WEIGHTS}.index.json`), JSON.stringify(index));
  rmSync(join(folder, WEIGHTS));
  const { files: _files, ...description } = readTextManifest(TEXT);
  sealTextPack(folder, description, readTextPack(TEXT).vocabulary);
  return folder;
}

describe('an unmeasured text model', () => {
  it('can be installed and looked at, says that it was never measured, and is not used', async () => {
    const { model } = await importing(TEXT);
    expect(model.summary?.metrics).toEqual([]);
    const before = await running.engine.call('app.status', {});
    await expect(running.engine.call('models.use', { model: model.id })).rejects.toMatchObject({
      code: 'MODEL_UNMEASURED',
      details: { name: 'Ward text' },
    });
    expect(await running.engine.call('app.status', {})).toEqual(before);

    await running.engine.call('models.remove', { model: model.id });
    const measured = copyOf();
    updateTextMeasurements(measured, {
      metrics: {
        protocol: {
          corpus: 'made up',
          split: 'none',
          formularySize: 20,
          interactionTable: 'x',
          severityCut: 2,
        },
        seeds: 1,
        values: { prauc: 0.1 },
      },
    });
    const again = await importing(measured);
    await running.engine.call('models.use', { model: again.model.id });
    expect((await running.engine.call('app.status', {})).modelId).toBe(again.model.id);
  });
});

describe('a text model that cannot be run', () => {
  it.each<[string, () => string, string, RegExp]>([
    [
      'a shard that is missing',
      () => {
        const folder = sharded();
        rmSync(join(folder, 'model-00002-of-00002.safetensors'));
        return folder;
      },
      'MODEL_FILE_UNUSABLE',
      /model-00002-of-00002\.safetensors is missing/,
    ],
    [
      'a shard that only its index promises',
      () => {
        const folder = sharded();
        rmSync(join(folder, 'model-00002-of-00002.safetensors'));
        restate(folder, 'model-00002-of-00002.safetensors');
        return folder;
      },
      'MODEL_PACK_CORRUPT',
      /model-00002-of-00002\.safetensors/,
    ],
    [
      'weights of another type',
      () => {
        const folder = copyOf();
        const bytes = readFileSync(join(folder, WEIGHTS));
        const header = Number(bytes.readBigUInt64LE(0));
        const text = bytes.toString('latin1', 8, 8 + header).replaceAll('"F16"', '"I16"');
        bytes.write(text, 8, 'latin1');
        writeFileSync(join(folder, WEIGHTS), bytes);
        restate(folder, WEIGHTS);
        return folder;
      },
      'MODEL_PACK_CORRUPT',
      /I16/,
    ],
    [
      'the tokenizer of another model',
      () => {
        const folder = copyOf();
        cpSync(join(ROOT, 'tests/fixtures/llama-sharded/tokenizer.json'), join(folder, 'tokenizer.json'));
        restate(folder, 'tokenizer.json');
        return folder;
      },
      'MODEL_PACK_CORRUPT',
      /tokenizer\.json knows \d+ tokens, the model \d+: it is another model/,
    ],
    [
      '100 GB of weights',
      () => {
        const folder = copyOf();
        truncateSync(join(folder, WEIGHTS), 100e9); // sparse: no byte of it is stored
        restate(folder, WEIGHTS, 100e9);
        return folder;
      },
      'MODEL_TOO_LARGE',
      /^$/,
    ],
    [
      'nothing of Flame in it',
      () => join(ROOT, 'tests/fixtures/llama-sharded'),
      'MODEL_FILE_UNUSABLE',
      /checkpoint that was not adapted/,
    ],
  ])(
    'for %s is refused by name; nothing is installed and Flame goes on',
    async (_what, make, code, problem) => {
      const error: unknown = await importing(make()).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ code });
      const { details } = error as { details: Record<string, string | number> };
      if (code === 'MODEL_TOO_LARGE')
        expect(details['needed']).toBeGreaterThan(100_000); // MB
      else expect(String(details['problem'])).toMatch(problem);
      expect(readdirSync(join(folders.profile, 'models'))).toEqual([]);
      expect((await running.engine.call('app.status', {})).modelId).toBe(
        asId<ModelId>(`shipped/${SHIPPED_PACK}`),
      );
    },
  );

  it('is sound in two shards', async () => {
    expect((await importing(sharded())).model.problem).toBeNull();
  });
});
