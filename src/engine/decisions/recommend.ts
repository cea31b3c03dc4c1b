/**
 * recommend(): scores a visit, applies the hard rules, decodes one list for each slider position and gathers all that
 * is recorded of the drugs in play. Stores nothing; docs/references/recommendation.md explains every part.
 */

import { createHash } from 'node:crypto';
import { factsOf, type VisitFacts } from '../../checks/facts.ts';
import type { DecodingProblem } from '../../flame/lists/decoding.ts';
import { decodingPairs, DuplicateTherapy } from '../../flame/lists/formulary-pairs.ts';
import { exclusionsOf } from '../../flame/lists/hard-rules.ts';
import type { PairMatrix } from '../../flame/lists/pair-matrix.ts';
import { readAllergies } from '../../knowledge/allergies.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { HARD_RULE_SEVERITY, type ClinicalContext, type Visit } from '../../shared/domain.ts';
import type { DrugId, RecommendationId, VisitId } from '../../shared/ids.ts';
import {
  NO_HABITS,
  type Candidate,
  type Exclusion,
  type GridPoint,
  type Habits,
  type Recommendation,
  type RecommendationWarning,
} from '../../shared/recommendation.ts';
import type { DecisionHabits } from './decision-habits.ts';
import { PatientExclusions } from './patient-exclusions.ts';
import { newId } from '../store/ids.ts';

/** The model as recommend() needs it; src/engine/models/model.ts makes one of a model pack. */
export interface VisitModel {
  readonly name: string;
  readonly version: string;
  readonly formulary: readonly DrugId[];
  readonly front: Recommendation['front'];
  /** Calibrated probabilities in formulary order, and the codes that the model could not read. */
  score(
    context: ClinicalContext,
    note: string,
  ): Promise<{ readonly probabilities: ArrayLike<number>; readonly unknownCodes: readonly string[] }>;
  /** One list for each position of ALPHA_GRID under the hard rules of the problem; the pairs never rise along it. */
  lists(context: ClinicalContext, problem: DecodingProblem, note: string): Promise<GridPoint[]>;
  /** Of models that read the visit's note: how much of one is read. Absent: notes change nothing. */
  noteRead?(context: ClinicalContext, note: string): NoteExtent;
}

/** Characters of a note that a model reads, from its beginning, and all that it has. */
export interface NoteExtent {
  readonly read: number;
  readonly characters: number;
}

export type RecommendInput = Pick<Visit, 'id' | 'notes'> & VisitFacts;

export interface RecommendOptions {
  /** What the clinic decided before; a caller without a database has none. */
  readonly habits?: DecisionHabits;
  /** False builds the lists from the model's own probabilities; true unless said. */
  readonly useHabits?: boolean;
  readonly onTimes?: (times: RecommendTimes) => void;
}

/** Milliseconds of each stage, for the benchmark. */
export interface RecommendTimes {
  readonly score: number;
  readonly decode: number;
  readonly gather: number;
}

/** Candidates shown besides the drugs of the lists. */
const RUNNERS_UP = 25;
/** The age from which the training visits are those of adults; a tenth of them are younger. */
const ADULT = 18;

export class Recommender {
  readonly #knowledge: Knowledge;
  readonly #model: VisitModel;
  /** The formulary in the tables' spelling, in formulary order. */
  readonly #canonical: readonly DrugId[];
  readonly #pairs: PairMatrix;
  readonly #duplicates: DuplicateTherapy;
  readonly #patientRules: PatientExclusions;
  /** Severities of one current medication against the formulary, kept because patients take the same drugs. */
  readonly #rows = new Map<DrugId, Uint8Array>();

  constructor(knowledge: Knowledge, model: VisitModel) {
    this.#knowledge = knowledge;
    this.#model = model;
    this.#canonical = model.formulary.map((drug) => knowledge.drugs.canonical(drug));
    this.#duplicates = new DuplicateTherapy(knowledge);
    this.#patientRules = new PatientExclusions(knowledge);
    this.#pairs = decodingPairs(model.formulary, knowledge);
  }

  /** @throws what the model throws; the visit itself may hold anything */
  async recommend(visit: RecommendInput, options: RecommendOptions = {}): Promise<Recommendation> {
    const started = performance.now();
    const extent = this.#model.noteRead?.(visit.context, visit.notes);
    const { probabilities: scores, unknownCodes } = await this.#model.score(visit.context, visit.notes);
    const scored = performance.now();
    const { probabilities, habits } = this.#withHabits(visit.id, scores, options);

    const current = [...new Set(visit.context.currentMedications)];
    const allergies = readAllergies(this.#knowledge.drugs, visit.allergies);
    const exclusions = this.exclusionsFor(visit);
    const problem = {
      drugs: this.#model.formulary,
      probabilities,
      pairs: this.#pairs,
      currentRows: current.map((drug) => this.#severitiesOf(this.#knowledge.drugs.canonical(drug))),
      excluded: new Set(exclusions.keys()),
    };
    const grid = await this.#model.lists(visit.context, problem, visit.notes);
    const decoded = performance.now();

    const candidates = this.#candidates(probabilities, habits, grid, exclusions);
    const inPlay = [...new Set([...candidates.map(({ drug }) => drug.id), ...current])];
    const notCovered = this.#knowledge.interactions.notCovered(inPlay);
    const reply: Recommendation = {
      id: newId<RecommendationId>(),
      visitId: visit.id,
      createdAt: new Date().toISOString(),
      model: { name: this.#model.name, version: this.#model.version },
      knowledgeVersion: this.#knowledge.version,
      contextHash: contextHash(visit, extent ? visit.notes : undefined),
      currentMedications: current.map((drug) => this.#knowledge.drugs.name(drug)),
      candidates,
      scores: this.#byDrug(scores),
      habits,
      allergens: [...allergies.excluded].map(([drug, allergy]) => ({ drug, allergy })),
      grid,
      interactions: this.#knowledge.interactions.among(inPlay),
      notCovered,
      warnings: this.#warnings(visit, {
        unknownCodes,
        notUnderstood: allergies.notUnderstood,
        notCovered: notCovered.filter(
          (drug) => current.includes(drug) || grid.some(({ list }) => list.includes(drug)),
        ),
        note: extent ?? null,
      }),
      front: this.#model.front,
    };
    options.onTimes?.({
      score: scored - started,
      decode: decoded - scored,
      gather: performance.now() - decoded,
    });
    return reply;
  }

  /** The probabilities to decode. The hard rules come after and know nothing of habits. */
  #withHabits(
    visit: VisitId,
    scores: ArrayLike<number>,
    { habits, useHabits = true }: RecommendOptions,
  ): { readonly probabilities: ArrayLike<number>; readonly habits: Habits } {
    const adjusted = habits?.adjust(visit, scores);
    if (!adjusted) return { probabilities: scores, habits: NO_HABITS };
    const { decisions, probabilities, factors } = adjusted;
    if (!useHabits || decisions === 0) return { probabilities: scores, habits: { ...NO_HABITS, decisions } };
    return { probabilities, habits: { decisions, used: true, factors: this.#byDrug(factors) } };
  }

  #byDrug(values: ArrayLike<number>): Record<string, number> {
    return Object.fromEntries(this.#model.formulary.map((drug, i) => [drug, values[i]!]));
  }

  /** The hard rules of a visit against drugs of the formulary, each with its reasons. */
  exclusionsFor(visit: RecommendInput): ReadonlyMap<DrugId, readonly Exclusion[]> {
    const { drugs } = this.#knowledge;
    const current = [...new Set(visit.context.currentMedications)];
    const spelling = new Map(this.#canonical.map((drug, i) => [drug, this.#model.formulary[i]!]));
    const found = exclusionsOf({
      drugs: this.#canonical,
      currentMedications: current.map((drug) => drugs.canonical(drug)),
      allergies: readAllergies(drugs, visit.allergies).excluded,
      severity: (a, b) => this.#knowledge.interactions.severity(a, b),
      duplicateClass: (a, b) => this.#duplicates.between(a, b),
    });
    const excluded = new Map([...found].map(([drug, reasons]) => [spelling.get(drug)!, reasons]));
    for (const [drug, rules] of this.#patientRules.of(factsOf(visit), this.#model.formulary)) {
      const held = excluded.get(drug) ?? [];
      const told = held.some(({ kind }) => kind === 'allergy');
      const news = rules.filter(
        (rule) => !(told && rule.kind === 'patient-rule' && rule.check === 'allergies'),
      );
      if (news.length > 0) excluded.set(drug, [...held, ...news]);
    }
    return excluded;
  }

  /** Severities of one current medication with the formulary. */
  #severitiesOf(drug: DrugId): Uint8Array {
    let row = this.#rows.get(drug);
    if (!row) {
      row = Uint8Array.from(this.#canonical, (other) => this.#knowledge.interactions.severity(drug, other));
      this.#rows.set(drug, row);
    }
    return row;
  }

  /** Every drug of every list and the most probable others, by falling probability, ties by name. */
  #candidates(
    probabilities: ArrayLike<number>,
    { factors }: Habits,
    grid: readonly GridPoint[],
    exclusions: ReadonlyMap<DrugId, readonly Exclusion[]>,
  ): Candidate[] {
    const { formulary } = this.#model;
    const ranked = [...formulary.keys()].sort(
      (i, j) => probabilities[j]! - probabilities[i]! || (formulary[i]! < formulary[j]! ? -1 : 1),
    );
    const listed = new Set(grid.flatMap(({ list }) => list));
    return ranked
      .filter((i, rank) => rank < RUNNERS_UP || listed.has(formulary[i]!))
      .map((i) => {
        const id = formulary[i]!;
        const fixed = exclusions.get(id) ?? [];
        return {
          drug: this.#knowledge.drugs.name(id),
          probability: probabilities[i]!,
          habitFactor: factors[id] ?? 1,
          exclusions: listed.has(id) ? fixed : [...fixed, ...this.#blockedBy(i, grid)],
        };
      });
  }

  /** The drug that keeps another one off every list of the grid because the two may never stand together. */
  #blockedBy(index: number, grid: readonly GridPoint[]): Exclusion[] {
    const { size, levels } = this.#pairs;
    const blocker = (list: readonly DrugId[]): DrugId | undefined =>
      list.find((drug) => levels[index * size + this.#model.formulary.indexOf(drug)]! >= HARD_RULE_SEVERITY);
    const blockers = grid.map(({ list }) => blocker(list));
    const [first] = blockers;
    if (first === undefined || blockers.includes(undefined)) return [];
    const drugClass = this.#duplicates.between(
      this.#canonical[index]!,
      this.#knowledge.drugs.canonical(first),
    );
    return drugClass === null
      ? [{ kind: 'contraindicated-pair', with: first }]
      : [{ kind: 'duplicate-class', with: first, drugClass }];
  }

  #warnings(
    { context }: RecommendInput,
    found: {
      readonly unknownCodes: readonly string[];
      readonly notUnderstood: readonly string[];
      readonly notCovered: readonly DrugId[];
      readonly note: NoteExtent | null;
    },
  ): RecommendationWarning[] {
    const warnings: RecommendationWarning[] = [];
    if (context.setting !== 'office' && context.setting !== 'unknown') {
      warnings.push({ kind: 'outside-training-population', reason: 'inpatient' });
    }
    if (context.age < ADULT) warnings.push({ kind: 'outside-training-population', reason: 'paediatric' });
    if (context.diagnoses.length + context.chronic.length === 0) {
      warnings.push({ kind: 'outside-training-population', reason: 'no-diagnosis' });
    }
    if (found.notUnderstood.length > 0) {
      warnings.push({ kind: 'allergy-not-understood', entries: found.notUnderstood });
    }
    const known = new Set([...this.#model.formulary, ...this.#canonical]);
    const outside = context.currentMedications.filter((drug) => !known.has(drug));
    if (outside.length > 0) warnings.push({ kind: 'current-medication-outside-formulary', drugs: outside });
    if (found.notCovered.length > 0) warnings.push({ kind: 'not-covered', drugs: found.notCovered });
    if (found.unknownCodes.length > 0) warnings.push({ kind: 'unknown-codes', codes: found.unknownCodes });
    if (found.note && found.note.characters > 0) warnings.push({ kind: 'note-read', ...found.note });
    return warnings;
  }
}

/**
 * Changes when anything changes that a recommendation is made from, besides the model and the tables. Facts that only the
 * rules read count when they are recorded, so that visits without them keep the hash of earlier versions.
 * @param note of the visit, empty or not, where the model reads notes
 */
export function contextHash(visit: VisitFacts, note?: string): string {
  const { context, allergies, pregnancy, lactation, measurements } = visit;
  // What was decided before is no content of this visit: a decision entered late makes no recommendation outdated.
  const { diagnoses, earlierVisits: _earlierVisits, ...rest } = context;
  const { creatinine, weight } = measurements;
  const recorded = Object.entries({ pregnancy, lactation, creatinine, weight }).filter(
    ([, value]) => value !== null && value !== 'unknown',
  );
  const fields = [
    ...Object.entries({ ...rest, allergies, diagnoses: diagnoses.map((d) => [d.system, d.code]) }),
    ...recorded,
    ...(note === undefined ? [] : ([['note', note]] as const)),
  ];
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

/** Whether a recommendation was made from what the visit holds now, its note included where the model read notes. */
export function isMadeFrom(
  { contextHash: made }: Pick<Recommendation, 'contextHash'>,
  visit: VisitFacts & Pick<Visit, 'notes'>,
): boolean {
  return made === contextHash(visit) || made === contextHash(visit, visit.notes);
}
