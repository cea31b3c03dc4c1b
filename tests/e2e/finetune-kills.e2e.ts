/**
 * A training under SIGKILL in real Electron: its own process, the engine and the whole app, at random moments. Three kills
 * here; `npm run test:kills` does fifty and compares each model with that of an uninterrupted training, byte by byte.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readVisitFile } from '../../src/flame/corpus.ts';
import { trainTinyPack } from '../../src/flame/testing/tiny-pack.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import type { VisitRecord } from '../../src/shared/domain.ts';
import { DEFAULT_SETTINGS, type FinetuneSelection } from '../../src/shared/finetune.ts';
import type { JobDetail } from '../../src/shared/finetune-api.ts';
import { asId, type JobId, type ModelId } from '../../src/shared/ids.ts';
import { startChild } from '../faults/children.ts';
import { enginePid, expect, type FlameApp, ROOT, temporaryFolder, test } from './app.ts';
import { ask, importPicked } from './workspace.ts';

const KILLS = Number(process.env['FLAME_KILLS'] ?? 3);
const IS_LONG = KILLS > 3;
/** As few as a training takes; some more let its model pass the gates. */
const VISITS = IS_LONG ? 70 : 60;
/** The shell gives an engine up that dies six times within a minute of its start. */
const MOST_ENGINE_KILLS = 4;
const VICTIMS = ['trainer', 'engine', 'app'] as const;
type Victim = (typeof VICTIMS)[number];
const ALL: FinetuneSelection = { source: 'both', from: null, to: null, demo: false };

async function siteFile(): Promise<string> {
  const patients = new Map<string, VisitRecord[]>();
  for await (const record of readVisitFile(join(ROOT, 'data/sites/mimic-iv-demo.jsonl.gz')))
    patients.set(record.patient!, [...(patients.get(record.patient!) ?? []), record]);
  const records = [...patients.values()].sort((a, b) => a.length - b.length).flat();
  const file = join(temporaryFolder(), 'site.jsonl');
  const lines = records.slice(0, VISITS).map((record) => JSON.stringify(record));
  writeFileSync(file, lines.join('\n'));
  return file;
}

const trainerPid = ({ electron }: FlameApp): Promise<number | null> =>
  electron.evaluate(({ app }) => app.getAppMetrics().find(({ name }) => name === 'trainer')?.pid ?? null);

function isAlive(pid: number): boolean {
  try {
    // A process that ended and waits to be collected answers signals still.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const isThrough = ({ state }: JobDetail): boolean => state !== 'queued' && state !== 'running';

interface Manifest {
  readonly version: string;
  readonly files: unknown;
  readonly evaluation: unknown;
}

test.skip(process.platform !== 'linux', 'reads /proc to see a process end');

test('a training survives the death of any process, and store and model in use stay whole', async ({
  launch,
}) => {
  test.setTimeout(IS_LONG ? 3 * 3600_000 : 240_000);
  const profile = join(temporaryFolder(), 'profile');
  const start = (env: Readonly<Record<string, string>> = {}): Promise<FlameApp> => launch({ profile, env });
  let flame = await start({ FLAME_E2E_IMPORT_FILE: await siteFile() });
  await importPicked(flame.page);
  await flame.page.getByRole('button', { name: 'Done' }).click();
  const job = (jobId: JobId): Promise<JobDetail> => ask(flame.page, 'finetune.get', { jobId });
  const begin = async (name: string): Promise<JobId> => {
    const settings = { ...DEFAULT_SETTINGS, profile: 'quick' as const };
    return (await ask(flame.page, 'finetune.start', { name, selection: ALL, settings })).id;
  };
  const manifestOf = (id: JobId): Manifest => {
    const path = join(profile, 'models', `trained-${id}`, 'manifest.json');
    const { version, files, evaluation } = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    return { version, files, evaluation };
  };

  // A model in use besides the shipped one: that of an uninterrupted training, which in the short form would take too long.
  let inUse: ModelId;
  let whole: Manifest | null = null;
  let longestWait = 500;
  if (IS_LONG) {
    const started = performance.now();
    const reference = await begin('Uninterrupted');
    await expect.poll(async () => isThrough(await job(reference)), { timeout: 900_000 }).toBe(true);
    whole = manifestOf(reference);
    // Long enough that most get further between two kills, short enough that each is killed several times.
    longestWait = (performance.now() - started) / 2;
    await ask(flame.page, 'finetune.promote', { jobId: reference });
    inUse = asId<ModelId>(`local/trained-${reference}`);
  } else {
    const folder = join(profile, 'models', 'tiny');
    mkdirSync(join(profile, 'models'), { recursive: true });
    await trainTinyPack(folder, loadKnowledge(join(ROOT, 'resources/knowledge')));
    inUse = asId<ModelId>('local/tiny');
    await ask(flame.page, 'models.use', { model: inUse });
  }
  const expectSound = async (): Promise<void> => {
    const status = await ask(flame.page, 'app.status', {});
    expect(status).toMatchObject({ store: 'open', modelId: inUse, modelFallback: null, failures: [] });
    expect(await ask(flame.page, 'models.verify', { model: inUse })).toMatchObject({ problem: null });
  };
  /** Of a database that nobody has open. */
  const expectSoundStore = async (): Promise<void> => {
    const child = startChild('check', [profile]);
    await child.ended;
    const integrity = JSON.stringify([{ integrity_check: 'ok' }]);
    expect(child.said).toEqual([{ integrity, foreignKeys: '[]', audit: 'null', visits: VISITS }]);
  };

  let jobId = await begin('Killed 1');
  let engineKills = 0;
  const killed: Record<Victim, number> = { trainer: 0, engine: 0, app: 0 };
  const ends = { evaluated: 0, failed: 0 };
  const judge = ({ id, state, error }: JobDetail): void => {
    expect(existsSync(join(profile, 'finetune', id))).toBe(false);
    if (state === 'failed') {
      expect(error!.code).toBe('TRAINER_DIED');
      ends.failed += 1;
      return;
    }
    expect(state).toBe('evaluated');
    if (whole) expect(manifestOf(id)).toEqual(whole);
    ends.evaluated += 1;
  };
  const kill: Record<Victim, () => Promise<boolean>> = {
    trainer: async () => {
      const pid = await trainerPid(flame);
      if (pid !== null) process.kill(pid, 'SIGKILL');
      return pid !== null;
    },
    engine: async () => {
      if (engineKills >= MOST_ENGINE_KILLS) return false;
      const [engine, trainer] = [await enginePid(flame), await trainerPid(flame)];
      process.kill(engine!, 'SIGKILL');
      engineKills += 1;
      if (trainer !== null) await expect.poll(() => isAlive(trainer)).toBe(false); // it never outlives its engine
      // Whoever asks while there is no engine is told so; the next one opens the store again.
      const store = () => ask(flame.page, 'app.status', {}).then(({ store: is }) => is, () => 'no engine'); // prettier-ignore
      await expect.poll(store, { timeout: 60_000 }).toBe('open');
      return true;
    },
    app: async () => {
      const pids = [await enginePid(flame), await trainerPid(flame)].filter((pid) => pid !== null);
      flame.electron.process().kill('SIGKILL');
      for (const pid of pids) await expect.poll(() => isAlive(pid)).toBe(false);
      await expectSoundStore();
      flame = await start();
      engineKills = 0;
      return true;
    },
  };
  let points = 0;
  for (let count = 0, turn = 0; count < KILLS; turn += 1) {
    // In the short form each process gets a bit further first: a job that never does is given up, and nothing was resumed.
    while (!IS_LONG && (await job(jobId)).points.length <= points) await sleep(50);
    points = (await job(jobId)).points.length;
    await sleep(Math.random() * longestWait);
    const victim = IS_LONG ? VICTIMS[Math.floor(Math.random() * VICTIMS.length)]! : VICTIMS[count]!;
    if (!(await kill[victim]())) continue;
    killed[victim] += 1;
    count += 1;
    await expectSound();
    const now = await job(jobId);
    if (!isThrough(now)) continue;
    judge(now);
    jobId = await begin(`Killed ${turn + 2}`);
  }
  await expect.poll(async () => isThrough(await job(jobId)), { timeout: 900_000 }).toBe(true);
  const last = await job(jobId);
  judge(last);
  if (!IS_LONG) expect(ends).toEqual({ evaluated: 1, failed: 0 });
  await expectSound();
  await flame.close();
  await expectSoundStore();
  expect(readdirSync(join(profile, 'models')).filter((name) => name.startsWith('.'))).toEqual([]);
  console.log(
    `killed with SIGKILL: ${JSON.stringify(killed)}; trainings: ${JSON.stringify(ends)}, ${whole ? 'each evaluated one equal to the uninterrupted one' : 'not compared'}`,
  );
});
