import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPromise } from 'yauzl';
import { readVisitFile } from '../../src/flame/corpus.ts';
import type { VisitRecord } from '../../src/shared/domain.ts';
import {
  DEFAULT_SETTINGS,
  type FinetuneSelection,
  type FinetuneSettings,
} from '../../src/shared/finetune.ts';
import type { JobDetail } from '../../src/shared/finetune-api.ts';
import type { JobId } from '../../src/shared/ids.ts';
import { importRecords, startEngine, type TestEngine, TestFolders } from './engine.ts';

const DATA = resolve(import.meta.dirname, '../../data/sites/mimic-iv-demo.jsonl.gz');
const ALL: FinetuneSelection = { source: 'both', from: null, to: null, demo: false };
const QUICK: FinetuneSettings = { ...DEFAULT_SETTINGS, profile: 'quick' };
/** Enough patients to train on, few enough for a test. */
const VISITS = 70;

async function siteRecords(): Promise<VisitRecord[]> {
  const records: VisitRecord[] = [];
  for await (const record of readVisitFile(DATA)) records.push(record);
  const patients = new Map<string, VisitRecord[]>();
  for (const record of records)
    patients.set(record.patient!, [...(patients.get(record.patient!) ?? []), record]);
  // Patients with few visits, so that there are enough patients.
  return [...patients.values()]
    .sort((a, b) => a.length - b.length)
    .flat()
    .slice(0, VISITS);
}

async function until(
  { engine }: TestEngine,
  jobId: JobId,
  done: (job: JobDetail) => boolean,
): Promise<JobDetail> {
  while (true) {
    const job = await engine.call('finetune.get', { jobId });
    if (done(job)) return job;
    await new Promise((go) => setTimeout(go, 100));
  }
}
const isThrough = ({ state }: JobDetail): boolean => !['queued', 'running'].includes(state);

const LONG = 900_000;

describe('local fine-tuning', { timeout: LONG }, () => {
  const folders = new TestFolders();
  let engine: TestEngine;
  let pids: number[] = [];
  const start = async (): Promise<void> => {
    engine = await startEngine(folders, {}, (pid) => pids.push(pid));
  };
  beforeAll(async () => {
    await start();
    await importRecords(engine, folders, await siteRecords());
  }, LONG);
  afterAll(async () => {
    await engine.stop();
    folders.remove();
  }, LONG);

  it('says what it would train on, and keeps the demo apart', async () => {
    const report = await engine.engine.call('finetune.report', { selection: ALL, settings: QUICK });
    const { train, validation, heldOut } = report.parts;
    expect(train.visits + validation.visits + heldOut.visits).toBe(VISITS);
    expect(train.visits).toBeGreaterThan(heldOut.visits);
    expect(report.refusals).toEqual([]);
    expect(report.coverage).toBeGreaterThan(0.5);
    expect(report.newDrugs.length).toBeGreaterThan(0);
    expect(report.drugShift).toBeGreaterThan(0.25); // admissions against office visits
    const none = { ...ALL, demo: true };
    const empty = await engine.engine.call('finetune.report', { selection: none, settings: QUICK });
    expect(empty.refusals.map(({ reason }) => reason)).toContain('too-few-visits');
    await expect(
      engine.engine.call('finetune.start', { name: 'Demo', selection: none, settings: QUICK }),
    ).rejects.toMatchObject({ code: 'FINETUNE_REFUSED' });
    const { jobs } = await engine.engine.call('finetune.list', {});
    expect(jobs).toEqual([]);
  });

  it('survives the death of the trainer and of the engine with the very same model, which is then used and left', async () => {
    const plain = await engine.engine.call('finetune.start', {
      name: 'Plain',
      selection: ALL,
      settings: QUICK,
    });
    const whole = await until(engine, plain.id, isThrough);
    expect(whole.error).toBeNull();
    expect(whole.state).toBe('evaluated');
    expect(whole.examples).toHaveLength(10);
    expect(whole.usage!.memory).toBeLessThan(3e9);

    // Once more, killed in the cross-fitting and again while it is measured; the engine is stopped in between.
    pids = [];
    const killed = await engine.engine.call('finetune.start', {
      name: 'Killed',
      selection: ALL,
      settings: QUICK,
    });
    await until(engine, killed.id, ({ point }) => point?.stage === 'cross-fitting' && point.step > 40);
    process.kill(pids.at(-1)!, 'SIGKILL');
    await until(engine, killed.id, ({ log }) => log.some(({ event }) => event === 'trainer-lost'));
    const before = await engine.engine.call('finetune.get', { jobId: killed.id });
    await engine.stop();
    await start();
    // The time left is that of the whole job: it does not begin anew with the process.
    const after = await engine.engine.call('finetune.get', { jobId: killed.id });
    expect(before.secondsLeft).toBeLessThan(before.report.estimate.seconds);
    expect(after.secondsLeft).toBeLessThanOrEqual(before.secondsLeft!);
    await until(engine, killed.id, ({ point }) => point?.stage === 'evaluating');
    process.kill(pids.at(-1)!, 'SIGKILL');
    const again = await until(engine, killed.id, isThrough);
    expect(again.state).toBe('evaluated');
    // What the killed processes worked counts.
    const spentBefore = before.report.estimate.seconds - before.secondsLeft!;
    if (before.secondsLeft! > 0) expect(again.usage!.seconds).toBeGreaterThan(spentBefore);
    expect(again.log.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['started', 'trainer-lost', 'resumed']),
    );
    const manifestOf = (id: string) =>
      JSON.parse(readFileSync(join(folders.profile, 'models', `trained-${id}`, 'manifest.json'), 'utf8')) as {
        version: string;
        evaluation: unknown;
        files: unknown;
      };
    const [one, other] = [manifestOf(plain.id), manifestOf(killed.id)];
    expect(other.files).toEqual(one.files);
    expect(other.version).toBe(one.version);
    expect(other.evaluation).toEqual(one.evaluation);
    expect(existsSync(join(folders.profile, 'finetune', killed.id))).toBe(false);

    // Used, named in what it recommends, and left again.
    const passed = whole.evaluation!.gates.every((gate) => gate.passed);
    expect(passed).toBe(true);
    const status = await engine.engine.call('finetune.promote', { jobId: plain.id });
    expect(status.modelId).toBe(`local/trained-${plain.id}`);
    const visitId = whole.examples[0]!.visitId;
    const reply = await engine.engine.call('recommend', { visitId });
    expect(reply.model).toEqual({ name: 'Plain', version: one.version });
    await engine.engine.call('models.rollBack', {});
    const shipped = await engine.engine.call('recommend', { visitId });
    expect(shipped.model.name).toBe('flame-namcs');
    await engine.engine.call('finetune.reject', { jobId: killed.id });
    expect(readdirSync(join(folders.profile, 'models'))).toEqual([`trained-${plain.id}`]);
    const { jobs } = await engine.engine.call('finetune.list', {});
    expect(jobs.map(({ state }) => state)).toEqual(['rejected', 'promoted']);
  });

  it('gives the training set out as JSON lines without names, and measures an adapter that comes back', async () => {
    const asked = { selection: ALL, settings: QUICK };
    const archive = join(folders.base, 'set.zip');
    await engine.shell.call('files.grant', { grant: 'set', path: archive, purpose: 'write' });
    const { visits } = await engine.engine.call('finetune.export', { ...asked, grant: 'set' });
    const files = new Map<string, string>();
    const zip = await openPromise(archive);
    for await (const entry of zip.eachEntry())
      files.set(entry.fileName, await text(await zip.openReadStreamPromise(entry)));
    const names = [
      'config.json',
      'base.safetensors',
      'train.jsonl',
      'validation.jsonl',
      'trl-train.jsonl',
      'trl-validation.jsonl',
      'README.md',
    ];
    expect([...files.keys()]).toEqual(names.map((name) => `flame-training-set/${name}`));
    const lines = ['train', 'validation']
      .map((part) => files.get(`flame-training-set/${part}.jsonl`)!)
      .join('');
    expect(lines.trim().split('\n')).toHaveLength(visits);
    for (const { patient, visit } of await siteRecords()) {
      expect(lines).not.toContain(patient);
      expect(lines).not.toContain(visit);
    }

    // What was trained here is an adapter as PEFT writes one: it stands for one that was trained elsewhere.
    const { jobs } = await engine.engine.call('finetune.list', {});
    const trained = join(
      folders.profile,
      'models',
      `trained-${jobs.find(({ name }) => name === 'Plain')!.id}`,
    );
    await engine.shell.call('files.grant', { grant: 'adapter', path: trained });
    const queued = await engine.engine.call('finetune.importAdapter', {
      ...asked,
      name: 'From the cluster',
      grant: 'adapter',
    });
    const measured = await until(engine, queued.id, isThrough);
    expect(measured).toMatchObject({ state: 'evaluated', error: null, choices: null });
    expect(measured.evaluation!.gates).toHaveLength(7);
    expect(measured.examples).toHaveLength(10);
    const { provenance } = await engine.engine.call('models.details', { model: measured.model! });
    expect(provenance).toContainEqual({ what: 'source', value: 'imported-adapter' });
    expect(existsSync(join(folders.profile, 'finetune', queued.id))).toBe(false);

    await engine.shell.call('files.grant', { grant: 'none', path: folders.base });
    const refused = engine.engine.call('finetune.importAdapter', { ...asked, name: 'x', grant: 'none' });
    await expect(refused).rejects.toMatchObject({ code: 'ADAPTER_UNUSABLE' });
    expect((await engine.engine.call('finetune.list', {})).jobs).toHaveLength(jobs.length + 1);
  });

  it('waits when asked to, goes on, and is cancelled without a trace', async () => {
    const { id: jobId } = await engine.engine.call('finetune.start', {
      name: 'Stopped',
      selection: ALL,
      settings: QUICK,
    });
    const next = await engine.engine.call('finetune.start', {
      name: 'Next',
      selection: ALL,
      settings: QUICK,
    });
    await until(engine, jobId, ({ point }) => point?.stage === 'adapter' && point.step > 10);
    // One at a time, and behind everything else that runs on this computer.
    expect((await engine.engine.call('finetune.get', { jobId: next.id })).state).toBe('queued');
    expect(getPriority(pids.at(-1))).toBe(15);
    await engine.engine.call('finetune.cancel', { jobId: next.id });
    await engine.shell.call('power.changed', { onBattery: true });
    const waiting = await until(engine, jobId, ({ waitingFor }) => waitingFor === 'power');
    const still = waiting.point!.step;
    await new Promise((go) => setTimeout(go, 400));
    const later = await engine.engine.call('finetune.get', { jobId });
    expect(later.point!.step - still).toBeLessThanOrEqual(10); // what was under way
    await engine.shell.call('power.changed', { onBattery: false });
    await until(engine, jobId, ({ point }) => point!.step > later.point!.step);
    const cancelled = await engine.engine.call('finetune.cancel', { jobId });
    expect(cancelled.state).toBe('cancelled');
    expect(existsSync(join(folders.profile, 'finetune', jobId))).toBe(false);
    await expect(engine.engine.call('finetune.cancel', { jobId })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  it('waits while a clinician asks for recommendations, if it is told to', async () => {
    const { id: jobId } = await engine.engine.call('finetune.start', {
      name: 'Polite',
      selection: ALL,
      settings: { ...QUICK, pauseWhileWorking: true },
    });
    const { patients } = await engine.engine.call('patients.list', { query: '', limit: 1, offset: 0 });
    await engine.engine.call('recommend', { visitId: patients[0]!.lastVisitId! });
    const waiting = await until(engine, jobId, ({ waitingFor }) => waitingFor !== null);
    expect(waiting.waitingFor).toBe('clinician');
    expect((await engine.engine.call('finetune.cancel', { jobId })).state).toBe('cancelled');
  });

  it('goes on while Flame is locked, tells nobody, and waits for a person with its result', async () => {
    const { id: jobId } = await engine.engine.call('finetune.start', {
      name: 'Overnight',
      selection: ALL,
      settings: QUICK,
    });
    await until(engine, jobId, ({ point }) => point?.stage === 'adapter' && point.step > 5);
    const ada = { name: 'Ada Example', title: '', roles: ['data-steward', 'administrator'] } as const;
    const passphrase = 'a violet tractor sings';
    const { status } = await engine.engine.call('accounts.setUp', { ...ada, passphrase });
    const atLock = await engine.engine.call('finetune.get', { jobId });
    expect(await engine.shell.call('session.away', {})).toEqual({ locked: true });
    for (const method of ['finetune.get', 'finetune.cancel', 'finetune.promote'] as const)
      await expect(engine.engine.call(method, { jobId })).rejects.toMatchObject({ code: 'SESSION_LOCKED' });
    await new Promise((go) => setTimeout(go, 1500));
    const account = status.session.account!.id;
    await engine.engine.call('session.signIn', { account, passphrase });
    const later = await until(engine, jobId, ({ point }) => point!.step > atLock.point!.step);
    expect(later.waitingFor).toBeNull();
    expect((await engine.engine.call('finetune.cancel', { jobId })).state).toBe('cancelled');
  });
});
