/** One test or guard for each way in which this stack is known to compute wrong numbers, or hang, without an error. */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { hostTensor } from './dtype.ts';
import { scatterAddRows } from './gather-ops.ts';
import { Graph } from './graph.ts';
import { layerNorm, linear } from './layers.ts';
import { llama } from './llama.ts';
import { binaryCrossEntropy, crossEntropy } from './losses.ts';
import { matmul } from './matrix-ops.ts';
import { add, mul } from './ops.ts';
import { ADAMW_DEFAULTS, gateUpdates, globalNorm } from './optimizer.ts';
import { Random } from './random.ts';
import { type Scope, normal } from './scope.ts';
import { openSession, toHost } from './session.ts';
import { sumAll } from './shape-ops.ts';
import { type BuildObjective, assertUpdatesWait, buildTrainStep, stateNames } from './train-step.ts';

const decoder: BuildObjective = (s) => {
  const config = {
    vocabularySize: 20,
    hiddenSize: 8,
    layers: 1,
    heads: 2,
    keyValueHeads: 1,
    intermediateSize: 12,
    tied: true,
  };
  const ids = s.input('ids', 'int32', [2, 4]);
  const tokens = crossEntropy(llama(s, config)(ids), s.input('targets', 'int32', [8]));
  const head = linear(s.child('head'), { inputs: 8, outputs: 3 });
  const x = layerNorm(s.child('norm'), 8)(s.parameter('x', [2, 8], normal(1)));
  return add(tokens, binaryCrossEntropy(head(x), s.input('labels', 'float', [2, 3])));
};

describe('operators with silent errors', () => {
  it.each(['ScatterND', 'SimplifiedLayerNormalization', 'SkipSimplifiedLayerNormalization', 'LogSoftmax'])(
    '%s is refused by the graph and absent from a training step',
    (operator) => {
      const g = new Graph();
      const x = g.input('x', 'float', [2, 2]);
      expect(() => g.emit(operator, [x], 'float32', [2, 2])).toThrow(
        expect.objectContaining({ code: 'operator-refused' }),
      );
      const { graph } = buildTrainStep(decoder, ADAMW_DEFAULTS);
      expect(graph.toRecord().nodes.length).toBeGreaterThan(100);
      expect(graph.toRecord().nodes.filter((node) => node.operator === operator)).toEqual([]);
    },
  );

  it('scattered sums are exact and repeatable on two threads with most ids equal', async () => {
    const [N, V, D] = [6000, 40, 64];
    const random = new Random(2);
    const ids = Int32Array.from({ length: N }, () => (random.uniform() < 0.8 ? 7 : random.int(V)));
    const rows = Float32Array.from({ length: N * D }, () => random.int(64) - 32); // whole numbers: sums are exact
    const expected = new Float64Array(V * D);
    ids.forEach((id, n) => {
      for (let i = 0; i < D; i++) expected[id * D + i]! += rows[n * D + i]!;
    });
    const g = new Graph();
    g.output(
      scatterAddRows(g.filled(0, [V, D]), g.input('ids', 'int32', [N]), g.input('rows', 'float', [N, D])),
      'sum',
    );
    const session = await openSession(g.toModel(), { threads: 2 });
    const feeds = { ids: hostTensor('int32', [N], ids), rows: hostTensor('float32', [N, D], rows) };
    for (let repeat = 0; repeat < 10; repeat++)
      expect(Float64Array.from((await session.run(feeds))['sum']!.data as Float32Array)).toEqual(expected);
    await session.close();
  });
});

describe('state updated in place', () => {
  /** Two layers whose updates do not wait for the gradient of each other unless the gate makes them. */
  const twoLayers = (waiting: boolean) => {
    const g = new Graph();
    const a = g.input(stateNames('a').parameter, 'float', [4, 4]);
    const b = g.input(stateNames('b').parameter, 'float', [4, 4]);
    const loss = sumAll(matmul(matmul(g.input('x', 'float', [4, 4]), a), b));
    const norm = globalNorm([matmul(a, b)]);
    const { finite, rate } = gateUpdates(norm, waiting ? [loss] : [], ADAMW_DEFAULTS);
    g.output(loss, 'loss');
    for (const [name, tensor] of [
      ['a', a],
      ['b', b],
    ] as const)
      g.output(mul(tensor, rate), stateNames(name).nextParameter);
    return { g, finite };
  };

  it('is proven safe: every reader of old weights runs before the gate', () => {
    const { g, finite } = twoLayers(true);
    expect(() => assertUpdatesWait(g, finite)).not.toThrow();
  });

  it('is refused where a node may read a weight after its update', () => {
    const { g, finite } = twoLayers(false); // the loss itself still reads a and b
    expect(() => assertUpdatesWait(g, finite)).toThrow(expect.objectContaining({ code: 'update-hazard' }));
    const straight = new Graph();
    const p = straight.input(stateNames('p').parameter, 'float', [2]);
    const norm = globalNorm([mul(p, 2)]);
    const gated = gateUpdates(norm, [], ADAMW_DEFAULTS);
    straight.output(mul(p, 0.5), stateNames('p').nextParameter); // waits for nothing
    straight.output(norm, 'norm');
    expect(() => assertUpdatesWait(straight, gated.finite)).toThrow(
      expect.objectContaining({ code: 'update-hazard' }),
    );
  });

  it('is refused where a metric would hand out a weight itself', () => {
    const build = (s: Scope) => {
      const w = s.parameter('w', [2], normal(1));
      return { loss: sumAll(mul(w, w)), metrics: { w } };
    };
    expect(() => buildTrainStep(build, ADAMW_DEFAULTS)).toThrow(
      expect.objectContaining({ code: 'update-hazard' }),
    );
  });

  it('waits for the gradient norm with clipping switched off as well', () => {
    expect(() => buildTrainStep(decoder, { ...ADAMW_DEFAULTS, clipNorm: Infinity })).not.toThrow();
  });
});

describe('tensors on a device', () => {
  it('are never read: no getData, a coded error instead', () => {
    const onGpu = {
      type: 'float32',
      dims: [2],
      location: 'gpu-buffer',
      get data(): never {
        throw new Error('touched device memory');
      },
    };
    expect(() => toHost('y', onGpu)).toThrow(expect.objectContaining({ code: 'tensor-not-on-cpu' }));
  });
});

describe('execution providers', () => {
  const model = () => {
    const g = new Graph();
    g.output(mul(g.input('x', 'float', [2]), 2), 'y');
    return g.toModel();
  };

  it('fall back to the CPU with the reason in sight', async () => {
    const session = await openSession(model(), { providers: ['cuda', 'dml'] });
    expect(session.provider).toBe('cpu');
    expect(session.attempts.map(({ provider, opened }) => [provider, opened])).toEqual([
      ['cuda', false],
      ['dml', false],
      ['cpu', true],
    ]);
    for (const { opened, reason } of session.attempts) expect(reason.length > 0).toBe(!opened);
    const { y } = await session.run({ x: hostTensor('float32', [2], [1, 2]) });
    expect([...y!.data]).toEqual([2, 4]);
    await session.close();
  });

  it('can be demanded: then there is an error instead of a fallback', async () => {
    const demanded = openSession(model(), { providers: ['cuda'], strict: true });
    await expect(demanded).rejects.toMatchObject({ code: 'provider-unavailable', message: /cuda: ./ });
  });

  it('a model that no provider can load says why', async () => {
    await expect(openSession(new Uint8Array([1, 2, 3]))).rejects.toMatchObject({
      code: 'provider-unavailable',
    });
  });
});

describe('run() blocks its thread', () => {
  // About 10 GFLOP: long enough to see, short enough to wait for.
  const heavy = () => {
    const g = new Graph();
    const x = g.input('x', 'float', [640, 640]);
    let y = x;
    for (let i = 0; i < 20; i++) y = matmul(y, x);
    g.output(y, 'y');
    return g.toModel();
  };

  it('on the calling thread the event loop stands still (if this fails, run() has become asynchronous: celebrate)', async () => {
    const session = await openSession(heavy());
    let turns = 0;
    let running = true;
    const turn = () => {
      if (!running) return;
      turns++;
      setImmediate(turn);
    };
    setImmediate(turn);
    await session.run({ x: hostTensor('float32', [640, 640], new Float32Array(640 * 640).fill(1e-3)) });
    running = false;
    expect(turns).toBeLessThanOrEqual(1);
    await session.close();
  });

  it('in a worker it leaves the main thread free', async () => {
    const url = new URL('./session.ts', import.meta.url).href;
    const source = `
      const { workerData, parentPort } = require('node:worker_threads');
      (async () => {
        const { openSession } = await import(${JSON.stringify(url)});
        const session = await openSession(workerData.model, { threads: 1 });
        const x = { dtype: 'float32', shape: [640, 640], data: new Float32Array(640 * 640).fill(1e-3) };
        parentPort.postMessage('start');
        for (let i = 0; i < 3; i++) await session.run({ x });
        parentPort.postMessage('end');
      })();`;
    const worker = new Worker(source, { eval: true, workerData: { model: heavy() } });
    let turns = 0;
    let state = '';
    await new Promise<void>((resolve, reject) => {
      worker.on('error', reject);
      worker.on('message', (message: string) => {
        state = message;
        if (message === 'end') resolve();
      });
      const turn = () => {
        if (state === 'start') turns++;
        if (state !== 'end') setTimeout(turn, 1);
      };
      turn();
    });
    expect(turns).toBeGreaterThan(3);
    await worker.terminate();
  });
});
