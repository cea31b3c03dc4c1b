/**
 * `npm run bench:text`: what a Llama-type checkpoint takes to open and run here, by size and precision, from random weights;
 * and what larger ones would take by the formulas of src/nn/pretrained/memory.ts and a memory-bound time per token. Each
 * row runs in a process of its own, so that none finds room that another one left.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachedDecoder } from '../src/nn/cached-decoder.ts';
import { sizeOf } from '../src/nn/dtype.ts';
import { float32ToFloat16 } from '../src/nn/half.ts';
import { decoderOptions, llamaSize, llamaStepParts } from '../src/nn/llama.ts';
import { formatConfig, type PretrainedConfig } from '../src/nn/pretrained/config.ts';
import { readPretrained, weightShapes } from '../src/nn/pretrained/folder.ts';
import {
  estimateMemory,
  gigabytes,
  int4Bytes,
  planPretrained,
  type RunShape,
} from '../src/nn/pretrained/memory.ts';
import { quantisePretrained } from '../src/nn/pretrained/quantise.ts';
import { streamSafetensors, type TensorSource } from '../src/nn/safetensors.ts';
import { reshape } from '../src/nn/shape-ops.ts';

const PREFIX = 128;
const STEPS = 24;
const RUN: RunShape = { graphs: 2, rows: 1, capacity: PREFIX + STEPS + 1, tokens: PREFIX };
const common = { ropeTheta: 500000, normEpsilon: 1e-5, tied: false, maximumLength: 8192 };
const SMALL: readonly (readonly [string, PretrainedConfig])[] = [
  [
    '10M',
    {
      ...common,
      vocabularySize: 4096,
      hiddenSize: 256,
      layers: 8,
      heads: 8,
      keyValueHeads: 2,
      headSize: 32,
      intermediateSize: 1024,
    },
  ],
  [
    '112M',
    {
      ...common,
      vocabularySize: 16384,
      hiddenSize: 768,
      layers: 12,
      heads: 12,
      keyValueHeads: 4,
      headSize: 64,
      intermediateSize: 2048,
    },
  ],
];
const LARGE: readonly (readonly [string, PretrainedConfig])[] = [
  [
    'Llama 3.2 1B',
    {
      ...common,
      vocabularySize: 128256,
      hiddenSize: 2048,
      layers: 16,
      heads: 32,
      keyValueHeads: 8,
      headSize: 64,
      intermediateSize: 8192,
      tied: true,
    },
  ],
  [
    'Llama 3.1 8B',
    {
      ...common,
      vocabularySize: 128256,
      hiddenSize: 4096,
      layers: 32,
      heads: 32,
      keyValueHeads: 8,
      headSize: 128,
      intermediateSize: 14336,
    },
  ],
];

function randomCheckpoint(folder: string, config: PretrainedConfig): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(formatConfig(config)));
  const tensors = new Map<string, TensorSource>();
  for (const [name, shape] of weightShapes(config))
    tensors.set(name, {
      type: 'F16',
      shape,
      bytes: () => {
        // Uniform noise of deviation 0.02; norms at 1. Different everywhere: equal weights would share memory.
        const values = Float32Array.from({ length: sizeOf(shape) }, () =>
          shape.length === 1 ? 1 : (Math.random() - 0.5) * 0.07,
        );
        return new Uint8Array(float32ToFloat16(values).buffer);
      },
    });
  streamSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' });
}

interface Measured {
  readonly fileBytes: number;
  readonly openMilliseconds: number;
  readonly prefillTokensPerSecond: number;
  readonly millisecondsPerToken: number;
  /** Most bytes that the process held at once, above what it held before the checkpoint was opened. */
  readonly peakGrowth: number;
  readonly estimate: number;
}

async function measure(folder: string, available: number): Promise<Measured> {
  const source = readPretrained(folder);
  const before = process.memoryUsage().rss;
  const { weights, session, estimate } = planPretrained(source, RUN, available);
  const decoder = new CachedDecoder({
    options: decoderOptions(source.config),
    capacity: RUN.capacity,
    maxRows: 1,
    buckets: [1],
    parameters: weights,
    session: { ...session, threads: 2 },
    build: (scope, { rows, tokens, prefill, cache }) => {
      const { embed, blocks, toLogits } = llamaStepParts(scope, source.config);
      const step = blocks(embed(scope.input('ids', 'int32', [rows, tokens])), cache);
      return {
        step,
        outputs: prefill
          ? {}
          : { logits: reshape(toLogits(step.hidden), [rows, source.config.vocabularySize]) },
      };
    },
  });
  const ids = Int32Array.from({ length: PREFIX }, (_, i) => (i * 7919) % source.config.vocabularySize);
  let started = performance.now();
  await decoder.warmUp(PREFIX);
  const openMilliseconds = performance.now() - started;
  await decoder.prefill({ ids }, 1, PREFIX);
  started = performance.now();
  await decoder.prefill({ ids }, 1, PREFIX);
  const prefill = performance.now() - started;
  const times: number[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    started = performance.now();
    await decoder.step({ ids: [step] });
    times.push(performance.now() - started);
  }
  const peakGrowth = 1024 * process.resourceUsage().maxRSS - before;
  await decoder.close();
  return {
    fileBytes: statSync(join(folder, 'model.safetensors')).size,
    openMilliseconds,
    prefillTokensPerSecond: (1000 * PREFIX) / prefill,
    millisecondsPerToken: times.toSorted((a, b) => a - b)[STEPS >> 1]!,
    peakGrowth,
    estimate: estimate.total,
  };
}

const [child, childAvailable] = process.argv.slice(2);
if (child !== undefined) {
  process.stdout.write(JSON.stringify(await measure(child, Number(childAvailable))));
  process.exit();
}

function measureAlone(folder: string, available: number): Measured {
  const script = import.meta.filename;
  return JSON.parse(
    execFileSync(process.execPath, [script, folder, String(available)], { encoding: 'utf8' }),
  ) as Measured;
}

const scratch = mkdtempSync(join(tmpdir(), 'flame-bench-text-'));
const rows: string[][] = [
  ['size', 'weights', 'file', 'open', 'prefill tok/s', 'ms/token', 'peak memory', 'estimated'],
];
let bandwidth = 0; // bytes of 4-bit weights read a second, of the largest measured
try {
  for (const [name, config] of SMALL) {
    const folder = join(scratch, name);
    randomCheckpoint(folder, config);
    const int4 = join(scratch, `${name}-int4`);
    quantisePretrained(readPretrained(folder), int4);
    for (const [how, at, available] of [
      ['float16, widened at loading', folder, 64e9],
      ['float16, widened at each use', folder, 1e9],
      ['4 bits', int4, 64e9],
    ] as const) {
      const found = measureAlone(at, available);
      rows.push([
        name,
        how,
        gigabytes(found.fileBytes),
        `${Math.round(found.openMilliseconds)} ms`,
        String(Math.round(found.prefillTokensPerSecond)),
        found.millisecondsPerToken.toFixed(1),
        gigabytes(found.peakGrowth),
        gigabytes(found.estimate),
      ]);
      if (how === '4 bits') bandwidth = (int4Bytes(config) * 1000) / found.millisecondsPerToken;
    }
  }
} finally {
  rmSync(scratch, { recursive: true });
}
process.stdout.write(
  `${cpus()[0]?.model ?? ''}, ${cpus().length} cores, load ${loadavg()
    .map((l) => l.toFixed(1))
    .join(' ')}\n`,
);
process.stdout.write(`${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n\n`);
process.stdout.write(`4-bit weights read at ${gigabytes(bandwidth)}/s; estimated, not run:\n`);
for (const [name, config] of LARGE) {
  const bytes = int4Bytes(config);
  const shape = { graphs: 4, rows: 11, capacity: 512, tokens: 256 };
  const tensors = new Map([
    ['weights', { file: '', stored: { dtype: 'U8' as const, shape: [bytes, 1], offset: 0, length: bytes } }],
  ]);
  const source = {
    folder: '',
    config,
    tensors,
    shapes: new Map<string, readonly number[]>(),
    quantised: new Set<string>(),
  };
  const { total, cache } = estimateMemory(source, shape, false);
  process.stdout.write(
    `| ${name} | ${(llamaSize(config) / 1e9).toFixed(2)} G weights | 4 bits ${gigabytes(bytes)} | memory ${gigabytes(total)} (cache of 11 rows of 512 tokens ${gigabytes(cache)}) | ${((1000 * bytes) / bandwidth).toFixed(0)} ms/token |\n`,
  );
}
