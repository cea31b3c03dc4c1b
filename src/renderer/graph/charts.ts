/** Scales of the bar and line charts, and which labels of an axis have room. Draws nothing. */

import { scaleLinear, scalePoint } from 'd3';

/**
 * From zero, or a round start at or below a least value under it, to a round end at or above the greatest value; at least
 * to `least`, so that zeros alone fill no frame.
 */
export function lengthScale(
  values: readonly number[],
  [from, to]: readonly [number, number],
  ticks: number,
  least = 1,
): { readonly at: (value: number) => number; readonly ticks: readonly number[] } {
  const scale = scaleLinear([Math.min(...values, 0), Math.max(...values, 0) || least], [from, to]).nice(
    ticks,
  );
  return { at: scale, ticks: scale.ticks(ticks) };
}

/** Evenly spread places; a single one stands in the middle. */
export function placeScale(
  keys: readonly string[],
  [from, to]: readonly [number, number],
): (key: string) => number {
  const scale = scalePoint(keys, [from, to]).padding(0.5);
  return (key) => scale(key) ?? from;
}

/** Every n-th position, so that labels of this width do not touch; the first is always among them. */
export function labelled(count: number, room: number, labelWidth: number): number {
  return Math.max(1, Math.ceil((count * labelWidth) / Math.max(room, 1)));
}

/** A label that fits its column; the whole one stands in the table beside the chart. */
export function shortened(label: string, most: number): string {
  return label.length <= most ? label : `${label.slice(0, most - 1)}…`;
}

/** How a bar is filled, told apart without colour: full, hatched, outlined. */
export type Mark = 'full' | 'hatched' | 'outlined';

export interface BarRow {
  readonly key: string;
  readonly label: string;
  /** Lengths one after the other. */
  readonly parts: readonly { readonly mark: Mark; readonly value: number }[];
  /** What is written at the end of the bar. */
  readonly note: string;
}

export interface LinePoint {
  readonly key: string;
  readonly label: string;
  /** Null where there is nothing to state: the line has a gap there. */
  readonly value: number | null;
}
