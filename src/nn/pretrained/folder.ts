/**
 * Finds and checks a Llama checkpoint in a folder as Hugging Face lays it out: config.json and safetensors, in shards or
 * not. Only headers are read: a folder that does not fit is refused before a weight is loaded.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { Shape } from '../dtype.ts';
import { NnError } from '../errors.ts';
import { Graph } from '../graph.ts';
import { llama } from '../llama.ts';
import { INT4_PARTS, int4Shapes } from '../int4.ts';
import { type SafetensorsHeader, type StoredTensor, type StoredType, readHeaderOf } from '../safetensors.ts';
import { Scope } from '../scope.ts';
import { type PretrainedConfig, parseConfig } from './config.ts';

export const CONFIG_FILE = 'config.json';
export const WEIGHTS_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
const FLOATS: readonly StoredType[] = ['F32', 'F16', 'BF16'];

/** Where the bytes of one tensor lie. */
export interface PlacedTensor {
  /** Name of the file inside the checkpoint's folder. */
  readonly file: string;
  readonly stored: StoredTensor;
}

export interface PretrainedFolder {
  readonly folder: string;
  readonly config: PretrainedConfig;
  readonly tensors: ReadonlyMap<string, PlacedTensor>;
  /** Shapes of the model's weights by name, quantised ones included. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Weight matrices that are stored in 4 bits (see int4.ts). */
  readonly quantised: ReadonlySet<string>;
}

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/**
 * @throws NnError `checkpoint-unsupported` for what Flame cannot run, `checkpoint-incomplete` for what is missing,
 * `weights-corrupt` for files that contradict themselves, `weights-mismatch` for shapes that are not the configuration's
 */
export function readPretrained(folder: string): PretrainedFolder {
  const config = parseConfig(readJson(folder, CONFIG_FILE));
  const tensors = new Map<string, PlacedTensor>();
  for (const [file, wanted] of filesOf(folder)) {
    const header = headerOf(folder, file);
    for (const name of wanted ?? header.tensors.keys()) {
      const stored = header.tensors.get(name);
      if (!stored) throw incomplete(`${file} does not hold ${name}, which ${INDEX_FILE} says it does`);
      tensors.set(name, { file, stored });
    }
  }
  const shapes = weightShapes(config);
  const quantised = new Set<string>();
  for (const [name, shape] of shapes) {
    if (tensors.has(name + INT4_PARTS.packed)) {
      for (const [part, wanted] of int4Shapes(name, shape)) check(tensors, part, wanted.shape, [wanted.type]);
      quantised.add(name);
      // The table of a tied model is looked up beside being multiplied with, and stays as it is for that.
      if (!tensors.has(name)) continue;
    }
    check(tensors, name, shape, FLOATS);
  }
  for (const name of tensors.keys())
    if (!isKnown(name, shapes, config))
      throw new NnError('checkpoint-unsupported', `the tensor ${name} is none of LlamaForCausalLM`);
  return { folder, config, tensors, shapes, quantised };
}

/** Names and shapes of the weights of a configuration, as checkpoints name them. */
export function weightShapes(config: PretrainedConfig): ReadonlyMap<string, Shape> {
  const shapes = new Map<string, Shape>();
  const graph = new Graph();
  const scope = new Scope(graph, (name, shape) => {
    shapes.set(name, shape);
    return graph.input(name, 'float', shape);
  });
  llama(scope, config);
  return shapes;
}

function check(
  tensors: ReadonlyMap<string, PlacedTensor>,
  name: string,
  shape: Shape,
  types: readonly StoredType[],
): void {
  const placed = tensors.get(name);
  if (!placed) throw incomplete(`no file holds the tensor ${name}`);
  const { stored, file } = placed;
  if (!types.includes(stored.dtype))
    throw new NnError(
      'checkpoint-unsupported',
      `${file}: ${name} is stored as ${stored.dtype}; Flame reads ${types.join(', ')}`,
    );
  if (stored.shape.join() !== shape.join())
    throw new NnError(
      'weights-mismatch',
      `${file}: ${name} is [${stored.shape.join()}], ${CONFIG_FILE} asks for [${shape.join()}]`,
    );
}

function isKnown(name: string, shapes: ReadonlyMap<string, Shape>, { tied }: PretrainedConfig): boolean {
  if (shapes.has(name) || name.endsWith('.rotary_emb.inv_freq')) return true; // computed from the configuration
  if (tied && name === 'lm_head.weight') return true; // a copy of the table
  return Object.values(INT4_PARTS).some(
    (part) => name.endsWith(part) && shapes.has(name.slice(0, -part.length)),
  );
}

/** File names, each with the tensors that the index promises of it, or null for all it holds. */
function filesOf(folder: string): Map<string, readonly string[] | null> {
  if (!existsSync(join(folder, INDEX_FILE))) {
    if (existsSync(join(folder, WEIGHTS_FILE))) return new Map([[WEIGHTS_FILE, null]]);
    throw incomplete(`neither ${WEIGHTS_FILE} nor ${INDEX_FILE} is in ${basename(folder)}`);
  }
  const parsed = indexSchema.safeParse(readJson(folder, INDEX_FILE));
  if (!parsed.success) throw new NnError('weights-corrupt', `${INDEX_FILE} holds no weight_map`);
  const files = new Map<string, string[]>();
  for (const [name, file] of Object.entries(parsed.data.weight_map)) {
    if (basename(file) !== file)
      throw new NnError('weights-corrupt', `${INDEX_FILE}: ${file} is no file of this folder`);
    files.set(file, [...(files.get(file) ?? []), name]);
  }
  return files;
}

function headerOf(folder: string, file: string): SafetensorsHeader {
  const path = join(folder, file);
  if (!existsSync(path)) throw incomplete(`the file ${file} is missing`);
  // ONNX Runtime maps no file from outside the folder.
  if (dirname(realpathSync(path)) !== realpathSync(folder))
    throw new NnError(
      'checkpoint-unsupported',
      `${file} is a link to another folder; copy the files themselves into ${basename(folder)}`,
    );
  try {
    return readHeaderOf(path);
  } catch (cause) {
    if (!(cause instanceof NnError)) throw cause;
    throw new NnError(cause.code, `${file}: ${cause.message}`, { cause });
  }
}

function readJson(folder: string, file: string): unknown {
  const path = join(folder, file);
  if (!existsSync(path)) throw incomplete(`${file} is missing`);
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (cause) {
    throw new NnError('weights-corrupt', `${file} is no JSON`, { cause });
  }
}

function incomplete(what: string): NnError {
  return new NnError('checkpoint-incomplete', what);
}
