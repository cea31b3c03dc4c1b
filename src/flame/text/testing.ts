/** A text model that is trained in seconds on made-up visits, for tests of everything that stands on one. */
import { join } from 'node:path';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { writeSyntheticCorpus } from '../testing/synthetic-visits.ts';
import type { TextManifest } from './pack.ts';
import { SMALL_TEXT, type TextRecipe } from './settings.ts';
import { type TextStage, trainTextPack } from './train-pack.ts';

export const TINY_TEXT: TextRecipe = {
  ...SMALL_TEXT,
  llama: {
    ...SMALL_TEXT.llama,
    hiddenSize: 32,
    layers: 1,
    heads: 2,
    keyValueHeads: 1,
    headSize: 16,
    intermediateSize: 64,
  },
  vocabulary: 300,
  tokenizerVisits: 100,
  visits: 800,
  listVisits: 60,
  shape: { contextTokens: 96, packedTokens: 64, listTokens: 40, writtenTokens: 24, rows: 22 },
  noteTokens: 64,
  imitation: { ...SMALL_TEXT.imitation, rows: 8, tokens: 192, steps: 350, learningRate: 4e-3, negatives: 8 },
  lists: { ...SMALL_TEXT.lists, rows: 8, tokens: 192, steps: 30, learningRate: 2e-3, negatives: 4 },
  reinforced: { ...SMALL_TEXT.reinforced, rounds: 3, visits: 2, group: 4 },
};

/** An adapter over a checkpoint, hardly trained. */
const BRIEF: TextRecipe = {
  ...TINY_TEXT,
  visits: 300,
  listVisits: 20,
  imitation: { ...TINY_TEXT.imitation, steps: 40, learningRate: 1e-2 },
  lists: { ...TINY_TEXT.lists, steps: 5 },
  reinforced: { ...TINY_TEXT.reinforced, rounds: 1 },
};

/** Hardly trained and small: for what does not depend on what a model knows. */
const UNTRAINED: TextRecipe = {
  ...BRIEF,
  tokenizerVisits: 50,
  visits: 60,
  noteTokens: 768,
  listVisits: 8,
  imitation: { ...BRIEF.imitation, steps: 2 },
  lists: { ...BRIEF.lists, steps: 1 },
};

/** @param base a checkpoint to adapt; without one a model from scratch */
export function trainTinyText(
  folder: string,
  knowledge: Knowledge,
  onStage: (stage: TextStage) => void = () => undefined,
  base?: string,
): Promise<TextManifest> {
  const name = base === undefined ? 'tiny-text' : 'tiny-adapted';
  return trainIn(join(folder, name), knowledge, base === undefined ? TINY_TEXT : BRIEF, onStage, base);
}

/** Writes a model that proposes at random. Its visits are left beside it. */
export function writeUntrainedText(directory: string, knowledge: Knowledge): Promise<TextManifest> {
  return trainIn(directory, knowledge, UNTRAINED, () => undefined);
}

function trainIn(
  directory: string,
  knowledge: Knowledge,
  recipe: TextRecipe,
  onStage: (stage: TextStage) => void,
  base?: string,
): Promise<TextManifest> {
  const corpus = `${directory}.jsonl`;
  writeSyntheticCorpus(corpus, 1500);
  return trainTextPack(
    {
      corpus,
      knowledge,
      directory,
      trainYears: [1995, 2008],
      recipe,
      ...(base === undefined ? {} : { base: { folder: base, rank: 4, alpha: 8 } }),
      seed: 1,
      threads: 1,
      formularyMinimum: 50,
    },
    onStage,
  );
}
