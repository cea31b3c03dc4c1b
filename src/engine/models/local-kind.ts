/** What a site's training made, as a kind of model: it stands on an installed pack and may recommend once it passed its gates. */

import {
  LOCAL_MODEL_FORMAT,
  type LocalManifest,
  readLocalManifest,
  readLocalModel,
} from '../../flame/local/local-model.ts';
import { localScorer } from '../../flame/local/local-scorer.ts';
import { type PackManifest, readModelPack } from '../../flame/model-pack.ts';
import type { ModelSummary } from '../../shared/contract.ts';
import { FlameError } from '../../shared/errors.ts';
import { protocolSentence } from '../../shared/recommendation.ts';
import { LISTS_DECODED, modelOf, summaryOf } from './model.ts';
import type { ModelKind } from './model-kind.ts';

export const localKind: ModelKind = {
  format: LOCAL_MODEL_FORMAT,

  describe: (folder, findPack) => {
    const manifest = readLocalManifest(folder);
    const { name, version, createdAt, base, files } = manifest;
    const pack = findPack(base.name, base.version);
    return { name, version, createdAt, base, files, summary: pack && localSummary(manifest, pack) };
  },

  details: (folder) => {
    const { createdAt, newDrugs, training } = readLocalManifest(folder);
    const { source, profile, visits, knowledgeVersion, interactionVersion, hardware, seconds } = training;
    return {
      card: null,
      provenance: [
        { what: 'created', value: createdAt },
        { what: 'source', value: source },
        { what: 'profile', value: profile },
        { what: 'visits', value: String(visits) },
        { what: 'newDrugs', value: newDrugs.join(', ') },
        { what: 'knowledge', value: knowledgeVersion },
        { what: 'interactions', value: interactionVersion },
        { what: 'hardware', value: hardware },
        { what: 'duration', value: String(seconds) },
      ],
    };
  },

  assertUsable: (folder) => {
    const { name, evaluation } = readLocalManifest(folder);
    if (evaluation === null) throw new FlameError('MODEL_GATES_FAILED', { name, gates: 'any evaluation' });
    const failed = evaluation.gates.filter(({ passed }) => !passed).map(({ gate }) => gate);
    if (failed.length > 0) throw new FlameError('MODEL_GATES_FAILED', { name, gates: failed.join(', ') });
  },

  check: (folder) => {
    readLocalModel(folder);
  },

  open: async (folder, { knowledge, session, baseFolder }) => {
    const local = readLocalModel(folder);
    const pack = readModelPack(baseFolder(local.manifest.base.name, local.manifest.base.version));
    const scorer = await localScorer(local, pack, { knowledge, ...(session === undefined ? {} : { session }) });
    return modelOf(scorer, localSummary(local.manifest, pack.manifest));
  },
};

/** Names of the metrics as packs carry them (src/renderer/wording/metrics.ts). */
const METRIC_NAMES = { jaccard: 'jaccardOwn', f1: 'f1Own', prauc: 'prauc' } as const;

/** The measurements are those after the training, on visits of the site that it did not see. */
function localSummary(manifest: LocalManifest, pack: PackManifest): ModelSummary {
  const { name, version, training, newDrugs, lists, evaluation, front } = manifest;
  const base = summaryOf(pack);
  const after = evaluation?.rows.find(({ model }) => model === 'after');
  const protocol = evaluation === null ? '' : protocolSentence(evaluation.protocol);
  const metrics = Object.entries(METRIC_NAMES).flatMap(([key, metric]) => {
    const estimate = after?.[key as keyof typeof METRIC_NAMES];
    return estimate ? [{ name: metric, value: estimate.mean, protocol }] : [];
  });
  return {
    name,
    version,
    formularySize: base.formularySize + newDrugs.length,
    trainedOn: `${training.visits} visits of ${training.patients} patients of this site, on top of ${pack.name} ${pack.version} (${base.trainedOn})`,
    listsWritten:
      lists === 'decoding'
        ? LISTS_DECODED
        : lists === 'pack-policy'
          ? base.listsWritten
          : 'by the list policy of its base, tuned on this site',
    dataTerms: base.dataTerms,
    metrics,
    front,
  };
}
