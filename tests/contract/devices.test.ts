/** Real probe processes on this computer: what they show, what is chosen and kept, crashes, and WebGPU on SwiftShader. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Devices } from '../../src/engine/devices/devices.ts';
import { forkingProber, type Prober } from '../../src/engine/devices/prober.ts';
import { resultOf } from '../../src/engine/devices/choose-device.ts';
import { SHIPPED_PACK } from '../../src/flame/model-pack.ts';
import { trainTinyPack } from '../../src/flame/testing/tiny-pack.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import { DEVICE_TOLERANCE } from '../../src/shared/devices-api.ts';
import { softwareVulkan } from '../software-vulkan.ts';
import { startEngine, TestFolders } from './engine.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const knowledge = join(ROOT, 'resources/knowledge');
const folders = new TestFolders();
const models = join(folders.base, 'models');
const pack = join(models, SHIPPED_PACK);
const vulkan = softwareVulkan();

beforeAll(async () => {
  mkdirSync(models);
  mkdirSync(folders.profile);
  await trainTinyPack(pack, loadKnowledge(knowledge));
});
afterAll(() => folders.remove());

function devices(prober: Prober, profile = folders.profile): Devices {
  return new Devices({ profile, pack, knowledge, prober });
}

describe('without a driver', () => {
  it('the CPU is used, the reasons are told, another choice is refused, and it is known at the next start', async () => {
    const first = devices(forkingProber());
    expect(first.state()).toMatchObject({ inUse: 'cpu', reason: 'not-tested', current: false });
    const tried: string[] = [];
    await first.test(({ provider }) => tried.push(provider));
    const { results, inUse, reason, current } = first.state();
    expect(results.map(({ provider }) => provider)).toEqual(tried);
    expect(results[0]).toMatchObject({
      provider: 'cpu',
      outcome: 'same',
      probabilityError: 0,
      gradientError: 0,
    });
    for (const other of results.slice(1)) {
      expect(other.outcome).toBe('unavailable');
      expect(other.reason).not.toBe('');
      expect(() => first.choose(other.provider)).toThrow(
        expect.objectContaining({ code: 'DEVICE_UNUSABLE' }),
      );
    }
    expect([inUse, reason, current]).toEqual(['cpu', 'only-one', true]);
    first.choose('cpu');
    const second = devices(forkingProber());
    expect(second.state()).toMatchObject({ choice: 'cpu', current: true, testedAt: first.state().testedAt });
    second.choose('automatic');
  });

  it('through the engine, for the screen; results are stale once the driver changed', async () => {
    const engine = await startEngine(folders, { models });
    expect(await engine.engine.call('devices.list', {})).toMatchObject({ current: true, inUse: 'cpu' });
    expect(await engine.engine.call('devices.choose', { choice: 'cpu' })).toMatchObject({ reason: 'chosen' });
    await expect(engine.engine.call('devices.choose', { choice: 'cuda' })).rejects.toMatchObject({
      code: 'DEVICE_UNUSABLE',
    });
    await engine.engine.call('devices.choose', { choice: 'automatic' });
    await engine.stop();
    const before = process.env['VK_ICD_FILENAMES'];
    process.env['VK_ICD_FILENAMES'] = '/another/driver.json';
    expect(devices(forkingProber()).state()).toMatchObject({ current: false, reason: 'not-tested' });
    if (before === undefined) delete process.env['VK_ICD_FILENAMES'];
    else process.env['VK_ICD_FILENAMES'] = before;
  });

  it('a process that is killed by its driver takes nothing with it, and one that hangs is ended', async () => {
    const order = { provider: 'cpu' as const, pack, knowledge, benchmarkMs: 60_000 };
    const killed = forkingProber({}, (pid) => setTimeout(() => process.kill(pid, 'SIGABRT'), 300));
    expect(resultOf('webgpu', await killed.probe(order, 60_000))).toMatchObject({
      outcome: 'crashed',
      reason: 'SIGABRT',
    });
    expect(resultOf('webgpu', await forkingProber().probe(order, 500)).outcome).toBe('too-slow');
  });

  it('a device that was in use at two abrupt ends is not used until it is tested again', async () => {
    const profile = join(folders.base, 'abrupt');
    mkdirSync(profile);
    const good: Prober = {
      probe: ({ provider }) => {
        const ms = provider === 'cpu' ? 10 : 1;
        const figures = { probabilityError: 0, logitError: 0, gradientError: 0, trainingRows: 1, openMs: 1 };
        const report = { provider, ...figures, scoreMs: ms, listMs: ms };
        return Promise.resolve({ answer: { ok: true, report }, timedOut: false, ended: '' });
      },
    };
    const first = devices(good, profile);
    await first.test();
    const device = first.state().inUse;
    expect(device).not.toBe('cpu');
    expect(first.session().providers).toEqual([device]);
    const second = devices(good, profile); // the first never closed
    expect(second.session().providers).toEqual([device]);
    const third = devices(good, profile);
    expect(third.state()).toMatchObject({ inUse: 'cpu', reason: 'ended-abruptly', detail: device });
    expect(third.session()).toEqual({});
    await third.test();
    expect(third.session().providers).toEqual([device]);
    third.close();
    expect(devices(good, profile).state()).toMatchObject({ inUse: device, reason: 'fastest' });

    const lost = third.session();
    lost.onDeviceLost!('webgpu', 'out of memory');
    expect(third.state()).toMatchObject({ inUse: 'cpu', reason: 'lost', detail: 'webgpu: out of memory' });
    writeFileSync(join(profile, 'devices.json'), '{"format":1,');
    expect(devices(good, profile).state()).toMatchObject({ reason: 'not-tested', choice: 'automatic' });
    expect(readFileSync(join(profile, 'devices.json'), 'utf8')).toBe('{"format":1,');
  });
});

describe.skipIf(vulkan === null)('WebGPU on a software driver', () => {
  it('gives the answers and gradients of the CPU on the graphs of the shipped pack', async () => {
    const order = {
      provider: 'webgpu' as const,
      pack: join(ROOT, 'models', SHIPPED_PACK),
      knowledge,
      benchmarkMs: 0,
    };
    const result = resultOf('webgpu', await forkingProber(vulkan!).probe(order, 240_000));
    expect(result).toMatchObject({ outcome: 'same', reason: '' });
    expect(result.probabilityError).toBeLessThan(DEVICE_TOLERANCE.probability / 10);
    expect(result.gradientError).toBeGreaterThan(0); // it ran elsewhere
  }, 250_000);
});
