import { describe, expect, it } from 'vitest';
import { analyticGradients, checkGradients, relativeDifference } from './gradient-check.ts';
import { type LlamaConfig, llama, llamaSize } from './llama.ts';
import { crossEntropy } from './losses.ts';
import { Random } from './random.ts';
import { type BuildObjective, buildGradients } from './train-step.ts';

const [B, T] = [2, 5];
const tiny: LlamaConfig = {
  vocabularySize: 17,
  hiddenSize: 12,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  intermediateSize: 20,
  tied: true,
};
const random = new Random(7);
const batch = {
  ids: Int32Array.from({ length: B * T }, () => random.int(17)),
  targets: Int32Array.from({ length: B * T }, () => random.int(17)),
  weights: Float64Array.from({ length: B * T }, () => random.uniform()),
  keep: [1, 1, 1, 1, 0, 1, 1, 1, 1, 1],
};
const objective =
  (config: LlamaConfig): BuildObjective =>
  (s) => {
    const ids = s.input('ids', 'int32', [B, T]);
    const logits = llama(s, config)(ids, s.input('keep', 'float', [B, T]));
    return crossEntropy(logits, s.input('targets', 'int32', [B * T]), s.input('weights', 'float', [B * T]));
  };

describe('a whole decoder', () => {
  it.each([
    ['grouped heads, tied', tiny],
    ['a head each, untied', { ...tiny, keyValueHeads: 2, tied: false }],
    ['three queries a group, wide heads', { ...tiny, heads: 3, headSize: 6, keyValueHeads: 1 }],
  ])('%s: every parameter against central differences', async (_name, config) => {
    const report = await checkGradients(objective(config), { batch, points: 24 });
    expect(report.checked).toBeGreaterThan(400);
    expect(report.worst).toBeLessThan(1e-6);
    const double = await analyticGradients(objective(config), { batch });
    const single = await analyticGradients(objective(config), { batch, floatType: 'float32' });
    expect(relativeDifference(single, double)).toBeLessThan(5e-6);
    expect(single.loss).toBeCloseTo(double.loss, 5);
  });

  it('counts its parameters and names them as Llama checkpoints do', () => {
    for (const config of [tiny, { ...tiny, tied: false, keyValueHeads: 2 }]) {
      const { declarations } = buildGradients(objective(config));
      const size = declarations.reduce((n, { shape }) => n + shape.reduce((a, d) => a * d, 1), 0);
      expect(size).toBe(llamaSize(config));
    }
    const names = buildGradients(objective({ ...tiny, layers: 1, tied: false })).declarations.map(
      ({ name }) => name,
    );
    expect(names).toEqual([
      'model.embed_tokens.weight',
      'model.layers.0.input_layernorm.weight',
      'model.layers.0.self_attn.q_proj.weight',
      'model.layers.0.self_attn.k_proj.weight',
      'model.layers.0.self_attn.v_proj.weight',
      'model.layers.0.self_attn.o_proj.weight',
      'model.layers.0.post_attention_layernorm.weight',
      'model.layers.0.mlp.gate_proj.weight',
      'model.layers.0.mlp.up_proj.weight',
      'model.layers.0.mlp.down_proj.weight',
      'model.norm.weight',
      'lm_head.weight',
    ]);
  });
});
