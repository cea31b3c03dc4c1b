/**
 * Measures the training engine: tokens and GFLOP per second of a whole step (forward, backward, clipping, AdamW), as a
 * share of what a single matrix product reaches on the same threads in the same minutes, and peak memory.
 *
 *   npm run bench:nn [-- --size base|small] [--threads 2] [--rounds 6] [--steps 3] [--json]
 *
 * Products and steps take turns, and each side's best is compared, so that a busy machine disturbs both alike. A second
 * pair of figures divides by processor time instead of wall time: other processes hardly touch it, but it cannot see
 * threads that wait. "foreign" is the share of processor time that went to other processes meanwhile.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type HostTensor, hostTensor } from '../src/nn/dtype.ts';
import { Graph } from '../src/nn/graph.ts';
import { type LlamaConfig, llama, llamaSize } from '../src/nn/llama.ts';
import { crossEntropy } from '../src/nn/losses.ts';
import { gemm } from '../src/nn/matrix-ops.ts';
import { ADAMW_DEFAULTS } from '../src/nn/optimizer.ts';
import { Random } from '../src/nn/random.ts';
import type { Scope } from '../src/nn/scope.ts';
import { openSession } from '../src/nn/session.ts';
import { slice } from '../src/nn/shape-ops.ts';
import { buildTrainStep } from '../src/nn/train-step.ts';
import { Trainer } from '../src/nn/trainer.ts';

interface Size extends LlamaConfig {
  readonly batch: number;
  readonly length: number;
}
const shared = { tied: true } as const;
const SIZES: Record<string, Size> = {
  // The configuration of the goal: about 6 million parameters.
  base: {
    ...shared,
    vocabularySize: 4096,
    hiddenSize: 256,
    layers: 6,
    heads: 8,
    keyValueHeads: 8,
    intermediateSize: 768,
    batch: 16,
    length: 192,
  },
  small: {
    ...shared,
    vocabularySize: 2048,
    hiddenSize: 128,
    layers: 4,
    heads: 4,
    keyValueHeads: 4,
    intermediateSize: 384,
    batch: 16,
    length: 128,
  },
};
/** rows × inner × columns of products to take the peak over: large squares, and the shapes of the model itself. */
const PRODUCTS = [
  [512, 512, 512],
  [768, 768, 768],
  [1024, 1024, 1024],
  [1536, 1536, 1536],
  [2048, 2048, 2048],
  [3072, 256, 256],
  [3072, 256, 768],
  [3072, 768, 256],
  [3072, 256, 4096],
  [256, 3072, 768],
] as const;

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'base' },
    threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    rounds: { type: 'string', default: '6' },
    steps: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const size = SIZES[values.size];
if (!size) throw new Error(`--size is one of ${Object.keys(SIZES).join(', ')}`);
const threads = Number(values.threads);
const tokens = size.batch * size.length;

function build(scope: Scope) {
  const logits = llama(scope, size!)(scope.input('ids', 'int32', [size!.batch, size!.length]));
  return crossEntropy(logits, scope.input('targets', 'int32', [tokens]));
}

/** Floating-point operations of all matrix products of one step, counted from the graph that runs. */
function productFlop(): number {
  let flop = 0;
  for (const { operator, inputs, outputs, attributes } of buildTrainStep(
    build,
    ADAMW_DEFAULTS,
  ).graph.liveNodes()) {
    if (operator !== 'Gemm' && operator !== 'MatMul') continue;
    const inner = inputs[0]!.dim(attributes['transA'] === 1 ? -2 : -1);
    flop += 2 * inner * outputs[0]!.shape.reduce((n, d) => n * d, 1);
  }
  return flop;
}

interface Timing {
  /** Seconds by the clock. */
  readonly wall: number;
  /** Seconds of processor time, all threads. */
  readonly cpu: number;
}

async function timed(run: () => Promise<unknown>): Promise<Timing> {
  const before = process.cpuUsage();
  const start = performance.now();
  await run();
  const wall = (performance.now() - start) / 1000;
  const used = process.cpuUsage(before);
  return { wall, cpu: (used.user + used.system) / 1e6 };
}

/** Processor seconds of the whole machine, or undefined where /proc does not tell. */
function machineBusy(): number | undefined {
  try {
    const fields = readFileSync('/proc/stat', 'utf8')
      .split('\n')[0]!
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number);
    const [user, nice, system, , , irq, soft] = fields;
    return (user! + nice! + system! + irq! + soft!) / 100;
  } catch {
    return undefined;
  }
}

const random = new Random(1);
const noise = (length: number) => Float32Array.from({ length }, () => random.normal());

/**
 * Several products of one shape in one run. As in training, no side is a constant that could be packed in advance, and
 * results stay inside the graph: only one element of each comes out.
 */
async function openProducts([rows, inner, columns]: readonly [number, number, number]) {
  const flop = 2 * rows * inner * columns;
  const count = Math.max(2, Math.round(4e9 / flop));
  const graph = new Graph();
  const b = graph.input('b', 'float', [columns, inner]);
  const side = hostTensor('float32', [rows, inner], noise(rows * inner));
  const feeds: Record<string, HostTensor> = {
    b: hostTensor('float32', [columns, inner], noise(inner * columns)),
  };
  for (let i = 0; i < count; i++) {
    const product = gemm(graph.input(`a${i}`, 'float', [rows, inner]), b, { transB: true });
    graph.output(slice(slice(product, 0, 0, 1), 1, 0, 1), `c${i}`);
    feeds[`a${i}`] = side;
  }
  const session = await openSession(graph.toModel(), { threads });
  const once = () => session.run(feeds);
  await once();
  return { name: `${rows}x${inner}x${columns}`, flop: flop * count, once };
}

const trainer = await Trainer.create(build, { seed: 1, session: { threads } });
const ids = Int32Array.from({ length: tokens }, () => random.int(size.vocabularySize));
const batch = { ids, targets: ids.map((id) => (id * 7 + 1) % size.vocabularySize) };
const step = () => trainer.step(batch, { learningRate: 1e-4 });
await step();
await step();
const trainingMemory = process.resourceUsage().maxRSS / 1024;
const products = [];
for (const shape of PRODUCTS) products.push(await openProducts(shape));

const start = { busy: machineBusy(), own: process.cpuUsage(), time: performance.now() };
const stepTimes: Timing[] = [];
const peaks: { name: string; wall: number; cpu: number }[] = products.map(({ name }) => ({
  name,
  wall: 0,
  cpu: 0,
}));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [i, { flop, once }] of products.entries()) {
    const { wall, cpu } = await timed(once);
    peaks[i]!.wall = Math.max(peaks[i]!.wall, flop / wall / 1e9);
    peaks[i]!.cpu = Math.max(peaks[i]!.cpu, flop / cpu / 1e9);
  }
  for (let i = 0; i < Number(values.steps); i++) stepTimes.push(await timed(step));
}
const own = process.cpuUsage(start.own);
const seconds = (performance.now() - start.time) / 1000;
const busy = machineBusy();
const foreign =
  busy === undefined || start.busy === undefined
    ? undefined
    : Math.max(0, (busy - start.busy - (own.user + own.system) / 1e6) / seconds);
await trainer.close();

const best = (key: keyof Timing) => Math.min(...stepTimes.map((timing) => timing[key]));
const sorted = stepTimes.map(({ wall }) => wall).sort((a, b) => a - b);
const median = sorted[sorted.length >> 1]!;
const parameters = llamaSize(size);
const rule = 6 * parameters * tokens;
const counted = productFlop();
const peak = Math.max(...peaks.map(({ wall }) => wall));
const peakCpu = Math.max(...peaks.map(({ cpu }) => cpu));
const report = {
  size: values.size,
  parameters,
  batch: [size.batch, size.length],
  threads,
  processor: cpus()[0]?.model ?? 'unknown',
  stepMilliseconds: { best: best('wall') * 1e3, median: median * 1e3 },
  tokensPerSecond: { best: tokens / best('wall'), median: tokens / median },
  gflops: { rule: rule / best('wall') / 1e9, counted: counted / best('wall') / 1e9 },
  peakGflops: peak,
  shareOfPeak: { rule: rule / best('wall') / 1e9 / peak, counted: counted / best('wall') / 1e9 / peak },
  shareOfPeakByProcessorTime: {
    rule: rule / best('cpu') / 1e9 / peakCpu,
    counted: counted / best('cpu') / 1e9 / peakCpu,
  },
  peakMemoryMiB: trainingMemory,
  foreignProcessors: foreign,
  products: peaks,
};

if (values.json) console.log(JSON.stringify(report, null, 1));
else {
  const percent = (x: number) => `${(100 * x).toFixed(0)} %`;
  console.log(
    `decoder ${values.size}: ${(parameters / 1e6).toFixed(2)} M parameters, batch ${size.batch} x ${size.length} tokens, ${threads} threads`,
  );
  console.log(
    `processor       ${report.processor}; other processes used ${foreign === undefined ? 'an unknown share' : `${foreign.toFixed(2)} processors`} meanwhile`,
  );
  console.log(
    `step            ${report.stepMilliseconds.best.toFixed(0)} ms best, ${report.stepMilliseconds.median.toFixed(0)} ms median of ${stepTimes.length}`,
  );
  console.log(
    `tokens/s        ${report.tokensPerSecond.best.toFixed(0)} best, ${report.tokensPerSecond.median.toFixed(0)} median`,
  );
  console.log(
    `GFLOP/s         ${report.gflops.rule.toFixed(1)} by 6 x parameters x tokens; ${report.gflops.counted.toFixed(1)} counting every matrix product (attention scores too)`,
  );
  console.log(
    `GEMM peak       ${peak.toFixed(1)} GFLOP/s, best of ${peaks.map(({ name, wall }) => `${name} ${wall.toFixed(0)}`).join(', ')}`,
  );
  console.log(
    `share of peak   ${percent(report.shareOfPeak.rule)} by the rule, ${percent(report.shareOfPeak.counted)} counted`,
  );
  console.log(
    `  by cpu time   ${percent(report.shareOfPeakByProcessorTime.rule)} by the rule, ${percent(report.shareOfPeakByProcessorTime.counted)} counted`,
  );
  console.log(`peak memory     ${trainingMemory.toFixed(0)} MiB resident after the first steps`);
}
