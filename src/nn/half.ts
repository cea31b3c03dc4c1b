/** Converts 16-bit floats to and from float32, rounding to nearest even. */

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

function bitsOf(value: number): number {
  float[0] = value;
  return word[0]!;
}

function fromBits(bits: number): number {
  word[0] = bits;
  return float[0]!;
}

/** bfloat16 is the upper half of a float32. */
export function bfloat16ToFloat32(words: Uint16Array): Float32Array {
  return Float32Array.from(words, (h) => fromBits(h << 16));
}

export function float32ToBfloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    const bits = bitsOf(value);
    if (Number.isNaN(value)) return (bits >>> 16) | 0x40; // keep it a NaN when the low bits go
    return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  });
}

function decodeFloat16(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const exponent = (h >>> 10) & 0x1f;
  const fraction = h & 0x3ff;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

let float16Values: Float32Array | undefined;

/** By a table of all 65,536 values: a pack of millions of weights is read while someone waits. */
export function float16ToFloat32(words: Uint16Array): Float32Array {
  float16Values ??= Float32Array.from({ length: 0x10000 }, (_, h) => decodeFloat16(h));
  const values = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) values[i] = float16Values[words[i]!]!;
  return values;
}

export function float32ToFloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    const sign = (bitsOf(value) >>> 16) & 0x8000;
    const magnitude = Math.abs(value);
    if (Number.isNaN(value)) return sign | 0x7e00;
    if (magnitude >= 65520) return sign | 0x7c00; // halfway to 2^16 and above rounds to infinity
    if (magnitude < 2 ** -14) return sign | roundEven(magnitude * 2 ** 24); // subnormal, or up to the first normal
    const exponent = (bitsOf(magnitude) >>> 23) - 127;
    // A fraction that rounds up to 1024 carries into the exponent by itself.
    return sign | (((exponent + 15) << 10) + roundEven((magnitude / 2 ** exponent - 1) * 1024));
  });
}

function roundEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}
