/** Slides every edge's label along its edge to where it covers least. Moves no node. */

import type { DrugId } from '../../shared/ids.ts';
import type { Places, Point } from './layout.ts';

interface Box {
  readonly x: number;
  readonly y: number;
  readonly halfWidth: number;
  readonly halfHeight: number;
}

export interface LabelledEdge {
  readonly key: string;
  readonly a: DrugId;
  readonly b: DrugId;
  /** Pixels. */
  readonly labelWidth: number;
}

const POSITIONS = [0.5, 0.43, 0.57, 0.36, 0.64, 0.29, 0.71, 0.23, 0.77];
const HALF_HEIGHT = 10;
/** Square pixels that a label may cover before it is worth leaving the middle by a tenth of the edge. */
const LOVE_OF_THE_MIDDLE = 60;

/**
 * @param edges most important first: the first labels get the better places
 * @param labelWidths of the nodes, in pixels
 */
export function placeEdgeLabels(
  edges: readonly LabelledEdge[],
  places: Places,
  labelWidths: ReadonlyMap<DrugId, number>,
): ReadonlyMap<string, Point> {
  const taken: Box[] = [...places].flatMap(([id, { x, y }]) => [
    { x, y, halfWidth: 16, halfHeight: 16 },
    { x, y: y + 29, halfWidth: (labelWidths.get(id) ?? 0) / 2, halfHeight: 13 },
  ]);
  const labels = new Map<string, Point>();
  for (const edge of edges) {
    const from = places.get(edge.a);
    const to = places.get(edge.b);
    if (!from || !to) continue;
    const boxes = POSITIONS.map((t) => ({
      t,
      x: from.x + (to.x - from.x) * t,
      y: from.y + (to.y - from.y) * t,
      halfWidth: edge.labelWidth / 2,
      halfHeight: HALF_HEIGHT,
    }));
    const cost = (box: (typeof boxes)[number]): number =>
      taken.reduce((sum, other) => sum + overlap(box, other), 0) +
      Math.abs(box.t - 0.5) * 10 * LOVE_OF_THE_MIDDLE;
    const best = boxes.reduce((x, y) => (cost(y) < cost(x) ? y : x));
    taken.push(best);
    labels.set(edge.key, { x: Math.round(best.x), y: Math.round(best.y) });
  }
  return labels;
}

function overlap(a: Box, b: Box): number {
  const x = a.halfWidth + b.halfWidth - Math.abs(a.x - b.x);
  const y = a.halfHeight + b.halfHeight - Math.abs(a.y - b.y);
  return x > 0 && y > 0 ? x * y : 0;
}
