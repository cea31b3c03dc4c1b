import { describe, expect, it } from 'vitest';
import { Random, dropoutMask } from './random.ts';

describe('Random', () => {
  it('is xoshiro128**: the first words after state (1, 2, 3, 4) are those of the reference C code', () => {
    const random = new Random([1, 2, 3, 4]);
    expect([random.bits(), random.bits(), random.bits(), random.bits()]).toEqual([
      11520, 0, 5927040, 70819200,
    ]);
  });

  it('goes on from a saved state, through JSON', () => {
    const random = new Random(42);
    for (let i = 0; i < 100; i++) random.normal();
    const saved = JSON.parse(JSON.stringify(random.state())) as ReturnType<Random['state']>;
    const expected = Array.from({ length: 20 }, () => [random.uniform(), random.normal(), random.int(9)]);
    const resumed = new Random(saved);
    expect(Array.from({ length: 20 }, () => [resumed.uniform(), resumed.normal(), resumed.int(9)])).toEqual(
      expected,
    );
  });

  it('gives each label a stream of its own, the same each time', () => {
    const first = (seed: number, label: string) => Random.for(seed, label).bits();
    expect(first(1, 'a')).toBe(first(1, 'a'));
    expect(new Set([first(1, 'a'), first(1, 'b'), first(2, 'a'), first(2, 'b')]).size).toBe(4);
  });

  it('has the moments of its distributions', () => {
    const random = new Random(7);
    const n = 100_000;
    const mean = (xs: Float64Array) => xs.reduce((a, x) => a + x, 0) / n;
    const uniform = Float64Array.from({ length: n }, () => random.uniform());
    const normal = Float64Array.from({ length: n }, () => random.normal());
    expect(uniform.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(mean(uniform)).toBeCloseTo(0.5, 2);
    expect(mean(uniform.map((x) => (x - 0.5) ** 2))).toBeCloseTo(1 / 12, 2);
    expect(Math.abs(mean(normal))).toBeLessThan(0.02);
    expect(mean(normal.map((x) => x * x))).toBeCloseTo(1, 1);
    expect(mean(normal.map((x) => x ** 4))).toBeCloseTo(3, 0);
    const mask = dropoutMask(random, n, 0.25);
    expect(mean(Float64Array.from(mask))).toBeCloseTo(1, 1);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
  });

  it('shuffles into every order equally often, and chooses all', () => {
    const random = new Random(3);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.shuffle([1, 2, 3]).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect(new Set(Array.from({ length: 50 }, () => random.choice(['x', 'y', 'z']))).size).toBe(3);
    expect(() => random.choice([])).toThrow(RangeError);
  });
});
