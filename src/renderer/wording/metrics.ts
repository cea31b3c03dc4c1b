/** Words for the metrics of a model pack, and the metrics under one protocol sentence each. Computes no metric. */

import type { ModelSummary } from '../../shared/contract.ts';

type Metric = ModelSummary['metrics'][number];

const METRIC_WORDS = new Map([
  ['jaccardThreshold', 'Jaccard, one threshold'],
  ['jaccardSet', 'Jaccard, expected-Jaccard set'],
  ['f1Threshold', 'F1, one threshold'],
  ['f1Set', 'F1, expected-Jaccard set'],
  ['precisionSet', 'Precision, expected-Jaccard set'],
  ['recallSet', 'Recall, expected-Jaccard set'],
  ['prauc', 'PRAUC (average precision)'],
  ['rPrecision', 'R-precision'],
  ['jaccardOwn', 'Jaccard, proposed list'],
  ['f1Own', 'F1, proposed list'],
]);

/** The metric in words; a pack's own name where no word is known. */
export function metricWords(name: string): string {
  return METRIC_WORDS.get(name) ?? name;
}

/** Metrics by protocol, in the pack's order, so that the sentence stands once above the numbers it belongs to. */
export function byProtocol(metrics: readonly Metric[]): readonly (readonly [string, readonly Metric[]])[] {
  const groups = new Map<string, Metric[]>();
  for (const metric of metrics) {
    groups.set(metric.protocol, [...(groups.get(metric.protocol) ?? []), metric]);
  }
  return [...groups];
}
