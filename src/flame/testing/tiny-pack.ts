/** Trains a pack of a dozen drugs in about a second, for tests that need a real pack besides the shipped one. */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { PackManifest } from '../model-pack.ts';
import { LOGISTIC } from '../classifier/settings.ts';
import { trainPack } from '../train-pack.ts';
import { writeSyntheticCorpus } from './synthetic-visits.ts';

/**
 * @param directory folder to write; its last part is the pack's name. The visits are left beside it
 * @param seed another one, another model
 */
export async function trainTinyPack(
  directory: string,
  knowledge: Knowledge,
  seed = 1,
): Promise<PackManifest> {
  const corpus = `${directory}.jsonl`;
  writeSyntheticCorpus(corpus, 300);
  return trainPack({
    corpus,
    knowledge,
    directory,
    recipe: {
      ...LOGISTIC,
      settings: { ...LOGISTIC.settings, rows: 64, epochs: 2, learningRate: 1e-2 },
    },
    policy: null,
    formularyMinimum: 20,
    seed,
    threads: 1,
  });
}
