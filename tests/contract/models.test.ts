/** Several models on one profile: use another, go back, damage the one in use, switch under a running recommendation. */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { trainTinyPack } from '../../src/flame/testing/tiny-pack.ts';
import { SHIPPED_PACK } from '../../src/flame/model-pack.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import { asId, type ModelId, type VisitId } from '../../src/shared/ids.ts';
import { importRecords, startEngine, TestFolders, type TestEngine } from './engine.ts';

const knowledge = loadKnowledge(resolve(import.meta.dirname, '../../resources/knowledge'));
const packs = new TestFolders();
const SHIPPED = asId<ModelId>(`shipped/${SHIPPED_PACK}`);
const [A, B] = [asId<ModelId>('local/clinic-a'), asId<ModelId>('local/clinic-b')];
const RECORD = {
  visit: 'v',
  patient: 'Ada',
  year: 2009,
  age: 60,
  sex: 'F',
  specialty: '1',
  reasons: [],
  dx_system: 'ICD-9-CM',
  dx: ['4019', '25000'],
  chronic: [],
  procedures: [],
  drugs: [],
};

let folders: TestFolders;
let running: TestEngine;
let visitId: VisitId;

/** Stands in for what ships, so that the many starts are quick; other contract tests start with the pack that does. */
const shippedModels = join(packs.base, 'models');

beforeAll(async () => {
  mkdirSync(shippedModels);
  await trainTinyPack(join(shippedModels, SHIPPED_PACK), knowledge, 3);
  for (const [seed, id] of [A, B].entries())
    await trainTinyPack(join(packs.base, id.slice('local/'.length)), knowledge, seed + 1);
});
afterAll(() => packs.remove());

beforeEach(async () => {
  folders = new TestFolders();
  for (const id of [A, B]) install(id);
  running = await startEngine(folders, { models: shippedModels });
  const visits = await importRecords(running, folders, [RECORD]);
  visitId = [...visits.values()][0]!;
});
afterEach(async () => {
  await running.stop();
  folders.remove();
});

function placeOf(id: ModelId): string {
  return join(folders.profile, 'models', id.slice('local/'.length));
}
function install(id: ModelId, from: ModelId = id): void {
  mkdirSync(join(folders.profile, 'models'), { recursive: true });
  cpSync(join(packs.base, from.slice('local/'.length)), placeOf(id), { recursive: true });
}
function damage(id: ModelId, file = 'model.safetensors'): void {
  const path = join(placeOf(id), file);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = bytes[bytes.length >> 1]! ^ 1;
  writeFileSync(path, bytes);
}
async function restart(): Promise<void> {
  await running.stop();
  running = await startEngine(folders, { models: shippedModels });
}
const status = () => running.engine.call('app.status', {});
const recommend = () => running.engine.call('recommend', { visitId });
const actions = async () =>
  (
    await running.engine.call('audit.list', {
      filter: { group: 'models', actor: null, patientId: null, from: null, to: null },
      before: null,
      limit: 50,
    })
  ).entries.map(({ action, subject }) => [action, subject]);

describe('the model in use', () => {
  it('is the shipped one until another is chosen, and the choice outlives a restart', async () => {
    const { models, active, previous } = await running.engine.call('models.list', {});
    expect(models.map(({ id, origin, problem }) => [id, origin, problem])).toEqual([
      [SHIPPED, 'shipped', null],
      [A, 'local', null],
      [B, 'local', null],
    ]);
    expect([active, previous]).toEqual([SHIPPED, null]);

    const used = await running.engine.call('models.use', { model: A });
    expect(used).toMatchObject({ modelId: A, modelFallback: null, model: { name: 'clinic-a' } });
    const first = await recommend();
    expect(first.model).toEqual({ name: 'clinic-a', version: used.model!.version });
    expect(Object.keys(first.scores)).toHaveLength(used.model!.formularySize);

    await restart();
    expect(await status()).toMatchObject({ modelId: A, modelFallback: null });
    expect((await recommend()).scores).toEqual(first.scores);
    expect(await actions()).toEqual([['model.used', A]]);
  });

  it('goes back one model a time, to the shipped one in the end', async () => {
    for (const model of [A, B]) await running.engine.call('models.use', { model });
    for (const expected of [A, SHIPPED]) {
      expect(await running.engine.call('models.rollBack', {})).toMatchObject({ modelId: expected });
    }
    await expect(running.engine.call('models.rollBack', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const { history } = await running.engine.call('models.list', {});
    expect(history.map(({ cause, model }) => [cause, model])).toEqual([
      ['rolled-back', SHIPPED],
      ['rolled-back', A],
      ['used', B],
      ['used', A],
    ]);
    expect((await recommend()).model.name).toBe(SHIPPED_PACK);
  });

  it('is not changed for a model that is damaged, missing or unknown', async () => {
    await running.engine.call('models.use', { model: A });
    damage(B);
    await expect(running.engine.call('models.use', { model: B })).rejects.toMatchObject({
      code: 'MODEL_PACK_CORRUPT',
    });
    for (const id of ['local/none', 'local/..', 'local/.hidden', 'shipped/none']) {
      await expect(running.engine.call('models.use', { model: asId<ModelId>(id) })).rejects.toMatchObject({
        code: 'MODEL_PACK_MISSING',
      });
    }
    await expect(
      running.engine.call('models.use', { model: asId<ModelId>('local/../../clinic-a') }),
    ).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await status()).toMatchObject({ modelId: A });
    expect(await actions()).toEqual([['model.used', A]]);
  });

  it('a recommendation made by another model is not signed, nor explained', async () => {
    const made = await recommend();
    await running.engine.call('models.use', { model: A });
    const [candidate] = made.candidates;
    await expect(
      running.engine.call('recommend.explain', {
        visitId,
        recommendationId: made.id,
        drug: candidate!.drug.id,
        alpha: 0,
      }),
    ).rejects.toMatchObject({ code: 'RECOMMENDATION_STALE' });
    const again = await recommend();
    const reasons = await running.engine.call('recommend.explain', {
      visitId,
      recommendationId: again.id,
      drug: again.candidates[0]!.drug.id,
      alpha: 0,
    });
    expect(reasons.model).not.toBeNull();
  });

  it('changes under running recommendations without losing one: each is whole and of one model', async () => {
    const sizes = new Map<string, number>();
    const note = async (): Promise<void> => {
      const { model, scores } = await recommend();
      const size = Object.keys(scores).length;
      expect(sizes.get(model.name) ?? size).toBe(size);
      sizes.set(model.name, size);
    };
    const work: Promise<unknown>[] = [];
    for (let i = 0; i < 12; i += 1) {
      work.push(note());
      if (i % 3 === 1)
        work.push(running.engine.call('models.use', { model: [A, SHIPPED, B][(i / 3) | 0] ?? A }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(work);
    await note();
    expect(sizes.size).toBeGreaterThan(1);
  });
});

describe('when the model in use is no longer sound', () => {
  it.each([
    ['a changed byte', () => damage(A), 'MODEL_PACK_CORRUPT'],
    [
      'a damaged manifest',
      () => writeFileSync(join(placeOf(A), 'manifest.json'), '{"format":1'),
      'MODEL_PACK_CORRUPT',
    ],
    ['a folder that is gone', () => rmSync(placeOf(A), { recursive: true }), 'MODEL_PACK_MISSING'],
    [
      'another model in its folder',
      () => {
        rmSync(placeOf(A), { recursive: true });
        install(A, B);
      },
      'MODEL_PACK_CORRUPT',
    ],
    [
      'a kind of a later version',
      () => writeFileSync(join(placeOf(A), 'manifest.json'), '{"format":"flame-model-pack-9"}'),
      'MODEL_PACK_CORRUPT',
    ],
  ])('%s: the shipped one stands in, and says why; the choice is kept', async (_what, spoil, code) => {
    const { model } = await running.engine.call('models.use', { model: A });
    spoil();
    await restart();
    expect(await status()).toMatchObject({
      modelId: SHIPPED,
      failures: [],
      modelFallback: { wanted: { id: A, name: 'clinic-a', version: model!.version }, error: { code } },
    });
    expect((await recommend()).model.name).toBe(SHIPPED_PACK);
    rmSync(placeOf(A), { recursive: true, force: true });
    install(A);
    await restart();
    expect(await status()).toMatchObject({ modelId: A, modelFallback: null });
  });

  it('a damaged shipped pack does not keep a sound local one from working', async () => {
    await running.engine.call('models.use', { model: A });
    const models = join(folders.base, 'models');
    cpSync(shippedModels, models, { recursive: true });
    writeFileSync(join(models, SHIPPED_PACK, 'model.safetensors'), 'no');
    await running.stop();
    running = await startEngine(folders, { models });
    expect(await status()).toMatchObject({ modelId: A, failures: [] });
  });

  it('the pointer is followed once a protected database is unlocked', async () => {
    await running.engine.call('models.use', { model: A });
    await running.engine.call('store.setPassphrase', { passphrase: 'long enough' });
    await restart();
    expect(await status()).toMatchObject({ store: 'locked', modelId: SHIPPED });
    await running.engine.call('store.unlock', { passphrase: 'long enough' });
    expect(await status()).toMatchObject({ store: 'open', modelId: A, model: { name: 'clinic-a' } });
  });
});
