/**
 * Five folds by patient over a site: every model fitted on four, asked about the fifth. Keeps each fold's answers where it is
 * told to, so that an interruption loses one fold. Measures nothing.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { controlOf } from '../../src/flame/local/control.ts';
import { type Candidate, type CandidateName, fitClassifier } from '../../src/flame/local/fit-classifier.ts';
import { assembled } from '../../src/flame/local/local-scorer.ts';
import { PROFILE_SETTINGS } from '../../src/flame/local/profiles.ts';
import type { ModelPack } from '../../src/flame/model-pack.ts';
import { adaptToSite } from '../../src/flame/site/adapt.ts';
import { askExperts, type Experts, fitExperts } from '../../src/flame/site/experts.ts';
import { sigmoid } from '../../src/flame/probability.ts';
import { SiteEncoder } from '../../src/flame/site/site-encoder.ts';
import type { PriorClassifier } from '../../src/flame/site/site-model.ts';
import { labelsOf, patientFold, type SiteVisit } from '../../src/flame/site/site-visits.ts';
import { expectedJaccardList } from '../../src/flame/lists/set-rules.ts';
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
  [
    'combination on the pack',
    'the combination on the shipped classifier with its biases moved (fitClassifier)',
  ],
  ['combination on the adapter', 'the combination on top of the adapter (fitClassifier)'],
  ['fine-tuned', 'what the app makes: of these three the best on the training visits, out of fold'],
] as const;
export type ModelName = (typeof MODELS)[number][0];

export interface Prediction {
  /** Formulary positions. */
  readonly list: readonly number[];
  /** Null where a list was copied. */
  readonly probabilities: Float32Array | null;
}

/** For each model one prediction a visit, in the order of `visits`; a model that was not asked for has none. */
export type Predictions = Readonly<Record<ModelName, readonly Prediction[]>>;

/** Models that are fitted together. */
export const PARTS = {
  baselines: ['frequency', 'logistic regression', 'logistic regression with previous', 'copy', 'zero-shot'],
  'fine-tuned': ['adapter', 'combination on the pack', 'combination on the adapter', 'fine-tuned'],
  adapted: ['adapted, without the classifier', 'adapted'],
} as const satisfies Record<string, readonly ModelName[]>;
export type Part = keyof typeof PARTS;

export interface CrossValidation {
  readonly visits: readonly SiteVisit[];
  readonly formulary: readonly DrugId[];
  readonly classifier: PriorClassifier;
  /** The pack to fine-tune. */
  readonly base: ModelPack | null;
  readonly knowledge: Knowledge;
  readonly parts: readonly Part[];
  readonly onFold?: (part: Part, fold: number) => void;
  /** A folder for answers and for the checkpoints of adapters; whoever gives it names it after code and data. */
  readonly keep?: string;
}

export async function scoreSite(options: CrossValidation): Promise<Predictions> {
  const { visits, parts, keep } = options;
  const found = Object.fromEntries(MODELS.map(([name]) => [name, []])) as unknown as Record<
    ModelName,
    Prediction[]
  >;
  const foldOf = visits.map(({ patient }) => patientFold(patient, FOLDS, FOLD_SALT));
  for (const part of parts)
    for (let fold = 0; fold < FOLDS; fold += 1) {
      const heldOut = visits.flatMap((_, i) => (foldOf[i] === fold ? [i] : []));
      const file = keep === undefined ? null : join(keep, `${part}-${fold}.json`);
      const answers =
        file !== null && existsSync(file)
          ? restored(readFileSync(file, 'utf8'))
          : await answersOf(part, fold, options, foldOf);
      if (file !== null && !existsSync(file)) {
        mkdirSync(keep!, { recursive: true });
        writeFileSync(file, kept(answers));
      }
      for (const [name, predictions] of answers)
        predictions.forEach((prediction, at) => (found[name][heldOut[at]!] = prediction));
      options.onFold?.(part, fold);
    }
  return found;
}

type Answers = ReadonlyMap<ModelName, readonly Prediction[]>;

/** Answers about the visits of a fold, in their order, by models that were fitted on the others. */
async function answersOf(
  part: Part,
  fold: number,
  { visits, formulary, classifier, base, knowledge, keep }: CrossValidation,
  foldOf: readonly number[],
): Promise<Answers> {
  const train = visits.filter((_, i) => foldOf[i] !== fold);
  const contexts = visits.filter((_, i) => foldOf[i] === fold).map(({ context }) => context);
  const answers = new Map<ModelName, readonly Prediction[]>();
  const put = (name: ModelName, rows: readonly Float32Array[]): void => {
    answers.set(
      name,
      rows.map((probabilities) => ({ list: expectedJaccardList(probabilities), probabilities })),
    );
  };
  if (part === 'baselines') {
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
    const logistic = answers.get('logistic regression')!;
    answers.set(
      'copy',
      inputs.map(({ previous }, at) =>
        previous.length > 0 ? { list: previous, probabilities: null } : logistic[at]!,
      ),
    );
    put('zero-shot', await zeroShot(contexts, formulary, classifier));
  } else if (part === 'adapted') {
    // The experts know the visits and no classifier, so that both models may ask the same.
    const experts = new Map<number, Experts>();
    const blind: PriorClassifier = {
      formulary: [],
      manifest: { name: 'none', version: '0' },
      score: (rows) => Promise.resolve(rows.map(() => ({ probabilities: new Float32Array() }))),
    };
    const common = { knowledge, visits: train, formulary, experts };
    const without = await adaptToSite({ ...common, classifier: blind });
    put('adapted, without the classifier', await without.score(contexts));
    const adapted = await adaptToSite({ ...common, classifier });
    put('adapted', await adapted.score(contexts));
  } else if (base) {
    const checkpoint = keep && join(keep, `adapters-${fold}-`);
    if (keep !== undefined) mkdirSync(keep, { recursive: true });
    for (const [name, answer] of await fineTuned(train, formulary, base, knowledge, checkpoint))
      put(name, await answer(contexts));
  }
  return answers;
}

const ROW_OF: Readonly<Record<CandidateName, (typeof PARTS)['fine-tuned'][number]>> = {
  adapter: 'adapter',
  unchanged: 'combination on the pack',
  combination: 'combination on the adapter',
};

/** Answers as text, and back. */
function kept(answers: Answers): string {
  const plain = [...answers].map(([name, predictions]) => [
    name,
    predictions.map(({ list, probabilities }) => ({
      list,
      probabilities: probabilities && [...probabilities],
    })),
  ]);
  return JSON.stringify(plain);
}

function restored(text: string): Answers {
  type Kept = { readonly list: number[]; readonly probabilities: number[] | null };
  const read = JSON.parse(text) as [ModelName, Kept[]][];
  return new Map(
    read.map(([name, predictions]) => [
      name,
      predictions.map(({ list, probabilities }) => ({
        list,
        probabilities: probabilities && Float32Array.from(probabilities),
      })),
    ]),
  );
}

type Answer = (contexts: readonly SiteVisit['context'][]) => Promise<Float32Array[]>;

/** The site's model as the app fits it; a sixth of the training patients decides when the adapter stops. */
async function fineTuned(
  train: readonly SiteVisit[],
  formulary: readonly DrugId[],
  base: ModelPack,
  knowledge: Knowledge,
  checkpoint: string | undefined,
): Promise<[ModelName, Answer][]> {
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
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });
  const { name, version } = base.manifest;
  const answerOf =
    ({ pack, site }: Candidate): Answer =>
    async (contexts) => {
      const scorer = await assembled(pack, { name, version, lists: 'decoding' }, site, {
        knowledge,
        threads: 1,
      });
      const position = new Map(scorer.formulary.map((drug, i) => [drug, i]));
      const scored = await scorer.score(contexts);
      await scorer.close();
      return scored.map(({ probabilities }) =>
        Float32Array.from(formulary, (drug) => probabilities[position.get(drug) ?? -1] ?? 0),
      );
    };
  return [
    ...fitted.candidates.map((candidate): [ModelName, Answer] => [
      ROW_OF[candidate.name],
      answerOf(candidate),
    ]),
    ['fine-tuned', answerOf(fitted)],
  ];
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
