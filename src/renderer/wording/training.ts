/** Numbers of fine-tuning in words: estimates with intervals, durations, memory, gates. Judges nothing. */

import type { Estimate, Gate } from '../../shared/finetune.ts';
import { t } from '../language/language.svelte.ts';
import { numberWords } from './numbers.ts';

/** "0.405 (0.373–0.434)" */
export function estimateWords({ mean, low, high }: Estimate, digits = 3): string {
  return `${numberWords(mean, digits)} (${numberWords(low, digits)}–${numberWords(high, digits)})`;
}

/** "+0.211 (+0.180 to +0.242)" */
export function gainWords({ mean, low, high }: Estimate): string {
  return t('training:gain', { mean: signed(mean), low: signed(low), high: signed(high) });
}

export function signed(value: number): string {
  const words = numberWords(Math.abs(value), 3);
  return `${value < 0 ? '−' : '+'}${words}`;
}

/** "about 4 min", "40 s" */
export function durationWords(seconds: number): string {
  if (seconds < 90) return t('training:seconds', { count: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return t('training:minutes', { count: Math.round(seconds / 60) });
  return t('training:hours', { hours: numberWords(seconds / 3600, 1) });
}

export function memoryWords(bytes: number): string {
  return t('training:gigabytes', { size: numberWords(bytes / 1e9, 1) });
}

/** What a gate found and what it asks for. */
export function gateWords({ gate, value, limit }: Gate): string {
  // What was counted is written as a count, what was measured with its decimals.
  const digits = gate === 'textbook-interactions' || gate === 'hard-rules' ? 0 : 3;
  return t(`training:gateDetail.${gate}`, {
    value: numberWords(value, digits),
    limit: numberWords(limit, digits),
  });
}
