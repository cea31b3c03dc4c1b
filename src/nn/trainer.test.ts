import { describe, expect, it } from 'vitest';
import { emptyTensor, floatsOf, hostTensor } from './dtype.ts';
import { analyticGradients } from './gradient-check.ts';
import { embedding, linear } from './layers.ts';
import { llama } from './llama.ts';
import { binaryCrossEntropy, crossEntropy } from './losses.ts';
import { log, mul, silu } from './ops.ts';
import { ADAMW_DEFAULTS } from './optimizer.ts';
import { Random } from './random.ts';
import { type Scope, from, normal } from './scope.ts';
import { sumAll } from './shape-ops.ts';
import { type Batch, Trainer, type TrainerOptions } from './trainer.ts';

/** A small multi-label model over bags of codes, as the clinical backbone is. */
const [ROWS, CODES, PER_ROW, LABELS] = [8, 30, 6, 5];
const classifier = (scope: Scope) => {
  const bag = embedding(scope.child('codes'), { count: CODES, width: 12, initialize: normal(0.3) });
  const hidden = linear(scope.child('hidden'), { inputs: 12, outputs: 16 });
  const output = linear(scope.child('output'), { inputs: 16, outputs: LABELS });
  const ids = scope.input('ids', 'int32', [ROWS, PER_ROW]);
  const x = bag.bag(ids, scope.input('weights', 'float', [ROWS, PER_ROW]));
  const logits = output(silu(hidden(x)));
  const loss = binaryCrossEntropy(logits, scope.input('labels', 'float', [ROWS, LABELS]));
  return { loss, metrics: { logits } };
};
const drawBatch = (random: Random): Batch => {
  const ids = Int32Array.from({ length: ROWS * PER_ROW }, () => random.int(CODES));
  return {
    ids,
    weights: Float32Array.from(ids, () => 1),
    // Label l holds when the row has a code ≡ l modulo LABELS, which a sum over codes can learn.
    labels: Float32Array.from({ length: ROWS * LABELS }, (_, i) => {
      const row = Math.floor(i / LABELS);
      return ids.subarray(row * PER_ROW, (row + 1) * PER_ROW).some((id) => id % LABELS === i % LABELS)
        ? 1
        : 0;
    }),
  };
};

async function run(options: Partial<TrainerOptions>, steps: number) {
  const trainer = await Trainer.create(classifier, { seed: 4, ...options });
  const random = new Random(11);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++)
    losses.push((await trainer.step(drawBatch(random), { learningRate: 0.02 })).loss);
  const state = trainer.state();
  await trainer.close();
  return { losses, state };
}

describe('Trainer', () => {
  it('learns', async () => {
    const { losses } = await run({}, 300);
    expect(losses[0]).toBeGreaterThan(0.6);
    expect(losses.at(-1)).toBeLessThan(0.1);
  });

  it('does what AdamW with clipping says, compared with plain arithmetic in float64', async () => {
    const optimizer = { ...ADAMW_DEFAULTS, weightDecay: 0.1, clipNorm: 0.05 };
    const trainer = await Trainer.create(classifier, { seed: 4, floatType: 'float64', optimizer });
    const random = new Random(11);
    const parameters = new Map(
      [...trainer.parameters()].map(([name, t]) => [name, { ...t, data: Float64Array.from(floatsOf(t)) }]),
    );
    const m = new Map([...parameters].map(([name, { data }]) => [name, new Float64Array(data.length)]));
    const v = new Map([...parameters].map(([name, { data }]) => [name, new Float64Array(data.length)]));
    const { beta1, beta2, epsilon, weightDecay, clipNorm } = optimizer;
    for (let t = 1; t <= 5; t++) {
      const batch = drawBatch(random);
      const rate = 0.01 * t;
      const { gradients } = await analyticGradients(classifier, { batch, parameters });
      let norm = 0;
      for (const d of gradients.values()) for (const value of d) norm += value * value;
      norm = Math.sqrt(norm);
      const result = await trainer.step(batch, { learningRate: rate });
      expect(result.gradientNorm).toBeCloseTo(norm, 10);
      const clip = Math.min(1, clipNorm / (norm + 1e-6));
      for (const [name, d] of gradients) {
        const [pi, mi, vi] = [parameters.get(name)!.data, m.get(name)!, v.get(name)!];
        const decay = name.endsWith('bias') ? 0 : weightDecay;
        d.forEach((raw, i) => {
          const g = raw * clip;
          mi[i] = beta1 * mi[i]! + (1 - beta1) * g;
          vi[i] = beta2 * vi[i]! + (1 - beta2) * g * g;
          const mHat = mi[i] / (1 - beta1 ** t);
          const vHat = vi[i] / (1 - beta2 ** t);
          pi[i] = pi[i]! - rate * (mHat / (Math.sqrt(vHat) + epsilon) + decay * pi[i]!);
        });
      }
    }
    for (const [name, tensor] of trainer.parameters())
      expect(worstDistance(floatsOf(tensor), parameters.get(name)!.data), name).toBeLessThan(1e-9);
    await trainer.close();
  });

  it('gives the same bits in place and into fresh tensors, on one thread and on two, clipped or not', async () => {
    for (const clipNorm of [0.05, Infinity]) {
      const optimizer = { clipNorm };
      const inPlace = await run({ optimizer, session: { threads: 2 } }, 12);
      const fresh = await run({ optimizer, session: { threads: 2 }, inPlace: false }, 12);
      const oneThread = await run({ optimizer, session: { threads: 1 } }, 12);
      const plain = await run({ optimizer, session: { optimization: 'disabled' } }, 12);
      for (const other of [fresh, oneThread, plain]) expect(bits(other)).toEqual(bits(inPlace));
    }
  });

  it('gives the same bits in place and fresh, on one thread and two, for a decoder', async () => {
    const config = {
      vocabularySize: 50,
      hiddenSize: 32,
      layers: 2,
      heads: 4,
      keyValueHeads: 2,
      intermediateSize: 64,
      tied: true,
    };
    const build = (s: Scope) =>
      crossEntropy(llama(s, config)(s.input('ids', 'int32', [4, 16])), s.input('targets', 'int32', [64]));
    const train = async (options: Partial<TrainerOptions>) => {
      const trainer = await Trainer.create(build, { seed: 2, ...options });
      const random = new Random(3);
      const losses: number[] = [];
      for (let i = 0; i < 8; i++) {
        const ids = Int32Array.from({ length: 64 }, () => random.int(50));
        losses.push(
          (await trainer.step({ ids, targets: ids.map((id) => (id + 1) % 50) }, { learningRate: 0.01 })).loss,
        );
      }
      const state = trainer.state();
      await trainer.close();
      return bits({ losses, state });
    };
    const expected = await train({ session: { threads: 2 } });
    expect(await train({ session: { threads: 2 }, inPlace: false })).toEqual(expected);
    expect(await train({ session: { threads: 1 } })).toEqual(expected);
  });

  it('changes nothing on a step that is not finite, says so, and goes on', async () => {
    const build = (s: Scope) =>
      sumAll(mul(log(s.input('x', 'float', [2])), s.parameter('w', [2], from([1, 2]))));
    const trainer = await Trainer.create(build, { seed: 1 });
    await trainer.step({ x: [1, 2] }, { learningRate: 0.1 });
    const before = bits({ losses: [], state: trainer.state() });
    for (const bad of [
      [-1, 2],
      [Infinity, 1],
      [0, 1],
    ]) {
      const result = await trainer.step({ x: bad }, { learningRate: 0.1 });
      expect(result).toMatchObject({ applied: false, step: 1 });
      expect(bits({ losses: [], state: trainer.state() })).toEqual(before);
    }
    expect(await trainer.step({ x: [1, 2] }, { learningRate: 0.1 })).toMatchObject({
      applied: true,
      step: 2,
    });
    const endless = async () => {
      for (let i = 0; i < 20; i++) await trainer.step({ x: [-1, 1] }, { learningRate: 0.1 });
    };
    await expect(endless()).rejects.toMatchObject({ code: 'not-finite' });
    await trainer.close();
  });

  it('leaves frozen parameters alone and starts from given weights', async () => {
    const build = (s: Scope) => {
      const a = s.parameter('a', [3], normal(1), { frozen: true });
      return sumAll(mul(mul(a, a), s.parameter('b', [3], normal(1))));
    };
    const parameters = new Map([['a', hostTensor('float32', [3], [1, 2, 3])]]);
    const trainer = await Trainer.create(build, { seed: 1, parameters });
    const b = [...trainer.parameters().get('b')!.data];
    await trainer.step({}, { learningRate: 0.1 });
    expect([...trainer.parameters().get('a')!.data]).toEqual([1, 2, 3]);
    expect([...trainer.parameters().get('b')!.data]).not.toEqual(b);
    expect([...trainer.state().moments.keys()]).toEqual(['b']);
    await trainer.close();
  });

  it('reports metrics of the parameters before the update', async () => {
    const trainer = await Trainer.create(classifier, { seed: 4 });
    const { metrics } = await trainer.step(drawBatch(new Random(1)), { learningRate: 0 });
    expect(metrics['logits']).toMatchObject({ dtype: 'float32', shape: [ROWS, LABELS] });
    await trainer.close();
  });

  it('lets the event loop turn between steps', async () => {
    const trainer = await Trainer.create(classifier, { seed: 4 });
    const random = new Random(1);
    let turns = 0;
    let training = true;
    const count = () => {
      turns++;
      if (training) setImmediate(count);
    };
    setImmediate(count);
    for (let i = 0; i < 10; i++) await trainer.step(drawBatch(random), { learningRate: 0.01 });
    training = false;
    expect(turns).toBeGreaterThanOrEqual(10);
    await trainer.close();
  });

  it('refuses batches that do not fit', async () => {
    const trainer = await Trainer.create(classifier, { seed: 4 });
    const batch = drawBatch(new Random(1));
    const rate = { learningRate: 0.1 };
    const mismatch = { code: 'shape-mismatch' };
    await expect(trainer.step({ ...batch, ids: [1, 2] }, rate)).rejects.toMatchObject(mismatch);
    await expect(trainer.step({ ids: batch['ids']! }, rate)).rejects.toMatchObject(mismatch);
    await expect(trainer.step({ ...batch, other: [1] }, rate)).rejects.toMatchObject(mismatch);
    await trainer.close();
  });

  it('refuses a parameter that cannot learn, a name taken twice, and weights that do not fit', async () => {
    const unused = (s: Scope) => {
      s.parameter('forgotten', [2], normal(1));
      return sumAll(s.parameter('w', [2], normal(1)));
    };
    await expect(Trainer.create(unused, { seed: 1 })).rejects.toMatchObject({ code: 'gradient-missing' });
    const twice = (s: Scope) =>
      mul(sumAll(s.parameter('w', [2], normal(1))), sumAll(s.parameter('w', [2], normal(1))));
    await expect(Trainer.create(twice, { seed: 1 })).rejects.toMatchObject({ code: 'name-taken' });
    const parameters = new Map([['output.bias', emptyTensor('float32', [LABELS + 1])]]);
    await expect(Trainer.create(classifier, { seed: 1, parameters })).rejects.toMatchObject({
      code: 'weights-mismatch',
    });
    const resume = { step: 1, parameters: new Map(), moments: new Map(), squares: new Map() };
    await expect(Trainer.create(classifier, { seed: 1, resume })).rejects.toMatchObject({
      code: 'weights-mismatch',
    });
  });
});

function worstDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));
}

/** The exact bits of a run, comparable with toEqual. */
function bits({ losses, state }: Awaited<ReturnType<typeof run>>) {
  const hex = (group: ReadonlyMap<string, { readonly data: ArrayBufferView }>) =>
    [...group].map(
      ([name, { data }]) =>
        `${name} ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')}`,
    );
  return { losses, p: hex(state.parameters), m: hex(state.moments), v: hex(state.squares) };
}
