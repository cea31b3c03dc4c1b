/** Numbers and tables as Markdown, the same way in reports and model cards. Computes nothing. */

import type { Interval } from '../../src/flame/evaluation/metrics.ts';
import { OWN_AGAINST_SET } from './measure.ts';

/** Every measure in words; keys as in the report's JSON. */
export const MEASURE_WORDS: Readonly<Record<string, string>> = {
  jaccardThreshold: 'Jaccard, threshold',
  jaccardSet: 'Jaccard, expected-Jaccard set',
  f1Threshold: 'F1, threshold',
  f1Set: 'F1, set',
  precisionSet: 'precision, set',
  recallSet: 'recall, set',
  prauc: 'PRAUC',
  rPrecision: 'R-precision',
  jaccardOwn: 'Jaccard, own list',
  f1Own: 'F1, own list',
  [OWN_AGAINST_SET]: 'Jaccard, own list against expected-Jaccard set',
  recallAt1: 'recall@1',
  recallAt5: 'recall@5',
  recallAt10: 'recall@10',
  reciprocalRank: 'mean reciprocal rank',
  extrasArea: 'error finding among extras of π_cls, AUC within visits',
  foreignArea: 'error finding among foreign drugs, AUC within visits',
};

export const PARTITION_WORDS = {
  age: 'age',
  sex: 'sex',
  specialty: 'specialty of the clinician',
  listLength: 'length of the clinician’s list',
} as const;

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function four(value: number): string {
  return value.toFixed(4);
}

export function signed(value: number): string {
  return `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(4)}`;
}

/** `0.1869 [0.1841, 0.1895]` */
export function estimate({ mean, interval }: { readonly mean: number; readonly interval: Interval }): string {
  return `${four(mean)} [${four(interval.low)}, ${four(interval.high)}]`;
}

/** The same with the deviation over seeds where there are several; a dash for what a row does not have. */
export function summary(
  value:
    { readonly mean: number; readonly deviation: number; readonly interval: Interval } | null | undefined,
  seeds: number,
): string {
  if (!value) return '–';
  const { mean, deviation, interval } = value;
  const spread = seeds > 1 ? ` ± ${four(deviation)}` : '';
  return `${four(mean)}${spread} [${four(interval.low)}, ${four(interval.high)}]`;
}
