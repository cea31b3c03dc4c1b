/** A list policy small enough for tests: its drugs, tables, context vectors and fresh weights. */

import { type HostTensor, hostTensor, sizeOf } from '../../nn/dtype.ts';
import { Graph } from '../../nn/graph.ts';
import { Random } from '../../nn/random.ts';
import { Scope } from '../../nn/scope.ts';
import type { Severity } from '../../shared/domain.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { buildPairMatrix, type PairMatrix } from '../lists/pair-matrix.ts';
import {
  type PolicyConfig,
  policySequences,
  type PolicyShape,
  type PolicyTables,
} from '../policy/network.ts';
import type { ContextSource } from '../policy/policy-corpus.ts';

export function drugNames(count: number): DrugId[] {
  return Array.from({ length: count }, (_, i) => asId<DrugId>(`drug-${i}`));
}

/** @param interacting positions of two drugs and the severity of their pair */
export function pairsAmong(
  drugs: readonly DrugId[],
  interacting: readonly (readonly [number, number, Severity])[],
): PairMatrix {
  return buildPairMatrix(
    drugs,
    interacting.map(([a, b, severity]) => ({ a: drugs[a]!, b: drugs[b]!, severity })),
  );
}

/** Every feature id is a direction of its own: enough for contexts that differ. */
export function plainContext(width: number): ContextSource {
  return {
    width,
    write: (ids, weights, out) => {
      out.fill(0);
      for (let i = 0; i < ids.length; i += 1) out[ids[i]! % (3 * width)] = weights[i]!;
    },
  };
}

/** @param scale factor on the usual start: large weights make different states choose different actions */
export function initialPolicy(
  config: PolicyConfig,
  shape: PolicyShape,
  tables: PolicyTables,
  seed: number,
  scale = 1,
): Map<string, HostTensor> {
  const graph = new Graph();
  const scope = new Scope(graph, (name, dimensions) => graph.input(name, 'float', dimensions));
  policySequences(scope, config, shape, tables, 1);
  return new Map(
    scope.declarations().map(({ name, shape: dimensions, initialize }) => {
      const values = initialize(Random.for(seed, name), sizeOf(dimensions));
      return [
        name,
        hostTensor(
          'float32',
          dimensions,
          Float32Array.from(values, (x) => x * scale),
        ),
      ];
    }),
  );
}
