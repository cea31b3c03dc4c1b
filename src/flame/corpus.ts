/** Streams visit records from JSON-lines files and splits corpus N by the protocol of METHOD section 5. Trains nothing. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { contextFrom } from '../records/visit-record.ts';
import type { ClinicalContext, VisitRecord } from '../shared/domain.ts';
import { FlameError } from '../shared/errors.ts';
import { asId, type DrugId } from '../shared/ids.ts';

/** The survey's own statement of use, carried into every pack that was trained on it. */
export const CORPUS_TERMS =
  'US National Ambulatory Medical Care Survey, public-use files of the National Center for Health Statistics. ' +
  'Public Health Service Act, section 308(d): statistical reporting and analysis only; no attempt to identify ' +
  'persons or establishments; no linking with identifiable data.';

/** Clinicians whose hash starts with a byte below this validate; the rest train (METHOD section 5). */
const VALIDATION_BYTES = 13;
/** A drug enters the formulary from this many kept training visits (METHOD section 5). */
export const FORMULARY_MINIMUM = 200;
/** An ingredient outside the formulary is worth learning beside it from this many visits. */
export const AUXILIARY_MINIMUM = 50;

/** What a policy may see, and beside it what the clinician prescribed. */
export interface LabelledVisit {
  readonly id: string;
  readonly year: number;
  readonly clinician: string;
  readonly context: ClinicalContext;
  readonly drugs: readonly DrugId[];
  /** Drugs of the visit that lie outside the formulary, once a split has parted them from `drugs`. */
  readonly otherDrugs?: readonly DrugId[];
}

export interface Split {
  readonly train: readonly LabelledVisit[];
  /**
   * Visits of training clinicians that METHOD section 5 leaves out because they hold fewer than two formulary drugs.
   * They may supervise training; nothing is ever measured on them.
   */
  readonly supplement: readonly LabelledVisit[];
  /** Ingredients outside the formulary in `AUXILIARY_MINIMUM` visits of `train` and `supplement`, most used first. */
  readonly auxiliary: readonly DrugId[];
  readonly validation: readonly LabelledVisit[];
  readonly test: readonly LabelledVisit[];
  readonly formulary: readonly DrugId[];
}

export interface SplitOptions {
  readonly trainYears: readonly [number, number];
  /** Absent: nothing is held out by year. */
  readonly testYear?: number;
  readonly formularyMinimum?: number;
  readonly auxiliaryMinimum?: number;
}

/** The corpus names its drugs as the tables do. */
function asDrugs(names: readonly string[]): DrugId[] {
  return names.map((name) => asId<DrugId>(name));
}

/** The context of a record: everything but the visit's own drugs. */
export function contextOf(record: VisitRecord): ClinicalContext {
  return contextFrom(record, asDrugs(record.current ?? []), asDrugs(record.previous ?? []));
}

export function labelledVisit(record: VisitRecord): LabelledVisit {
  return {
    id: record.visit,
    year: record.year,
    clinician: record.clinician ?? record.visit,
    context: contextOf(record),
    drugs: asDrugs(record.drugs),
  };
}

/**
 * Reads a visit file (`.jsonl` or `.jsonl.gz`), one record at a time. The file is trusted to be in the visit format;
 * the importer checks foreign files.
 * @throws FlameError FILE_NOT_READABLE, or INVALID_INPUT naming the line that is no JSON
 */
export async function* readVisitFile(path: string): AsyncGenerator<VisitRecord> {
  const file = createReadStream(path);
  const bytes = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => bytes.destroy(error));
  let line = 0;
  try {
    for await (const text of createInterface({ input: bytes, crlfDelay: Infinity })) {
      line += 1;
      if (text.trim() !== '') yield JSON.parse(text) as VisitRecord;
    }
  } catch (cause) {
    if (cause instanceof SyntaxError) {
      throw new FlameError('INVALID_INPUT', { problem: `${path}, line ${line}: not JSON` }, { cause });
    }
    throw new FlameError('FILE_NOT_READABLE', { file: path }, { cause });
  }
}

export async function readLabelledVisits(path: string): Promise<LabelledVisit[]> {
  const visits: LabelledVisit[] = [];
  for await (const record of readVisitFile(path)) visits.push(labelledVisit(record));
  return visits;
}

/** True for clinicians that validate: first byte of sha1(clinician) below 13, about one in twenty. */
export function isValidationClinician(clinician: string): boolean {
  return createHash('sha1').update(clinician).digest()[0]! < VALIDATION_BYTES;
}

/** A visit counts when it has something to reason from: a diagnosis or a chronic flag. */
export function hasProblem(visit: LabelledVisit): boolean {
  return visit.context.diagnoses.length + visit.context.chronic.length > 0;
}

/**
 * Splits by METHOD section 5. The formulary is counted on training visits with at least two drugs; every part then
 * keeps visits with at least two drugs of that formulary, and only those drugs. Formulary and parts keep a stable order.
 */
export function splitCorpus(visits: readonly LabelledVisit[], options: SplitOptions): Split {
  const [first, last] = options.trainYears;
  const isTest = (visit: LabelledVisit): boolean => visit.year === options.testYear;
  const inYears = (visit: LabelledVisit): boolean =>
    visit.year >= first && visit.year <= last && !isTest(visit);
  const problems = visits.filter(hasProblem);
  const usable = problems.filter((visit) => visit.drugs.length >= 2);
  const known = usable.filter(inYears);
  const validators = new Set(known.map((visit) => visit.clinician).filter(isValidationClinician));
  const training = known.filter((visit) => !validators.has(visit.clinician));
  const formulary = countFormulary(training, options.formularyMinimum ?? FORMULARY_MINIMUM);
  const keep = (part: readonly LabelledVisit[]): LabelledVisit[] => restrictToFormulary(part, formulary);
  const train = keep(training);
  const kept = new Set(train.map((visit) => visit.id));
  const supplement = partDrugs(
    problems.filter(
      (visit) => inYears(visit) && !isValidationClinician(visit.clinician) && !kept.has(visit.id),
    ),
    formulary,
  );
  const others = [...train, ...supplement].map((visit) => ({ drugs: visit.otherDrugs ?? [] }));
  return {
    train,
    supplement,
    auxiliary: countFormulary(others, options.auxiliaryMinimum ?? AUXILIARY_MINIMUM),
    validation: keep(known.filter((visit) => validators.has(visit.clinician))),
    test: keep(usable.filter(isTest)),
    formulary,
  };
}

/** Drugs used in at least `minimum` visits, most used first, ties by name. */
export function countFormulary(visits: readonly Pick<LabelledVisit, 'drugs'>[], minimum: number): DrugId[] {
  const uses = new Map<DrugId, number>();
  for (const visit of visits)
    for (const drug of new Set(visit.drugs)) uses.set(drug, (uses.get(drug) ?? 0) + 1);
  return [...uses]
    .filter(([, count]) => count >= minimum)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([drug]) => drug);
}

/** The visits with at least two drugs of the formulary, their lists cut to it. */
export function restrictToFormulary(
  visits: readonly LabelledVisit[],
  formulary: readonly DrugId[],
): LabelledVisit[] {
  return partDrugs(visits, formulary).filter((visit) => visit.drugs.length >= 2);
}

/** Each visit's drugs, without repeats, parted into those of the formulary and the others. */
function partDrugs(visits: readonly LabelledVisit[], formulary: readonly DrugId[]): LabelledVisit[] {
  const members = new Set(formulary);
  return visits.map((visit) => {
    const drugs = [...new Set(visit.drugs)];
    return {
      ...visit,
      drugs: drugs.filter((drug) => members.has(drug)),
      otherDrugs: drugs.filter((drug) => !members.has(drug)),
    };
  });
}
