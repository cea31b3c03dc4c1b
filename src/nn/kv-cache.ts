/** Keys and values of many rows in host memory, one slot a token. It only moves numbers: no graph, no session. */
import { NnError } from './errors.ts';

export interface CacheSize {
  readonly layers: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  /** Slots a row. */
  readonly capacity: number;
  readonly maxRows: number;
  /** Rows of room behind the last one. */
  readonly spareRows?: number;
}

export class KeyValueCache {
  readonly capacity: number;
  /** A layer: [rows, keyValueHeads, capacity, headSize]. */
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
  /** [rows, capacity]: 1 for a slot that holds a token to look at. */
  readonly keep: Float32Array;
  /** Slots each row has filled. */
  readonly lengths: Int32Array;
  private readonly size: CacheSize;
  private used = 0;

  constructor(size: CacheSize) {
    this.size = size;
    this.capacity = size.capacity;
    const room = size.maxRows + (size.spareRows ?? 0);
    const block = size.keyValueHeads * size.capacity * size.headSize;
    const layers = () => Array.from({ length: size.layers }, () => new Float32Array(room * block));
    this.keys = layers();
    this.values = layers();
    this.keep = new Float32Array(room * size.capacity);
    this.lengths = new Int32Array(room);
  }

  get rows(): number {
    return this.used;
  }

  shapeFor(rows: number): readonly number[] {
    return [rows, this.size.keyValueHeads, this.capacity, this.size.headSize];
  }

  /** `rows` empty rows. */
  restart(rows: number): void {
    this.resize(rows);
    this.lengths.fill(0);
    this.keep.fill(0);
  }

  /** Throws `shape-mismatch` unless every row has room for `tokens` more. */
  assertRoom(tokens: number): void {
    for (let row = 0; row < this.used; row++)
      if (this.lengths[row]! + tokens > this.capacity)
        throw new NnError(
          'shape-mismatch',
          `row ${row} holds ${this.lengths[row]} of ${this.capacity} tokens, no room for ${tokens}`,
        );
  }

  /** Puts new keys or values [≥ count, keyValueHeads, tokens, headSize] behind what rows start … start + count − 1 hold. */
  write(layer: Float32Array, fresh: Float32Array, start: number, count: number, tokens: number): void {
    const { keyValueHeads, headSize } = this.size;
    const piece = tokens * headSize;
    for (let row = 0, from = 0; row < count; row++) {
      const slot = this.lengths[start + row]!;
      for (let head = 0; head < keyValueHeads; head++, from += piece) {
        const to = (((start + row) * keyValueHeads + head) * this.capacity + slot) * headSize;
        for (let i = 0; i < piece; i++) layer[to + i] = fresh[from + i]!;
      }
    }
  }

  /** Counts `tokens` new slots of every row as filled, or as many as `lengths` says; `keep` [rows, tokens] says with what. */
  advance(tokens: number, keep?: Float32Array, lengths?: ArrayLike<number>): void {
    for (let row = 0; row < this.used; row++) {
      const slot = row * this.capacity + this.lengths[row]!;
      for (let t = 0; t < tokens; t++) this.keep[slot + t] = keep ? keep[row * tokens + t]! : 1;
      this.lengths[row] = this.lengths[row]! + (lengths?.[row] ?? tokens);
    }
  }

  /** Row i becomes what row indices[i] was. Repeating in order and dropping rows need no second copy. */
  select(indices: ArrayLike<number>): void {
    const before = this.used;
    for (let i = 0; i < indices.length; i++)
      if (!(indices[i]! >= 0 && indices[i]! < before))
        throw new NnError('shape-mismatch', `row ${indices[i]} of ${before} selected`);
    this.resize(indices.length);
    const moves = Array.from(indices, (from, to) => ({ from, to }));
    const falling = moves.every(({ from, to }) => from >= to); // upwards nothing is overwritten before it is read
    const rising = moves.every(({ from, to }) => from <= to); // downwards
    const ordered = (rising ? moves.reverse() : moves).filter(({ from, to }) => from !== to);
    const source = <T extends Float32Array | Int32Array>(array: T): T =>
      falling || rising ? array : (array.slice() as T);

    const { keyValueHeads, headSize } = this.size;
    const stride = this.capacity * headSize;
    const [lengths, keep] = [source(this.lengths), source(this.keep)];
    for (const layer of [...this.keys, ...this.values]) {
      const old = source(layer);
      for (const { from, to } of ordered) {
        const filled = lengths[from]! * headSize;
        for (let head = 0; head < keyValueHeads; head++) {
          const at = (from * keyValueHeads + head) * stride;
          layer.set(old.subarray(at, at + filled), (to * keyValueHeads + head) * stride);
        }
      }
    }
    for (const { from, to } of ordered) {
      this.keep.set(keep.subarray(from * this.capacity, (from + 1) * this.capacity), to * this.capacity);
      this.lengths[to] = lengths[from]!;
    }
  }

  /** Forgets all but the first `lengths[i]` slots of row i, or of every row; shorter rows stay as they are. */
  truncate(lengths: number | ArrayLike<number>): void {
    if (typeof lengths !== 'number' && lengths.length !== this.used)
      throw new NnError('shape-mismatch', `${lengths.length} lengths for ${this.used} rows`);
    for (let row = 0; row < this.used; row++) {
      const wanted = typeof lengths === 'number' ? lengths : lengths[row]!;
      if (!(wanted >= 0)) throw new NnError('shape-mismatch', `length ${wanted} of row ${row}`);
      const length = Math.min(this.lengths[row]!, wanted);
      this.keep.fill(0, row * this.capacity + length, (row + 1) * this.capacity);
      this.lengths[row] = length;
    }
  }

  private resize(rows: number): void {
    if (!Number.isInteger(rows) || rows < 1 || rows > this.size.maxRows)
      throw new NnError('shape-mismatch', `${rows} rows in a cache for ${this.size.maxRows}`);
    this.used = rows;
  }
}
