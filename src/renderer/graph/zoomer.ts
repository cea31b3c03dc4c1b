/** Zooming and moving the graph by pointer, wheel and buttons: d3 keeps the transform, Svelte draws it. Knows no drug. */

import { select, zoom, zoomIdentity, type D3ZoomEvent, type Selection, type ZoomBehavior } from 'd3';
import type { Zoom } from './graph-view.svelte.ts';

const LARGEST = 4;
const STEP = 1.4;

export class Zoomer {
  readonly #behavior: ZoomBehavior<SVGSVGElement, unknown>;
  readonly #svg: Selection<SVGSVGElement, unknown, null, undefined>;

  /** @param onZoom hears every change; the whole graph is `{ k: 1, x: 0, y: 0 }` */
  constructor(element: SVGSVGElement, onZoom: (zoom: Zoom) => void) {
    this.#svg = select(element);
    this.#behavior = zoom<SVGSVGElement, unknown>()
      .scaleExtent([1, LARGEST])
      .filter(startsZoom)
      .on('zoom', ({ transform: { k, x, y } }: D3ZoomEvent<SVGSVGElement, unknown>) => onZoom({ k, x, y }));
    this.#svg.call(this.#behavior).on('dblclick.zoom', null);
  }

  /** Nothing beyond the picture can be moved into view. */
  limitTo(width: number, height: number): void {
    this.#behavior.extent([[0, 0], [width, height]]).translateExtent([[0, 0], [width, height]]); // prettier-ignore
  }

  enlarge(): void {
    this.#behavior.scaleBy(this.#svg, STEP);
  }

  reduce(): void {
    this.#behavior.scaleBy(this.#svg, 1 / STEP);
  }

  whole(): void {
    this.#behavior.transform(this.#svg, zoomIdentity);
  }

  close(): void {
    this.#svg.on('.zoom', null);
  }
}

/** A plain wheel scrolls the page, as everywhere; with Ctrl or a pinch it zooms. Dragging a node moves the node. */
function startsZoom(event: MouseEvent): boolean {
  if (event.type === 'wheel') return event.ctrlKey || event.metaKey;
  const onMark = event.target instanceof Element && event.target.closest('[data-stop]') !== null;
  return event.button === 0 && !onMark;
}
