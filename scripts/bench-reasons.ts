/**
 * Times recommend.explain on visits with 20 entries, as the app calls it: handler, one batch of the model, tables, similar
 * visits of the store. `npm run bench:reasons [-- --visits 200]`. Prints; asserts nothing.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { createHandlers } from '../src/engine/handlers.ts';
import type { CallContext } from '../src/engine/serve.ts';

interface Line {
  readonly reasons: string[];
  readonly dx: string[];
  readonly drugs: string[];
}

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { visits: { type: 'string', default: '200' } } });
const count = Number(values.visits);
const WARM_UP = 5;
const GOAL = 150;
/** Age, sex and specialty are three; codes and drugs make up the rest. */
const ENTRIES = 20;

const profile = mkdtempSync(join(tmpdir(), 'flame-bench-'));
const context: CallContext = { signal: new AbortController().signal, progress: () => undefined };

try {
  const file = join(profile, 'visits.jsonl');
  writeFileSync(file, busyVisits(count + WARM_UP).join('\n'));
  const options = {
    profile,
    resources: join(root, 'resources'),
    models: join(root, 'models'),
    sqliteBinding: null,
    appVersion: 'bench',
  };
  const { engine, shell } = await createHandlers(options);
  await shell['files.grant']({ grant: 'bench', path: file }, context);
  await engine['visits.import']({ grant: 'bench' }, context as CallContext<unknown>);
  const { patients } = await engine['patients.list']({ query: '', limit: 500, offset: 0 }, context);

  const first: number[] = [];
  const second: number[] = [];
  for (const [i, { lastVisitId }] of patients.entries()) {
    const reply = await engine.recommend({ visitId: lastVisitId! }, context);
    const [one, other] = reply.candidates.map(({ drug }) => drug.id);
    const question = { visitId: reply.visitId, recommendationId: reply.id, alpha: 0 };
    const started = performance.now();
    await engine['recommend.explain']({ ...question, drug: one! }, context);
    const answered = performance.now();
    await engine['recommend.explain']({ ...question, drug: other! }, context);
    if (i < WARM_UP) continue;
    first.push(answered - started);
    second.push(performance.now() - answered);
  }
  await shell['engine.shutdown']({}, context);

  const [cpu] = cpus();
  console.log(`recommend.explain on ${first.length} visits of ${ENTRIES} entries, after ${WARM_UP} calls`);
  console.log(
    `${patients.length} stored visits; ${cpu?.model ?? 'unknown processor'}, ${cpus().length} cores,`,
  );
  console.log(`Node ${process.versions.node}, no GPU; load average ${loadavg()[0]!.toFixed(1)}\n`);
  console.log('milliseconds             p50    p95    max');
  row('first drug', first);
  row('every further drug', second);
  console.log(`\ngoal: p95 of the first drug ≤ ${GOAL} ms`);
} finally {
  rmSync(profile, { recursive: true, force: true });
}

/** Real codes and drugs, those of consecutive visits joined until there are 20 entries. Timing only. */
function busyVisits(wanted: number): string[] {
  const source = gunzipSync(readFileSync(join(root, 'data/visits/namcs-1995-2009.jsonl.gz'))).toString(
    'utf8',
  );
  const lines = source.split('\n', 40_000).map((line) => JSON.parse(line) as Line);
  const visits: string[] = [];
  for (let at = 0; visits.length < wanted; at += 40) {
    const near = lines.slice(at, at + 40);
    const reasons = distinct(near.flatMap((line) => line.reasons)).slice(0, 3);
    const dx = distinct(near.flatMap((line) => line.dx)).slice(0, 8);
    const current = distinct(near.flatMap((line) => line.drugs)).slice(
      0,
      ENTRIES - 3 - reasons.length - dx.length,
    );
    const id = `bench-${visits.length}`;
    visits.push(
      JSON.stringify({
        ...near[0],
        visit: id,
        patient: id,
        name: id,
        chronic: [],
        procedures: [],
        reasons,
        dx,
        current,
      }),
    );
  }
  return visits;
}

function distinct(items: readonly string[]): string[] {
  return [...new Set(items)];
}

function row(name: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const cells = [at(0.5), at(0.95), sorted.at(-1)!].map((ms) => ms.toFixed(1).padStart(7));
  console.log(`${name.padEnd(20)}${cells.join('')}`);
}
