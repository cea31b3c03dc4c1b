/**
 * A hospital's tables → visits as models are trained and evaluated on: patients with enough visits, each with what a model
 * needs, rare codes and drugs cut away where that is asked for. Stores nothing in a database of patients.
 */

import { ImportLog } from '../../records/import-log.ts';
import type { MappedVisit } from '../../records/sources/map-visits.ts';
import type { VisitRecord } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import { runSource, type SourceRun } from './import-source.ts';

export const REQUIRABLE = ['dx', 'procedures', 'drugs'] as const;
export type Requirable = (typeof REQUIRABLE)[number];

/** Which visits and entries stay (docs/references/importers.md, "Datasets"). */
export interface DatasetRules {
  /** Patients with fewer usable visits are left out. */
  readonly minVisits: number;
  /** Lists that must not be empty. */
  readonly require: readonly Requirable[];
  /** Only the most frequent diagnosis codes stay; null keeps all. */
  readonly topDiagnoses: number | null;
  readonly topDrugs: number | null;
}

export interface DatasetReport {
  readonly patients: number;
  readonly visits: number;
  readonly withPrevious: number;
  /** Visits that were left out, by reason. */
  readonly leftOut: { readonly unusable: number; readonly fewVisits: number };
  readonly diagnosisCodes: number;
  readonly drugs: number;
  readonly source: ReturnType<ImportLog['report']>;
  readonly cancelled: boolean;
}

export type DatasetVisit = Omit<VisitRecord, 'drugs'> & { readonly drugs: readonly string[] };

/** Names of unmapped drugs in the report. */
const SHOWN = 10_000;

/**
 * Runs the source and hands out the visits that stay, one patient after the other, oldest first.
 * @throws FlameError INVALID_INPUT, FILE_NOT_READABLE, IMPORT_EMPTY when nothing stays
 */
export async function makeDataset(
  run: SourceRun,
  rules: DatasetRules,
  take: (visits: readonly DatasetVisit[]) => Promise<void> | void,
): Promise<DatasetReport> {
  const log = new ImportLog();
  const counts = { patients: 0, visits: 0, withPrevious: 0, unusable: 0, fewVisits: 0 };
  const used = { dx: new Map<string, number>(), drugs: new Map<string, number>() };
  const two = rules.topDiagnoses !== null || rules.topDrugs !== null;
  const finish = async (visits: readonly DatasetVisit[]): Promise<void> => {
    const usable = visits.filter((visit) => isUsable(visit, rules));
    counts.unusable += visits.length - usable.length;
    if (usable.length < rules.minVisits) {
      counts.fewVisits += usable.length;
      return;
    }
    const linked = followOn(usable, visits);
    counts.patients += usable.length > 0 ? 1 : 0;
    counts.visits += linked.length;
    counts.withPrevious += linked.filter(({ previous = [] }) => previous.length > 0).length;
    if (!two) for (const visit of linked) countUse(used, visit);
    await take(linked);
  };

  await runSource(run, log, async (mapped, staging) => {
    const visits = mapped.map(projected);
    if (!two) {
      if (visits.length > 0) await finish(visits);
    } else if (visits.length > 0) {
      for (const visit of visits) countUse(used, visit);
      staging.keep(JSON.stringify(visits));
    } else {
      // The end: what is most frequent is known now.
      const dx = rules.topDiagnoses === null ? null : top(used.dx, rules.topDiagnoses);
      const drugs = rules.topDrugs === null ? null : top(used.drugs, rules.topDrugs);
      for (const text of staging.kept())
        await finish((JSON.parse(text) as DatasetVisit[]).map((visit) => cut(visit, dx, drugs)));
    }
  });

  const cancelled = run.signal?.aborted ?? false;
  if (counts.visits === 0 && !cancelled) {
    throw new FlameError('IMPORT_EMPTY', {
      file: run.source.name,
      refused: log.refusedCount,
      problem: log.whyEmpty(),
    });
  }
  const { patients, visits, withPrevious, unusable, fewVisits } = counts;
  return {
    patients,
    visits,
    withPrevious,
    leftOut: { unusable, fewVisits },
    diagnosisCodes: Math.min(used.dx.size, rules.topDiagnoses ?? Infinity),
    drugs: Math.min(used.drugs.size, rules.topDrugs ?? Infinity),
    source: log.report(SHOWN),
    cancelled,
  };
}

/** What models read, in the order in which data/sites has it from the start. */
function projected({ record }: MappedVisit): DatasetVisit {
  const { visit, patient, year, date, clinician, age, sex, setting, reasons, dx_system, dx, chronic } =
    record;
  return {
    visit,
    ...(patient === undefined ? {} : { patient }),
    year,
    ...(date === undefined ? {} : { date }),
    ...(clinician === undefined ? {} : { clinician }),
    age,
    sex,
    ...(setting === undefined ? {} : { setting }),
    reasons,
    dx_system,
    dx,
    chronic,
    procedures: record.procedures,
    previous: record.previous ?? [],
    drugs: record.drugs ?? [],
  };
}

function isUsable(visit: DatasetVisit, { require }: DatasetRules): boolean {
  return require.every((list) => visit[list].length > 0);
}

/**
 * Previous drugs are those of a visit that stayed: where the one before was left out, of the last that stayed before it. A
 * visit without previous drugs, e.g. because its order among the others is not known, keeps none.
 */
function followOn(usable: readonly DatasetVisit[], all: readonly DatasetVisit[]): readonly DatasetVisit[] {
  if (usable.length === all.length) return usable;
  const drugsOf = (visit: DatasetVisit): string => visit.drugs.join('\n');
  const stayed = new Set(usable.map(drugsOf));
  return usable.map((visit, at) => {
    const { previous = [] } = visit;
    if (previous.length === 0 || stayed.has(previous.join('\n'))) return visit;
    return { ...visit, previous: usable[at - 1]?.drugs ?? [] };
  });
}

function countUse(
  used: { readonly dx: Map<string, number>; readonly drugs: Map<string, number> },
  visit: DatasetVisit,
): void {
  for (const list of ['dx', 'drugs'] as const)
    for (const item of visit[list]) used[list].set(item, (used[list].get(item) ?? 0) + 1);
}

/** The most frequent, ties by name. */
function top(counts: ReadonlyMap<string, number>, limit: number): ReadonlySet<string> {
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return new Set(sorted.slice(0, limit).map(([item]) => item));
}

function cut(
  visit: DatasetVisit,
  dx: ReadonlySet<string> | null,
  drugs: ReadonlySet<string> | null,
): DatasetVisit {
  const within = (list: readonly string[], kept: ReadonlySet<string> | null): readonly string[] =>
    kept ? list.filter((item) => kept.has(item)) : list;
  return {
    ...visit,
    dx: within(visit.dx, dx),
    previous: within(visit.previous ?? [], drugs),
    drugs: within(visit.drugs, drugs),
  };
}
