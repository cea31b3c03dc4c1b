/** Scales and look-ups of the measured front. Draws nothing and fits no curve. */

import { extent, scaleLinear } from 'd3';
import type { FrontPoint } from '../../shared/recommendation.ts';

export interface FrontScales {
  readonly x: (rate: number) => number;
  readonly y: (jaccard: number) => number;
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
  /** As many decimals as the ticks need to differ. */
  readonly yDigits: number;
}

/** The measured point of a slider position: the last one whose alpha is not above it. */
export function frontPointAt(points: readonly FrontPoint[], alpha: number): FrontPoint | null {
  return points.findLast((point) => point.alpha <= alpha) ?? points[0] ?? null;
}

/** Axes with round ends around the points; the interaction rate starts at zero, the agreement does not. */
export function frontScales(
  points: readonly FrontPoint[],
  frame: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number },
): FrontScales {
  const [, mostRate = 0] = extent(points, (point) => point.interactionRate);
  const [least = 0, most = 0] = extent(points, (point) => point.jaccard);
  const margin = Math.max((most - least) * 0.1, 0.002);
  const x = scaleLinear([0, Math.max(mostRate, 0.001)], [frame.left, frame.right]).nice(3);
  const y = scaleLinear([least - margin, most + margin], [frame.bottom, frame.top]).nice(3);
  const yTicks = y.ticks(3);
  const [, decimals = ''] = y
    .tickFormat(3)(yTicks[0] ?? 0)
    .split('.');
  return { x, y, xTicks: x.ticks(3), yTicks, yDigits: decimals.length };
}
