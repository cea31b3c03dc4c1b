/** 4-bit matrices: what rounding costs, and that ONNX Runtime multiplies and differentiates with what is stored. */
import { describe, expect, it } from 'vitest';
import { floatsOf, hostTensor } from './dtype.ts';
import { gradients } from './autodiff.ts';
import { Graph } from './graph.ts';
import { dequantiseInt4, INT4_BLOCK, int4Product, quantiseInt4 } from './int4.ts';
import { plainMatrix } from './layers.ts';
import { Random } from './random.ts';
import { openSession } from './session.ts';
import { mul } from './ops.ts';
import { sumAll } from './shape-ops.ts';

const [OUT, IN, N] = [24, 96, 5];
const random = new Random(4);
const normal = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
const weight = hostTensor('float32', [OUT, IN], normal(OUT * IN));

const relative = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [difference, size] = [0, 0];
  for (let i = 0; i < a.length; i += 1) {
    difference += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(difference / size);
};

describe('a matrix in 4 bits', () => {
  it('is the same after a second rounding, and within half a step of the first', () => {
    const once = quantiseInt4(weight);
    const widened = dequantiseInt4(once);
    expect(dequantiseInt4(quantiseInt4(widened)).data).toEqual(widened.data);
    const [exact, near] = [floatsOf(weight), floatsOf(widened)];
    exact.forEach((value, i) => {
      const step = Math.abs(once.scales[Math.floor(i / INT4_BLOCK)]!);
      // The end of the range opposite to the largest value is cut by up to one step.
      expect(Math.abs(value - near[i]!)).toBeLessThanOrEqual(step * 1.0001);
    });
    // Normal weights, blocks of 32: 0.086 measured on 512 × 1,024; a uniform 4-bit grid cannot do much better than 0.08.
    expect(relative(near, exact)).toBeLessThan(0.1);
    expect(relative(near, exact)).toBeGreaterThan(0.05);
  });

  it('keeps zeros, and refuses what fills no blocks', () => {
    const zero = quantiseInt4(hostTensor('float32', [1, INT4_BLOCK], new Float32Array(INT4_BLOCK)));
    expect([...floatsOf(dequantiseInt4(zero))]).toEqual(new Array(INT4_BLOCK).fill(0));
    expect(() => quantiseInt4(hostTensor('float32', [1, 31], new Float32Array(31)))).toThrow(
      expect.objectContaining({ code: 'shape-mismatch' }),
    );
  });

  it('multiplies, and passes gradients on, as the widened matrix does', async () => {
    const stored = quantiseInt4(weight);
    const g = new Graph();
    const x = g.input('x', 'float', [N, IN]);
    const d = g.input('d', 'float', [N, OUT]);
    const blocks = IN / INT4_BLOCK;
    const product = int4Product(
      [OUT, IN],
      () => g.initializer('q', 'uint8', [OUT, blocks, INT4_BLOCK / 2], stored.packed),
      () => g.initializer('s', 'float', [OUT * blocks], stored.scales),
      () => g.initializer('n', 'uint4', [OUT, IN], stored.packed),
    );
    const wide = plainMatrix(g.initializer('w', 'float', [OUT, IN], dequantiseInt4(stored).data));
    const outputs = [product, wide.multiply].map((multiply) => {
      const y = multiply(x);
      return { y, dx: gradients(sumAll(mul(y, d)), [x])[0]! };
    });
    outputs.forEach(({ y, dx }, i) => {
      g.output(y, `y${i}`);
      g.output(dx, `dx${i}`);
    });
    const session = await openSession(g.toModel());
    const got = await session.run({
      x: hostTensor('float32', [N, IN], normal(N * IN)),
      d: hostTensor('float32', [N, OUT], normal(N * OUT)),
    });
    await session.close();
    const values = (name: string): ArrayLike<number> => floatsOf(got[name]!);
    expect(relative(values('y0'), values('y1'))).toBeLessThan(1e-6);
    expect(relative(values('dx0'), values('dx1'))).toBeLessThan(1e-6);
  });
});
