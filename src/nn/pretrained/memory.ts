/** How much memory a checkpoint takes to run, by a formula, before anything of it is loaded. It allocates nothing. */
import { sizeOf } from '../dtype.ts';
import { NnError } from '../errors.ts';
import type { GraphWeights } from '../inference.ts';
import { fitsInt4, INT4_BLOCK } from '../int4.ts';
import type { SessionOptions } from '../session.ts';
import { type PretrainedConfig } from './config.ts';
import { type PretrainedFolder, weightShapes } from './folder.ts';
import { PretrainedWeights } from './weights.ts';

/** How a model will be run. */
export interface RunShape {
  /** Graphs open at once; each widens or reorders weights for itself. */
  readonly graphs: number;
  /** Rows of the cache and tokens of each. */
  readonly rows: number;
  readonly capacity: number;
  /** Most new tokens of one run, over all rows. */
  readonly tokens: number;
}

export interface MemoryEstimate {
  /** Weights as they lie in the files: mapped, shared between processes, but too slow to run from when they do not fit. */
  readonly mapped: number;
  /** Weights in memory of this process: widened from 16 bits, or put into ONNX Runtime's own order. */
  readonly own: number;
  /** Keys and values: 2 · layers · keyValueHeads · headSize · capacity · rows · 4 bytes. */
  readonly cache: number;
  /** Activations of one run. */
  readonly work: number;
  readonly total: number;
}

export interface PretrainedPlan {
  readonly weights: GraphWeights;
  readonly session: SessionOptions;
  readonly estimate: MemoryEstimate;
}

/** ONNX Runtime, tokenizer and the process itself. */
const BASE = 150e6;
/** A model runs the fast way while that takes no more than this share of the memory. */
const FAST_SHARE = 0.5;

/**
 * Chooses how a checkpoint is run in the memory there is: copied into the fastest order, or from the mapped files.
 * @param available bytes, by default what the system would give this process
 * @throws NnError `memory-short` with the estimate
 */
export function planPretrained(
  source: PretrainedFolder,
  run: RunShape,
  available = process.availableMemory(),
): PretrainedPlan {
  const fast = estimateMemory(source, run, true);
  const frugal = estimateMemory(source, run, false);
  const isFast = fast.total <= FAST_SHARE * available;
  const estimate = isFast ? fast : frugal;
  if (estimate.total > available)
    throw new NnError(
      'memory-short',
      `about ${gigabytes(estimate.total)} are needed (weights ${gigabytes(estimate.mapped + estimate.own)}, cache ${gigabytes(estimate.cache)}, ` +
        `computing ${gigabytes(estimate.work)}), ${gigabytes(available)} are free` +
        (source.quantised.size > 0
          ? ''
          : `; in 4 bits its weights would take ${gigabytes(int4Bytes(source.config))}`),
    );
  return {
    weights: new PretrainedWeights(source),
    session: isFast
      ? { externalFolder: source.folder }
      : { externalFolder: source.folder, keepMapped: true, foldConstants: false },
    estimate,
  };
}

/** @param fast weights widened and reordered at loading, once a graph; else used from the mapped files */
export function estimateMemory(source: PretrainedFolder, run: RunShape, fast: boolean): MemoryEstimate {
  const { config, tensors } = source;
  let [mapped, own, widest] = [0, 0, 0];
  for (const [name, { stored }] of tensors) {
    mapped += stored.length;
    const isTable = name === 'model.embed_tokens.weight' && !config.tied; // only looked up, row by row
    if (stored.shape.length < 2 || isTable) continue;
    const halves = stored.dtype === 'F16' || stored.dtype === 'BF16';
    const asFloats = halves ? 2 * stored.length : stored.length;
    if (fast) own += run.graphs * asFloats;
    else if (halves) widest = Math.max(widest, asFloats);
  }
  own += 2 * widest;
  const cache = cacheBytes(config, run);
  const work = workBytes(config, run);
  return { mapped, own, cache, work, total: BASE + mapped + own + cache + work };
}

function cacheBytes(config: PretrainedConfig, { rows, capacity }: RunShape): number {
  const { layers, keyValueHeads, headSize = config.hiddenSize / config.heads } = config;
  return 2 * layers * keyValueHeads * headSize * capacity * rows * 4;
}

/** Of one layer at a time: residual, projections, feed-forward and the scores against every slot, two copies each. */
function workBytes(config: PretrainedConfig, { tokens, capacity }: RunShape): number {
  const { hiddenSize, intermediateSize, heads, vocabularySize } = config;
  const perToken = 6 * hiddenSize + 3 * intermediateSize + heads * (capacity + tokens);
  return 4 * (2 * tokens * perToken + vocabularySize * Math.min(tokens, 64));
}

/** Bytes of a configuration's weights with every matrix in 4 bits and the look-up table in 16. */
export function int4Bytes(config: PretrainedConfig): number {
  let bytes = config.tied ? 2 * config.vocabularySize * config.hiddenSize : 0;
  for (const [name, shape] of weightShapes(config)) {
    const size = sizeOf(shape);
    const table = name === 'model.embed_tokens.weight';
    if (table && !config.tied) bytes += 2 * size;
    else bytes += fitsInt4(shape) ? size / 2 + (4 * size) / INT4_BLOCK : 4 * size;
  }
  return bytes;
}

export function gigabytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
