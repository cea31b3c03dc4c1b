/** The chosen configuration of π_cls and of each baseline; docs/decisions/0005 tells what else was tried. Data only. */

import { ALL_DRUG_FEATURES, type DrugFeatureParts } from '../encoding/drug-features.ts';
import type { FeatureFamily } from '../encoding/features.ts';
import type { FlameNetworkConfig, NetworkConfig } from './network.ts';
import { ALL_FAMILIES, PLAIN_FAMILIES } from '../prepare.ts';
import type { PretrainingSettings } from './pretrain-encoder.ts';
import type { TrainingSettings } from './train-network.ts';

export interface ModelRecipe {
  readonly network: NetworkConfig;
  readonly settings: Omit<TrainingSettings, 'seed'>;
  readonly families: readonly FeatureFamily[];
  /** What drugs are scored with beside free embeddings. */
  readonly drugFeatures: DrugFeatureParts | false;
  /** Whether codes have collaborative embeddings beside free ones. */
  readonly codeEmbeddings: boolean;
  /** Whether visits with fewer than two formulary drugs, and drugs outside the formulary, supervise training too. */
  readonly supplement: boolean;
  /** How the patient encoder is pre-trained on visits without their drugs; null: it starts at random. */
  readonly pretraining: PretrainingSettings | null;
}

export const PRETRAINING: PretrainingSettings = {
  visits: 256,
  epochs: 2,
  learningRate: 2e-3,
  hide: 0.3,
  matching: 0.5,
};

const CODES_ALONE = {
  drugFeatures: false,
  codeEmbeddings: false,
  supplement: false,
  pretraining: null,
} as const;
const NO_HISTORY = { revealCurrent: 0, revealPrevious: 0, recencyHalfLife: 0 } as const;

const SINGLE_NETWORK: FlameNetworkConfig = {
  kind: 'flame',
  width: 256,
  hidden: 512,
  layers: 2,
  dropout: 0.4,
};

/** One member of π_cls: what cross-fitting trains, where three would cost three times as much. */
export const FLAME_SINGLE: ModelRecipe = {
  network: SINGLE_NETWORK,
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
  drugFeatures: ALL_DRUG_FEATURES,
  codeEmbeddings: false,
  supplement: true,
  pretraining: null,
};

export const FLAME_CLASSIFIER: ModelRecipe = {
  ...FLAME_SINGLE,
  network: { ...SINGLE_NETWORK, members: 3 },
};

/** One member, trained for three epochs of eight: what ablations are read against, so that all of them take an hour. */
const SHORT: ModelRecipe = { ...FLAME_SINGLE, settings: { ...FLAME_SINGLE.settings, epochs: 3 } };
const withoutFamilies = (...families: readonly FeatureFamily[]): ModelRecipe => ({
  ...SHORT,
  families: SHORT.families.filter((one) => !families.includes(one)),
});
const withoutPart = (part: keyof DrugFeatureParts): ModelRecipe => ({
  ...SHORT,
  drugFeatures: { ...ALL_DRUG_FEATURES, [part]: false },
});

/** One short-trained member with one thing changed, by what changed; nothing in the first. */
export const ABLATIONS: Readonly<Record<string, ModelRecipe>> = {
  'nothing changed': SHORT,
  'without supplement': { ...SHORT, supplement: false },
  'without hierarchy': withoutFamilies('hierarchy'),
  'without year': withoutFamilies('year'),
  'without history': {
    ...withoutFamilies('current-medication', 'previous-medication'),
    settings: { ...SHORT.settings, revealCurrent: 0, revealPrevious: 0 },
  },
  'without drug features': { ...SHORT, drugFeatures: false },
  'without molecule': withoutPart('molecule'),
  'without class': withoutPart('classes'),
  'without co-prescription': withoutPart('coPrescription'),
  'without interaction neighbourhood': withoutPart('interactions'),
  'with collaborative codes': { ...SHORT, codeEmbeddings: true },
  'with pre-training': { ...SHORT, pretraining: PRETRAINING },
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
  ...CODES_ALONE,
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
  ...CODES_ALONE,
};
