/** Fresh weights of a small list policy, for tests. */

import { type HostTensor, hostTensor, sizeOf } from '../../nn/dtype.ts';
import { Graph } from '../../nn/graph.ts';
import { Random } from '../../nn/random.ts';
import { Scope } from '../../nn/scope.ts';
import {
  type PolicyConfig,
  policySequences,
  type PolicyShape,
  type PolicyTables,
} from '../policy/network.ts';

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
