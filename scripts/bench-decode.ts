/**
 * Measures token-by-token decoding on cached keys and values against computing every whole sequence anew, for the shape
 * of a list policy: prefill of a prefix, one step, repeating a prefix, and a full pass over the filled capacity.
 *
 *   npm run bench:decode [-- --rows 1,11,64,512] [--kv-heads 6] [--prefix 12] [--capacity 36] [--bucket 64]
 *                        [--threads 1] [--rounds 5] [--json]
 *
 * `--bucket` is the largest batch that runs at once; more rows are cut. Cached and whole passes take turns, so that a
 * busy machine disturbs both alike; figures are medians in milliseconds, and "ratio" is whole pass over step.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type BuildCachedStep, CachedDecoder } from '../src/nn/cached-decoder.ts';
import { type DecoderOptions, decoderBlocks, decoderStep } from '../src/nn/decoder.ts';
import { type HostTensor, hostTensor, sizeOf } from '../src/nn/dtype.ts';
import { Graph } from '../src/nn/graph.ts';
import { InferenceModel } from '../src/nn/inference.ts';
import { Random } from '../src/nn/random.ts';
import { Scope } from '../src/nn/scope.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1,11,64,512' },
    'kv-heads': { type: 'string', default: '6' },
    prefix: { type: 'string', default: '12' },
    capacity: { type: 'string', default: '36' },
    bucket: { type: 'string', default: '64' },
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const [prefix, capacity, rounds] = [values.prefix, values.capacity, values.rounds].map(Number) as [
  number,
  number,
  number,
];
const session = { threads: Number(values.threads) };
const width = 192;
const options: DecoderOptions = {
  width,
  layers: 3,
  heads: 6,
  keyValueHeads: Number(values['kv-heads']),
  hidden: 512,
};

function initialParameters(): Map<string, HostTensor> {
  const graph = new Graph();
  const scope = new Scope(graph, (name, shape) => graph.input(name, 'float', shape));
  decoderBlocks(scope, options);
  return new Map(
    scope
      .declarations()
      .map(({ name, shape, initialize }) => [
        name,
        hostTensor('float32', shape, Float32Array.from(initialize(Random.for(1, name), sizeOf(shape)))),
      ]),
  );
}

const parameters = initialParameters();
const build: BuildCachedStep = (scope, { rows, tokens, prefill, cache }) => {
  const step = decoderStep(scope, options)(scope.input('x', 'float', [rows, tokens, width]), cache);
  return { step, outputs: prefill ? {} : { hidden: step.hidden } };
};

const random = new Random(1);
const noise = (length: number) => Float32Array.from({ length }, () => random.normal());
const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[times.length >> 1]!;

async function timed(into: number[], run: () => unknown): Promise<void> {
  const start = performance.now();
  await run();
  into.push(performance.now() - start);
}

async function measure(rows: number) {
  const buckets = [Math.min(rows, Number(values.bucket))];
  const decoder = new CachedDecoder({
    options,
    capacity,
    maxRows: rows,
    parameters,
    build,
    buckets,
    session,
  });
  await decoder.warmUp(prefix);
  const whole = new InferenceModel(
    (scope, batch) => ({
      hidden: decoderBlocks(scope, options)(scope.input('x', 'float', [batch, capacity, width])),
    }),
    { parameters, buckets, session },
  );
  await whole.warmUp();
  const [start, token, sequences] = [prefix, 1, capacity].map((tokens) => noise(rows * tokens * width)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const halves = Int32Array.from({ length: rows }, (_, i) => i >> 1);
  const [prefills, steps, selects, passes]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let round = 0; round < rounds; round++) {
    await timed(prefills, () => decoder.prefill({ x: start }, rows, prefix));
    await timed(selects, () => decoder.select(halves));
    for (let at = prefix; at < capacity; at++) await timed(steps, () => decoder.step({ x: token }));
    await timed(passes, () => whole.run({ x: sequences }, rows));
  }
  await decoder.close();
  await whole.close();
  const [prefill, select, step, pass] = [prefills, selects, steps, passes].map(median) as [
    number,
    number,
    number,
    number,
  ];
  return { rows, prefill, select, step, pass, ratio: pass / step };
}

const results = [];
for (const rows of values.rows.split(',')) results.push(await measure(Number(rows)));
if (values.json)
  console.log(
    JSON.stringify({ options, prefix, capacity, session, processor: cpus()[0]?.model, results }, null, 1),
  );
else {
  console.log(
    `decoder: width ${width}, ${options.layers} layers, ${options.heads} heads over ${options.keyValueHeads}, prefix ${prefix}, capacity ${capacity}, ${session.threads} thread(s), ${cpus()[0]?.model ?? 'unknown processor'}`,
  );
  for (const { rows, prefill, select, step, pass, ratio } of results)
    console.log(
      `${String(rows).padStart(4)} rows: prefill ${prefill.toFixed(2)} ms, select ${select.toFixed(2)} ms, step ${step.toFixed(2)} ms, whole pass ${pass.toFixed(2)} ms, ratio ${ratio.toFixed(1)}`,
    );
}
