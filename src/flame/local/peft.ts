/**
 * An adapter of π_cls as PEFT stores one: adapter_config.json and adapter_model.safetensors, so that it can be trained
 * elsewhere and come back (docs/references/finetuning.md). Knows no pack's weights and merges nothing.
 */

import { z } from 'zod';
import type { HostTensor } from '../../nn/dtype.ts';
import { formatSafetensors, parseSafetensors } from '../../nn/safetensors.ts';
import { FlameError } from '../../shared/errors.ts';

export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
/** What PEFT puts before every name: its wrapper, and the model inside. */
const PREFIX = 'base_model.model.';

const configSchema = z.object({
  peft_type: z.literal('LORA'),
  r: z.int().min(1).max(512),
  lora_alpha: z.number().positive(),
  target_modules: z.union([z.array(z.string()), z.string()]),
  bias: z.enum(['none', 'all', 'lora_only']).default('none'),
  base_model_name_or_path: z.string().nullable().default(null),
});
export interface AdapterConfig {
  readonly rank: number;
  readonly alpha: number;
  readonly targets: readonly string[];
  /** The pack that it was trained on, e.g. `flame-namcs`; null when the file does not say. */
  readonly base: string | null;
}

export interface Adapter {
  readonly config: AdapterConfig;
  /** Factors and trained biases under the names of src/nn/lora.ts. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** The two files of an adapter. */
export function formatAdapter({ config, tensors }: Adapter): Map<string, Uint8Array> {
  const { rank, alpha, targets, base } = config;
  const plain = {
    peft_type: 'LORA',
    auto_mapping: null,
    base_model_name_or_path: base,
    bias: 'lora_only',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: alpha,
    lora_dropout: 0,
    modules_to_save: null,
    r: rank,
    revision: null,
    target_modules: targets,
    task_type: null,
  };
  const named = new Map([...tensors].map(([name, tensor]) => [PREFIX + name, tensor]));
  return new Map([
    [ADAPTER_CONFIG, Buffer.from(`${JSON.stringify(plain, null, 2)}\n`)],
    [ADAPTER_WEIGHTS, formatSafetensors(named, { metadata: { format: 'pt' } })],
  ]);
}

/** @throws FlameError ADAPTER_UNUSABLE saying what is wrong with which file */
export function parseAdapter(config: Uint8Array, weights: Uint8Array): Adapter {
  const read = attempt(ADAPTER_CONFIG, () =>
    configSchema.parse(JSON.parse(Buffer.from(config).toString('utf8'))),
  );
  const { tensors } = attempt(ADAPTER_WEIGHTS, () => parseSafetensors(weights));
  const named = new Map<string, HostTensor>();
  for (const [name, tensor] of tensors) {
    if (!name.startsWith(PREFIX)) throw unusable(ADAPTER_WEIGHTS, `${name} does not begin with ${PREFIX}`);
    if (!(tensor.data as Float32Array).every(Number.isFinite))
      throw unusable(ADAPTER_WEIGHTS, `${name} holds a value that is no number`);
    // PEFT writes `lora_A.default.weight` when one adapter of several is saved by hand.
    named.set(name.slice(PREFIX.length).replace(/\.(lora_(?:embedding_)?[AB])\.default/, '.$1'), tensor);
  }
  if (named.size === 0) throw unusable(ADAPTER_WEIGHTS, 'it holds no tensor');
  const { r, lora_alpha, target_modules, base_model_name_or_path } = read;
  return {
    config: {
      rank: r,
      alpha: lora_alpha,
      targets: typeof target_modules === 'string' ? [target_modules] : target_modules,
      base: base_model_name_or_path,
    },
    tensors: named,
  };
}

function attempt<Value>(file: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw unusable(file, problem.slice(0, 300), cause);
  }
}

function unusable(file: string, problem: string, cause?: unknown): FlameError {
  return new FlameError('ADAPTER_UNUSABLE', { file, problem }, { cause });
}
