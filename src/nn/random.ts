/** Seeded random numbers whose state is four integers, so that a resumed run draws what an uninterrupted one would. */

/** xoshiro128** state: four unsigned 32-bit words. */
export type RandomState = readonly [number, number, number, number];

const rotateLeft = (x: number, k: number): number => ((x << k) | (x >>> (32 - k))) >>> 0;

/** xoshiro128** 1.1 (Blackman & Vigna 2018, arXiv 1805.01407), seeded through SplitMix32. */
export class Random {
  private s: [number, number, number, number];

  constructor(seed: number | RandomState) {
    if (typeof seed === 'number') {
      let x = seed >>> 0;
      const word = (): number => {
        x = (x + 0x9e3779b9) >>> 0;
        let z = x;
        z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
        z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
        return (z ^ (z >>> 15)) >>> 0;
      };
      this.s = [word(), word(), word(), word()];
    } else this.s = [...seed];
  }

  /** A stream of its own for each (seed, label): adding a parameter does not change how others start. */
  static for(seed: number, label: string): Random {
    let hash = 0x811c9dc5; // FNV-1a
    for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193) >>> 0;
    return new Random((hash ^ Math.imul(seed, 0x9e3779b1)) >>> 0);
  }

  state(): RandomState {
    return [...this.s];
  }

  /** 32 random bits. */
  bits(): number {
    const s = this.s;
    const result = Math.imul(rotateLeft(Math.imul(s[1], 5) >>> 0, 7), 9) >>> 0;
    const t = (s[1] << 9) >>> 0;
    s[2] = (s[2] ^ s[0]) >>> 0;
    s[3] = (s[3] ^ s[1]) >>> 0;
    s[1] = (s[1] ^ s[2]) >>> 0;
    s[0] = (s[0] ^ s[3]) >>> 0;
    s[2] = (s[2] ^ t) >>> 0;
    s[3] = rotateLeft(s[3], 11);
    return result;
  }

  /** Uniform in [0, 1) with 53 bits. */
  uniform(): number {
    const high = this.bits() >>> 5;
    const low = this.bits() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** Standard normal (Box–Muller, one of the pair, so that the state stays four words). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Integer in [0, n). */
  int(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** One element, each equally likely. */
  choice<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('choice from nothing');
    return items[this.int(items.length)]!;
  }

  /** Shuffles in place (Fisher–Yates) and returns the array. */
  shuffle<A extends Int32Array | Uint32Array | number[]>(items: A): A {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const held = items[i]!;
      items[i] = items[j]!;
      items[j] = held;
    }
    return items;
  }
}

/** Dropout mask for `layers.dropout`: 0 with probability `rate`, else 1 / (1 − rate). */
export function dropoutMask(random: Random, length: number, rate: number): Float32Array {
  const keep = 1 / (1 - rate);
  return Float32Array.from({ length }, () => (random.uniform() < rate ? 0 : keep));
}
