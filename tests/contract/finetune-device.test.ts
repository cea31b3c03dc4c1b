/** A training on a device that is gone, and on one whose process is killed: the job goes on, on the CPU, and says so. */

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Devices } from '../../src/engine/devices/devices.ts';
import type { Prober } from '../../src/engine/devices/prober.ts';
import { readVisitFile } from '../../src/flame/corpus.ts';
import { SHIPPED_PACK } from '../../src/flame/model-pack.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/finetune.ts';
import type { JobDetail } from '../../src/shared/finetune-api.ts';
import { softwareVulkan } from '../software-vulkan.ts';
import { importRecords, startEngine, type TestEngine, TestFolders } from './engine.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const VISITS = 70;
const PASSPHRASE = 'seventy visits of one site';
const vulkan = softwareVulkan();
let folders: TestFolders;
let running: TestEngine;
let pids: number[];

/** Stands for a card that trains fast and answers no faster than the CPU, so that only trainings go there. */
const card: Prober = {
  probe: ({ provider }) => {
    const figures = {
      probabilityError: 0,
      logitError: 0,
      gradientError: 0,
      scoreMs: 10,
      listMs: 10,
      openMs: 1,
    };
    const report = { provider, ...figures, trainingRows: provider === 'webgpu' ? 1000 : 1 };
    return Promise.resolve({ answer: { ok: true, report }, timedOut: false, ended: '' });
  },
};

async function start(env: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  folders = new TestFolders();
  mkdirSync(folders.profile);
  const knowledge = join(ROOT, 'resources/knowledge');
  const pack = join(ROOT, 'models', SHIPPED_PACK);
  const devices = new Devices({ profile: folders.profile, pack, knowledge, prober: card });
  await devices.test();
  expect(devices.state().inUse).toBe('cpu');
  expect(devices.trainingProvider()).toBe('webgpu');
  pids = [];
  running = await startEngine(folders, {}, (pid) => pids.push(pid));
  const records = [];
  for await (const record of readVisitFile(join(ROOT, 'data/sites/mimic-iv-demo.jsonl.gz')))
    if (records.length < VISITS) records.push(record);
  await importRecords(running, folders, records);
}

async function begin(until: (job: JobDetail) => boolean): Promise<JobDetail> {
  const selection = { source: 'both', from: null, to: null, demo: false } as const;
  const settings = { ...DEFAULT_SETTINGS, profile: 'quick' } as const;
  const { id } = await running.engine.call('finetune.start', { name: 'On a card', selection, settings });
  return follow(id, until);
}
async function follow(jobId: JobDetail['id'], until: (job: JobDetail) => boolean): Promise<JobDetail> {
  for (;;) {
    const job = await running.engine.call('finetune.get', { jobId });
    if (job.error) throw new Error(job.error.code);
    if (until(job)) return job;
    await new Promise((go) => setTimeout(go, 50));
  }
}
const lostDevices = ({ log }: JobDetail) => log.filter(({ event }) => event === 'device-lost');

beforeEach(() => {
  for (const name of ['VK_ICD_FILENAMES', 'LD_LIBRARY_PATH']) vi.stubEnv(name, undefined);
});
afterEach(async () => {
  await running.stop();
  folders.remove();
  vi.unstubAllEnvs();
});

it('goes on, on the CPU, when the device does not open any more', { timeout: 240_000 }, async () => {
  await start({});
  const job = await begin(({ point }) => point?.stage === 'adapter' && point.step > 10);
  expect(lostDevices(job)).toHaveLength(1);
  const [{ details }] = lostDevices(job) as [JobDetail['log'][number]];
  expect(details['device']).toBe('webgpu');
  expect(details['problem']).not.toBe('');
  expect(job.log.filter(({ event }) => event === 'trainer-lost')).toEqual([]);
  // Encrypting anew would go on beside what the training writes.
  const account = { name: 'Ada', title: 'MD', roles: ['administrator', 'data-steward'] } as const;
  await running.engine.call('accounts.setUp', {
    ...account,
    roles: [...account.roles],
    passphrase: PASSPHRASE,
  });
  await expect(running.engine.call('accounts.rekey', {})).rejects.toMatchObject({ code: 'TRAINING_RUNS' });
  await running.engine.call('finetune.cancel', { jobId: job.id });
});

it.skipIf(vulkan === null)(
  'goes on, on the CPU, when the process dies on the device',
  { timeout: 240_000 },
  async () => {
    await start(vulkan!);
    const onDevice = await begin(({ points }) => points.length > 0);
    expect(lostDevices(onDevice)).toEqual([]); // WebGPU trains, on the software driver
    process.kill(pids.at(-1)!, 'SIGABRT');
    const after = await follow(
      onDevice.id,
      (job) => lostDevices(job).length > 0 && job.points.length > onDevice.points.length + 2,
    );
    expect(after.log.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['trainer-lost', 'device-lost', 'resumed']),
    );
    await running.engine.call('finetune.cancel', { jobId: onDevice.id });
  },
);
