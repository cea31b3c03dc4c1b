/** A text model, a Llama checkpoint with what Flame adds, as a kind of model. Trains nothing. */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { SessionOptions } from '../../nn/session.ts';
import {
  readTextManifest,
  readTextPack,
  TEXT_PACK_FORMAT,
  type TextManifest,
  verifyTextPack,
} from '../../flame/text/pack.ts';
import { TextModel } from '../../flame/text/text-model.ts';
import type { ModelSummary } from '../../shared/contract.ts';
import { FlameError } from '../../shared/errors.ts';
import { protocolSentence } from '../../shared/recommendation.ts';
import { LISTS_DECODED, type OpenModel } from './model.ts';
import type { ModelKind } from './model-kind.ts';

const LISTS_WRITTEN = 'by a language model along the formulary, reinforced by step-wise GRPO';

const FIXED_BYTES = 250e6;

export const textKind: ModelKind = {
  format: TEXT_PACK_FORMAT,

  describe: (folder) => {
    const manifest = readTextManifest(folder);
    const { name, version, createdAt, files } = manifest;
    return { name, version, createdAt, files, base: null, summary: textSummary(manifest) };
  },

  details: (folder) => {
    const { createdAt, knowledgeVersion, interactionVersion, training } = readTextManifest(folder);
    const { corpus, split, visits, hardware, seconds } = training;
    return {
      card: null,
      provenance: [
        { what: 'created', value: createdAt },
        { what: 'corpus', value: corpus },
        { what: 'split', value: split },
        { what: 'visits', value: String(visits) },
        { what: 'knowledge', value: knowledgeVersion },
        { what: 'interactions', value: interactionVersion },
        { what: 'hardware', value: hardware },
        { what: 'duration', value: String(seconds) },
      ],
    };
  },

  assertUsable: (folder) => {
    const { name, metrics } = readTextManifest(folder);
    if (metrics === null) throw new FlameError('MODEL_UNMEASURED', { name });
  },

  // Weights stay in their files; opening judges cache and activations by the configuration (nn/pretrained/memory.ts).
  memoryNeeded: (storedBytes) => FIXED_BYTES + storedBytes,

  check: (folder) => {
    readTextPack(folder);
    verifyTextPack(folder);
  },

  open: (folder, { knowledge, session }) => openText(folder, knowledge, session),
};

async function openText(folder: string, knowledge: Knowledge, session?: SessionOptions): Promise<OpenModel> {
  const pack = readTextPack(folder);
  const summary = textSummary(pack.manifest);
  const model = await TextModel.open(pack, { knowledge, ...(session ? { session } : {}) });
  return {
    name: summary.name,
    version: summary.version,
    formulary: model.formulary,
    front: summary.front,
    summary,
    score: (context, note) => model.score(context, note),
    scoreEach: async (visits) => {
      const scores: Float32Array[] = [];
      for (const { context, note } of visits) scores.push((await model.score(context, note)).probabilities);
      return scores;
    },
    lists: (context, problem, note) => model.lists(context, problem, note),
    noteRead: (context, note) => model.noteRead(context, note),
    close: () => model.close(),
  };
}

function textSummary({ name, version, training, lists, dataTerms, metrics, front }: TextManifest): ModelSummary {
  const protocol = metrics === null ? '' : protocolSentence(metrics.protocol, metrics.seeds);
  return {
    name,
    version,
    formularySize: training.formularySize,
    trainedOn: `${training.corpus}; ${training.split}; ${training.visits} visits`,
    listsWritten: lists === 'written' ? LISTS_WRITTEN : LISTS_DECODED,
    dataTerms,
    metrics: Object.entries(metrics?.values ?? {}).map(([metric, value]) => ({ name: metric, value, protocol })),
    front,
  };
}
