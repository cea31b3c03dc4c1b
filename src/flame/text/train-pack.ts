/**
 * One call from the visit corpus to a text model on disk: tokenizer, structured embeddings, imitation, lists, step-wise
 * GRPO, calibration. Everything is learnt here from the corpus rendered as text; nothing is downloaded.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import { NnError } from '../../nn/errors.ts';
import type { PretrainedConfig } from '../../nn/pretrained/config.ts';
import { readPretrained } from '../../nn/pretrained/folder.ts';
import { planPretrained } from '../../nn/pretrained/memory.ts';
import { TextTokenizer, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from '../../nn/pretrained/tokenizer.ts';
import { Random } from '../../nn/random.ts';
import type { SessionOptions } from '../../nn/session.ts';
import { CORPUS_TERMS, type LabelledVisit, readLabelledVisits, splitCorpus } from '../corpus.ts';
import { type EncodedCorpus, selectVisits } from '../encoding/encoding.ts';
import { recordedPairs } from '../lists/formulary-pairs.ts';
import type { ScoreTable } from '../evaluation/metrics.ts';
import { type PolicyProgress } from '../policy/train-supervised.ts';
import { errorStatistics, policyCorpus } from '../policy/policy-corpus.ts';
import { prepare, type Prepared } from '../prepare.ts';
import { sigmoid } from '../probability.ts';
import { fileHash, hardware, keptAt } from '../train-pack.ts';
import type { Vocabulary } from '../encoding/vocabulary.ts';
import { checkpointPlace, LLAMA_TARGETS, textLora } from './adapter.ts';
import { type TokenizerFiles, trainByteLevelBpe } from './bpe.ts';
import { priorLogits, type TextCorpus, textCorpus, type TextReading } from './corpus.ts';
import type { PlaceModel, TextNetwork } from './network.ts';
import { type TextManifest, type TextPackContent, writeTextPack } from './pack.ts';
import { runShape, TextPolicy, type TextShape } from './policy.ts';
import { CURRENT_PROMPTS, type PromptPart, Prompts } from './prompts.ts';
import { reinforce } from './reinforce.ts';
import type { TextRecipe } from './settings.ts';
import { type StructuredTables, structuredTables, VisitVectors } from './structured.ts';
import { imitate, type TextTrainingRun } from './train.ts';
import { FormularyTrie } from './trie.ts';

export interface TrainTextOptions {
  readonly corpus: string;
  readonly knowledge: Knowledge;
  readonly directory: string;
  readonly trainYears: readonly [number, number];
  readonly recipe: TextRecipe;
  readonly seed: number;
  /** Where finished stages are kept until the pack is written, so that an interrupted run goes on. */
  readonly checkpoint?: string;
  readonly threads?: number;
  readonly formularyMinimum?: number;
  /** A checkpoint to adapt instead of a small model from scratch: its own weights stay as they are. */
  readonly base?: {
    readonly folder: string;
    readonly rank: number;
    readonly alpha: number;
    /** Modules by the last part of their name; default every linear layer of the blocks. */
    readonly targets?: readonly string[];
  };
}
export type TextStage =
  'reading' | 'tokenizer' | 'embeddings' | 'imitating' | 'scoring' | 'lists' | 'reinforcing';

/** @throws FlameError CANCELLED, FILE_NOT_READABLE, INVALID_INPUT */
export async function trainTextPack(
  options: TrainTextOptions,
  onProgress: (stage: TextStage, progress?: PolicyProgress) => void = () => undefined,
  signal?: AbortSignal,
): Promise<TextManifest> {
  const { knowledge, recipe, seed, trainYears, threads } = options;
  const started = performance.now();
  onProgress('reading');
  const data = await readCorpus(options);
  const { prepared } = data;
  const { vocabulary } = prepared;
  const prompts = new Prompts(CURRENT_PROMPTS, vocabulary.formulary, knowledge);
  onProgress('tokenizer');
  const model = options.base
    ? adaptedModel(options.base, recipe.shape)
    : freshModel(prompts, data.train.slice(0, recipe.tokenizerVisits), recipe);
  const { config, tokenizer } = model;
  onProgress('embeddings');
  const tables = structuredTables(vocabulary, [prepared.train], knowledge);
  const network = textNetwork(config, tables, tokenizer, prompts);
  const trie = formularyTrie(prompts, tokenizer);
  const reading: TextReading = {
    tokenizer,
    prompts,
    vectors: new VisitVectors(vocabulary, tables),
    contextTokens: recipe.shape.contextTokens,
  };
  const corpus = corpusOf(reading, prepared.train, data.train, recipe.visits, seed);
  const run: Omit<TextTrainingRun, 'onProgress'> = {
    network,
    prompts,
    tokenizer,
    trie,
    corpus: corpus.text,
    prior: priorLogits(vocabulary.drugUses, vocabulary.visits),
    session: { ...(threads === undefined ? {} : { threads }), ...model.session },
    ...(model.place ? { place: model.place } : {}),
    ...(signal ? { signal } : {}),
  };
  const stage = (name: TextStage) => ({ ...run, onProgress: (p: PolicyProgress) => onProgress(name, p) });
  const kept = (name: TextStage): string | undefined =>
    options.checkpoint === undefined ? undefined : `${options.checkpoint}.${name}`;
  const imitated = await keptAt(kept('imitating'), () =>
    imitate(stage('imitating'), { ...recipe.imitation, seed, lists: 'from-nothing' }),
  );

  onProgress('scoring');
  const shown = corpusOf(reading, prepared.train, data.train, recipe.listVisits, seed + 1);
  const scores = await scoreVisits(run, recipe.shape, imitated, shown.text);
  const policy = policyCorpus(shown.encoded, scores);
  const listed = await keptAt(kept('lists'), () =>
    imitate(
      { ...stage('lists'), corpus: shown.text },
      { ...recipe.lists, seed: seed + 1, lists: 'from-errors' },
      imitated,
      { scores, statistics: errorStatistics(policy) },
    ),
  );
  const parameters = await reinforce(
    {
      run: { ...stage('reinforcing'), corpus: shown.text },
      shape: recipe.shape,
      pairs: recordedPairs(vocabulary.formulary, knowledge),
      starts: policy.lists,
    },
    { ...recipe.reinforced, seed },
    listed,
  );
  for (const name of ['imitating', 'lists'] as const)
    if (options.checkpoint !== undefined) rmSync(kept(name)!, { force: true });
  const split = `trained on ${trainYears[0]}–${trainYears[1]}, validation clinicians (first byte of sha1 below 13) held out`;
  return writeTextPack(
    options.directory,
    {
      name: basename(options.directory),
      prompts: CURRENT_PROMPTS,
      shape: { ...recipe.shape, contextTokens: recipe.shape.contextTokens + recipe.noteTokens },
      calibration: { slope: 1, intercept: 0 },
      lists: 'written',
      knowledgeVersion: knowledge.version,
      interactionVersion: knowledge.interactionVersion,
      dataTerms: CORPUS_TERMS,
      training: {
        corpus: `${basename(options.corpus)}, sha256 ${fileHash(options.corpus)}`,
        split,
        visits: prepared.train.visits,
        formularySize: vocabulary.formulary.length,
        settings: { ...numbers(recipe), ...numbers(options.base ?? {}, 'base.'), seed },
        hardware: hardware(threads),
        seconds: Math.round((performance.now() - started) / 1000),
      },
      metrics: null,
      front: null,
    },
    model.contentOf(parameters, vocabulary, tables),
  );
}

/** What is trained, and what a pack of it holds. */
interface TrainedModel {
  readonly config: PretrainedConfig;
  readonly tokenizer: TextTokenizer;
  readonly session: SessionOptions;
  readonly place?: PlaceModel;
  readonly contentOf: (
    parameters: ReadonlyMap<string, HostTensor>,
    vocabulary: Vocabulary,
    tables: StructuredTables,
  ) => TextPackContent;
}

function freshModel(prompts: Prompts, visits: readonly LabelledVisit[], recipe: TextRecipe): TrainedModel {
  const files = learnTokenizer(prompts, visits, recipe.vocabulary);
  const tokenizer = readTokenizer(files);
  const config: PretrainedConfig = { ...recipe.llama, vocabularySize: tokenizer.size, tied: true };
  return {
    config,
    tokenizer,
    session: {},
    contentOf: (parameters, vocabulary, tables) => ({
      model: { config, tokenizer: files },
      parameters,
      vocabulary,
      tables,
    }),
  };
}

function adaptedModel(
  { folder, rank, alpha, targets = LLAMA_TARGETS }: NonNullable<TrainTextOptions['base']>,
  shape: TextShape,
): TrainedModel {
  const source = readPretrained(folder);
  const { weights, session } = planPretrained(source, runShape({ shape }));
  const config = { rank, alpha, targets, base: basename(folder) };
  return {
    config: source.config,
    tokenizer: TextTokenizer.read(folder, source.config.vocabularySize),
    session,
    place: checkpointPlace(weights, textLora(config)),
    contentOf: (parameters, vocabulary, tables) => ({
      model: { checkpoint: source, adapter: config },
      parameters,
      vocabulary,
      tables,
    }),
  };
}

interface ReadCorpus {
  readonly prepared: Prepared;
  /** Training visits, as `prepared.train` encodes them. */
  readonly train: readonly LabelledVisit[];
}

async function readCorpus({
  corpus,
  knowledge,
  trainYears,
  formularyMinimum,
}: TrainTextOptions): Promise<ReadCorpus> {
  const visits = await readLabelledVisits(corpus);
  const split = { trainYears, ...(formularyMinimum === undefined ? {} : { formularyMinimum }) };
  return { prepared: prepare(visits, split, knowledge), train: splitCorpus(visits, split).train };
}

export function textNetwork(
  llama: PretrainedConfig,
  tables: TextNetwork['tables'],
  tokenizer: TextTokenizer,
  { templates }: Prompts,
): TextNetwork {
  // A word that this tokenizer splits answers with its first token, with its space or, where that stands alone, without.
  for (const [yes, no] of [
    [templates.yes, templates.no],
    [templates.yes.trim(), templates.no.trim()],
  ].map((words) => words.map((word) => tokenizer.encode(word)[0]!)) as [number, number][])
    if (yes !== no) return { llama, tables, yes, no };
  throw new NnError('tokenizer-unusable', 'yes and no begin with the same token');
}

export function formularyTrie(prompts: Prompts, tokenizer: TextTokenizer): FormularyTrie {
  return new FormularyTrie(
    prompts.names.map((_, drug) => tokenizer.encode(prompts.step(drug))),
    tokenizer.encode(prompts.stop),
  );
}

/** A random part of the training visits as text. */
function corpusOf(
  reading: TextReading,
  encoded: EncodedCorpus,
  visits: readonly LabelledVisit[],
  count: number,
  seed: number,
): { readonly encoded: EncodedCorpus; readonly text: TextCorpus } {
  const order = Random.for(seed, 'visits').shuffle(Uint32Array.from(visits, (_, i) => i));
  const chosen = order.subarray(0, Math.min(count, order.length));
  const part = selectVisits(encoded, chosen);
  const contexts = Array.from(chosen, (at) => visits[at]!.context);
  return { encoded: part, text: textCorpus(reading, part, contexts) };
}

function learnTokenizer(prompts: Prompts, visits: readonly LabelledVisit[], size: number): TokenizerFiles {
  const texts = new Map<string, number>();
  const count = (parts: readonly PromptPart[], times: number): void => {
    for (const part of parts) if (typeof part === 'string') texts.set(part, (texts.get(part) ?? 0) + times);
  };
  for (const { context } of visits) count(prompts.context(context, { history: true }), 1);
  const { templates } = prompts;
  count(
    [templates.yes, templates.no, ...prompts.list('add', [], 0), ...prompts.list('remove', [], 1)],
    visits.length,
  );
  prompts.names.forEach((_, drug) => {
    count([...prompts.candidate(drug), prompts.step(drug)], Math.ceil(visits.length / 50));
  });
  return trainByteLevelBpe(
    [...texts].map(([text, times]) => ({ text, count: times })),
    size,
  );
}

function readTokenizer(files: TokenizerFiles): TextTokenizer {
  const folder = mkdtempSync(join(tmpdir(), 'flame-tokenizer-'));
  try {
    writeFileSync(join(folder, TOKENIZER_FILE), JSON.stringify(files.tokenizer));
    writeFileSync(join(folder, TOKENIZER_CONFIG_FILE), JSON.stringify(files.config));
    const { vocab } = files.tokenizer['model'] as { vocab: Record<string, number> };
    return TextTokenizer.read(folder, Object.keys(vocab).length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** π_cls's probabilities, uncalibrated, of every visit of a corpus. */
export async function scoreVisits(
  run: Pick<TextTrainingRun, 'network' | 'prompts' | 'tokenizer' | 'trie' | 'prior' | 'session' | 'place'>,
  shape: TextShape,
  weights: ReadonlyMap<string, HostTensor>,
  corpus: TextCorpus,
): Promise<ScoreTable> {
  const { prior, ...parts } = run;
  const policy = new TextPolicy({ ...parts, shape, weights });
  const drugs = prior.length;
  const values = new Float32Array(corpus.visits * drugs);
  try {
    for (let visit = 0; visit < corpus.visits; visit += 1) {
      const answers = await policy.answers(corpus.visit(visit));
      answers.forEach((z, drug) => (values[visit * drugs + drug] = sigmoid(z + prior[drug]!)));
    }
  } finally {
    await policy.close();
  }
  return { visits: corpus.visits, drugs, values };
}

/** The numbers of a recipe, e.g. `imitation.steps`. */
function numbers(value: object, prefix = ''): Record<string, number> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, own]: [string, unknown]): [string, number][] => {
      if (typeof own === 'number' || typeof own === 'boolean') return [[prefix + name, Number(own)]];
      return typeof own === 'object' && own !== null ? Object.entries(numbers(own, `${prefix}${name}.`)) : [];
    }),
  );
}
