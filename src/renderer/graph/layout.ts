/** Places the graph's nodes: a force layout with a fixed number of ticks, seeded from the previous places. Draws nothing. */

import { forceLink, forceManyBody, forceSimulation, forceX, forceY, type SimulationNodeDatum } from 'd3';
import type { DrugId } from '../../shared/ids.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}
export type Places = ReadonlyMap<DrugId, Point>;

export interface LayoutInput {
  /** Width in pixels of a node's label decides how far apart two nodes stay. */
  readonly nodes: readonly { readonly id: DrugId; readonly labelWidth: number }[];
  readonly edges: readonly { readonly a: DrugId; readonly b: DrugId }[];
  readonly width: number;
  readonly height: number;
  /** Nodes that the physician put somewhere; they stay there, and the others make room. */
  readonly pinned?: Places;
}

interface Body extends SimulationNodeDatum {
  readonly id: DrugId;
  readonly halfWidth: number;
  /** Where the node stood before; a standing node is pulled back there, so that the picture stays the same picture. */
  readonly anchor: Point | null;
  readonly pin: Point | null;
  x: number;
  y: number;
}

const TICKS = 200;
/** A node with its label below: space above and below its centre. */
export const ABOVE = 18;
export const BELOW = 46;
const GAP = 10;
/** Pixels between a node and an edge that is not its own. */
const OFF_EDGE = 38;
/** Room that edges and their labels need beside the nodes' own boxes, as a factor of these. */
const ROOM = 1.6;
/** Beyond this the text would be too small to read; then the picture is crowded. */
const LARGEST_WORLD = 1.35;

/** The picture's own size: the frame, or larger in the same shape where the nodes would not fit; drawn scaled into the frame. */
export function worldOf(
  nodes: LayoutInput['nodes'],
  frame: { readonly width: number; readonly height: number },
): { readonly width: number; readonly height: number } {
  const needed = nodes.reduce(
    (area, { labelWidth }) => area + (Math.max(labelWidth, 44) + GAP) * (ABOVE + BELOW + GAP),
    0,
  );
  const scale = Math.sqrt((ROOM * needed) / (frame.width * frame.height));
  const factor = Math.min(Math.max(scale, 1), LARGEST_WORLD);
  return { width: frame.width * factor, height: frame.height * factor };
}

/**
 * @param previous places of the last layout; empty for the first
 * @returns the centre of every node, within the frame; the same input gives the same places
 */
export function layoutGraph(input: LayoutInput, previous: Places = new Map()): Places {
  const { width, height } = input;
  const bodies = input.nodes.map((node, index) => body(node, index, input, previous));
  const seeded = bodies.some((node) => node.anchor !== null);
  const simulation = forceSimulation(bodies)
    .stop()
    .randomSource(generator(7))
    .force('charge', forceManyBody<Body>().strength(-520).distanceMax(Math.max(width, height)))
    .force(
      'links',
      forceLink<Body, { source: DrugId; target: DrugId }>(
        input.edges.map(({ a, b }) => ({ source: a, target: b })),
      )
        .id((node) => node.id)
        .distance(Math.min(150, width / 3))
        .strength(0.25),
    )
    .force(
      'x',
      forceX<Body>((node) => node.anchor?.x ?? width / 2).strength((node) => (node.anchor ? 0.6 : 0.1)),
    )
    .force(
      'y',
      forceY<Body>((node) => node.anchor?.y ?? height / 2).strength((node) =>
        node.anchor ? 0.6 : (0.1 * width) / Math.max(height, 1),
      ),
    )
    .alpha(seeded ? 0.4 : 1);
  for (let tick = 0; tick < TICKS; tick++) {
    simulation.tick();
    if (tick > TICKS / 4) keepOffEdges(bodies, input.edges);
    keepApart(bodies);
    keepInside(bodies, width, height);
    for (const node of bodies) if (node.pin) Object.assign(node, node.pin);
  }
  return new Map(bodies.map(({ id, x, y }) => [id, { x: Math.round(x), y: Math.round(y) }]));
}

function body(
  node: LayoutInput['nodes'][number],
  index: number,
  { nodes, width, height, pinned }: LayoutInput,
  previous: Places,
): Body {
  const pin = pinned?.get(node.id) ?? null;
  const anchor = pin ?? previous.get(node.id) ?? null;
  // A new node starts on an ellipse around the centre, in the order of the list.
  const angle = (2 * Math.PI * index) / Math.max(nodes.length, 1) - Math.PI / 2;
  return {
    id: node.id,
    halfWidth: Math.max(node.labelWidth / 2, 22),
    anchor,
    pin,
    x: anchor?.x ?? width / 2 + (width / 3) * Math.cos(angle),
    y: anchor?.y ?? height / 2 + (height / 3) * Math.sin(angle),
  };
}

/** Pushes nodes whose boxes (circle and label) overlap apart, along the axis that needs less. */
function keepApart(bodies: readonly Body[]): void {
  bodies.forEach((a, i) => {
    for (const b of bodies.slice(i + 1)) {
      const overlapX = a.halfWidth + b.halfWidth + GAP - Math.abs(a.x - b.x);
      const overlapY = ABOVE + BELOW + GAP - Math.abs(a.y - b.y);
      if (overlapX <= 0 || overlapY <= 0) continue;
      if (overlapX < overlapY) {
        const push = (overlapX / 4) * (a.x < b.x ? -1 : 1);
        a.x += push;
        b.x -= push;
      } else {
        const push = (overlapY / 4) * (a.y < b.y || (a.y === b.y && a.id < b.id) ? -1 : 1);
        a.y += push;
        b.y -= push;
      }
    }
  });
}

/** Pushes nodes off edges that are not theirs, so that no line seems to end where it only passes. */
function keepOffEdges(bodies: readonly Body[], edges: LayoutInput['edges']): void {
  const byId = new Map(bodies.map((node) => [node.id, node]));
  for (const edge of edges) {
    const a = byId.get(edge.a);
    const b = byId.get(edge.b);
    if (!a || !b) continue;
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const length = Math.hypot(dx, dy);
    if (length < 1) continue;
    for (const node of bodies) {
      if (node === a || node === b) continue;
      const along = ((node.x - a.x) * dx + (node.y - a.y) * dy) / length;
      const off = ((node.x - a.x) * -dy + (node.y - a.y) * dx) / length;
      if (along < 0 || along > length || Math.abs(off) >= OFF_EDGE) continue;
      const push = (OFF_EDGE - Math.abs(off)) * 0.2 * (off < 0 ? -1 : 1);
      node.x += (push * -dy) / length;
      node.y += (push * dx) / length;
      for (const end of [a, b]) {
        end.x -= (push * -dy) / length / 3;
        end.y -= (push * dx) / length / 3;
      }
    }
  }
}

function keepInside(bodies: readonly Body[], width: number, height: number): void {
  for (const node of bodies) {
    node.x = clamp(node.x, node.halfWidth + 8, width - node.halfWidth - 8);
    node.y = clamp(node.y, ABOVE + 4, height - BELOW);
  }
}

function clamp(value: number, low: number, high: number): number {
  return high < low ? (low + high) / 2 : Math.min(Math.max(value, low), high);
}

/** A small linear congruential generator, so that the layout never depends on chance. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (1664525 * state + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}
