/**
 * One visit on the screen: the recommendation, the slider's position, the physician's words, and the signature.
 * The slider picks from the reply and never calls the engine; an error never loses an edit.
 */

import type { Alternative } from '../../shared/alternatives.ts';
import type { Engine } from '../../shared/bridge.ts';
import type { VisitDetail, WireErrorData } from '../../shared/contract.ts';
import {
  findingsToOverride,
  type Decision,
  type DecisionInput,
  type DrugUse,
} from '../../shared/decision.ts';
import { OVERRIDE_SEVERITY, type DrugName } from '../../shared/domain.ts';
import { asId, type DecisionId, type DrugId, type VisitId } from '../../shared/ids.ts';
import { selectGridPoint, type GridPoint, type Recommendation } from '../../shared/recommendation.ts';
import type { GraphTarget } from '../graph/model.ts';
import { decisionContent } from './decision-input.ts';
import {
  editedList,
  editsOf,
  standingEdits,
  withoutLastStep,
  wordsOf,
  type Edit,
  type EditAction,
} from './edits.ts';
import { answerPairs } from './pairs.ts';
import type { HabitChoice } from './habit-choice.svelte.ts';
import { Outsiders } from './outsiders.svelte.ts';
import { problemOf } from './problem.ts';
import { distinct, setOf } from './sets.ts';
import { Signing } from './signing.svelte.ts';
import { excludedDrugs, listRows, mergedInteractions, namesOf, otherCandidates } from './list-view.ts';
import { VisitChecks } from './visit-checks.svelte.ts';

export type Phase = 'idle' | 'loading' | 'recommending' | 'saving';
export type Selection = GraphTarget;

export class VisitSession {
  readonly visitId: VisitId;
  phase = $state<Phase>('loading');
  problem = $state.raw<WireErrorData | null>(null);
  detail = $state.raw<VisitDetail | null>(null);
  reply = $state.raw<Recommendation | null>(null);
  alpha = $state(0);
  edits = $state.raw<readonly Edit[]>([]);
  selection = $state.raw<Selection | null>(null);
  /** Alternatives that the physician is looking at; the graph draws them beside the list. */
  considered = $state.raw<readonly Alternative[]>([]);
  readonly signing = new Signing();
  readonly checks: VisitChecks;
  /** What the tables said of drugs that the reply does not hold. */
  readonly outside: Outsiders;
  #lastSave: { readonly content: string; readonly id: DecisionId } | null = null;
  /** True while the recommendation on the screen is from before a change of the visit. */
  outdated = $state(false);
  /** Edits that an amendment started from; they are not undone. */
  #given = $state(0);
  /** True while a saved decision is shown although another recommendation could be asked for. */
  readonly showsDecision = $derived(this.reply === null && (this.detail?.decisions.length ?? 0) > 0);

  readonly grid = $derived<readonly GridPoint[]>(this.reply?.grid ?? []);
  readonly point = $derived(this.grid.length > 0 ? selectGridPoint(this.grid, this.alpha) : null);
  readonly position = $derived(this.point ? this.grid.indexOf(this.point) : 0);
  readonly proposed = $derived<readonly DrugId[]>(this.point?.list ?? []);
  readonly list = $derived(editedList(this.proposed, this.edits));
  readonly standing = $derived(standingEdits(this.edits));
  readonly current = $derived<readonly DrugName[]>(
    this.reply?.currentMedications ?? this.detail?.currentMedications ?? [],
  );
  readonly currentIds = $derived(this.current.map((drug) => drug.id));
  readonly names = $derived(namesOf(this.detail, this.reply, this.edits));

  /** Drugs on the screen that the reply holds no interactions of. */
  readonly outsiders = $derived.by(() => {
    const known = setOf(this.#candidateIds(), this.currentIds);
    return this.list.filter((drug) => !known.has(drug));
  });
  readonly unchecked = $derived(setOf(this.outsiders.filter((drug) => !this.outside.answer.drugs.has(drug))));
  readonly interactions = $derived.by(() => mergedInteractions(this.reply, this.outside.answer.report));
  readonly notCovered = $derived.by(() =>
    setOf(this.reply?.notCovered ?? [], this.outside.answer.report.notCovered),
  );
  readonly pairs = $derived(
    answerPairs({
      list: this.list,
      current: this.currentIds,
      interactions: this.interactions,
      notCovered: this.notCovered,
      unchecked: this.unchecked,
    }),
  );
  readonly rows = $derived(
    listRows({
      reply: this.reply,
      proposed: this.proposed,
      list: this.list,
      standing: this.standing,
      pairs: this.pairs,
      names: this.names,
    }),
  );
  readonly removedRows = $derived(
    [...this.standing.values()].filter((edit) => edit.action === 'remove').map((edit) => edit.drug),
  );
  readonly excluded = $derived(excludedDrugs(this.reply, this.list));
  readonly others = $derived(otherCandidates(this.reply, this.list, this.standing));
  /** Drugs of the list that the physician has not said a word on. */
  readonly undecided = $derived(this.rows.filter(({ verdict }) => verdict === 'undecided'));
  /** Pairs, and findings besides them, that need a written reason before the list can be signed. */
  readonly toOverride = $derived(this.pairs.found.filter((pair) => pair.severity >= OVERRIDE_SEVERITY));
  readonly findingsToOverride = $derived.by(() =>
    findingsToOverride(this.checks.answer?.report.findings ?? [], {
      list: this.list,
      current: this.currentIds,
      pairs: [...this.pairs.found, ...this.pairs.amongCurrent],
    }),
  );
  /** Drugs of the list about which the checks have not answered. */
  readonly unansweredDrugs = $derived.by(() =>
    this.list.filter((drug) => !this.checks.answer?.drugs.has(drug) && !this.currentIds.includes(drug)),
  );
  readonly dirty = $derived(this.edits.length > this.#given || this.signing.amending !== null);
  readonly lastEdit = $derived(this.edits.length > this.#given ? this.edits.at(-1) : undefined);

  readonly #engine: Engine;
  readonly #habits: HabitChoice;
  #recommendationsAsked = 0;

  constructor(engine: Engine, visitId: VisitId, habits: HabitChoice) {
    this.#engine = engine;
    this.#habits = habits;
    this.checks = new VisitChecks(engine);
    this.outside = new Outsiders(engine);
    this.visitId = visitId;
  }

  nameOf = (drug: DrugId): string => this.names.get(drug)?.name ?? drug;

  async load(): Promise<void> {
    await this.#during('loading', async () => {
      this.detail = await this.#engine.call('visits.get', { visitId: this.visitId });
    });
  }

  /** Shows the visit as it was changed; a recommendation stays on the screen and is said to be from before. */
  takeChanged(detail: VisitDetail): void {
    const readsNote = this.reply?.warnings.some(({ kind }) => kind === 'note-read') ?? false;
    const inputs = (visit: VisitDetail['visit'] | undefined): string =>
      JSON.stringify([
        visit?.context,
        visit?.allergies,
        visit?.pregnancy,
        visit?.lactation,
        visit?.measurements,
        readsNote ? visit?.notes : null,
      ]);
    const changed = inputs(detail.visit) !== inputs(this.detail?.visit);
    this.detail = detail;
    this.outdated ||= this.reply !== null && changed;
  }

  /** Asks for a recommendation; edits, reasons and slider position stay. */
  async recommend(): Promise<void> {
    await this.#during('recommending', async () => {
      const question = ++this.#recommendationsAsked;
      const { visitId } = this;
      const reply = await this.#engine.call('recommend', { visitId, useHabits: this.#habits.on });
      if (question !== this.#recommendationsAsked) return; // A later question answers for this one.
      this.reply = reply;
      this.outdated = false;
      this.selection = null;
    });
    await this.checkOutsiders();
  }

  /** Moves the slider to a position of the grid. */
  moveTo(position: number): void {
    const point = this.grid[position];
    if (point) this.alpha = point.alpha;
  }

  edit(action: EditAction, drug: DrugName, inFormulary: boolean | null = null, use?: DrugUse): Promise<void> {
    this.edits = [...this.edits, { action, drug, inFormulary, ...(use ? { use } : {}) }];
    return this.checkOutsiders();
  }

  undo(): Promise<void> {
    if (this.lastEdit !== undefined) this.edits = withoutLastStep(this.edits);
    return this.checkOutsiders();
  }

  /** One drug of the list goes and another comes, in one step. */
  replace(drug: DrugName, by: DrugName): Promise<void> {
    const comes: Edit = { action: 'add', drug: by, inFormulary: true, joined: true };
    this.edits = [...this.edits, { action: 'remove', drug, inFormulary: null }, comes];
    return this.checkOutsiders();
  }

  /** Writes in how a drug of the list is to be taken, which accepts it. */
  setUse(drug: DrugName, use: DrugUse): Promise<void> {
    const before = this.standing.get(drug.id);
    const action = before?.action === 'add' ? 'add' : 'modify';
    return this.edit(action, drug, before?.inFormulary ?? null, use);
  }

  /** Starts a new version of a decision from what it says, on its own recommendation where that still holds. */
  async amend(decision: Decision): Promise<void> {
    await this.#during('recommending', async () => {
      const { visitId } = this;
      const { recommendation } = await this.#engine.call('decisions.basis', { decisionId: decision.id });
      const reply =
        recommendation ?? (await this.#engine.call('recommend', { visitId, useHabits: this.#habits.on }));
      this.#forget();
      this.edits = editsOf(decision, (drug) => this.names.get(drug));
      this.#given = this.edits.length;
      this.signing.startFrom(decision);
      this.alpha = decision.alpha;
      this.reply = reply;
    });
    await this.checkOutsiders();
  }

  /** Leaves the recommendation and its edits, back to the saved decision or the untouched visit. */
  discard(): void {
    this.#forget();
    this.problem = null;
  }

  /** Asks the tables about drugs that the reply does not hold; called on edits only. */
  async checkOutsiders(): Promise<void> {
    if (this.unchecked.size === 0) return;
    const { outsiders } = this;
    await this.outside.ask(outsiders, distinct(outsiders, this.#candidateIds(), this.currentIds));
  }

  /** Signs the list on the screen. @returns the decision, or null when something is missing or the engine refused (see `problem`) */
  async sign(passphrase: string | null = null): Promise<Decision | null> {
    const input = this.#decisionInput();
    if (input === null) return null;
    let saved: Decision | null = null;
    await this.#during('saving', async () => {
      if (passphrase !== null)
        await this.#engine.call('session.confirm', { passphrase, decisionId: input.id });
      saved = await this.#engine.call('decisions.save', input);
      if (this.detail) this.detail = { ...this.detail, decisions: [saved, ...this.detail.decisions] };
      this.#forget();
    });
    return saved;
  }

  #candidateIds(): readonly DrugId[] {
    return (this.reply?.candidates ?? []).map((candidate) => candidate.drug.id);
  }

  #decisionInput(): DecisionInput | null {
    const { reply, point } = this;
    if (reply === null || point === null || this.undecided.length > 0) return null;
    const { visitId, toOverride: pairs, findingsToOverride: findings, signing } = this;
    const words = wordsOf(this.edits);
    const content = decisionContent({
      visitId,
      reply,
      alpha: point.alpha,
      ...words,
      pairs,
      findings,
      signing,
    });
    return content && { id: this.#decisionIdFor(JSON.stringify(content)), ...content };
  }

  /** The same id for the same content: a save repeated after a lost answer is stored once. */
  #decisionIdFor(content: string): DecisionId {
    if (this.#lastSave?.content !== content)
      this.#lastSave = { content, id: asId<DecisionId>(crypto.randomUUID()) };
    return this.#lastSave.id;
  }

  #forget(): void {
    this.reply = null;
    this.outdated = false;
    this.alpha = 0;
    this.edits = [];
    this.selection = null;
    this.#given = 0;
    this.signing.clear();
    this.outside.clear();
  }

  async #during(phase: Phase, work: () => Promise<void>): Promise<void> {
    this.phase = phase;
    this.problem = null;
    try {
      await work();
    } catch (thrown) {
      this.problem = problemOf(thrown);
    } finally {
      this.phase = 'idle';
    }
  }
}
