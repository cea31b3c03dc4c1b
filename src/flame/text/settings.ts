/** The recipe of the small text backbone; docs/decisions/0026 tells how it came about. Data only. */
import type { PretrainedConfig } from '../../nn/pretrained/config.ts';
import type { TextShape } from './policy.ts';
import type { TextReinforcedSettings } from './reinforce.ts';
import type { TextImitationSettings } from './train.ts';

export interface TextRecipe {
  readonly llama: Omit<PretrainedConfig, 'vocabularySize' | 'tied'>;
  /** Tokens of the tokenizer. */
  readonly vocabulary: number;
  /** Visits whose text the tokenizer is learnt from, that imitation draws from, and that lists are learnt on. */
  readonly tokenizerVisits: number;
  readonly visits: number;
  readonly listVisits: number;
  readonly shape: TextShape;
  /** Further tokens of context that a visit's note may take; the training visits have none. */
  readonly noteTokens: number;
  readonly imitation: Omit<TextImitationSettings, 'seed' | 'lists'>;
  readonly lists: Omit<TextImitationSettings, 'seed' | 'lists'>;
  readonly reinforced: Omit<TextReinforcedSettings, 'seed'>;
}

export const SMALL_TEXT: TextRecipe = {
  llama: {
    hiddenSize: 96,
    layers: 3,
    heads: 4,
    keyValueHeads: 2,
    headSize: 24,
    intermediateSize: 256,
    ropeTheta: 10000,
    normEpsilon: 1e-5,
    maximumLength: 1024,
  },
  vocabulary: 1024,
  tokenizerVisits: 20_000,
  visits: 40_000,
  listVisits: 600,
  shape: { contextTokens: 96, packedTokens: 320, listTokens: 48, writtenTokens: 24, rows: 22 },
  noteTokens: 128,
  imitation: {
    rows: 8,
    tokens: 224,
    steps: 2000,
    learningRate: 3e-3,
    weightDecay: 0.01,
    negatives: 18,
  },
  lists: {
    rows: 8,
    tokens: 224,
    steps: 400,
    learningRate: 5e-4,
    weightDecay: 0.01,
    negatives: 6,
  },
  reinforced: {
    rounds: 60,
    visits: 4,
    group: 8,
    temperature: 1,
    learningRate: 1e-4,
    beta: 0.2,
    stepWeight: 0.5,
    normaliseSteps: false,
    clip: 0.2,
    klWeight: 0.01,
  },
};
