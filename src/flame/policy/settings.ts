/** The chosen configuration of π_list and its training; docs/decisions/0010 tells what else was tried. Data only. */

import type { PolicyConfig } from './network.ts';
import type { ReinforcedSettings } from './train-reinforced.ts';
import type { SupervisedSettings } from './train-supervised.ts';

export interface PolicyRecipe {
  readonly network: PolicyConfig;
  /** Classifiers trained without a part of the clinicians, to score that part. */
  readonly crossFitFolds: number;
  readonly supervised: Omit<SupervisedSettings, 'seed'>;
  readonly reinforced: Omit<ReinforcedSettings, 'seed'>;
}

export const FLAME_POLICY: PolicyRecipe = {
  network: {
    width: 128,
    layers: 2,
    heads: 4,
    hidden: 384,
    startSlots: 12,
    actionSlots: 12,
    dropout: 0.1,
  },
  crossFitFolds: 3,
  supervised: {
    rows: 128,
    steps: 800,
    learningRate: 1e-3,
    weightDecay: 0.01,
    emptyStart: 0.4,
    mode: 'interleaved',
  },
  reinforced: {
    objective: 'grpo',
    visits: 64,
    group: 8,
    rows: 256,
    rounds: 60,
    learningRate: 2e-4,
    temperature: 1,
    entropyWeight: 0,
    beta: 0.2,
    corruptedStart: 0.3,
    mode: 'interleaved',
    stepWeight: 0.5,
    normaliseSteps: false,
    clip: 0.2,
    klWeight: 0.01,
  },
};

/** λ = 0: the same updates with credit for the outcome alone. */
export const OUTCOME_ONLY: PolicyRecipe = {
  ...FLAME_POLICY,
  reinforced: { ...FLAME_POLICY.reinforced, stepWeight: 0 },
};

/** F divided by its root mean square over the group: measured as METHOD section 1 asks, and worse. */
export const NORMALISED_STEPS: PolicyRecipe = {
  ...FLAME_POLICY,
  reinforced: { ...FLAME_POLICY.reinforced, normaliseSteps: true },
};

/**
 * Every action of a visited state credited with its exact potential difference, one sample a visit. It needs no imitation
 * first: an untrained policy already decodes as penalised decoding does.
 */
export const EXPECTED_CREDIT: PolicyRecipe = {
  ...FLAME_POLICY,
  supervised: { ...FLAME_POLICY.supervised, steps: 0 },
  reinforced: {
    ...FLAME_POLICY.reinforced,
    objective: 'expected-credit',
    rounds: 100,
    visits: 512,
    group: 1,
    entropyWeight: 0.002,
    learningRate: 1e-3,
    klWeight: 0,
  },
};

/** What the shipped pack is trained with: docs/decisions/0010. */
export const SHIPPED_POLICY_RECIPE = EXPECTED_CREDIT;
