/** Look-ups by index and their gradients. Sums over duplicate indices are exact and independent of threads. */
import { sizeOf } from './dtype.ts';
import { NnError } from './errors.ts';
import type { RowGradient, Tensor } from './graph.ts';
import { expand, reshape } from './shape-ops.ts';

/**
 * Rows of a table: table [V, width], ids int of any shape → [...ids.shape, width].
 * The gradient stays a list of (id, row) until autodiff adds it onto the table, so several readers cost one pass.
 */
export function gatherRows(table: Tensor, ids: Tensor): Tensor {
  if (table.rank !== 2) throw new NnError('shape-mismatch', `table [${table.shape.join()}] is no matrix`);
  const g = table.graph;
  const width = table.dim(1);
  const n = sizeOf(ids.shape);
  const y = g.emit('Gather', [table, ids], table.dtype, [...ids.shape, width], { axis: 0 });
  g.record([table], [y], ([d]) => {
    const gradient: RowGradient = { ids: reshape(ids, [n]), rows: reshape(d!, [n, width]) };
    return [gradient];
  });
  return y;
}

/**
 * base [V, width] with rows [N, width] added at ids [N], duplicates summed.
 * ScatterElements walks the updates in order: exact and deterministic, where ScatterND loses updates to races.
 */
export function scatterAddRows(base: Tensor, ids: Tensor, rows: Tensor): Tensor {
  const [n, width] = [rows.dim(0), rows.dim(1)];
  const indices = expand(reshape(ids, [n, 1]), [n, width]);
  return base.graph.emit('ScatterElements', [base, indices, rows], base.dtype, base.shape, {
    axis: 0,
    reduction: 'add',
  });
}

/** One element of each row: a [N, V], columns [N, K] int → [N, K]. */
export function gatherColumns(a: Tensor, columns: Tensor): Tensor {
  const g = a.graph;
  const y = g.emit('GatherElements', [a, columns], a.dtype, columns.shape, { axis: 1 });
  g.record([a], [y], ([d]) => [addAtColumns(g.filled(0, a.shape, a.dtype), columns, d!)]);
  return y;
}

/** base [N, V] with updates [N, K] added at columns [N, K]. */
export function addAtColumns(base: Tensor, columns: Tensor, updates: Tensor): Tensor {
  return base.graph.emit('ScatterElements', [base, columns, updates], base.dtype, base.shape, {
    axis: 1,
    reduction: 'add',
  });
}
