/** The chosen configuration of π_cls and of each baseline; docs/decisions/0005 tells what else was tried. Data only. */

import type { FeatureFamily } from './features.ts';
import type { NetworkConfig } from './network.ts';
import { ALL_FAMILIES, PLAIN_FAMILIES } from './prepare.ts';
import type { TrainingSettings } from './train-network.ts';

export interface ModelRecipe {
  readonly network: NetworkConfig;
  readonly settings: Omit<TrainingSettings, 'seed'>;
  readonly families: readonly FeatureFamily[];
  /** Whether drugs are scored with their molecule, class and co-prescription. */
  readonly drugFeatures: boolean;
}

const NO_HISTORY = { revealCurrent: 0, revealPrevious: 0, recencyHalfLife: 0 } as const;

export const FLAME_CLASSIFIER: ModelRecipe = {
  network: { kind: 'flame', width: 256, hidden: 512, layers: 2, dropout: 0.4 },
  settings: {
    rows: 512,
    epochs: 8,
    learningRate: 3e-3,
    weightDecay: 0.01,
    tokenDropout: 0.15,
    revealCurrent: 0.2,
    revealPrevious: 0.1,
    recencyHalfLife: 0,
  },
  families: ALL_FAMILIES,
  drugFeatures: true,
};

/** METHOD section 5's MLP; its learning rate and length were chosen on validation like those of π_cls. */
export const MLP: ModelRecipe = {
  network: { kind: 'mlp', width: 256, hidden: 512 },
  settings: {
    rows: 512,
    epochs: 6,
    learningRate: 2e-3,
    weightDecay: 0.01,
    tokenDropout: 0.15,
    ...NO_HISTORY,
  },
  families: PLAIN_FAMILIES,
  drugFeatures: false,
};

/** The MLP with every input of π_cls but the simulated history: tells inputs from architecture. */
export const MLP_SAME_INPUTS: ModelRecipe = {
  ...MLP,
  families: [...PLAIN_FAMILIES, 'year', 'hierarchy', 'count'],
};

export const LOGISTIC: ModelRecipe = {
  network: { kind: 'logistic' },
  settings: { rows: 512, epochs: 6, learningRate: 1e-2, weightDecay: 0, tokenDropout: 0, ...NO_HISTORY },
  families: PLAIN_FAMILIES,
  drugFeatures: false,
};
