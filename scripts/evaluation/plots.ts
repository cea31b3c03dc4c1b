/** Small line plots as SVG text for reports. Draws points it is given; computes no metric. */

import type { Front } from './fronts.ts';
import type { RowResult } from './measure.ts';

export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly { readonly x: number; readonly y: number; readonly label?: string }[];
}

export interface PlotOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  /** Draw the diagonal from (0, 0), as calibration plots do. */
  readonly diagonal?: boolean;
}

const WIDTH = 640;
const HEIGHT = 400;
const MARGIN = { left: 70, right: 24, top: 40, bottom: 56 };
const TICKS = 5;

/** Colours that stay apart for the colour-blind (Okabe & Ito 2008). */
const COLOURS = {
  orange: '#d55e00',
  blue: '#0072b2',
  green: '#009e73',
  purple: '#cc79a7',
  sky: '#56b4e9',
  grey: '#6b7280',
} as const;

/** Fronts of several rows on the same axes. */
export function frontPlot(fronts: readonly Front[]): string {
  const colours = Object.values(COLOURS);
  return linePlot({
    title: 'Accuracy against interactions',
    x: 'DDI rate (mean over visits)',
    y: 'Jaccard',
    series: fronts.map(({ name, points }, i): Series => ({
      name,
      colour: colours[i % colours.length]!,
      points: points.map(({ alpha, jaccard, interactionRate }) => ({
        x: interactionRate,
        y: jaccard,
        ...(alpha === 0 || alpha === 0.5 || alpha === 1 ? { label: `α ${alpha}` } : {}),
      })),
    })),
  });
}

/** Bins with fewer cells than this are noise. */
const FEWEST_CELLS = 50;

const CALIBRATED: Readonly<Record<string, string>> = { MLP: COLOURS.orange, π_cls: COLOURS.blue };

/** Null when none of the rows it draws was measured. */
export function calibrationPlot(rows: readonly Pick<RowResult, 'name' | 'calibration'>[]): string | null {
  const series = rows.flatMap(({ name, calibration }) => {
    const colour = CALIBRATED[name];
    if (colour === undefined || !calibration) return [];
    const points = calibration.points
      .filter(({ count }) => count >= FEWEST_CELLS)
      .map(({ predicted, observed }) => ({ x: predicted, y: observed }));
    return [{ name, colour, points }];
  });
  if (series.length === 0) return null;
  return linePlot({
    title: 'Calibration, seed 1',
    x: 'predicted probability',
    y: 'observed share',
    diagonal: true,
    series,
  });
}

export function linePlot({ title, x, y, series, diagonal = false }: PlotOptions): string {
  const points = series.flatMap((one) => one.points);
  const [left, right] = padded(points.map((point) => point.x));
  const [bottom, top] = padded(points.map((point) => point.y));
  const px = (value: number): number =>
    MARGIN.left + ((value - left) / (right - left)) * (WIDTH - MARGIN.left - MARGIN.right);
  const py = (value: number): number =>
    HEIGHT - MARGIN.bottom - ((value - bottom) / (top - bottom)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const parts: string[] = [];
  for (let i = 0; i <= TICKS; i += 1) {
    const tx = left + ((right - left) * i) / TICKS;
    const ty = bottom + ((top - bottom) * i) / TICKS;
    parts.push(
      `<line x1="${fixed(px(left))}" x2="${fixed(px(right))}" y1="${fixed(py(ty))}" y2="${fixed(py(ty))}" stroke="#e5e7eb"/>`,
      `<text x="${MARGIN.left - 8}" y="${fixed(py(ty) + 4)}" text-anchor="end">${ty.toFixed(3)}</text>`,
      `<text x="${fixed(px(tx))}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${tx.toFixed(3)}</text>`,
    );
  }
  if (diagonal) {
    const [from, to] = [Math.max(left, bottom), Math.min(right, top)];
    parts.push(
      `<line x1="${fixed(px(from))}" y1="${fixed(py(from))}" x2="${fixed(px(to))}" y2="${fixed(py(to))}" stroke="${COLOURS.grey}" stroke-dasharray="4 4"/>`,
    );
  }
  series.forEach(({ name, colour, points: own }, i) => {
    const path = own.map((point) => `${fixed(px(point.x))},${fixed(py(point.y))}`).join(' ');
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const point of own) {
      parts.push(`<circle cx="${fixed(px(point.x))}" cy="${fixed(py(point.y))}" r="3.5" fill="${colour}"/>`);
      if (point.label !== undefined)
        parts.push(
          `<text x="${fixed(px(point.x) + 6)}" y="${fixed(py(point.y) - 6)}" fill="${colour}">${escaped(point.label)}</text>`,
        );
    }
    parts.push(
      `<text x="${WIDTH - MARGIN.right}" y="${MARGIN.top + 18 * i}" text-anchor="end" fill="${colour}" font-weight="600">${escaped(name)}</text>`,
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#111827" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="22" font-size="15" font-weight="600">${escaped(title)}</text>`,
    ...parts,
    `<text x="${(WIDTH + MARGIN.left) / 2}" y="${HEIGHT - 14}" text-anchor="middle">${escaped(x)}</text>`,
    `<text transform="translate(18 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

/** The range of the values with a tenth of room on both sides; never empty. */
function padded(values: readonly number[]): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low || Math.abs(high) || 1) * 0.1;
  return [low - room < 0 && low >= 0 ? 0 : low - room, high + room];
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
