import { describe, expect, it } from 'vitest';
import { type HostTensor, hostTensor } from './dtype.ts';
import { checkGradients, weighted } from './gradient-check.ts';
import { InferenceModel } from './inference.ts';
import { linear } from './layers.ts';
import { loraAdapt, mergeLora, type LoraPlan } from './lora.ts';
import { gemm } from './matrix-ops.ts';
import { mul, sub } from './ops.ts';
import { Random } from './random.ts';
import { normal, type Scope } from './scope.ts';
import { sumAll } from './shape-ops.ts';
import { Trainer } from './trainer.ts';

const PLAN: LoraPlan = {
  rank: 2,
  alpha: 6,
  kindOf: (name) => (name === 'codes.weight' ? 'embedding' : name === 'out.weight' ? 'linear' : null),
  trains: (name) => name === 'out.bias',
};

/** x [3, 5] · table [5, 4] → linear to 3, as π_cls reads a visit and scores drugs. */
function model(scope: Scope) {
  const table = scope.child('codes').parameter('weight', [5, 4], normal(1));
  const middle = linear(scope.child('middle'), { inputs: 4, outputs: 4, bias: false });
  return linear(scope.child('out'), { inputs: 4, outputs: 3 })(middle(gemm(X(scope), table)));
}
const X = (scope: Scope) => scope.input('x', 'float', [3, 5]);
const random = new Random(4);
const x = Float32Array.from({ length: 15 }, () => random.normal());
const objective = (scope: Scope) => {
  const y = model(scope.adapted(loraAdapt(PLAN)));
  const d = sub(y, scope.input('y', 'float', [3, 3]));
  return sumAll(mul(d, d));
};
const y = Float32Array.from({ length: 9 }, () => random.normal());

describe('low-rank adaptation', () => {
  it('has the gradients of its factors and of nothing frozen', async () => {
    const shaken = new Map<string, HostTensor>(
      (
        [
          ['codes.lora_embedding_A', [2, 5]],
          ['out.lora_B.weight', [3, 2]],
        ] as const
      ).map(([name, shape]) => {
        const values = Float64Array.from({ length: shape[0] * shape[1] }, () => random.normal());
        return [name, hostTensor('float64', shape, values)];
      }),
    );
    const report = await checkGradients((s) => weighted(model(s.adapted(loraAdapt(PLAN)))), {
      batch: { x: Float64Array.from(x) },
      parameters: shaken, // at the start one factor is nothing, and the other one's gradient too
    });
    expect(report.worst).toBeLessThan(1e-7);
    expect(report.checked).toBe(2 * 5 + 4 * 2 + 2 * 4 + 3 * 2 + 3);
  });

  it('starts as the model itself, trains factors and named biases alone, and merges into the same numbers', async () => {
    const trainer = await Trainer.create(objective, { seed: 3, optimizer: { weightDecay: 0 } });
    const before = new Map([...trainer.parameters()].map(([name, t]) => [name, t.data.slice()]));
    const first = (await trainer.step({ x, y }, { learningRate: 0.02 })).loss;
    let last = first;
    for (let i = 0; i < 60; i += 1) last = (await trainer.step({ x, y }, { learningRate: 0.02 })).loss;
    expect(last).toBeLessThan(first / 2);
    const after = trainer.parameters();
    const changed = [...after].filter(([name, t]) => t.data.some((v, i) => v !== before.get(name)![i]));
    expect(changed.map(([name]) => name).sort()).toEqual([
      'codes.lora_embedding_A',
      'codes.lora_embedding_B',
      'out.bias',
      'out.lora_A.weight',
      'out.lora_B.weight',
    ]);

    const names = new Set(changed.map(([name]) => name));
    const base = new Map([...after].filter(([name]) => !names.has(name)));
    base.set('out.bias', { dtype: 'float32', shape: [3], data: before.get('out.bias') as Float32Array });
    const merged = mergeLora(base, new Map(changed), PLAN.alpha);
    const plain = new InferenceModel((s) => ({ y: model(s) }), { parameters: merged, buckets: [3] });
    const out = (await plain.run({ x }, 3))['y']!.data as Float32Array;
    const { loss } = await trainer.step({ x, y }, { learningRate: 0 });
    expect(out.reduce((sum, value, i) => sum + (value - y[i]!) ** 2, 0)).toBeCloseTo(loss, 4);
    await plain.close();
    await trainer.close();
  });

  it('refuses factors that fit nothing', () => {
    const w = hostTensor('float32', [3, 4], new Float32Array(12));
    const base = new Map([['out.weight', w]]);
    const a = hostTensor('float32', [2, 4], new Float32Array(8));
    const b = hostTensor('float32', [3, 2], new Float32Array(6));
    expect(() => mergeLora(base, new Map([['out.lora_A.weight', a]]), 1)).toThrow(/has no out.lora_B/);
    expect(() => mergeLora(base, new Map([['in.lora_A.weight', a]]), 1)).toThrow(/has no in.weight/);
    const crossed = new Map([
      ['out.lora_A.weight', a],
      ['out.lora_B.weight', hostTensor('float32', [4, 2], new Float32Array(8))],
    ]);
    expect(() => mergeLora(base, crossed, 1)).toThrow(/for a weight \[3,4\]/);
    expect(() => mergeLora(base, new Map([['norm.weight', b]]), 1)).toThrow(/fits nothing/);
  });
});
