/** Trains (or takes from the cache) every model of the development test and scores it. Writes weights under .cache only. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { frequencyScores, liftScores } from '../../src/flame/baselines/counting.ts';
import { type LabelledVisit, readLabelledVisits, type SplitOptions } from '../../src/flame/corpus.ts';
import type { DrugFeatureParts } from '../../src/flame/drug-features.ts';
import { type EncodedCorpus, encodeCorpus } from '../../src/flame/encoding.ts';
import type { FeatureFamily } from '../../src/flame/features.ts';
import type { ScoreTable } from '../../src/flame/metrics.ts';
import { Predictor } from '../../src/flame/predict.ts';
import { drugFeaturesOf, PLAIN_FAMILIES, prepare, type Prepared } from '../../src/flame/prepare.ts';
import type { ModelRecipe } from '../../src/flame/settings.ts';
import { trainNetwork } from '../../src/flame/train-network.ts';
import { vocabularyHash } from '../../src/flame/vocabulary.ts';
import type { Knowledge } from '../../src/knowledge/knowledge.ts';
import { loadSafetensors, saveSafetensors } from '../../src/nn/safetensors.ts';

export interface Scored {
  readonly validation: ScoreTable;
  readonly test: ScoreTable;
  /** Other visits scored with the same weights, e.g. another survey year. */
  readonly extra: ScoreTable | null;
  readonly seconds: number;
  /** Scalars in the network; 0 for counting baselines. */
  readonly parameters: number;
}

export interface Runs {
  readonly split: SplitOptions;
  readonly knowledge: Knowledge;
  /** By the feature families of a recipe, joined. */
  readonly prepared: ReadonlyMap<string, Prepared>;
  readonly cache: string;
  readonly fresh: boolean;
  readonly log: (line: string) => void;
}

/** Reads the corpus once and encodes it for each set of families; the visits are garbage when this returns. */
export async function prepareAll(
  corpus: string,
  split: SplitOptions,
  knowledge: Knowledge,
  families: readonly (readonly FeatureFamily[])[],
): Promise<Map<string, Prepared>> {
  const visits = await readLabelledVisits(corpus);
  return new Map(families.map((one) => [one.join(), prepare(visits, split, knowledge, one)]));
}

export function preparedFor(runs: Pick<Runs, 'prepared'>, families: readonly FeatureFamily[]): Prepared {
  const prepared = runs.prepared.get(families.join());
  if (!prepared) throw new RangeError(`nothing was prepared for ${families.join()}`);
  return prepared;
}

export function countingRun(runs: Runs, kind: 'frequency' | 'lift'): Scored {
  const { vocabulary, train, validation, test } = preparedFor(runs, PLAIN_FAMILIES);
  const score = (corpus: EncodedCorpus): ScoreTable =>
    kind === 'frequency' ? frequencyScores(vocabulary, corpus) : liftScores(vocabulary, train, corpus);
  return { validation: score(validation), test: score(test), extra: null, seconds: 0, parameters: 0 };
}

/** One training run of a recipe with a seed, then its scores. The time is the training's own, cached with the weights. */
export async function networkRun(
  runs: Runs,
  name: string,
  recipe: ModelRecipe,
  seed: number,
  options: { readonly drugParts?: DrugFeatureParts; readonly extra?: readonly LabelledVisit[] } = {},
): Promise<Scored> {
  const prepared = preparedFor(runs, recipe.families);
  const { vocabulary } = prepared;
  const settings = { ...recipe.settings, seed };
  const identity = JSON.stringify([
    recipe,
    seed,
    runs.split,
    vocabularyHash(vocabulary),
    options.drugParts ?? null,
  ]);
  const stem = join(runs.cache, createHash('sha256').update(identity).digest('hex').slice(0, 16));
  mkdirSync(runs.cache, { recursive: true });
  if (runs.fresh || !existsSync(`${stem}.json`)) {
    const started = performance.now();
    let shown = started;
    const weights = await trainNetwork({
      network: recipe.network,
      settings,
      vocabulary,
      train: prepared.train,
      threads: 2,
      checkpoint: `${stem}.checkpoint`,
      ...(recipe.drugFeatures
        ? { drugFeatures: drugFeaturesOf(prepared, runs.knowledge, options.drugParts) }
        : {}),
      onProgress: ({ step, steps, loss, secondsLeft }) => {
        if (performance.now() - shown < 20_000) return;
        shown = performance.now();
        runs.log(
          `  ${name}, seed ${seed}: ${step}/${steps}, loss ${loss.toFixed(3)}, ${secondsLeft.toFixed(0)} s left`,
        );
      },
    });
    saveSafetensors(`${stem}.safetensors`, weights);
    const seconds = (performance.now() - started) / 1000;
    writeFileSync(`${stem}.json`, JSON.stringify({ name, seconds }));
  }
  const { seconds } = JSON.parse(readFileSync(`${stem}.json`, 'utf8')) as { seconds: number };
  const parameters = loadSafetensors(`${stem}.safetensors`).tensors;
  const predictor = new Predictor({
    network: recipe.network,
    shape: { features: vocabulary.features.length, drugs: vocabulary.formulary.length },
    parameters,
    buckets: [256],
    threads: 2,
  });
  const scored: Scored = {
    validation: await predictor.scoreCorpus(prepared.validation),
    test: await predictor.scoreCorpus(prepared.test),
    extra: options.extra ? await predictor.scoreCorpus(encodeCorpus(prepared.encoder, options.extra)) : null,
    seconds,
    parameters: [...parameters.values()].reduce((sum, { data }) => sum + data.length, 0),
  };
  await predictor.close();
  runs.log(`${name}, seed ${seed}: trained in ${seconds.toFixed(0)} s`);
  return scored;
}
