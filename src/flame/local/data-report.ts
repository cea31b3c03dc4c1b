/**
 * Says what a site's visits are before anything is trained on them: numbers, coverage, shift against the base model's
 * training visits, and why they cannot be used. Trains nothing and keeps nothing of a visit.
 */

import type { Knowledge } from '../../knowledge/knowledge.ts';
import { HARD_RULE_SEVERITY } from '../../shared/domain.ts';
import type {
  DataPart,
  DataReport,
  FinetuneProfile,
  FinetuneSettings,
  Refusal,
  ResourceEstimate,
  Shift,
} from '../../shared/finetune.ts';
import { codeTables } from '../encoding/code-tables.ts';
import { Encoder } from '../encoding/encoding.ts';
import { recordedPairs } from '../lists/formulary-pairs.ts';
import type { ModelPack } from '../model-pack.ts';
import { severityOf } from '../lists/pair-matrix.ts';
import { INNER_FOLDS } from '../site/adapt.ts';
import { NEW_DRUG_VISITS } from './fit-classifier.ts';
import { PROFILE_SETTINGS } from './profiles.ts';
import type { DatedVisit, VisitSplit } from './split-visits.ts';

/** Fewer cannot tell whether a model became better: the interval over a fifth of them would cover everything. */
export const MINIMUM_VISITS = 60;
export const MINIMUM_PATIENTS = 20;
export const MINIMUM_DRUGS = 5;
/** Share of the visits with one and the same list from which on there is nothing to learn from a visit. */
export const MOST_SAME_LISTS = 0.5;
/** Share of visits with a contraindicated pair from which on the lists are no example: hospitals reach an eighth. */
export const MOST_CONTRAINDICATED = 0.34;
/** Share of what was prescribed that any table knows. */
export const LEAST_KNOWN = 0.7;
const SHIFTS_SHOWN = 12;

export interface DataReportOptions {
  readonly split: VisitSplit;
  readonly leftOut: DataReport['leftOut'];
  readonly base: ModelPack;
  readonly knowledge: Pick<Knowledge, 'codes' | 'drugs' | 'interactions'>;
  readonly settings: Pick<FinetuneSettings, 'profile' | 'threads'>;
}

export function dataReport({ split, leftOut, base, knowledge, settings }: DataReportOptions): DataReport {
  const { train, validation, heldOut } = split;
  const all = [...train, ...validation, ...heldOut];
  const uses = countDrugs(all);
  const known = new Set(base.vocabulary.formulary);
  const total = sum([...uses.values()]);
  const unknown = [...uses].filter(([drug]) => !known.has(drug)).sort((a, b) => b[1] - a[1]);
  const drugUses = base.vocabulary.drugUses;
  const drugRows = base.vocabulary.formulary.map((drug, i) => ({
    name: knowledge.drugs.name(drug).name,
    site: (uses.get(drug) ?? 0) / Math.max(1, all.length),
    base: drugUses[i]! / Math.max(1, base.vocabulary.visits),
  }));
  const codeRows = codeShares(all, base, knowledge);
  const lists = new Map<string, number>();
  for (const { drugs } of all) {
    const key = [...new Set(drugs)].sort().join();
    lists.set(key, (lists.get(key) ?? 0) + 1);
  }
  const commonestList = Math.max(0, ...lists.values()) / Math.max(1, all.length);
  const contraindicated = contraindicatedShare(all, knowledge);
  const named = sum(
    [...uses].map(([drug, n]) => (knowledge.drugs.get(knowledge.drugs.canonical(drug)) ? n : 0)),
  );
  const patients = new Set(all.map(({ patient }) => patient)).size;
  const frequent = [...uses.values()].filter((n) => n >= NEW_DRUG_VISITS).length;
  const checks: readonly (readonly [Refusal, number, number, boolean])[] = [
    ['too-few-visits', all.length, MINIMUM_VISITS, all.length < MINIMUM_VISITS],
    ['too-few-patients', patients, MINIMUM_PATIENTS, patients < MINIMUM_PATIENTS],
    ['too-few-drugs', frequent, MINIMUM_DRUGS, frequent < MINIMUM_DRUGS],
    ['same-lists', commonestList, MOST_SAME_LISTS, commonestList > MOST_SAME_LISTS],
    ['contraindicated-pairs', contraindicated, MOST_CONTRAINDICATED, contraindicated > MOST_CONTRAINDICATED],
    ['unknown-drugs', named / Math.max(1, total), LEAST_KNOWN, total > 0 && named / total < LEAST_KNOWN],
  ];
  return {
    parts: { train: partOf(train), validation: partOf(validation), heldOut: partOf(heldOut) },
    leftOut,
    withHistory: all.filter(({ context }) => context.previousMedications.length > 0).length,
    meanLength: total / Math.max(1, all.length),
    drugs: uses.size,
    knownDrugs: uses.size - unknown.length,
    coverage: (total - sum(unknown.map(([, n]) => n))) / Math.max(1, total),
    newDrugs: unknown.filter(([, n]) => n >= NEW_DRUG_VISITS).map(([drug, visits]) => ({ drug, visits })),
    rareDrugs: unknown.filter(([, n]) => n < NEW_DRUG_VISITS).length,
    drugShift: stabilityIndex(drugRows),
    codeShift: stabilityIndex(codeRows),
    shifts: [...drugRows]
      .sort((a, b) => Math.abs(b.site - b.base) - Math.abs(a.site - a.base))
      .slice(0, SHIFTS_SHOWN),
    commonestList,
    contraindicated,
    refusals: checks
      .filter(([, , , refused]) => refused)
      .map(([reason, found, limit]) => ({ reason, found, limit })),
    estimate: estimateResources(train.length, validation.length, heldOut.length, base, settings),
  };
}

/**
 * Population stability index Σ (s − b)·ln(s/b) over shares that each sum to 1: below 0.1 alike, above 0.25 another
 * population (Siddiqi 2006). Shares are smoothed by a ten-thousandth.
 */
export function stabilityIndex(rows: readonly Pick<Shift, 'site' | 'base'>[]): number {
  const smallest = 1e-4;
  const [site, base] = [sum(rows.map((row) => row.site)), sum(rows.map((row) => row.base))];
  if (site === 0 || base === 0) return 0;
  return sum(
    rows.map((row) => {
      const s = Math.max(smallest, row.site / site);
      const b = Math.max(smallest, row.base / base);
      return (s - b) * Math.log(s / b);
    }),
  );
}

/** Time on a quiet core, and memory of the training process; measured in docs/reports/finetuning.md. */
export function estimateResources(
  train: number,
  validation: number,
  heldOut: number,
  base: ModelPack,
  { profile, threads }: { readonly profile: FinetuneProfile; readonly threads: number },
): ResourceEstimate {
  const { adapter, policy } = PROFILE_SETTINGS[profile];
  const members = base.manifest.network.kind === 'flame' ? (base.manifest.network.members ?? 1) : 1;
  const perEpoch = Math.max(1, train / adapter.rows);
  const steps = Math.min(adapter.maxSteps, adapter.epochs * perEpoch);
  const runs = INNER_FOLDS + 2;
  const secondsAStep = adapter.rank === 0 || adapter.targets.includes('features') ? 0.06 : 0.012;
  const adapterSeconds = runs * members * steps * secondsAStep;
  const policySeconds = policy.supervisedSteps * 0.25 + policy.rounds * policy.visits * policy.group * 0.012;
  const siteSeconds = (train + validation) * 0.1;
  const seconds =
    (adapterSeconds + policySeconds) / Math.sqrt(threads) + siteSeconds + measuringSeconds(heldOut);
  const memory = 700e6 + (train + validation) * 400e3 + (adapter.rank === 0 ? 400e6 : 0);
  return { seconds: Math.round(seconds), memory: Math.round(memory) };
}

/** Time of the comparison alone. */
export function measuringSeconds(heldOut: number): number {
  return Math.round(heldOut * 0.3 + 15);
}

function partOf(visits: readonly DatedVisit[]): DataPart {
  const days = visits.flatMap(({ date }) => (date === null ? [] : [date])).sort();
  return {
    visits: visits.length,
    patients: new Set(visits.map(({ patient }) => patient)).size,
    first: days[0] ?? null,
    last: days.at(-1) ?? null,
  };
}

function countDrugs(visits: readonly DatedVisit[]): Map<DatedVisit['drugs'][number], number> {
  const uses = new Map<DatedVisit['drugs'][number], number>();
  for (const { drugs } of visits)
    for (const drug of new Set(drugs)) uses.set(drug, (uses.get(drug) ?? 0) + 1);
  return uses;
}

/** Shares of the code chapters that the base model counted. */
function codeShares(
  visits: readonly DatedVisit[],
  { vocabulary }: ModelPack,
  knowledge: Pick<Knowledge, 'codes'>,
): Shift[] {
  const encoder = new Encoder(vocabulary, codeTables(knowledge));
  const counts = new Map<number, number>();
  for (const { context } of visits)
    for (const id of encoder.encode(context).ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return vocabulary.features.flatMap((name, id) =>
    /^(ccs|rfv1):/.test(name)
      ? {
          name,
          site: (counts.get(id) ?? 0) / Math.max(1, visits.length),
          base: vocabulary.uses[id]! / Math.max(1, vocabulary.visits),
        }
      : [],
  );
}

function contraindicatedShare(
  visits: readonly DatedVisit[],
  knowledge: Pick<Knowledge, 'drugs' | 'interactions'>,
): number {
  const drugs = [...countDrugs(visits).keys()];
  const pairs = recordedPairs(drugs, knowledge);
  const place = new Map(drugs.map((drug, i) => [drug, i]));
  const bad = visits.filter((visit) => {
    const own = [...new Set(visit.drugs)].map((drug) => place.get(drug)!);
    return own.some((a, i) => own.slice(i + 1).some((b) => severityOf(pairs, a, b) >= HARD_RULE_SEVERITY));
  });
  return bad.length / Math.max(1, visits.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
