/** Learning rates over steps, computed on the host and fed to each step. */

export interface WarmupCosine {
  /** Highest rate. */
  readonly peak: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** Rate at the end as a share of the peak; default 0.1 (Hoffmann et al. 2022, arXiv 2203.15556). */
  readonly floor?: number;
}

/**
 * Rate of a step (0-based): a straight line up to the peak over the warm-up, then half a cosine down to floor · peak
 * (Loshchilov & Hutter 2017, arXiv 1608.03983).
 */
export function warmupCosine(schedule: WarmupCosine, step: number): number {
  const { peak, warmupSteps, totalSteps, floor = 0.1 } = schedule;
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  return peak * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
