/**
 * One call from a recipe to trained weights: puts together the drug features, code embeddings, pre-training and supplement
 * that the recipe names, as pack training and every row of a report do. Chooses no recipe.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import { FlameError } from '../../shared/errors.ts';
import type { Supplement } from '../encoding/batches.ts';
import { fitTemperature, foldTemperature } from './calibration.ts';
import { codeEmbeddings } from '../encoding/code-embeddings.ts';
import { memberOf, type SideFeatures } from './network.ts';
import { scoreOnce } from './predict.ts';
import { drugFeaturesOf, type Prepared } from '../prepare.ts';
import { pretrainEncoder } from './pretrain-encoder.ts';
import type { ModelRecipe } from './settings.ts';
import { trainNetwork, type TrainingRun } from './train-network.ts';

export type RecipeOptions = Pick<TrainingRun, 'threads' | 'checkpoint' | 'onProgress' | 'signal'>;

/**
 * Trains, then calibrates on the validation visits: the weights returned have the temperature in them.
 * @param prepared with the recipe's feature families
 * @throws FlameError as trainNetwork and pretrainEncoder
 */
export async function trainRecipe(
  prepared: Prepared,
  knowledge: Pick<Knowledge, 'drugs' | 'molecules' | 'interactions'>,
  recipe: ModelRecipe,
  seed: number,
  options: RecipeOptions = {},
): Promise<Map<string, HostTensor>> {
  const inputs = recipeInputs(prepared, knowledge, recipe);
  const start = await pretrained(prepared, recipe, seed, inputs.codeFeatures, options);
  const weights = await trainNetwork({
    ...inputs,
    ...options,
    network: recipe.network,
    settings: { ...recipe.settings, seed },
    vocabulary: prepared.vocabulary,
    train: prepared.train,
    start,
  });
  const { vocabulary, validation } = prepared;
  const scores = await scoreOnce(recipe.network, vocabulary, weights, validation, options.threads);
  return foldTemperature(weights, recipe.network, fitTemperature(scores, validation.truth));
}

/** What a recipe adds to rows and labels, in the form trainNetwork takes it. */
export function recipeInputs(
  prepared: Prepared,
  knowledge: Pick<Knowledge, 'drugs' | 'molecules' | 'interactions'>,
  recipe: ModelRecipe,
): Pick<TrainingRun, 'drugFeatures' | 'codeFeatures' | 'supplement'> {
  const { drugFeatures: parts, codeEmbeddings: wanted, supplement } = recipe;
  return {
    ...(parts ? { drugFeatures: drugFeaturesOf(prepared, knowledge, parts) } : {}),
    ...(wanted ? { codeFeatures: collaborativeCodes(prepared) } : {}),
    ...(supplement ? { supplement: supplementOf(prepared) } : {}),
  };
}

function supplementOf({ supplement, auxiliary }: Prepared): Supplement {
  return { corpus: supplement, auxiliary: auxiliary.length };
}

function collaborativeCodes({ vocabulary, train, supplement, auxiliary }: Prepared): SideFeatures {
  return codeEmbeddings(vocabulary, [train, supplement], auxiliary.length);
}

async function pretrained(
  prepared: Prepared,
  recipe: ModelRecipe,
  seed: number,
  codeFeatures: SideFeatures | undefined,
  options: RecipeOptions,
): Promise<ReadonlyMap<string, HostTensor> | undefined> {
  if (!recipe.pretraining) return undefined;
  const network = memberOf(recipe.network);
  if (network.kind !== 'flame')
    throw new FlameError('INVALID_INPUT', { problem: 'only a patient encoder can be pre-trained' });
  return pretrainEncoder({
    network,
    settings: recipe.pretraining,
    seed,
    encoder: prepared.encoder,
    train: prepared.train,
    supplement: recipe.supplement ? prepared.supplement : undefined,
    codeFeatures,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.signal ? { signal: options.signal } : {}),
  });
}
