/** Where the physician pinned nodes, shared by the picture beside the list and the large one; and what a zoom is. */

import { SvelteMap } from 'svelte/reactivity';
import type { DrugId } from '../../shared/ids.ts';
import type { Point } from './layout.ts';

/** A place as a share of the picture's width and height, 0 to 1, so that it holds at every size. */
export type Share = Point;

export interface Zoom {
  /** Scale; 1 shows the whole graph. */
  readonly k: number;
  readonly x: number;
  readonly y: number;
}

export const WHOLE: Zoom = { k: 1, x: 0, y: 0 };

export class GraphView {
  readonly pins = new SvelteMap<DrugId, Share>();

  pin(drug: DrugId, { x, y }: Share): void {
    this.pins.set(drug, { x: within(x), y: within(y) });
  }

  release(drug: DrugId): void {
    this.pins.delete(drug);
  }

  releaseAll(): void {
    this.pins.clear();
  }
}

function within(share: number): number {
  return Math.min(Math.max(share, 0), 1);
}
