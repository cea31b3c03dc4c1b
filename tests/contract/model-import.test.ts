/** Models handed in as folders and archives: what is installed, and everything that is refused without leaving a trace. */

import {
  cpSync,
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { importModel } from '../../src/engine/models/import-model.ts';
import { modelFolders } from '../../src/engine/models/installed.ts';
import { trainTinyPack } from '../../src/flame/testing/tiny-pack.ts';
import { type PackManifest, SHIPPED_PACK } from '../../src/flame/model-pack.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import { asId, type ModelId } from '../../src/shared/ids.ts';
import { startEngine, TestFolders, type TestEngine } from './engine.ts';

const knowledge = loadKnowledge(resolve(import.meta.dirname, '../../resources/knowledge'));
const packs = new TestFolders();
const shippedModels = join(packs.base, 'models');
const PACK = join(packs.base, 'Clinic Nord');
const SHIPPED = asId<ModelId>(`shipped/${SHIPPED_PACK}`);
let manifest: PackManifest;
let folders: TestFolders;
let running: TestEngine;
let grants = 0;

beforeAll(async () => {
  mkdirSync(shippedModels);
  await trainTinyPack(join(shippedModels, SHIPPED_PACK), knowledge, 3);
  manifest = await trainTinyPack(PACK, knowledge, 1);
});
afterAll(() => packs.remove());
beforeEach(async () => {
  folders = new TestFolders();
  running = await startEngine(folders, { models: shippedModels });
});
afterEach(async () => {
  await running.stop();
  folders.remove();
});

async function grantFor(path: string, purpose: 'read' | 'write' = 'read'): Promise<string> {
  const grant = `g${(grants += 1)}`;
  await running.shell.call('files.grant', { grant, path, purpose });
  return grant;
}
const importing = async (path: string) =>
  running.engine.call('models.import', { grant: await grantFor(path) });
const installed = () => readdirSync(join(folders.profile, 'models'));

/** A copy of the pack to spoil. */
function copyOfPack(): string {
  const copy = join(folders.base, 'copy');
  cpSync(PACK, copy, { recursive: true });
  return copy;
}
function editManifest(folder: string, edit: (manifest: Record<string, unknown>) => void): void {
  const path = join(folder, 'manifest.json');
  const parsed = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  edit(parsed);
  writeFileSync(path, JSON.stringify(parsed));
}
async function zipOf(files: Readonly<Record<string, Buffer>>): Promise<string> {
  const zip = new ZipFile();
  for (const [name, bytes] of Object.entries(files)) zip.addBuffer(bytes, name);
  zip.end();
  const path = join(folders.base, 'model.zip');
  await pipeline(zip.outputStream, createWriteStream(path));
  return path;
}
const packFiles = (prefix = ''): Record<string, Buffer> =>
  Object.fromEntries(readdirSync(PACK).map((name) => [prefix + name, readFileSync(join(PACK, name))]));

describe('a sound model', () => {
  it('is installed from a folder, used, exported, removed, and installed again from the archive', async () => {
    const stages: string[] = [];
    const { model, memory } = await running.engine.call(
      'models.import',
      { grant: await grantFor(PACK) },
      { onProgress: ({ stage }) => stages.push(stage) },
    );
    const id = asId<ModelId>(`local/Clinic-Nord-${manifest.version}`);
    expect(model).toMatchObject({ id, name: 'Clinic Nord', version: manifest.version, problem: null });
    expect(memory).toBeGreaterThan(model.bytes);
    expect([...new Set(stages)]).toEqual(['reading', 'copying', 'checking', 'storing']);
    expect(installed()).toEqual([basename(id)]);

    await expect(importing(PACK)).rejects.toMatchObject({ code: 'MODEL_INSTALLED_ALREADY' });
    await running.engine.call('models.use', { model: id });
    await expect(running.engine.call('models.remove', { model: id })).rejects.toMatchObject({
      code: 'MODEL_NOT_REMOVABLE',
    });
    const archive = join(folders.base, 'export.zip');
    await running.engine.call('models.export', { model: id, grant: await grantFor(archive, 'write') });
    await running.engine.call('models.rollBack', {});
    const { models } = await running.engine.call('models.remove', { model: id });
    expect(models.map((one) => one.id)).toEqual([SHIPPED]);
    expect(installed()).toEqual([]);

    expect((await importing(archive)).model.id).toBe(id);
    expect(await running.engine.call('models.verify', { model: id })).toMatchObject({
      files: 2,
      problem: null,
    });
    const filter = { group: 'models', actor: null, patientId: null, from: null, to: null } as const;
    const { entries } = await running.engine.call('audit.list', { filter, before: null, limit: 50 });
    expect(entries.map(({ action }) => action).reverse()).toEqual([
      'model.imported',
      'model.used',
      'model.exported',
      'model.rolled-back',
      'model.removed',
      'model.imported',
    ]);
  });

  it('tells where it comes from, what it holds and what it needs', async () => {
    const details = await running.engine.call('models.details', { model: SHIPPED });
    expect(details).toMatchObject({ card: null, model: { origin: 'shipped', problem: null } });
    expect(details.files.map(({ file }) => file)).toEqual(['vocabulary.json', 'model.safetensors']);
    expect(details.provenance.find(({ what }) => what === 'visits')?.value).toBe('267');
    await expect(running.engine.call('models.remove', { model: SHIPPED })).rejects.toMatchObject({
      code: 'MODEL_NOT_REMOVABLE',
    });
  });

  it('with files of a system beside it, and files that its manifest does not list, leaves those out', async () => {
    const path = await zipOf({
      ...packFiles('Clinic Nord/'),
      'Clinic Nord/notes.txt': Buffer.from('not listed'),
      '__MACOSX/._manifest.json': Buffer.from('x'),
    });
    const { model } = await importing(path);
    expect(readdirSync(join(folders.profile, 'models', basename(model.id))).sort()).toEqual([
      'manifest.json',
      'model.safetensors',
      'vocabulary.json',
    ]);
  });
});

describe('what is refused leaves nothing behind', () => {
  const folderCases: [string, (copy: string) => void, string][] = [
    ['no manifest', (copy) => rmSync(join(copy, 'manifest.json')), 'MODEL_FILE_UNUSABLE'],
    [
      'a manifest that is no JSON',
      (copy) => writeFileSync(join(copy, 'manifest.json'), '{'),
      'MODEL_PACK_CORRUPT',
    ],
    [
      'a format of another program',
      (copy) => editManifest(copy, (one) => (one['format'] = 'llama')),
      'MODEL_PACK_CORRUPT',
    ],
    ['a file that is gone', (copy) => rmSync(join(copy, 'vocabulary.json')), 'MODEL_FILE_UNUSABLE'],
    [
      'a file cut short',
      (copy) => writeFileSync(join(copy, 'model.safetensors'), 'x'),
      'MODEL_FILE_UNUSABLE',
    ],
    [
      'a changed byte',
      (copy) => {
        const path = join(copy, 'model.safetensors');
        const bytes = readFileSync(path);
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(path, bytes);
      },
      'MODEL_FILE_UNUSABLE',
    ],
    [
      'a manifest that lists a file outside',
      (copy) =>
        editManifest(copy, (one) => {
          (one['files'] as { file: string }[])[0]!.file = '../../flame.db';
        }),
      'MODEL_FILE_UNUSABLE',
    ],
    [
      'a link instead of a file',
      (copy) => {
        rmSync(join(copy, 'vocabulary.json'));
        symlinkSync(join(PACK, 'vocabulary.json'), join(copy, 'vocabulary.json'));
      },
      'MODEL_FILE_UNUSABLE',
    ],
    [
      'a vocabulary that is not the one of the weights',
      (copy) => editManifest(copy, (one) => (one['vocabularyHash'] = '0'.repeat(64))),
      'MODEL_PACK_CORRUPT',
    ],
    [
      'a network that the weights do not fit',
      (copy) => editManifest(copy, (one) => (one['network'] = { kind: 'mlp', width: 4, hidden: 4 })),
      'MODEL_PACK_CORRUPT',
    ],
  ];
  it.each(folderCases)('%s', async (_what, spoil, code) => {
    const copy = copyOfPack();
    spoil(copy);
    await expect(importing(copy)).rejects.toMatchObject({ code });
    expect(installed()).toEqual([]);
  });

  it('archives that lead elsewhere, hold more than they say, or are none', async () => {
    const traversal = await zipOf({ ...packFiles(), 'aa/evil': Buffer.from('x') });
    // yazl writes no such name: put it into the finished archive, in both places where it stands.
    const bytes = readFileSync(traversal);
    for (let at = bytes.indexOf('aa/evil'); at >= 0; at = bytes.indexOf('aa/evil', at + 1))
      bytes.write('../evil', at);
    writeFileSync(traversal, bytes);
    await expect(importing(traversal)).rejects.toMatchObject({ code: 'MODEL_FILE_UNUSABLE' });

    const bomb = await zipOf({ ...packFiles(), 'model.safetensors': Buffer.alloc(50e6) });
    await expect(importing(bomb)).rejects.toMatchObject({ code: 'MODEL_FILE_UNUSABLE' });
    // The same archive with a size that lies: what unpacks to more than it says breaks off.
    const lying = readFileSync(bomb);
    const size = manifest.files.find(({ file }) => file === 'model.safetensors')!.bytes;
    const said = Buffer.alloc(4);
    said.writeUInt32LE(50e6);
    for (let at = lying.indexOf(said); at >= 0; at = lying.indexOf(said, at + 1))
      lying.writeUInt32LE(size, at);
    writeFileSync(bomb, lying);
    await expect(importing(bomb)).rejects.toMatchObject({ code: 'MODEL_FILE_UNUSABLE' });

    await expect(
      importing(await zipOf({ ...packFiles('a/'), 'b/x': Buffer.from('x') })),
    ).rejects.toMatchObject({
      code: 'MODEL_FILE_UNUSABLE',
    });
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, Buffer.from('x')]));
    await expect(importing(await zipOf(many))).rejects.toMatchObject({ code: 'MODEL_FILE_UNUSABLE' });
    const text = join(folders.base, 'model.zip');
    writeFileSync(text, 'no archive');
    await expect(importing(text)).rejects.toMatchObject({ code: 'MODEL_FILE_UNUSABLE' });
    await expect(importing(join(folders.base, 'none'))).rejects.toMatchObject({ code: 'FILE_NOT_READABLE' });
    expect(installed()).toEqual([]);
  });

  it('a model larger than the memory that is left, with the sizes', async () => {
    const own = modelFolders({ models: shippedModels, profile: folders.profile });
    const refused = importModel(PACK, { folders: own, knowledge, availableMemory: 40e6 });
    await expect(refused).rejects.toMatchObject({ code: 'MODEL_TOO_LARGE', details: { available: 40 } });
    expect(installed()).toEqual([]);
  });

  it('drugs that the tables do not know', async () => {
    const own = modelFolders({ models: shippedModels, profile: folders.profile });
    const drugs = Object.assign(Object.create(knowledge.drugs) as typeof knowledge.drugs, {
      get: (id: string) => (id === 'metformin' ? null : knowledge.drugs.get(asId(id))),
    });
    const tables = Object.assign(Object.create(knowledge) as typeof knowledge, { drugs });
    await expect(importModel(PACK, { folders: own, knowledge: tables })).rejects.toMatchObject({
      code: 'MODEL_PACK_MISMATCH',
    });
    expect(installed()).toEqual([]);
  });

  it('an import that is called off, and what one that was killed left', async () => {
    mkdirSync(join(folders.profile, 'models', '.import-killed'), { recursive: true });
    const abort = new AbortController();
    const call = running.engine.call(
      'models.import',
      { grant: await grantFor(PACK) },
      { signal: abort.signal, onProgress: ({ stage }) => stage === 'copying' && abort.abort() },
    );
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect.poll(installed).toEqual([]);
  });
});
