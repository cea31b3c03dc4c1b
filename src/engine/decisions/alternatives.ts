/**
 * Alternatives to a drug of an interacting pair: related drugs of the formulary that resolve the pair, with what each would
 * bring. Replaces nothing, and proposes nothing that a hard rule excludes.
 */

import type { Checker } from '../../checks/checker.ts';
import { factsOf } from '../../checks/facts.ts';
import { DuplicateTherapy } from '../../flame/lists/formulary-pairs.ts';
import { matchIndications } from '../../knowledge/indication-match.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { Alternative, Alternatives, Kinship } from '../../shared/alternatives.ts';
import { EVALUATION_SEVERITY, HARD_RULE_SEVERITY, OVERRIDE_SEVERITY } from '../../shared/domain.ts';
import type { FoundFinding } from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import { probabilityOf, type Exclusion, type Recommendation } from '../../shared/recommendation.ts';
import type { RecommendInput } from './recommend.ts';
import { titlesOfVisit } from './visit-titles.ts';

export interface AlternativesQuestion {
  readonly visit: RecommendInput;
  readonly recommendation: Recommendation;
  readonly pair: readonly [DrugId, DrugId];
  /** The list on the screen. */
  readonly list: readonly DrugId[];
  readonly exclusions: ReadonlyMap<DrugId, readonly Exclusion[]>;
}

const MOST = 5;
/** Classes of chemistry and broad effect (MeSH, ChEBI) would make relatives of nearly everything. */
const CLASS_KINDS = new Set(['EPC', 'Flame']);

export class AlternativeFinder {
  readonly #knowledge: Knowledge;
  readonly #formulary: readonly DrugId[];
  readonly #checker: Checker;
  readonly #duplicates: DuplicateTherapy;

  constructor(knowledge: Knowledge, formulary: readonly DrugId[], checker: Checker) {
    this.#knowledge = knowledge;
    this.#formulary = formulary;
    this.#checker = checker;
    this.#duplicates = new DuplicateTherapy(knowledge);
  }

  /** For each drug of the pair that stands on the list; a drug that was taken before the visit is not replaced here. */
  find(question: AlternativesQuestion): Alternatives[] {
    const { pair, list, visit } = question;
    const taken = new Set(visit.context.currentMedications);
    return pair
      .filter((drug) => list.includes(drug) && !taken.has(drug))
      .map((drug) => this.#alternativesTo(drug, pair[0] === drug ? pair[1] : pair[0], question));
  }

  #alternativesTo(drug: DrugId, partner: DrugId, question: AlternativesQuestion): Alternatives {
    const { visit, recommendation, list, exclusions } = question;
    const rest = [...new Set([...list, ...visit.context.currentMedications])].filter((one) => one !== drug);
    const present = new Set([...rest, drug].map((one) => this.#knowledge.drugs.canonical(one)));
    const kinshipOf = this.#kinshipWith(drug, question);
    const resolved = this.#severity(drug, partner);
    let unresolved = 0;
    const found: {
      readonly id: DrugId;
      readonly kinship: readonly Kinship[];
      readonly probability: number;
    }[] = [];
    for (const id of this.#formulary) {
      if (present.has(this.#knowledge.drugs.canonical(id)) || exclusions.has(id)) continue;
      const kinship = kinshipOf(id);
      if (kinship.length === 0 || rest.some((other) => this.#mayNotStandWith(id, other))) continue;
      if (this.#severity(id, partner) >= Math.max(resolved, EVALUATION_SEVERITY)) unresolved += 1;
      else found.push({ id, kinship, probability: probabilityOf(recommendation, id) ?? 0 });
    }
    found.sort((a, b) => b.probability - a.probability || (a.id < b.id ? -1 : 1));
    const best = found.slice(0, MOST);
    const findings = this.#findings(
      visit,
      best.map(({ id }) => id),
    );
    return {
      drug: this.#knowledge.drugs.name(drug),
      pairs: this.#pairsOf(drug, rest).length,
      alternatives: best.map(({ id, kinship, probability }): Alternative => ({
        drug: this.#knowledge.drugs.name(id),
        probability,
        kinship,
        interactions: this.#pairsOf(id, rest),
        covered: this.#knowledge.interactions.notCovered([id]).length === 0,
        findings: findings.filter(({ drugs }) => drugs[0] === id),
      })),
      unresolved,
    };
  }

  /** What a drug has in common with `drug` at this visit: the same class, or an indication for the same entry. */
  #kinshipWith(drug: DrugId, { visit }: AlternativesQuestion): (other: DrugId) => Kinship[] {
    const { drugs } = this.#knowledge;
    const classes = new Map(
      drugs
        .classesOf(drug)
        .filter(({ kind }) => CLASS_KINDS.has(kind))
        .map((group) => [group.title, new Set(group.members)]),
    );
    const titles = titlesOfVisit(this.#knowledge, visit.context);
    const answered = (id: DrugId): Set<string> =>
      new Set(
        matchIndications(this.#knowledge.texts.indications(drugs.canonical(id)), titles).map(
          ({ title }) => title,
        ),
      );
    const own = answered(drug);
    return (other) => {
      const id = drugs.canonical(other);
      const shared = [...classes].filter(([, members]) => members.has(id)).map(([title]) => title);
      const indications = own.size === 0 ? [] : [...answered(other)].filter((title) => own.has(title));
      return [
        ...shared.slice(0, 1).map((title): Kinship => ({ kind: 'class', title })),
        ...indications.slice(0, 1).map((title): Kinship => ({ kind: 'indication', title })),
      ];
    };
  }

  #pairsOf(drug: DrugId, rest: readonly DrugId[]): Alternative['interactions'] {
    return this.#knowledge.interactions
      .among([drug, ...rest])
      .filter(({ a, b, severity }) => (a === drug || b === drug) && severity >= EVALUATION_SEVERITY)
      .toSorted((x, y) => y.severity - x.severity);
  }

  #mayNotStandWith(a: DrugId, b: DrugId): boolean {
    const { drugs } = this.#knowledge;
    return (
      this.#severity(a, b) >= HARD_RULE_SEVERITY ||
      this.#duplicates.between(drugs.canonical(a), drugs.canonical(b)) !== null
    );
  }

  #severity(a: DrugId, b: DrugId): number {
    const { interactions, drugs } = this.#knowledge;
    return interactions.severity(drugs.canonical(a), drugs.canonical(b));
  }

  /** Findings about one drug alone; its pairs are told as interactions. */
  #findings(visit: RecommendInput, drugs: readonly DrugId[]): FoundFinding[] {
    return this.#checker
      .check(factsOf(visit), drugs)
      .findings.filter(
        (finding) =>
          finding.state === 'found' && finding.drugs.length === 1 && finding.severity >= OVERRIDE_SEVERITY,
      ) as FoundFinding[];
  }
}
