/**
 * Times recommend() on real visits, as the app calls it: handler, model, decoding, tables, database write.
 * `npm run bench:recommend [-- --visits 1000]`. Prints; asserts nothing.
 */

import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { createHandlers } from '../src/engine/handlers.ts';
import type { RecommendTimes } from '../src/engine/decisions/recommend.ts';
import type { CallContext } from '../src/engine/serve.ts';
import { getVisit } from '../src/engine/store/visits.ts';
import { Workspace } from '../src/engine/workspace.ts';
import type { VisitId } from '../src/shared/ids.ts';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { visits: { type: 'string', default: '1000' } } });
const count = Number(values.visits);
const WARM_UP = 50;
const GOAL = 50;

const profile = mkdtempSync(join(tmpdir(), 'flame-bench-'));
const options = {
  profile,
  resources: join(root, 'resources'),
  models: join(root, 'models'),
  sqliteBinding: null,
  appVersion: 'bench',
};
const context: CallContext = { signal: new AbortController().signal, progress: () => undefined };

try {
  const file = join(profile, 'visits.jsonl');
  const half = Math.ceil((count + WARM_UP) / 2);
  const lines = [
    ...(await everyNth('namcs-1995-2009.jsonl.gz', half, 240)),
    ...(await everyNth('namcs-2016.jsonl.gz', half, 8)),
  ];
  writeFileSync(file, withHistory(lines).join('\n'));
  const { engine, shell } = await createHandlers(options);
  await shell['files.grant']({ grant: 'bench', path: file }, context);
  await engine['visits.import']({ grant: 'bench' }, context as CallContext<unknown>);
  const visits = await visitIds();

  const whole: number[] = [];
  let bytes = 0;
  for (const [i, visitId] of visits.entries()) {
    const started = performance.now();
    const reply = await engine.recommend({ visitId }, context);
    if (i < WARM_UP) continue;
    whole.push(performance.now() - started);
    bytes += JSON.stringify(reply).length;
  }
  await shell['engine.shutdown']({}, context);

  const stages = await stageTimes(visits);
  print(whole, stages, bytes / whole.length);

  async function visitIds(): Promise<VisitId[]> {
    const ids: VisitId[] = [];
    for (let offset = 0; ; offset += 500) {
      const page = await engine['patients.list']({ query: '', limit: 500, offset }, context);
      ids.push(...page.patients.flatMap(({ lastVisitId }) => lastVisitId ?? []));
      if (page.patients.length < 500) return ids;
    }
  }
} finally {
  rmSync(profile, { recursive: true, force: true });
}

/** The stages inside the recommender, on the same visits, without the database. */
async function stageTimes(visits: readonly VisitId[]): Promise<RecommendTimes[]> {
  const workspace = await Workspace.open(options);
  const times: RecommendTimes[] = [];
  for (const [i, visitId] of visits.entries()) {
    const visit = getVisit(workspace.db, visitId);
    const onTimes = (stages: RecommendTimes): void => {
      if (i >= WARM_UP) times.push(stages);
    };
    await workspace.recommender.recommend(visit, { habits: workspace.habits, onTimes });
  }
  await workspace.close();
  return times;
}

async function everyNth(name: string, wanted: number, step: number): Promise<string[]> {
  const lines: string[] = [];
  let n = 0;
  const input = createReadStream(join(root, 'data/visits', name)).pipe(createGunzip());
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (n++ % step === 0) lines.push(line);
    if (lines.length === wanted) break;
  }
  return lines;
}

/** The survey knows no current medications: every other visit takes the next one's drugs as its own. Timing only. */
function withHistory(lines: readonly string[]): string[] {
  const records = lines.map((line) => JSON.parse(line) as { drugs: string[] });
  return records.map((record, i) =>
    JSON.stringify(i % 2 === 0 ? record : { ...record, current: records[(i + 1) % records.length]!.drugs }),
  );
}

function print(whole: readonly number[], stages: readonly RecommendTimes[], bytes: number): void {
  const [cpu] = cpus();
  console.log(
    `recommend() on ${whole.length} NAMCS visits (half with current medications), after ${WARM_UP} calls`,
  );
  console.log(
    `${cpu?.model ?? 'unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ` +
      `Node ${process.versions.node}, no GPU; load average ${loadAverage()}`,
  );
  console.log('');
  console.log('milliseconds           p50    p95    max');
  row('whole call, stored', whole);
  row(
    '  score',
    stages.map(({ score }) => score),
  );
  row(
    '  hard rules, decode',
    stages.map(({ decode }) => decode),
  );
  row(
    '  gather',
    stages.map(({ gather }) => gather),
  );
  console.log('');
  console.log(
    `reply ${(bytes / 1024).toFixed(0)} KiB of JSON on average; goal: p95 of the whole call ≤ ${GOAL} ms`,
  );
}

function row(name: string, times: readonly number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const cells = [at(0.5), at(0.95), sorted.at(-1)!].map((ms) => ms.toFixed(1).padStart(7));
  console.log(`${name.padEnd(20)}${cells.join('')}`);
}

function loadAverage(): string {
  return process.platform === 'win32' ? 'unknown' : loadavg()[0]!.toFixed(1);
}
