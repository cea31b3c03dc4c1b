/**
 * A text pack ready to recommend: probabilities of every formulary drug from yes/no answers, and one list for every slider
 * position, written along the formulary's tree (METHOD sections 2 and 4). The hard rules are the caller's problem's.
 */
import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { HostTensor } from '../../nn/dtype.ts';
import { NnError } from '../../nn/errors.ts';
import { estimateMemory, type MemoryEstimate, planPretrained } from '../../nn/pretrained/memory.ts';
import type { SessionOptions } from '../../nn/session.ts';
import { type ClinicalContext, HARD_RULE_SEVERITY } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { GridPoint } from '../../shared/recommendation.ts';
import { codeTables } from '../encoding/code-tables.ts';
import {
  ALPHA_GRID,
  currentConflicts,
  decode,
  type DecodingProblem,
  isPair,
  selectMonotone,
} from '../lists/decoding.ts';
import { Encoder } from '../encoding/encoding.ts';
import { severityOf } from '../lists/pair-matrix.ts';
import { refused, replay } from '../policy/list-decoder.ts';
import { sigmoid } from '../probability.ts';
import { checkpointPlace, textLora } from './adapter.ts';
import { priorLogits } from './corpus.ts';
import type { TextPack } from './pack.ts';
import { greedyToken, type ListRequest, runShape, TextPolicy, type TextVisit } from './policy.ts';
import { NOTE_LIMIT, plainNote, Prompts } from './prompts.ts';
import { fitted, tokenise, type Tokens } from './sequence.ts';
import { VisitVectors } from './structured.ts';
import { formularyTrie, textNetwork } from './train-pack.ts';

export interface OpenTextOptions {
  readonly knowledge: Knowledge;
  readonly session?: SessionOptions;
  /** Bytes that may be used; by default what the system has. */
  readonly availableMemory?: number;
}

export class TextModel {
  readonly formulary: readonly DrugId[];
  /** What running it was estimated to take. */
  readonly memory: MemoryEstimate;
  private readonly pack: TextPack;
  private readonly policy: TextPolicy;
  private readonly prompts: Prompts;
  private readonly vectors: VisitVectors;
  private readonly encoder: Encoder;
  private readonly prior: Float32Array;
  /** Settled when the call before is through: the policy holds the keys and values of one visit. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(pack: TextPack, { knowledge, session, availableMemory }: OpenTextOptions) {
    const { manifest, vocabulary, tables, checkpoint, tokenizer, adapter, projections } = pack;
    const { shape } = manifest;
    this.pack = pack;
    this.formulary = vocabulary.formulary;
    this.prompts = new Prompts(manifest.prompts, vocabulary.formulary, knowledge);
    this.vectors = new VisitVectors(vocabulary, tables);
    this.encoder = new Encoder(vocabulary, codeTables(knowledge));
    this.prior = priorLogits(vocabulary.drugUses, vocabulary.visits);
    const plan = planPretrained(checkpoint, runShape(manifest), availableMemory);
    this.memory = plan.estimate;
    const weights = new Map<string, HostTensor>([...projections, ...(adapter?.tensors ?? [])]);
    this.policy = new TextPolicy({
      network: textNetwork(checkpoint.config, tables, tokenizer, this.prompts),
      prompts: this.prompts,
      tokenizer,
      trie: formularyTrie(this.prompts, tokenizer),
      shape,
      weights,
      place: checkpointPlace(plan.weights, adapter && textLora(adapter.config)),
      session: { ...session, ...plan.session },
    });
  }

  /**
   * Opens a pack and warms it up.
   * @throws FlameError MODEL_TOO_LARGE with the estimate, MODEL_PACK_CORRUPT when weights or tokenizer do not fit
   */
  static async open(pack: TextPack, options: OpenTextOptions): Promise<TextModel> {
    try {
      const model = new TextModel(pack, options);
      await model.policy.warmUp();
      return model;
    } catch (cause) {
      if (!(cause instanceof NnError)) throw cause;
      const { name } = pack.manifest;
      if (cause.code === 'memory-short') {
        const { availableMemory = process.availableMemory() } = options;
        const needed = estimateMemory(pack.checkpoint, runShape(pack.manifest), false).total;
        const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6);
        const details = { name, needed: megabytes(needed), available: megabytes(availableMemory) };
        throw new FlameError('MODEL_TOO_LARGE', details, { cause });
      }
      throw new FlameError('MODEL_PACK_CORRUPT', { pack: name, problem: cause.message }, { cause });
    }
  }

  /** How much of a note is read: its beginning, as far as there is room beside the rest of the context. */
  noteRead(context: ClinicalContext, note: string): { readonly read: number; readonly characters: number } {
    return { read: this.noteWithin(context, note).length, characters: plainNote(note).length };
  }

  score(
    context: ClinicalContext,
    note = '',
  ): Promise<{ readonly probabilities: Float32Array; readonly unknownCodes: readonly string[] }> {
    return this.after(async () => {
      const { visit, unknownCodes } = this.read(context, note);
      const answers = await this.policy.answers(visit);
      const { slope, intercept } = this.pack.manifest.calibration;
      const probabilities = answers.map((z, drug) => sigmoid(slope * z + this.prior[drug]! + intercept));
      return { probabilities, unknownCodes };
    });
  }

  /**
   * The model edits the list of penalised decoding at every α as the paper does: one generation adds, one removes, and
   * (M_p ∪ add) \ remove is the list. What hard rules forbid, or may not stand beside a drug of M_p or a current medication, is
   * no branch of the tree; a list that is clearly worse by the model's own probabilities gives way to penalised decoding's.
   */
  lists(
    context: ClinicalContext,
    problem: DecodingProblem,
    note = '',
    alphas: readonly number[] = ALPHA_GRID,
  ): Promise<GridPoint[]> {
    const own = decode(problem, alphas);
    if (this.pack.manifest.lists === 'decoded') return Promise.resolve(own);
    return this.after(async () => {
      const places = new Map(problem.drugs.map((drug, place) => [drug, place]));
      const starts = own.map(({ list }) => list.map((drug) => places.get(drug)!));
      const current = currentConflicts(problem);
      const requests = alphas.flatMap((alpha, i): ListRequest[] =>
        (['add', 'remove'] as const).map((kind) => ({
          prompt: this.prompts.list(kind, starts[i]!, alpha),
          barred:
            kind === 'add' ? mayNotJoin(problem, starts[i]!, alpha, current) : others(problem, starts[i]!),
        })),
      );
      const written = await this.policy.write(this.read(context, note).visit, requests, greedyToken);
      return selectMonotone(
        alphas.map((_, i) => {
          const removed = written[2 * i + 1]!.steps;
          const added = admitted(problem, starts[i]!, removed, written[2 * i]!.steps, alphas[i]!);
          const actions = [...removed.map((drug) => problem.drugs.length + drug), ...added];
          const edited = replay(problem, own[i]!, starts[i]!, actions, current);
          return refused(edited, own[i]!) ? own[i]! : edited;
        }),
      );
    });
  }

  /** How often the formulary's tree kept the model from its most probable token, of all list tokens so far. */
  get constraint(): { readonly tokens: number; readonly corrected: number } {
    return this.policy.constraint;
  }

  async close(): Promise<void> {
    await this.last;
    await this.policy.close();
  }

  private read(
    context: ClinicalContext,
    note: string,
  ): { visit: TextVisit; unknownCodes: readonly string[] } {
    const { ids, weights, unknownCodes } = this.encoder.encode(context);
    const vectors = new Float32Array(this.vectors.length);
    this.vectors.write(ids, weights, vectors);
    const prompt = this.tokensOf(context, this.noteWithin(context, note));
    return {
      visit: { context: fitted(prompt, this.pack.manifest.shape.contextTokens), vectors },
      unknownCodes,
    };
  }

  private tokensOf(context: ClinicalContext, note: string): Tokens {
    return tokenise(this.pack.tokenizer, this.prompts.context(context, { history: true, note }), true);
  }

  /** The longest beginning of a note, in whole words, with which the context keeps within its tokens. */
  private noteWithin(context: ClinicalContext, note: string): string {
    const plain = plainNote(note);
    const ends = [0, ...[...plain.matchAll(/\S(?=\s|$)/g)].map(({ index }) => index + 1)].filter(
      (end) => end <= NOTE_LIMIT,
    );
    const fits = (end: number): boolean =>
      this.tokensOf(context, plain.slice(0, end)).ids.length <= this.pack.manifest.shape.contextTokens;
    let [low, high] = [0, ends.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (fits(ends[middle]!)) low = middle;
      else high = middle - 1;
    }
    return plain.slice(0, ends[low]);
  }

  private after<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }
}

type CurrentConflicts = ReturnType<typeof currentConflicts>;

/** Drugs that may not be added to a list at α: on it, excluded, unknown to the model, or barred by a pair. */
function mayNotJoin(
  problem: DecodingProblem,
  list: readonly number[],
  alpha: number,
  current: CurrentConflicts,
): Set<number> {
  const { drugs, excluded, probabilities, pairs } = problem;
  const barred = new Set(list);
  drugs.forEach((drug, i) => {
    const worst = list.reduce<number>((level, other) => Math.max(level, severityOf(pairs, i, other)), 0);
    const interacting = current.pairs[i]! > 0 || isPair(worst);
    if (
      excluded?.has(drug) ||
      !(probabilities[i]! > 0) ||
      worst >= HARD_RULE_SEVERITY ||
      (alpha === 1 && interacting)
    )
      barred.add(i);
  });
  return barred;
}

function others({ drugs }: DecodingProblem, list: readonly number[]): Set<number> {
  const kept = new Set(list);
  return new Set([...drugs.keys()].filter((drug) => !kept.has(drug)));
}

/** Of the drugs to add, in their order, those that may stand beside what is then on the list. */
function admitted(
  { pairs }: DecodingProblem,
  start: readonly number[],
  removed: readonly number[],
  added: readonly number[],
  alpha: number,
): number[] {
  const list = start.filter((drug) => !removed.includes(drug));
  return added.filter((drug) => {
    const worst = list.reduce<number>((level, other) => Math.max(level, severityOf(pairs, drug, other)), 0);
    if (worst >= HARD_RULE_SEVERITY || (alpha === 1 && isPair(worst))) return false;
    list.push(drug);
    return true;
  });
}
