/**
 * Low-rank adaptation of matrices that are no parameters of the graph: mapped from a file, or in 4 bits. The product gains
 * (α/r)·(x·Aᵀ)·Bᵀ, and the matrix itself is neither widened nor copied. For ordinary parameters see lora.ts.
 */
import { applyLinear } from './layers.ts';
import { type LoraPlan, loraNames, loraShapes } from './lora.ts';
import { add, mul } from './ops.ts';
import type { Tensor } from './graph.ts';
import { type Initialize, type MatrixSource, uniform, zeros } from './scope.ts';

/** @param factor makes A and B by full name: as parameters to train them, as weights to use them */
export function loraMatrices(
  base: MatrixSource,
  { rank, alpha, kindOf }: Pick<LoraPlan, 'rank' | 'alpha' | 'kindOf'>,
  factor: (name: string, shape: readonly number[], initialize: Initialize) => Tensor,
): MatrixSource {
  return {
    product: (place, own, shape, initialize) => {
      const under = base.product(place, own, shape, initialize);
      const name = place.nameOf(own);
      if (!under || kindOf(name) !== 'linear') return under;
      const names = loraNames(name, 'linear');
      const shapes = loraShapes(shape, 'linear', rank);
      const a = factor(names.a, shapes.a, uniform(1 / Math.sqrt(shape[1])));
      const b = factor(names.b, shapes.b, zeros);
      return (x, bias) => add(under(x, bias), mul(applyLinear(applyLinear(x, a), b), alpha / rank));
    },
  };
}
