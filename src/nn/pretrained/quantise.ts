/** Writes a checkpoint folder again with its matrices in 4 bits, one tensor in memory at a time. It changes no folder. */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NnError } from '../errors.ts';
import { fitsInt4, INT4_PARTS, int4Shapes, quantiseInt4, type Int4Matrix } from '../int4.ts';
import { readStored, readTensor, streamSafetensors, type TensorSource } from '../safetensors.ts';
import { CONFIG_FILE, type PlacedTensor, type PretrainedFolder, WEIGHTS_FILE } from './folder.ts';
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from './tokenizer.ts';

const TABLE = 'model.embed_tokens.weight';

export interface QuantisedReport {
  /** Matrices in 4 bits, and those that are not made of whole blocks and stay as they were. */
  readonly quantised: number;
  readonly kept: number;
  /** √(Σ(w − ŵ)² / Σw²) over all quantised matrices. */
  readonly relativeError: number;
}

/**
 * @param target a folder to make; refused when it holds weights already
 * @throws NnError, or the file system's error; what was begun is then no checkpoint
 */
export function quantisePretrained(
  source: PretrainedFolder,
  target: string,
  onProgress: (done: number, total: number) => void = () => undefined,
): QuantisedReport {
  if (source.quantised.size > 0)
    throw new NnError('checkpoint-unsupported', 'the weights are in 4 bits already');
  if (existsSync(join(target, WEIGHTS_FILE)))
    throw new NnError('weights-mismatch', `${target} holds weights already`);
  mkdirSync(target, { recursive: true });
  const tensors = new Map<string, TensorSource>();
  let [error, size, quantised, kept, done] = [0, 0, 0, 0, 0];
  const pathOf = ({ file }: PlacedTensor): string => join(source.folder, file);
  for (const name of source.shapes.keys()) {
    const placed = source.tensors.get(name)!;
    const { shape } = placed.stored;
    const isMatrix = shape.length === 2 && (name !== TABLE || source.config.tied);
    if (isMatrix && fitsInt4(shape)) {
      let made: Int4Matrix | undefined; // between the two parts of one matrix
      const once = (): Int4Matrix => {
        if (made) return made;
        const exact = readTensor(pathOf(placed), placed.stored);
        made = quantiseInt4(exact);
        const [e, s] = squares(exact.data as Float32Array, made);
        error += e;
        size += s;
        return made;
      };
      for (const [part, { type, shape: stored }] of int4Shapes(name, shape)) {
        const isLast = part === name + INT4_PARTS.scales;
        tensors.set(part, {
          type,
          shape: stored,
          bytes: () => {
            const { packed, scales } = once();
            if (!isLast) return packed;
            made = undefined;
            onProgress((done += 1), source.shapes.size);
            return new Uint8Array(scales.buffer);
          },
        });
      }
      quantised += 1;
      if (name !== TABLE) continue;
    } else if (isMatrix) kept += 1;
    tensors.set(name, {
      type: placed.stored.dtype,
      shape,
      bytes: () => readStored(pathOf(placed), placed.stored),
    });
  }
  for (const file of [CONFIG_FILE, TOKENIZER_FILE, TOKENIZER_CONFIG_FILE])
    if (existsSync(join(source.folder, file))) copyFileSync(join(source.folder, file), join(target, file));
  streamSafetensors(join(target, WEIGHTS_FILE), tensors, { format: 'pt' });
  const report = { quantised, kept, relativeError: Math.sqrt(error / size) };
  writeFileSync(join(target, 'quantisation.json'), `${JSON.stringify({ bits: 4, ...report }, null, 2)}\n`);
  return report;
}

function squares(exact: Float32Array, { packed, scales }: Int4Matrix): [error: number, size: number] {
  let [error, size] = [0, 0];
  for (let i = 0; i < exact.length; i += 1) {
    const nibble = i % 2 === 0 ? packed[i >> 1]! & 15 : packed[i >> 1]! >> 4;
    error += (exact[i]! - scales[i >> 5]! * (nibble - 8)) ** 2;
    size += exact[i]! ** 2;
  }
  return [error, size];
}
