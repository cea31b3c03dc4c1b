/** `flame models` and `flame devices` on a profile of their own, with small packs. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SHIPPED_PACK } from '../../src/flame/model-pack.ts';
import { trainTinyPack } from '../../src/flame/testing/tiny-pack.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import { flame, flameJson, type ErrorDocument } from './flame.ts';

const folder = mkdtempSync(join(tmpdir(), 'flame-cli-models-'));
const env = { FLAME_MODELS: join(folder, 'models'), FLAME_PROFILE: join(folder, 'profile') };
const clinic = join(folder, 'clinic');

beforeAll(async () => {
  const knowledge = loadKnowledge(resolve(import.meta.dirname, '../../resources/knowledge'));
  mkdirSync(env.FLAME_MODELS);
  await trainTinyPack(join(env.FLAME_MODELS, SHIPPED_PACK), knowledge, 3);
  await trainTinyPack(clinic, knowledge, 1);
});
afterAll(() => rmSync(folder, { recursive: true }));

type Listed = readonly { readonly name: string; readonly inUse: boolean | null }[];

it('installs a model, uses it, names what is in use, and goes back', async () => {
  expect((await flame(['models', 'import', clinic], { env })).stdout).toContain('Installed clinic');
  expect((await flame(['models', 'use', 'clinic'], { env })).stdout).toContain('clinic');
  const { document } = await flameJson<Listed>(['models', 'list'], { env });
  expect(document.map(({ name, inUse }) => [name, inUse])).toEqual([
    [SHIPPED_PACK, false],
    ['clinic', true],
  ]);
  expect((await flame(['models', 'rollback'], { env })).stdout).toContain(SHIPPED_PACK);
  const unknown = await flameJson<ErrorDocument>(['models', 'use', 'nothing'], { env });
  expect([unknown.code, unknown.document.error.code]).toEqual([1, 'MODEL_PACK_MISSING']);
}, 180_000);

it('tests the processors and says where models run', async () => {
  const { stdout } = await flame(['devices', 'test'], { env });
  expect(stdout).toContain('Models run on cpu: no other gave the same answers.');
  expect(stdout).toMatch(/cpu +same answers/);
}, 180_000);
