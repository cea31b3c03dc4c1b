/** Opens a model pack as the model that recommend() uses. Trains nothing; a pack that fails its check is not run. */

import { join } from 'node:path';
import { packScorer, type Scorer } from '../../flame/local/local-scorer.ts';
import { type PackManifest, readModelPack } from '../../flame/model-pack.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { SessionOptions } from '../../nn/session.ts';
import type { ModelSummary } from '../../shared/contract.ts';
import { protocolSentence } from '../../shared/recommendation.ts';
import type { ExplainedModel } from '../decisions/explain.ts';
import type { VisitModel } from '../decisions/recommend.ts';

export interface OpenModel extends VisitModel, ExplainedModel {
  readonly summary: ModelSummary;
  close(): Promise<void>;
}

/**
 * @param session where its graphs run; absent: on the CPU
 * @throws FlameError MODEL_PACK_MISSING, MODEL_PACK_CORRUPT, MODEL_PACK_MISMATCH
 */
export async function openModel(
  folder: string,
  pack: string,
  knowledge: Knowledge,
  session: SessionOptions = {},
): Promise<OpenModel> {
  const read = readModelPack(join(folder, pack));
  return modelOf(await packScorer(read, { knowledge, session }), summaryOf(read.manifest));
}

export function modelOf(scorer: Scorer, summary: ModelSummary): OpenModel {
  const { name, version, formulary } = scorer;
  return {
    name,
    version,
    formulary,
    front: summary.front,
    summary,
    score: async (context) => {
      const [scored] = await scorer.score([context]);
      return scored!;
    },
    scoreEach: async (visits) =>
      (await scorer.score(visits.map(({ context }) => context))).map(({ probabilities }) => probabilities),
    lists: (context, problem) => scorer.lists(context, problem),
    close: () => scorer.close(),
  };
}

/** How lists are written without a policy. */
export const LISTS_DECODED = 'drug by drug from the probabilities, interactions penalised';
const LISTS_BY_POLICY = {
  grpo: 'by a list policy, reinforced by step-wise GRPO',
  'expected-credit': 'by a list policy, reinforced by expected step credit',
} as const;

export function summaryOf({
  name,
  version,
  policy,
  training,
  dataTerms,
  metrics,
  front,
}: PackManifest): ModelSummary {
  const protocol = metrics === null ? '' : protocolSentence(metrics.protocol, metrics.seeds);
  return {
    name,
    version,
    formularySize: training.formularySize,
    trainedOn: `${training.corpus}; ${training.split}; ${training.visits} visits`,
    listsWritten: policy ? LISTS_BY_POLICY[policy.training.objective] : LISTS_DECODED,
    dataTerms,
    metrics: Object.entries(metrics?.values ?? {}).map(([metric, value]) => ({
      name: metric,
      value,
      protocol,
    })),
    front,
  };
}
