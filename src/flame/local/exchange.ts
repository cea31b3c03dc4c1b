/**
 * Training elsewhere: writes a training set and the base weights for a hospital's own cluster, and measures an adapter that
 * comes back exactly as one that was trained here. docs/references/finetuning.md is the format. Trains nothing.
 */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { NnError } from '../../nn/errors.ts';
import { mergeLora } from '../../nn/lora.ts';
import { formatSafetensors } from '../../nn/safetensors.ts';
import { FlameError } from '../../shared/errors.ts';
import type { FinetuneSettings, SideBySide } from '../../shared/finetune.ts';
import { fitTemperature, foldTemperature } from '../classifier/calibration.ts';
import { codeTables } from '../encoding/code-tables.ts';
import { encodeCorpus, Encoder } from '../encoding/encoding.ts';
import type { ModelPack } from '../model-pack.ts';
import { scoreOnce } from '../classifier/predict.ts';
import { SiteBaselines } from './baselines.ts';
import type { TrainingControl } from './control.ts';
import { CURRENT_PROMPTS, Prompts, promptText } from '../text/prompts.ts';
import { evaluateLocal } from './evaluate-local.ts';
import { extendedPack, extensionRows } from './extension.ts';
import { labelled, newDrugsOf } from './fit-classifier.ts';
import { type LocalManifest, readLocalModel, writeLocalModel } from './local-model.ts';
import { assembled, packScorer } from './local-scorer.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, type Adapter, parseAdapter } from './peft.ts';
import { PROFILE_SETTINGS } from './profiles.ts';
import type { DatedVisit, VisitSplit } from './split-visits.ts';
import { tunePolicy } from './tune-policy.ts';
import { writeSynced } from './write-synced.ts';

export interface ExchangeOptions {
  readonly base: ModelPack;
  readonly knowledge: Knowledge;
  /** The same visits at export and import: the held-out ones are never written. */
  readonly split: VisitSplit;
}

/** The same visits without further columns, for trainers of TRL that take prompt and completion alone. */
const TRL_FILES = { train: 'trl-train.jsonl', validation: 'trl-validation.jsonl' } as const;

/** What `datasets.load_dataset('<folder>')` reads at the head of README.md: splits, columns and their types. */
function datasetCard(split: VisitSplit): string {
  const names = ['train', 'validation'] as const;
  return [
    '---',
    'configs:',
    '  - config_name: default',
    '    data_files:',
    ...names.flatMap((name) => [`      - split: ${name}`, `        path: ${TRL_FILES[name]}`]),
    'dataset_info:',
    '  features:',
    ...['prompt', 'completion'].flatMap((name) => [`    - name: ${name}`, '      dtype: string']),
    '  splits:',
    ...names.flatMap((name) => [`    - name: ${name}`, `      num_examples: ${split[name].length}`]),
    '---',
    '',
    '',
  ].join('\n');
}

const EXPORT_FORMAT = 'flame-training-set-1';

/**
 * Writes `trainingFiles` to a new folder.
 * @throws the file system's error when the folder exists
 */
export function exportTraining(
  folder: string,
  options: ExchangeOptions,
): { readonly files: readonly string[] } {
  const contents = trainingFiles(options);
  mkdirSync(folder, { mode: 0o700 });
  for (const [file, bytes] of contents) writeSynced(join(folder, file), bytes);
  return { files: [...contents.keys()] };
}

/**
 * The files config.json, base.safetensors, train.jsonl, validation.jsonl, README.md, and the visits for TRL, as the prompts of text models have them. Visits carry a running number instead
 * of identifiers, and no date.
 */
export function trainingFiles({ base, knowledge, split }: ExchangeOptions): ReadonlyMap<string, Uint8Array> {
  const { pack } = extended(base, knowledge, split);
  const { vocabulary, manifest, parameters } = pack;
  const encoder = new Encoder(vocabulary, codeTables(knowledge));
  const prompts = new Prompts(CURRENT_PROMPTS, vocabulary.formulary, knowledge);
  const patients = new Map<string, number>();
  const rowOf = (visit: DatedVisit) => {
    const number = patients.get(visit.patient) ?? patients.size;
    patients.set(visit.patient, number);
    const { ids, weights } = encoder.encode(visit.context);
    const labels = encoder.labelsOf(visit.drugs).sort((a, b) => a - b);
    return {
      patient: number,
      features: ids,
      weights,
      labels,
      prompt: promptText([
        ...prompts.context(visit.context, { history: true }),
        ...prompts.list('add', [], 0),
      ]),
      completion: `${labels.map((label) => prompts.step(label)).join('')}${prompts.stop}`,
    };
  };
  const { adapter } = PROFILE_SETTINGS.standard;
  const config = {
    format: EXPORT_FORMAT,
    base: { name: manifest.name, version: manifest.version },
    network: manifest.network,
    features: vocabulary.features.length,
    formulary: vocabulary.formulary,
    suggested: { r: adapter.rank, lora_alpha: adapter.alpha, target_modules: adapter.targets },
  };
  const linesOf = (rows: readonly object[]): Buffer =>
    Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const [train, validation] = [split.train.map(rowOf), split.validation.map(rowOf)];
  const words = (rows: typeof train): Buffer =>
    linesOf(rows.map(({ prompt, completion }) => ({ prompt, completion })));
  return new Map<string, Uint8Array>([
    ['config.json', Buffer.from(`${JSON.stringify(config, null, 1)}\n`)],
    ['base.safetensors', formatSafetensors(parameters, { metadata: { format: 'pt' } })],
    ['train.jsonl', linesOf(train)],
    ['validation.jsonl', linesOf(validation)],
    [TRL_FILES.train, words(train)],
    [TRL_FILES.validation, words(validation)],
    ['README.md', Buffer.from(datasetCard(split) + README)],
  ]);
}

export interface ImportAdapterOptions extends ExchangeOptions {
  readonly settings: FinetuneSettings;
  readonly name: string;
  /** One that this job wrote before it was interrupted is kept as it is. */
  readonly modelFolder: string;
  /** Whose work it is; null outside of one. */
  readonly job: string | null;
  readonly control: TrainingControl;
  readonly onProgress?: (done: number, all: number) => void;
}

/**
 * Measures the adapter in a folder on the held-out visits and writes it as a local model; its gates decide about its use.
 * @throws FlameError ADAPTER_UNUSABLE naming file and problem, CANCELLED
 */
export async function importAdapter(
  folder: string,
  options: ImportAdapterOptions,
): Promise<{ readonly manifest: LocalManifest; readonly examples: readonly SideBySide[] }> {
  const { base, knowledge, split, settings, control } = options;
  const started = performance.now();
  const adapter = readAdapter(folder, base);
  const { pack, newDrugs, extension } = extended(base, knowledge, split);
  const { network } = base.manifest;
  const merged = mergedWith(pack, adapter);
  const encoder = new Encoder(pack.vocabulary, codeTables(knowledge));
  const validation = encodeCorpus(encoder, split.validation.map(labelled));
  const { threads } = settings;
  const raw = await scoreOnce(network, pack.vocabulary, merged, validation, threads);
  const temperature = fitTemperature(raw, validation.truth);
  const changed = { ...pack, parameters: foldTemperature(merged, network, temperature) };
  const scores = await scoreOnce(network, pack.vocabulary, changed.parameters, validation, threads);
  const { lists } = await tunePolicy({
    pack: changed,
    learning: validation,
    validation: validation.visits,
    scores,
    knowledge,
    profile: { ...PROFILE_SETTINGS.quick.policy, rounds: 0 },
    settings,
    control,
  });
  const { name, version } = base.manifest;
  const before = await packScorer(base, { knowledge, threads });
  const after = await assembled(changed, { name, version, lists }, null, { knowledge, threads });
  const learning = [...split.train, ...split.validation];
  const { evaluation, examples } = await evaluateLocal({
    before,
    after,
    baselines: new SiteBaselines(learning, knowledge),
    heldOut: split.heldOut,
    knowledge,
    control,
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
  await before.close();
  await after.close();
  const { job, modelFolder } = options;
  const written = existsSync(modelFolder) ? readLocalModel(modelFolder).manifest : null;
  if (written !== null && job !== null && written.training.job === job)
    return { manifest: written, examples };
  const manifest = writeLocalModel(
    modelFolder,
    {
      name: options.name,
      base: { name, version },
      classifier: 'lora',
      temperature,
      newDrugs: [...newDrugs],
      lists,
      evaluation: structuredClone(evaluation) as LocalManifest['evaluation'],
      front: { protocol: evaluation.protocol, points: [...evaluation.fronts.after] },
      training: {
        source: 'imported-adapter',
        job,
        profile: `rank ${adapter.config.rank}`,
        visits: learning.length,
        patients: new Set(learning.map(({ patient }) => patient)).size,
        settings: { rank: adapter.config.rank, alpha: adapter.config.alpha },
        knowledgeVersion: knowledge.version,
        interactionVersion: knowledge.interactionVersion,
        hardware: `measured on ${cpus()[0]?.model ?? 'unknown processor'}`,
        seconds: (performance.now() - started) / 1000,
      },
    },
    { adapter, weights: null, extension, site: null, policy: null },
  );
  return { manifest, examples };
}

function extended(base: ModelPack, knowledge: Knowledge, { train, validation }: VisitSplit) {
  const visits = [...train, ...validation];
  const newDrugs = newDrugsOf(visits, base);
  const shares = newDrugs.map((drug) => {
    const uses = visits.filter(({ drugs }) => drugs.includes(drug)).length;
    return { drug, share: (uses + 1) / (visits.length + 2) };
  });
  const extension = extensionRows(base, shares, knowledge);
  return { newDrugs, extension, pack: extendedPack(base, newDrugs, extension) };
}

/** The files that an adapter consists of. */
export const ADAPTER_FILES = [ADAPTER_CONFIG, ADAPTER_WEIGHTS] as const;

/** @throws FlameError ADAPTER_UNUSABLE naming file and problem */
export function readAdapter(folder: string, base: ModelPack): Adapter {
  const bytes = (file: string): Buffer => {
    try {
      return readFileSync(join(folder, file));
    } catch (cause) {
      throw new FlameError('ADAPTER_UNUSABLE', { file, problem: 'it cannot be read' }, { cause });
    }
  };
  const adapter = parseAdapter(bytes(ADAPTER_CONFIG), bytes(ADAPTER_WEIGHTS));
  const { base: own } = adapter.config;
  if (own !== null && own !== base.manifest.name && !own.endsWith('base.safetensors'))
    throw new FlameError('ADAPTER_UNUSABLE', {
      file: ADAPTER_CONFIG,
      problem: `it was trained on ${own}, not on ${base.manifest.name}`,
    });
  return adapter;
}

function mergedWith(pack: ModelPack, { tensors, config }: Adapter): ReturnType<typeof mergeLora> {
  try {
    return mergeLora(pack.parameters, tensors, config.alpha);
  } catch (cause) {
    if (!(cause instanceof NnError)) throw cause;
    throw new FlameError('ADAPTER_UNUSABLE', { file: ADAPTER_WEIGHTS, problem: cause.message }, { cause });
  }
}

const README = `# A training set of Flame

Made by \`flame finetune export\`. It holds visits of a clinic without names, identifiers and dates; it may still identify
people to somebody who knows them. Keep it where the clinic keeps its records.

- \`config.json\`: the network, the drugs in the order of their labels, suggested LoRA settings.
- \`base.safetensors\`: the weights to start from, float32. Freeze them.
- \`train.jsonl\`, \`validation.jsonl\`: one visit a line. \`features\` and \`weights\` are the sparse input row, \`labels\` the drugs
  that were prescribed. \`prompt\` and \`completion\` say the same in words, for trainers of language models.
- \`trl-train.jsonl\`, \`trl-validation.jsonl\`: prompts and completions alone. The folder is a data set of Hugging Face:
  \`datasets.load_dataset(<folder>)\` gives what TRL's SFTTrainer takes; GRPOTrainer reads the prompts and hands \`completion\`
  to its reward functions.
- The visits that the model is measured on are not here.

The network, for each member m (names start with \`members.m.\`, except for member 0), on an input row x of \`features\` numbers:

    h = x · features.weight + features.bias
    for each layer i:
      n = h / sqrt(mean(h²) + 1e-5) · layers.i.norm.weight
      h = h + down_proj( silu(gate_proj n) · (up_proj n) )      (weights [out, in], as torch.nn.Linear)
    n = h / sqrt(mean(h²) + 1e-5) · norm.weight
    logits_m = n · drugs.weightᵀ + drugs.bias

The loss is binary cross-entropy of each member's logits against the labels, summed over drugs. Train LoRA factors on the
modules named in \`config.json\` (\`drugs\` is a Linear, \`features\` an Embedding) and, if you like, \`drugs.bias\`, with PEFT under
TRL, DeepSpeed, Ray or anything else, and save them with \`save_pretrained\`: \`adapter_config.json\` and
\`adapter_model.safetensors\`, tensors named \`base_model.model.<module>.lora_A.weight\` and so on. Then, on the same visits:

    flame finetune import --visits <file> --adapter <folder>
`;
