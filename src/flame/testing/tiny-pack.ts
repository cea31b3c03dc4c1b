/** Trains a pack of a dozen drugs in about a second, for tests that need a real pack besides the shipped one. */

import { writeFileSync } from 'node:fs';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { PackManifest } from '../model-pack.ts';
import { LOGISTIC } from '../classifier/settings.ts';
import { trainPack } from '../train-pack.ts';
import { syntheticVisits } from './synthetic-visits.ts';

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
  const lines = syntheticVisits(300).map(({ id, year, clinician, context, drugs }) =>
    JSON.stringify({
      visit: id,
      year,
      clinician,
      age: context.age,
      sex: context.sex,
      specialty: context.specialty,
      reasons: [],
      dx_system: 'ICD-9-CM',
      dx: context.diagnoses.map(({ code }) => code),
      chronic: [],
      procedures: [],
      drugs,
    }),
  );
  writeFileSync(corpus, lines.join('\n'));
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
