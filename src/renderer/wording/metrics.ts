/** Words for the metrics of a model pack, and the metrics under one protocol sentence each. Computes no metric. */

import type { ModelSummary } from '../../shared/contract.ts';
import { english } from '../language/english.ts';
import { t } from '../language/language.svelte.ts';

type Metric = ModelSummary['metrics'][number];

type KnownMetric = keyof typeof english.about.metrics;

function isKnown(name: string): name is KnownMetric {
  return Object.hasOwn(english.about.metrics, name);
}

/** The metric in words; a pack's own name where no word is known. */
export function metricWords(name: string): string {
  return isKnown(name) ? t(`about:metrics.${name}`) : name;
}

/** Metrics by protocol, in the pack's order, so that the sentence stands once above the numbers it belongs to. */
export function byProtocol(metrics: readonly Metric[]): readonly (readonly [string, readonly Metric[]])[] {
  const groups = new Map<string, Metric[]>();
  for (const metric of metrics) {
    groups.set(metric.protocol, [...(groups.get(metric.protocol) ?? []), metric]);
  }
  return [...groups];
}
