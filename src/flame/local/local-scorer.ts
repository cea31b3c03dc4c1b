/**
 * A model ready to recommend: a pack as it is, or a pack with what a site's training changed. Scores visits over one
 * formulary and writes lists; trains nothing and stores nothing.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import { NnError } from '../../nn/errors.ts';
import { mergeLora } from '../../nn/lora.ts';
import type { SessionOptions } from '../../nn/session.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { GridPoint } from '../../shared/recommendation.ts';
import { foldTemperature } from '../classifier/calibration.ts';
import { Classifier, type ScoredVisit } from '../classifier/classifier.ts';
import { decode, type DecodingProblem } from '../lists/decoding.ts';
import type { ModelPack, PackManifest } from '../model-pack.ts';
import { ListPolicy } from '../policy/list-policy.ts';
import { type PriorClassifier, SiteModel } from '../site/site-model.ts';
import { extendedPack } from './extension.ts';
import type { LocalManifest, LocalModel } from './local-model.ts';

export interface Scorer {
  readonly name: string;
  readonly version: string;
  readonly formulary: readonly DrugId[];
  score(contexts: readonly ClinicalContext[]): Promise<ScoredVisit[]>;
  /** One list for each slider position. */
  lists(context: ClinicalContext, problem: DecodingProblem): Promise<GridPoint[]>;
  close(): Promise<void>;
}

export interface ScorerOptions {
  readonly knowledge: Knowledge;
  readonly threads?: number;
  readonly session?: SessionOptions;
}

/** A pack without any change. @throws FlameError MODEL_PACK_CORRUPT */
export async function packScorer(pack: ModelPack, options: ScorerOptions): Promise<Scorer> {
  const classifier = await Classifier.of(pack, options.knowledge, runningOf(options));
  const policy = await ListPolicy.of(pack, options.knowledge, runningOf(options));
  return joined(pack.manifest, classifier, policy, null);
}

/**
 * A local model on its base pack.
 * @throws FlameError MODEL_PACK_MISMATCH when it was made from another pack, MODEL_PACK_CORRUPT when weights do not fit
 */
export async function localScorer(
  model: LocalModel,
  base: ModelPack,
  options: ScorerOptions,
): Promise<Scorer> {
  const { manifest, newDrugs } = model;
  if (base.manifest.name !== manifest.base.name || base.manifest.version !== manifest.base.version)
    throw new FlameError('MODEL_PACK_MISMATCH', {
      pack: manifest.name,
      problem: `it changes ${manifest.base.name} ${manifest.base.version}, not ${base.manifest.name} ${base.manifest.version}`,
    });
  try {
    const extended = extendedPack(base, newDrugs, model.extension);
    const parameters = foldTemperature(
      model.weights ?? mergeLora(extended.parameters, model.adapter!.tensors, model.adapter!.config.alpha),
      base.manifest.network,
      manifest.temperature,
    );
    return await assembled(
      { ...extended, parameters, policy: model.policy ?? extended.policy },
      manifest,
      model.site,
      options,
    );
  } catch (cause) {
    if (!(cause instanceof NnError)) throw cause;
    const problem = `its weights do not fit ${base.manifest.name} (${cause.message})`;
    throw new FlameError('MODEL_PACK_CORRUPT', { pack: manifest.name, problem }, { cause });
  }
}

/** @param pack the base pack over the larger formulary, with changed weights */
export async function assembled(
  pack: ModelPack,
  { name, version, lists }: Pick<LocalManifest, 'name' | 'version' | 'lists'>,
  site: Uint8Array | null,
  options: ScorerOptions,
): Promise<Scorer> {
  const { knowledge } = options;
  const classifier = await Classifier.of(pack, knowledge, runningOf(options));
  const policy = lists === 'decoding' ? null : await ListPolicy.of(pack, knowledge, runningOf(options));
  const combination = site && SiteModel.fromBytes(site, priorOf(classifier), knowledge);
  return joined({ name, version }, classifier, policy, combination);
}

/** The adapted π_cls as a site model knows it: by its base alone, because its own version is made of the site model. */
export function priorOf(classifier: Classifier): PriorClassifier {
  const { name, version } = classifier.manifest;
  return {
    formulary: classifier.formulary,
    manifest: { name: `adapted ${name}`, version },
    score: (contexts) => classifier.score(contexts),
  };
}

function joined(
  { name, version }: Pick<PackManifest, 'name' | 'version'>,
  classifier: Classifier,
  policy: ListPolicy | null,
  site: SiteModel | null,
): Scorer {
  const { formulary } = classifier;
  const positions = new Map(formulary.map((drug, i) => [drug, i]));
  const places = site?.formulary.map((drug) => positions.get(drug)!);
  return {
    name,
    version,
    formulary,
    score: async (contexts) => {
      const scored = await classifier.score(contexts);
      if (!site || !places) return scored;
      const local = await site.score(contexts);
      return scored.map((visit, at) => {
        const probabilities = visit.probabilities.slice();
        places.forEach((place, drug) => (probabilities[place] = local[at]![drug]!));
        return { ...visit, probabilities };
      });
    },
    lists: (context, problem) =>
      policy ? policy.lists(problem, classifier.encode(context)) : Promise.resolve(decode(problem)),
    close: async () => {
      await policy?.close();
      await classifier.close();
    },
  };
}

/** Where and on how many threads its graphs run. */
function runningOf({ threads, session }: ScorerOptions): Pick<ScorerOptions, 'threads' | 'session'> {
  return { ...(threads === undefined ? {} : { threads }), ...(session === undefined ? {} : { session }) };
}

/** Weights of π_cls as plain tensors, for who trains on. */
export type PlainWeights = ReadonlyMap<string, HostTensor>;
