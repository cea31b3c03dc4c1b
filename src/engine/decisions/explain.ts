/**
 * The reasons for and against a drug of a recommendation: what each entry of the visit does to its probability, indications,
 * co-prescription, the slider, similar visits. Reports what was counted; claims no cause.
 */

import { leaveOneOut, type EntryScores, type ScoredVisit } from '../../flame/classifier/leave-one-out.ts';
import { matchIndications } from '../../knowledge/indication-match.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { EVALUATION_SEVERITY, type ClinicalContext } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import {
  NEGLIGIBLE_CHANGE,
  type CoPrescription,
  type EntryEffect,
  type ModelReasons,
  type Reasons,
  type SliderReasons,
} from '../../shared/reasons.ts';
import {
  probabilityOf,
  selectGridPoint,
  type GridPoint,
  type ListStep,
  type Recommendation,
} from '../../shared/recommendation.ts';
import { countAmong, mostSimilar } from './similar.ts';
import type { PastVisit } from '../store/similar-visits.ts';
import { entryCode, titlesOfVisit } from './visit-titles.ts';

/** The model as reasons need it; src/engine/models/model.ts makes one of a model pack. */
export interface ExplainedModel {
  readonly formulary: readonly DrugId[];
  /** Calibrated probabilities of each visit, in formulary order, all in one batch. */
  scoreEach(visits: readonly ScoredVisit[]): Promise<readonly ArrayLike<number>[]>;
}

export interface ExplainQuestion {
  readonly recommendation: Recommendation;
  /** The visit that the recommendation was made from. */
  readonly context: ClinicalContext;
  readonly note: string;
  readonly drug: DrugId;
  /** The slider position. */
  readonly alpha: number;
}

/** What all drugs of a recommendation share. */
interface Evidence {
  readonly scores: EntryScores;
  readonly similar: readonly PastVisit[];
}

/** Recommendations whose evidence is kept: the open one and a few that were left. */
const KEPT = 4;
const MOST_PARTNERS = 4;

export class Explainer {
  readonly #knowledge: Knowledge;
  readonly #model: ExplainedModel;
  readonly #positions: ReadonlyMap<DrugId, number>;
  readonly #kept = new Map<string, Promise<Evidence>>();

  constructor(knowledge: Knowledge, model: ExplainedModel) {
    this.#knowledge = knowledge;
    this.#model = model;
    this.#positions = new Map(model.formulary.map((drug, i) => [drug, i]));
  }

  /**
   * The visit is scored once for each entry at the first question about a recommendation; further drugs cost no scoring.
   * @param past reads the visits to compare with, at that first question
   * @throws what the model throws
   */
  async explain(question: ExplainQuestion, past: () => readonly PastVisit[]): Promise<Reasons> {
    const { context, drug, recommendation } = question;
    const { scores, similar } = await this.#evidenceOf(question, past);
    const position = this.#positions.get(drug);
    return {
      drug: this.#knowledge.drugs.name(drug),
      model: position === undefined ? null : this.#modelReasons(scores, context, position),
      probability: probabilityOf(recommendation, drug),
      indications: this.#indications(drug, context),
      coPrescriptions: this.#coPrescriptions(question),
      slider: sliderReasons(recommendation.grid, drug, question.alpha),
      pairs: this.#pairs(question),
      similar: countAmong(similar, drug),
      warnings: recommendation.warnings.filter(({ kind }) => ABOUT_THE_MODEL.has(kind)),
    };
  }

  #evidenceOf(
    { recommendation: { id, warnings }, context, note }: ExplainQuestion,
    past: () => readonly PastVisit[],
  ): Promise<Evidence> {
    let evidence = this.#kept.get(id);
    if (!evidence) {
      const isRead = warnings.some((warning) => warning.kind === 'note-read' && warning.read > 0);
      evidence = this.#gather({ context, note: isRead ? note : '' }, past);
      this.#kept.set(id, evidence);
      evidence.catch(() => this.#kept.delete(id));
      for (const old of [...this.#kept.keys()].slice(0, -KEPT)) this.#kept.delete(old);
    }
    return evidence;
  }

  async #gather(visit: ScoredVisit, past: () => readonly PastVisit[]): Promise<Evidence> {
    const scores = await leaveOneOut(visit, (variants) => this.#model.scoreEach(variants));
    return { scores, similar: mostSimilar(visit.context, past(), this.#knowledge.codes.maps) };
  }

  #modelReasons(
    { entries, whole, blank, without }: EntryScores,
    context: ClinicalContext,
    position: number,
  ): ModelReasons {
    const probability = whole[position]!;
    const effects = entries.map((entry, i): EntryEffect => ({
      kind: entry.kind,
      entry: entryCode(this.#knowledge, entry, context),
      change: probability - without[i]![position]!,
    }));
    const noted = effects.filter(({ change }) => Math.abs(change) >= NEGLIGIBLE_CHANGE);
    return {
      probability,
      unknowing: blank[position]!,
      raised: noted.filter(({ change }) => change > 0).sort((a, b) => b.change - a.change),
      lowered: noted.filter(({ change }) => change < 0).sort((a, b) => a.change - b.change),
      negligible: effects.length - noted.length,
    };
  }

  #indications(drug: DrugId, context: ClinicalContext): Reasons['indications'] {
    const { texts, drugs } = this.#knowledge;
    const recorded = texts.indications(drugs.canonical(drug));
    const titles = titlesOfVisit(this.#knowledge, context);
    return { recorded: recorded.length, matched: matchIndications(recorded, titles) };
  }

  #coPrescriptions({ recommendation, drug, alpha, context }: ExplainQuestion): CoPrescription[] | null {
    const { drugs, coPrescriptions } = this.#knowledge;
    const partners = coPrescriptions.of(drugs.canonical(drug));
    if (partners === null) return null;
    const { list } = selectGridPoint(recommendation.grid, alpha);
    const beside = new Map([...list, ...context.currentMedications].map((id) => [drugs.canonical(id), id]));
    const taken = new Set(context.currentMedications);
    return partners
      .flatMap(({ drug: partner, together, visits, lift }) => {
        const id = beside.get(partner);
        if (id === undefined || id === drug) return [];
        return { partner: drugs.name(id), taken: taken.has(id), share: together / visits, lift };
      })
      .sort((a, b) => b.lift - a.lift)
      .slice(0, MOST_PARTNERS);
  }

  #pairs({ recommendation, drug, alpha }: ExplainQuestion): number {
    const { interactions, drugs } = this.#knowledge;
    const taken = recommendation.currentMedications.map(({ id }) => id);
    const beside = new Set([...selectGridPoint(recommendation.grid, alpha).list, ...taken]);
    beside.delete(drug);
    const severities = [...beside].map((other) =>
      interactions.severity(drugs.canonical(drug), drugs.canonical(other)),
    );
    return severities.filter((severity) => severity >= EVALUATION_SEVERITY).length;
  }
}

/** Warnings that bear on what the model says; the others stand with the interactions and allergies. */
const ABOUT_THE_MODEL = new Set<Recommendation['warnings'][number]['kind']>([
  'unknown-codes',
  'current-medication-outside-formulary',
  'outside-training-population',
  'note-read',
]);

function sliderReasons(grid: readonly GridPoint[], drug: DrugId, alpha: number): SliderReasons {
  const here = grid.indexOf(selectGridPoint(grid, alpha));
  const positions = [...grid.keys()].filter((at) => grid[at]!.list.includes(drug));
  const proposed = positions.includes(here);
  const leaves = proposed ? grid.findIndex(({ list }, at) => at > here && !list.includes(drug)) : -1;
  return {
    proposed,
    step: lastStep(grid[here]!, drug),
    positions,
    of: grid.length,
    leaves: leaves < 0 ? null : { position: leaves, step: lastStep(grid[leaves]!, drug) },
  };
}

function lastStep({ steps }: GridPoint, drug: DrugId): ListStep | null {
  return steps.findLast((step) => step.drug === drug) ?? null;
}
