/** What a local model must beat on the same held-out visits: frequency, logistic regression, the previous visit copied. */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { MeasuredModel } from '../../shared/finetune.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { DrugLists, ScoreTable } from '../evaluation/metrics.ts';
import { sigmoid } from '../probability.ts';
import { expectedJaccardList } from '../lists/set-rules.ts';
import { siteFormulary } from '../site/adapt.ts';
import { askExperts, type Experts, fitExperts } from '../site/experts.ts';
import { withPreviousList } from '../site/patient-history.ts';
import { SiteEncoder } from '../site/site-encoder.ts';
import { labelsOf, positionsOf, type SiteVisit } from '../site/site-visits.ts';

export interface BaselineAnswer {
  readonly model: Extract<MeasuredModel, 'frequency' | 'logistic-regression' | 'previous-visit'>;
  readonly lists: DrugLists;
  /** Null where lists are copied. */
  readonly scores: ScoreTable | null;
}

/** Drugs that fewer learning visits hold are left to no baseline. */
const DRUG_VISITS = 2;

export class SiteBaselines {
  readonly #formulary: readonly DrugId[];
  readonly #encoder: SiteEncoder;
  readonly #experts: Experts;

  constructor(visits: readonly SiteVisit[], knowledge: Pick<Knowledge, 'codes'>) {
    this.#formulary = siteFormulary(visits, DRUG_VISITS);
    const contexts = visits.map(({ context }) => context);
    this.#encoder = SiteEncoder.learn(contexts, this.#formulary, knowledge);
    this.#experts = fitExperts(
      contexts.map((context) => this.#encoder.encode(context)),
      labelsOf(visits, this.#formulary),
      this.#formulary.length,
      this.#encoder.features,
    );
  }

  /** Answers in positions of `union`. */
  lists(visits: readonly SiteVisit[], union: readonly DrugId[]): BaselineAnswer[] {
    const place = new Map(union.map((drug, i) => [drug, i]));
    const places = this.#formulary.map((drug) => place.get(drug) ?? -1);
    const inputs = visits.map(({ context }) => this.#encoder.encode(context));
    const opinions = askExperts(this.#experts, inputs, this.#encoder.features);
    const tableOf = (rows: readonly Float32Array[]): ScoreTable => {
      const values = new Float32Array(visits.length * union.length);
      rows.forEach((row, visit) =>
        row.forEach((score, drug) => {
          if (places[drug]! >= 0) values[visit * union.length + places[drug]!] = sigmoid(score);
        }),
      );
      return { visits: visits.length, drugs: union.length, values };
    };
    const listed = (scores: ScoreTable): number[][] =>
      visits.map((_, visit) =>
        expectedJaccardList(scores.values.subarray(visit * union.length, (visit + 1) * union.length)),
      );
    const frequency = tableOf(visits.map(() => this.#experts.base));
    const logistic = tableOf(opinions.map(({ fromCodes }) => fromCodes));
    const byLogistic = listed(logistic);
    return [
      { model: 'frequency', lists: listed(frequency), scores: frequency },
      { model: 'logistic-regression', lists: byLogistic, scores: logistic },
      {
        model: 'previous-visit',
        lists: visits.map(({ context }, at) => {
          const copied = positionsOf(withPreviousList(context).previousMedications, place);
          return copied.length > 0 ? copied : byLogistic[at]!;
        }),
        scores: null,
      },
    ];
  }
}
