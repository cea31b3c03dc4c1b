/**
 * Stores imported records in batches and tells what was stored, skipped and refused; in a dry run it only tells. Knows
 * patients and visits, and nothing of formats.
 */

import type { ImportLog } from '../../records/import-log.ts';
import { interpretVisit, type DrugResolver, type ParsedVisit } from '../../records/visit-record.ts';
import type { ImportFormat, ImportReport } from '../../shared/import-api.ts';
import { NOT_RECORDED, type Patient, type Visit } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import type { PatientId, VisitId } from '../../shared/ids.ts';
import { noteEnded, noteStarted } from './import-audit.ts';
import type { WritableDb } from '../store/handle.ts';
import { newId } from '../store/ids.ts';
import { advanceRun, endRun, type ImportRun, type RunCounts } from '../store/import-runs.ts';
import { findPatientBySource } from '../store/patients.ts';
import type { Titles } from '../store/search.ts';
import { findVisitBySource, insertVisits, isOwnVisit, type NewVisit } from '../store/visits.ts';

export interface ImportedVisit {
  readonly record: ParsedVisit;
  /** By which a second import recognises the source's record. */
  readonly hash: string;
  readonly line: number;
  readonly file?: string | undefined;
}

export interface WriterOptions {
  /** Of the file or folder, for report and audit log. */
  readonly name: string;
  readonly format: ImportFormat;
  readonly db: WritableDb;
  readonly log: ImportLog;
  /** Ingredients of the drug names in the records. */
  readonly resolveDrugs: DrugResolver;
  readonly titles: Titles;
  readonly demo: boolean;
  readonly actor: string;
  /** Set in a dry run: true when a key is asked for the first time. */
  readonly firstSeen?: ((key: string) => boolean) | undefined;
  /** The run that this import is, perhaps one that goes on: what it handled before is counted and not looked at again. */
  readonly run?: (RunCounts & Pick<ImportRun, 'id' | 'fingerprint'>) | undefined;
}

/** Ages from which sources put people into one group. */
const CAPPED = 89;
/** A year of birth is reckoned from an age and a year, and de-identified sources shift both. */
const YEARS_APART = 2;

export class VisitWriter {
  visitsCreated = 0;
  visitsSkipped = 0;
  #patientsCreated = 0;
  /** Visits that were handed in, and those of them that an earlier part of the run stored. */
  #handled = 0;
  readonly #before: number;
  /** Whether the audit log has that this import, or this part of one, stored visits. */
  #noted = false;
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#before = options.run?.handled ?? 0;
    this.visitsCreated = options.run?.visitsCreated ?? 0;
    this.visitsSkipped = options.run?.visitsSkipped ?? 0;
    this.#patientsCreated = options.run?.patientsCreated ?? 0;
  }

  /** Stores one batch in one transaction. Counts only what was committed. */
  store(batch: readonly ImportedVisit[]): void {
    const passed = Math.max(0, Math.min(batch.length, this.#before - this.#handled));
    this.#handled += passed;
    for (const { record } of batch.slice(0, passed)) this.#countUnknown(record);
    if (passed < batch.length) this.#store(batch.slice(passed));
  }

  #store(batch: readonly ImportedVisit[]): void {
    const { db, titles, firstSeen, run } = this.#options;
    let skipped = 0;
    const visits: NewVisit[] = [];
    const hashes = new Map<string, string>();
    const patients = new Map<string, Patient>();
    for (const { record, hash, line, file } of batch) {
      const stored = hashes.get(record.visit) ?? this.#storedHash(record.visit);
      const known = stored === undefined ? this.#patientOf(record, patients) : null;
      if (stored === undefined && isOwnVisit(db, record.visit)) {
        this.#options.log.refuse(
          line,
          `visit ${record.visit} came from this database; it was not changed`,
          file,
        );
      } else if (stored === undefined && isSomebodyElse(record, known)) {
        this.#options.log.refuse(
          line,
          `visit ${record.visit}: patient ${record.patient ?? ''} is stored with another sex or year of birth, so this may be somebody else; it was not stored: correct whichever is wrong, the file or the patient`,
          file,
        );
      } else if (stored === undefined) {
        hashes.set(record.visit, hash);
        if (firstSeen && !firstSeen(`visit ${record.visit}`)) skipped += 1;
        else visits.push({ ...this.#newVisit(record, known, patients), sourceHash: hash });
      } else if (stored === hash) {
        skipped += 1;
      } else {
        this.#options.log.refuse(
          line,
          `visit ${record.visit} is stored already with other content; it was not changed`,
          file,
        );
      }
    }
    const patientsCreated = visits.filter(
      ({ newPatient }) =>
        newPatient &&
        (!firstSeen || newPatient.sourceId === null || firstSeen(`patient ${newPatient.sourceId}`)),
    ).length;
    const counts: RunCounts = {
      handled: this.#handled + batch.length,
      visitsCreated: this.visitsCreated + visits.length,
      visitsSkipped: this.visitsSkipped + skipped,
      patientsCreated: this.#patientsCreated + patientsCreated,
    };
    if (!firstSeen) {
      db.transaction(() => {
        if (visits.length > 0 && !this.#noted)
          noteStarted(db, { ...this.#options, resumedAfter: this.#before });
        insertVisits(db, visits, titles, 'later');
        if (run) advanceRun(db, run.id, counts);
      });
    }
    this.#noted ||= visits.length > 0;
    this.#handled = counts.handled;
    this.visitsCreated = counts.visitsCreated;
    this.visitsSkipped = counts.visitsSkipped;
    this.#patientsCreated = counts.patientsCreated;
  }

  /**
   * The report of all that was stored, written into the audit log.
   * @throws FlameError IMPORT_EMPTY when not a single visit could be used
   */
  finish(cancelled: boolean): ImportReport {
    const { db, log, name, format, firstSeen, run } = this.#options;
    const counted = log.report();
    if (!cancelled && this.visitsCreated + this.visitsSkipped === 0) {
      throw new FlameError('IMPORT_EMPTY', {
        file: name,
        refused: counted.refusedCount,
        problem: log.whyEmpty(),
      });
    }
    const report: ImportReport = {
      file: name,
      format,
      dryRun: firstSeen !== undefined,
      patientsCreated: this.#patientsCreated,
      visitsCreated: this.visitsCreated,
      visitsSkipped: this.visitsSkipped,
      ...counted,
      cancelled,
      ...(this.#before > 0 ? { resumedAfter: this.#before } : {}),
    };
    if (!report.dryRun)
      db.transaction(() => {
        if (run && !cancelled) endRun(db, run.id);
        noteEnded(db, this.#options, report);
      });
    return report;
  }

  #storedHash(sourceId: string): string | undefined {
    const found = findVisitBySource(this.#options.db, sourceId, this.#options.demo);
    return found ? (found.sourceHash ?? '') : undefined;
  }

  #countUnknown({ dx, dx_system }: ParsedVisit): void {
    const { titles, log } = this.#options;
    for (const code of dx) if (titles.titleOf(dx_system, code) === null) log.unknownCode(code);
  }

  #patientOf(record: ParsedVisit, patients: ReadonlyMap<string, Patient>): Patient | null {
    const { db, demo } = this.#options;
    if (record.patient === undefined) return null;
    return patients.get(record.patient) ?? findPatientBySource(db, record.patient, demo);
  }

  #newVisit(record: ParsedVisit, known: Patient | null, patients: Map<string, Patient>): NewVisit {
    const { resolveDrugs, demo } = this.#options;
    const { unresolved: _counted, ...content } = interpretVisit(record, resolveDrugs);
    this.#countUnknown(record);
    const patient = known ?? patientOf(record, demo);
    if (record.patient !== undefined) patients.set(record.patient, patient);
    const visit: Visit = {
      id: newId<VisitId>(),
      patientId: patient.id,
      sourceId: record.visit,
      ...NOT_RECORDED,
      ...content,
    };
    return { visit, demo, ...(known ? {} : { newPatient: patient }) };
  }
}

/**
 * Two systems may give two people one identifier. Somebody whose records a user merged was looked at by a person; ages above 89 are often
 * capped and tell no year.
 */
function isSomebodyElse({ patient, sex, age, year }: ParsedVisit, known: Patient | null): boolean {
  if (known === null || known.sourceId !== patient) return false;
  if (sex !== 'unknown' && known.sex !== 'unknown' && sex !== known.sex) return true;
  return age < CAPPED && known.birthYear !== null && Math.abs(known.birthYear - (year - age)) > YEARS_APART;
}

function patientOf(record: ParsedVisit, demo: boolean): Patient {
  const label = record.patient === undefined ? `Visit ${record.visit}` : `Patient ${record.patient}`;
  return {
    id: newId<PatientId>(),
    name: record.name ?? label,
    sourceId: record.patient ?? null,
    sex: record.sex,
    birthYear: record.year - record.age,
    demo,
  };
}
