/** Reads a checkpoint's config.json as a Llama configuration. It refuses what this engine would compute wrongly. */
import { z } from 'zod';
import type { RopeScaling } from '../attention.ts';
import { NnError } from '../errors.ts';
import type { LlamaConfig } from '../llama.ts';

const count = z.number().int().positive();
const rope = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(), // its name until 2024
  rope_theta: z.number().positive().optional(), // since transformers 5
  factor: z.number().positive().optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: count.optional(),
});
const schema = z.looseObject({
  architectures: z.array(z.string()).optional(),
  model_type: z.string(),
  vocab_size: count,
  hidden_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  intermediate_size: count,
  head_dim: count.nullish(),
  max_position_embeddings: count,
  rms_norm_eps: z.number().positive().default(1e-6), // transformers' default
  rope_theta: z.number().positive().nullish(),
  rope_scaling: rope.nullish(),
  rope_parameters: rope.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  quantization_config: z.unknown().optional(),
});

export interface PretrainedConfig extends LlamaConfig {
  /** Positions that the model was made for. */
  readonly maximumLength: number;
}

function unsupported(what: string): NnError {
  return new NnError('checkpoint-unsupported', what);
}

/** @throws NnError `checkpoint-unsupported` saying which setting it is */
export function parseConfig(json: unknown): PretrainedConfig {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw unsupported(`config.json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'no configuration'}`);
  }
  const config = parsed.data;
  const named = config.architectures?.[0] ?? config.model_type;
  if (config.model_type !== 'llama' || !['LlamaForCausalLM', 'llama'].includes(named))
    throw unsupported(`architecture ${named}; Flame runs LlamaForCausalLM`);
  for (const [setting, on] of [
    ['attention_bias', config.attention_bias],
    ['mlp_bias', config.mlp_bias],
    [`hidden_act ${config.hidden_act}`, config.hidden_act !== 'silu'],
    ['quantization_config', config.quantization_config !== undefined && config.quantization_config !== null],
  ] as const)
    if (on) throw unsupported(`config.json: ${setting} is not supported`);
  const { hidden_size: hiddenSize, num_attention_heads: heads } = config;
  const keyValueHeads = config.num_key_value_heads ?? heads;
  const headSize = config.head_dim ?? hiddenSize / heads;
  if (!Number.isInteger(headSize) || headSize % 2 !== 0 || !Number.isInteger(heads / keyValueHeads))
    throw unsupported(
      `config.json: ${heads} heads over ${keyValueHeads} key-value heads in a width of ${hiddenSize}`,
    );
  const stretch = config.rope_parameters ?? config.rope_scaling ?? null;
  const ropeScaling = ropeScalingOf(stretch);
  return {
    vocabularySize: config.vocab_size,
    hiddenSize,
    layers: config.num_hidden_layers,
    heads,
    keyValueHeads,
    headSize,
    intermediateSize: config.intermediate_size,
    ropeTheta: config.rope_theta ?? stretch?.rope_theta ?? 10000,
    ...(ropeScaling ? { ropeScaling } : {}),
    normEpsilon: config.rms_norm_eps,
    tied: config.tie_word_embeddings,
    maximumLength: config.max_position_embeddings,
  };
}

function ropeScalingOf(stretch: z.infer<typeof rope> | null): RopeScaling | null {
  const kind = stretch?.rope_type ?? stretch?.type ?? 'default';
  if (stretch === null || kind === 'default') return null;
  const given = (name: keyof typeof stretch): number => {
    const value = stretch[name];
    if (typeof value !== 'number') throw unsupported(`config.json: rope scaling ${kind} without ${name}`);
    return value;
  };
  if (kind === 'linear') return { kind, factor: given('factor') };
  if (kind !== 'llama3') throw unsupported(`config.json: rope scaling ${kind} is not supported`);
  return {
    kind,
    factor: given('factor'),
    lowFrequencyFactor: given('low_freq_factor'),
    highFrequencyFactor: given('high_freq_factor'),
    originalLength: given('original_max_position_embeddings'),
  };
}

/** The configuration as a checkpoint's config.json, for checkpoints that are made here. */
export function formatConfig(config: PretrainedConfig): Record<string, unknown> {
  const { ropeScaling: stretch } = config;
  const scaling =
    stretch?.kind === 'llama3'
      ? {
          rope_type: 'llama3',
          factor: stretch.factor,
          low_freq_factor: stretch.lowFrequencyFactor,
          high_freq_factor: stretch.highFrequencyFactor,
          original_max_position_embeddings: stretch.originalLength,
        }
      : stretch && { rope_type: 'linear', factor: stretch.factor };
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: config.vocabularySize,
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.keyValueHeads,
    intermediate_size: config.intermediateSize,
    head_dim: config.headSize ?? config.hiddenSize / config.heads,
    max_position_embeddings: config.maximumLength,
    rms_norm_eps: config.normEpsilon ?? 1e-5,
    rope_theta: config.ropeTheta ?? 10000,
    rope_scaling: scaling ?? null,
    tie_word_embeddings: config.tied,
    hidden_act: 'silu',
    attention_bias: false,
    mlp_bias: false,
  };
}
