/**
 * `npm run bench:devices`: tries every processor of this computer on the shipped pack and writes parity, latency of an answer
 * and training speed as Markdown. One command on a computer with a graphics card records it.
 */

import { cpus, loadavg, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { resultOf } from '../src/engine/devices/choose-device.ts';
import { providersOf } from '../src/engine/devices/devices.ts';
import { forkingProber } from '../src/engine/devices/prober.ts';
import { openModel } from '../src/engine/models/model.ts';
import { memoryNeeded } from '../src/engine/models/model-memory.ts';
import { SHIPPED_PACK } from '../src/flame/model-pack.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';

const root = resolve(import.meta.dirname, '..');
const pack = join(root, 'models', SHIPPED_PACK);
const knowledge = join(root, 'resources/knowledge');
const LIMIT_MS = 10 * 60_000;
const BENCHMARK_MS = 3000;

const figure = (value: number | null, digits = 1): string => (value === null ? '–' : value.toFixed(digits));
const error = (value: number | null): string => (value === null ? '–' : value.toExponential(1));

console.log(
  `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, ${Math.round(totalmem() / 1e9)} GB, ${process.platform}`,
);
console.log(
  `load average ${loadavg()
    .map((load) => load.toFixed(1))
    .join(' ')}; driver ${process.env['VK_ICD_FILENAMES'] ?? 'of the system'}\n`,
);
console.log(
  '| processor | result | first answer ms | score ms | list ms | training visits/s | error: probability | logit | gradient | |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const provider of providersOf(process.platform)) {
  const order = { provider, pack, knowledge, benchmarkMs: BENCHMARK_MS };
  const result = resultOf(provider, await forkingProber().probe(order, LIMIT_MS));
  const {
    outcome,
    openMs,
    scoreMs,
    listMs,
    trainingRows,
    probabilityError,
    logitError,
    gradientError,
    reason,
  } = result;
  const speeds = [figure(openMs, 0), figure(scoreMs), figure(listMs), figure(trainingRows, 0)];
  const errors = [error(probabilityError), error(logitError), error(gradientError)];
  console.log(`| ${[provider, outcome, ...speeds, ...errors, reason.replaceAll('|', '/')].join(' | ')} |`);
}

const tables = loadKnowledge(knowledge);
const before = process.memoryUsage().rss;
const model = await openModel(join(root, 'models'), SHIPPED_PACK, tables);
const taken = process.memoryUsage().rss - before;
await model.close();
console.log(
  `\nmemory of the open pack: ${(taken / 1e6).toFixed(0)} MB; estimated before an import: ${(memoryNeeded(17_585_192) / 1e6).toFixed(0)} MB`,
);
