/**
 * The text policy as a network: a Llama whose placeholder tokens are projected structured embeddings (METHOD section 3),
 * read out as yes or no for a candidate and as the next token among those that the formulary allows. Holds no data.
 */
import type { BuildCachedStep } from '../../nn/cached-decoder.ts';
import { gatherColumns, gatherRows } from '../../nn/gather-ops.ts';
import type { Tensor } from '../../nn/graph.ts';
import { linear } from '../../nn/layers.ts';
import { type LlamaConfig, llamaParts, llamaStepParts } from '../../nn/llama.ts';
import { binaryCrossEntropy } from '../../nn/losses.ts';
import { matmul } from '../../nn/matrix-ops.ts';
import { add, exp, lastMaximum, log, mul, neg, sub } from '../../nn/ops.ts';
import { normal, type Scope } from '../../nn/scope.ts';
import { concat, reduceSum, reshape, slice, sumAll } from '../../nn/shape-ops.ts';
import type { Objective } from '../../nn/train-step.ts';
import { type GrpoSettings, surrogate } from '../policy/objectives.ts';
import { CONTEXT_SLOTS } from './sequence.ts';
import type { StructuredTables } from './structured.ts';

export interface TextNetwork {
  readonly llama: LlamaConfig;
  readonly tables: Pick<StructuredTables, 'contextWidth' | 'drugWidth' | 'drugValues' | 'drugs'>;
  /** Tokens that answer a drug-level question. */
  readonly yes: number;
  readonly no: number;
}

/** How the model's own weights are declared; a checkpoint's are given instead (see adapter.ts). */
export type PlaceModel = (scope: Scope) => Scope;
const asDeclared: PlaceModel = (scope) => scope;

/** Place of the projections among the parameters. */
export const PROJECTOR = 'projector';

interface Fed {
  readonly ids: Tensor; // int [rows, tokens]
  readonly positions: Tensor; // int [rows, tokens]
  readonly bias: Tensor; // [rows, 1, tokens, tokens]
  readonly structure: Structure;
}
interface Structure {
  readonly text: Tensor; // [rows, tokens, 1]
  readonly contextAt: Tensor; // [rows, tokens, 3]
  readonly drugAt: Tensor; // int [rows, tokens]
  readonly context: Tensor; // [rows, 3, contextWidth]
}

function feed(scope: Scope, { tables }: TextNetwork, rows: number, tokens: number): Fed {
  const shape = [rows, tokens];
  return {
    ids: scope.input('ids', 'int32', shape),
    positions: scope.input('positions', 'int32', shape),
    bias: scope.input('bias', 'float', [rows, 1, tokens, tokens]),
    structure: {
      text: scope.input('text', 'float', [...shape, 1]),
      contextAt: scope.input('contextAt', 'float', [...shape, CONTEXT_SLOTS]),
      drugAt: scope.input('drugAt', 'int32', shape),
      context: scope.input('context', 'float', [rows, CONTEXT_SLOTS, tables.contextWidth]),
    },
  };
}

/** Token vectors with the projected embeddings where placeholders stand: [rows, tokens, hiddenSize]. */
function embedded(
  scope: Scope,
  { llama, tables }: TextNetwork,
  vectors: Tensor,
  { text, contextAt, drugAt, context }: Structure,
): Tensor {
  const place = scope.child(PROJECTOR);
  const project = (name: string, inputs: number) =>
    linear(place.child(name), { inputs, outputs: llama.hiddenSize, bias: false, initialize: normal(0.02) });
  const kinds = ['patient', 'diagnoses', 'procedures'].map((name, i) =>
    project(name, tables.contextWidth)(slice(context, 1, i, i + 1)),
  );
  const ofContext = matmul(contextAt, concat(kinds, 1));
  const rows = scope.graph.constant(Array.from(tables.drugValues), 'float', [tables.drugs, tables.drugWidth]);
  const drugs = project('drug', tables.drugWidth)(rows);
  const none = scope.graph.filled(0, [1, llama.hiddenSize]);
  const ofDrugs = gatherRows(concat([none, drugs], 0), drugAt);
  return add(add(mul(vectors, text), ofContext), ofDrugs);
}

/** z(yes) − z(no) of hidden states [N, hiddenSize] → [N]. */
function answers(logits: Tensor, { yes, no }: TextNetwork): Tensor {
  const rows = logits.dim(0);
  const columns = logits.graph.constant(Array.from({ length: rows }, () => [yes, no]).flat(), 'int32', [
    rows,
    2,
  ]);
  const both = gatherColumns(logits, columns);
  return reshape(sub(slice(both, 1, 0, 1), slice(both, 1, 1, 2)), [rows]);
}

/** log π of the chosen ones among the allowed tokens of each place: logits [N, V], allowed int [N, M] → [N]. */
function constrainedLog(logits: Tensor, allowed: Tensor, barred: Tensor, chosen: Tensor): Tensor {
  const places = logits.dim(0);
  const scores = add(gatherColumns(logits, allowed), barred);
  const top = lastMaximum(scores);
  const normaliser = add(log(reduceSum(exp(sub(scores, top)), [1])), top);
  return reshape(sub(gatherColumns(scores, reshape(chosen, [places, 1])), normaliser), [places]);
}

/** What a training graph reads out of packed rows. */
export interface ReadOuts {
  /** Drug-level questions, and places of list tokens, over all rows of a batch. */
  readonly candidates: number;
  readonly actions: number;
  /** Most tokens allowed at a place. */
  readonly breadth: number;
}

function packed(
  scope: Scope,
  network: TextNetwork,
  rows: number,
  tokens: number,
  place: PlaceModel,
): { readonly at: (name: string, count: number) => Tensor } {
  const fed = feed(scope, network, rows, tokens);
  const model = place(scope);
  const { embed, blocks, toLogits } = llamaParts(model, network.llama);
  const x = embedded(scope, network, embed(fed.ids), fed.structure);
  const hidden = blocks(x, {
    positions: fed.positions,
    positionLimit: tokens,
    bias: fed.bias,
  });
  const flat = reshape(hidden, [rows * tokens, network.llama.hiddenSize]);
  // Logits are computed where they are read, not at every token.
  return { at: (name, count) => toLogits(gatherRows(flat, scope.input(name, 'int32', [count]))) };
}

/** Named inputs for list tokens: where they are predicted, what is allowed there and which one was written. */
function chosenLog(
  scope: Scope,
  at: (name: string, count: number) => Tensor,
  { actions, breadth }: ReadOuts,
): Tensor {
  return constrainedLog(
    at('actionAt', actions),
    scope.input('allowed', 'int32', [actions, breadth]),
    scope.input('barred', 'float', [actions, breadth]),
    scope.input('chosen', 'int32', [actions]),
  );
}

/**
 * Imitation: binary cross-entropy of the answers, each shifted by `offsets` (what the drug's frequency and the drawing of
 * candidates say alone), and the cross-entropy of the written lists' tokens among the allowed ones. Weights sum to 1 each.
 */
export function textObjective(
  scope: Scope,
  network: TextNetwork,
  rows: number,
  tokens: number,
  outs: ReadOuts,
  place: PlaceModel = asDeclared,
): Objective {
  const { at } = packed(scope, network, rows, tokens, place);
  const { candidates, actions } = outs;
  const input = (name: string, count: number): Tensor => scope.input(name, 'float', [count]);
  const z = add(answers(at('readAt', candidates), network), input('offsets', candidates));
  const answering = binaryCrossEntropy(z, input('labels', candidates), input('weights', candidates));
  const writing = neg(sumAll(mul(chosenLog(scope, at, outs), input('actionWeights', actions))));
  return { loss: add(answering, writing), metrics: { answering, writing } };
}

/** GRPO over the tokens of sampled lists (METHOD section 1). */
export function textGrpoObjective(
  scope: Scope,
  network: TextNetwork,
  rows: number,
  tokens: number,
  outs: ReadOuts,
  settings: GrpoSettings,
  place: PlaceModel = asDeclared,
): Objective {
  const { at } = packed(scope, network, rows, tokens, place);
  const input = (name: string): Tensor => scope.input(name, 'float', [outs.actions]);
  const logProbability = chosenLog(scope, at, outs);
  return surrogate(
    {
      logProbability,
      advantages: input('advantages'),
      old: input('old'),
      reference: input('reference'),
      weights: input('weights'),
    },
    settings,
  );
}

/** Only log π of the written tokens [actions]: the reference policy of GRPO. */
export function textLogProbabilities(
  scope: Scope,
  network: TextNetwork,
  rows: number,
  tokens: number,
  outs: ReadOuts,
  place: PlaceModel = asDeclared,
): Record<string, Tensor> {
  const { at } = packed(scope, network, rows, tokens, place);
  return { logProbability: chosenLog(scope, at, outs) };
}

/**
 * The same model on cached keys and values. Every run reads out one place a row as logits over the vocabulary
 * (`lastAt`), or, of packed candidates (`packedTokens` new tokens), the answers at `reads` places.
 */
export function textStep(
  network: TextNetwork,
  packedTokens: number,
  reads: number,
  place: PlaceModel = asDeclared,
): BuildCachedStep {
  return (scope, { rows, tokens, prefill, cache }) => {
    const isPacked = !prefill && tokens === packedTokens;
    const model = place(scope);
    const { embed, blocks, toLogits } = llamaStepParts(model, network.llama);
    const shape = [rows, tokens];
    const structure: Structure = {
      text: scope.input('text', 'float', [...shape, 1]),
      contextAt: scope.input('contextAt', 'float', [...shape, CONTEXT_SLOTS]),
      drugAt: scope.input('drugAt', 'int32', shape),
      context: scope.input('context', 'float', [rows, CONTEXT_SLOTS, network.tables.contextWidth]),
    };
    const x = embedded(scope, network, embed(scope.input('ids', 'int32', shape)), structure);
    const step = blocks(x, {
      ...cache,
      ...(isPacked
        ? {
            positions: scope.input('positions', 'int32', shape),
            bias: scope.input('bias', 'float', [rows, 1, tokens, tokens]),
          }
        : {}),
    });
    if (prefill) return { step, outputs: {} };
    const width = network.llama.hiddenSize;
    const read = (name: string, count: number): Tensor => {
      const at = scope.input(name, 'int32', [rows, count]); // within the row
      const offsets = scope.graph.constant(
        Array.from({ length: rows * count }, (_, i) => Math.floor(i / count) * tokens),
        'int32',
        [rows, count],
      );
      return toLogits(gatherRows(reshape(step.hidden, [rows * tokens, width]), add(at, offsets)));
    };
    return isPacked
      ? { step, outputs: { answers: reshape(answers(read('readAt', reads), network), [rows, reads]) } }
      : {
          step,
          outputs: { logits: reshape(read('lastAt', 1), [rows, network.llama.vocabularySize]) },
        };
  };
}
