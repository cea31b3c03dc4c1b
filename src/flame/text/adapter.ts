/**
 * Puts a checkpoint's own weights into the text network, with a LoRA adapter over them where there is one (Hu et al. 2021,
 * arXiv 2106.09685): what remains to train, or to load, are the factors and the projections. Holds no weights.
 */
import type { GraphWeights } from '../../nn/inference.ts';
import type { LoraPlan } from '../../nn/lora.ts';
import { loraMatrices } from '../../nn/lora-product.ts';
import { Scope } from '../../nn/scope.ts';
import type { AdapterConfig } from '../local/peft.ts';
import type { PlaceModel } from './network.ts';

export type TextLora = Pick<LoraPlan, 'rank' | 'alpha' | 'kindOf'>;

/** Every linear layer of the blocks, as PEFT's `target_modules` names them. */
export const LLAMA_TARGETS: readonly string[] = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
];

/** The plan of an adapter: modules are named by their last part, or whole. */
export function textLora({
  rank,
  alpha,
  targets,
}: Pick<AdapterConfig, 'rank' | 'alpha' | 'targets'>): TextLora {
  return {
    rank,
    alpha,
    kindOf: (name) => {
      const module = name.replace(/\.weight$/, '');
      return targets.some((target) => module === target || module.endsWith(`.${target}`)) ? 'linear' : null;
    },
  };
}

/** @param lora null: the checkpoint as it is */
export function checkpointPlace(weights: GraphWeights, lora: TextLora | null): PlaceModel {
  return (scope) => {
    const { graph } = scope;
    const base = weights.matrices(graph);
    const matrices = lora
      ? loraMatrices(base, lora, (name, shape, initialize) => scope.parameter(name, shape, initialize))
      : base;
    return new Scope(graph, (name, shape) => weights.materialize(graph, name, shape)).withMatrices(matrices);
  };
}
