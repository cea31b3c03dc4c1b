/** Five folds by patient over a site: every model fitted on four, asked about the fifth. Measures nothing. */

import { controlOf } from '../../src/flame/local/control.ts';
import { fitClassifier } from '../../src/flame/local/fit-classifier.ts';
import { assembled } from '../../src/flame/local/local-scorer.ts';
import { PROFILE_SETTINGS } from '../../src/flame/local/profiles.ts';
import type { ModelPack } from '../../src/flame/model-pack.ts';
import { adaptToSite } from '../../src/flame/site/adapt.ts';
import { askExperts, fitExperts } from '../../src/flame/site/experts.ts';
import { sigmoid } from '../../src/flame/probability.ts';
import { SiteEncoder } from '../../src/flame/site/site-encoder.ts';
import type { PriorClassifier } from '../../src/flame/site/site-model.ts';
import { labelsOf, patientFold, type SiteVisit } from '../../src/flame/site/site-visits.ts';
import { expectedJaccardList } from '../../src/flame/set-rules.ts';
import type { Knowledge } from '../../src/knowledge/knowledge.ts';
import type { DrugId } from '../../src/shared/ids.ts';

export const FOLDS = 5;
/** Names the fold assignment of the report; development used other ones. */
export const FOLD_SALT = 'site';

export const MODELS = [
  ['frequency', "each drug's share of the training visits"],
  ['logistic regression', 'codes, code families, demographics; one for each drug'],
  ['logistic regression with previous', 'the same, and the drugs of the previous visit'],
  ['copy', 'the previous visit copied where there is one, else logistic regression'],
  ['zero-shot', 'the shipped classifier, trained on office visits, as it is'],
  ['adapted, without the classifier', 'the adapted model without the shipped classifier'],
  ['adapted', 'the shipped classifier adapted to the other folds (adaptToSite)'],
  ['adapter', 'a LoRA adapter of the shipped classifier alone (trainAdapter, profile standard)'],
  ['fine-tuned', 'what the app makes: that adapter, and the combination on top of it (fitClassifier)'],
] as const;
export type ModelName = (typeof MODELS)[number][0];

export interface Prediction {
  /** Formulary positions. */
  readonly list: readonly number[];
  /** Null where a list was copied. */
  readonly probabilities: Float32Array | null;
}

/** For each model one prediction a visit, in the order of `visits`. */
export type Predictions = Readonly<Record<ModelName, readonly Prediction[]>>;

export async function scoreSite(
  visits: readonly SiteVisit[],
  formulary: readonly DrugId[],
  classifier: PriorClassifier,
  /** The pack to fine-tune; null leaves those two rows empty. */
  base: ModelPack | null,
  knowledge: Knowledge,
  onFold: (fold: number) => void,
  salt: string = FOLD_SALT,
): Promise<Predictions> {
  const found = Object.fromEntries(
    MODELS.map(([name]) => [name, new Array<Prediction>(visits.length)]),
  ) as Record<ModelName, Prediction[]>;
  const foldOf = visits.map(({ patient }) => patientFold(patient, FOLDS, salt));
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const train = visits.filter((_, i) => foldOf[i] !== fold);
    const heldOut = visits.map((_, i) => i).filter((i) => foldOf[i] === fold);
    const contexts = heldOut.map((i) => visits[i]!.context);
    const put = (name: ModelName, rows: readonly Float32Array[]): void =>
      rows.forEach((probabilities, at) => {
        found[name][heldOut[at]!] = { list: expectedJaccardList(probabilities), probabilities };
      });

    const encoder = SiteEncoder.learn(
      train.map(({ context }) => context),
      formulary,
      knowledge,
    );
    const inputs = contexts.map((context) => encoder.encode(context));
    const experts = fitExperts(
      train.map(({ context }) => encoder.encode(context)),
      labelsOf(train, formulary),
      formulary.length,
      encoder.features,
    );
    const opinions = askExperts(experts, inputs, encoder.features);
    put(
      'frequency',
      inputs.map(() => experts.base.map(sigmoid)),
    );
    put(
      'logistic regression',
      opinions.map(({ fromCodes }) => fromCodes.map(sigmoid)),
    );
    put(
      'logistic regression with previous',
      opinions.map(({ fromAll }) => fromAll.map(sigmoid)),
    );
    inputs.forEach(({ previous }, at) => {
      const i = heldOut[at]!;
      found.copy[i] =
        previous.length > 0 ? { list: previous, probabilities: null } : found['logistic regression'][i]!;
    });
    put('zero-shot', await zeroShot(contexts, formulary, classifier));
    const blind: PriorClassifier = {
      formulary: [],
      manifest: { name: 'none', version: '0' },
      score: (rows) => Promise.resolve(rows.map(() => ({ probabilities: new Float32Array() }))),
    };
    const without = await adaptToSite({ classifier: blind, knowledge, visits: train, formulary });
    put('adapted, without the classifier', await without.score(contexts));
    const adapted = await adaptToSite({ classifier, knowledge, visits: train, formulary });
    put('adapted', await adapted.score(contexts));
    onFold(fold);
    if (!base) continue;
    const tuned = await fineTuned(train, formulary, base, knowledge);
    put('adapter', await tuned.adapter(contexts));
    put('fine-tuned', await tuned.whole(contexts));
    await tuned.close();
  }
  if (!base) found.adapter = found['fine-tuned'] = [];
  return found;
}

/** The site's model as the app fits it; a sixth of the training patients decides when the adapter stops. */
async function fineTuned(
  train: readonly SiteVisit[],
  formulary: readonly DrugId[],
  base: ModelPack,
  knowledge: Knowledge,
) {
  const isValidation = ({ patient }: SiteVisit): boolean => patientFold(patient, 6, 'validation') === 0;
  const fitted = await fitClassifier({
    base,
    knowledge,
    train: train.filter((visit) => !isValidation(visit)),
    validation: train.filter(isValidation),
    settings: PROFILE_SETTINGS.standard.adapter,
    seed: 1,
    threads: 1,
    control: controlOf(),
    formulary,
  });
  const { name, version } = base.manifest;
  const scorer = async (site: Uint8Array | null) =>
    assembled(fitted.pack, { name, version, lists: 'decoding' }, site, { knowledge, threads: 1 });
  const [alone, whole] = [await scorer(null), await scorer(fitted.site)];
  const position = new Map(whole.formulary.map((drug, i) => [drug, i]));
  const read = async (from: typeof whole, contexts: readonly SiteVisit['context'][]) =>
    (await from.score(contexts)).map(({ probabilities }) =>
      Float32Array.from(formulary, (drug) => probabilities[position.get(drug) ?? -1] ?? 0),
    );
  return {
    adapter: (contexts: readonly SiteVisit['context'][]) => read(alone, contexts),
    whole: (contexts: readonly SiteVisit['context'][]) => read(whole, contexts),
    close: async () => {
      await alone.close();
      await whole.close();
    },
  };
}

/** Drugs that the classifier does not know have probability 0. */
async function zeroShot(
  contexts: readonly SiteVisit['context'][],
  formulary: readonly DrugId[],
  classifier: PriorClassifier,
): Promise<Float32Array[]> {
  const position = new Map(classifier.formulary.map((drug, i) => [drug, i]));
  const scored = await classifier.score(contexts);
  return scored.map(({ probabilities }) =>
    Float32Array.from(formulary, (drug) => probabilities[position.get(drug) ?? -1] ?? 0),
  );
}
