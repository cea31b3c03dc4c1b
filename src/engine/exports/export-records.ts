/**
 * Writes records to a picked file, patient by patient, encrypted on the way where a passphrase is given. The audit entry is
 * stored before the file gets its name, so that no file leaves Flame unwritten in the log. Chooses no place.
 */

import { createHash, hkdfSync } from 'node:crypto';
import { basename } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { BYTE_ORDER_MARK } from '../../records/csv.ts';
import type { ExportedPatient } from '../../records/exported.ts';
import { BundleWriter, resourcesOf, resourceText } from '../../records/fhir-export/fhir-export.ts';
import {
  decisionHeading,
  decisionRows,
  patientLine,
  visitHeading,
  visitLines,
  visitRows,
} from '../../records/record-lines.ts';
import { Deidentifier, researchLines, type ResearchNames } from '../../records/research-lines.ts';
import { FlameError } from '../../shared/errors.ts';
import type { ExportProgress, ExportReport, ExportWish } from '../../shared/export-api.ts';
import type { StoreKey } from '../access/key-seal.ts';
import { withLeanHeap } from '../imports/lean-heap.ts';
import { appendAudit } from '../store/audit.ts';
import type { WritableDb } from '../store/handle.ts';
import { draftBook } from '../unfinished-files.ts';
import { writeWhole } from '../write-whole.ts';
import { encryptedByPassphrase } from './age.ts';
import { countRecords, readRecords } from './read-records.ts';

export interface ExportContext {
  readonly db: WritableDb;
  readonly knowledge: Knowledge;
  /** Of the profile: pseudonyms and shifts of the research export are derived from it. */
  readonly key: StoreKey;
  readonly actor: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ExportProgress) => void;
  /** See age.ts; tests lower it. */
  readonly workFactor?: number;
}

/** What a format writes before, for each patient, and after. */
interface Framing {
  readonly start: string;
  readonly patient: (exported: ExportedPatient) => readonly string[];
  readonly end: string;
}

/** A turn for other calls after this many visits. */
const VISITS_A_TURN = 20;

/**
 * @throws FlameError NOT_FOUND when no visit is in the scope, FILE_NOT_WRITABLE, CANCELLED; there is no file then, or the
 * one that was there before
 */
export function exportRecords(path: string, wish: ExportWish, context: ExportContext): Promise<ExportReport> {
  return withLeanHeap(() => writeRecords(path, wish, context));
}

async function writeRecords(
  path: string,
  wish: ExportWish,
  { db, knowledge, key, actor, signal, onProgress, workFactor }: ExportContext,
): Promise<ExportReport> {
  const { format, passphrase } = wish;
  const scope = { from: wish.from, to: wish.to, demo: wish.demo, patientId: wish.patientId };
  const total = countRecords(db, scope);
  if (total.visits === 0) throw new FlameError('NOT_FOUND', { what: 'visit to export' });
  const hidden = wish.format === 'research' ? deidentifier(key) : null;
  const framing = framingOf(wish, exportNames(knowledge), hidden);
  const counted = { patients: 0, visits: 0, decisions: 0, records: 0 };
  const started = performance.now();

  async function* text(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(framing.start);
    let turn = 0;
    for (const exported of readRecords(db, scope, hidden && ((id) => hidden.pseudonym('patient', id)))) {
      const pieces = framing.patient(exported);
      counted.patients += 1;
      counted.visits += exported.visits.length;
      counted.decisions += exported.visits.reduce((sum, { decisions }) => sum + decisions.length, 0);
      counted.records += pieces.length;
      yield Buffer.from(pieces.join(''));
      if (counted.visits < turn) continue;
      turn = counted.visits + VISITS_A_TURN;
      onProgress?.(progressOf(counted.visits, total.visits, performance.now() - started));
      await nextTurn();
      if (signal?.aborted === true) throw new FlameError('CANCELLED');
    }
    yield Buffer.from(framing.end);
  }

  const written = { bytes: 0, hash: createHash('sha256') };
  async function* file(): AsyncGenerator<Uint8Array> {
    const chunks = passphrase === null ? text() : await encryptedByPassphrase(text(), passphrase, workFactor);
    for await (const chunk of chunks) {
      written.bytes += chunk.length;
      written.hash.update(chunk);
      yield chunk;
    }
  }

  const report: { made: ExportReport | null } = { made: null };
  const note = (action: 'records.exported' | 'records.export-failed', content: object): void =>
    appendAudit(db, {
      actor,
      action,
      subject: wish.patientId ?? 'records',
      content: { format, ...scope, ...content },
    });
  try {
    await writeWhole(path, file(), {
      book: draftBook(db),
      beforePublish: () => {
        if (signal?.aborted === true) throw new FlameError('CANCELLED');
        const { bytes, hash } = written;
        const encrypted = passphrase !== null;
        report.made = { file: basename(path), ...counted, bytes, sha256: hash.digest('hex'), encrypted };
        note('records.exported', report.made);
      },
    });
  } catch (thrown) {
    // The log says that it was exported; that it did not get its name must stand there too.
    if (report.made !== null)
      note('records.export-failed', { file: report.made.file, sha256: report.made.sha256 });
    throw thrown;
  }
  return report.made!;
}

/** The same for the same profile until its key is changed; tells nothing of the key. */
function deidentifier(key: StoreKey): Deidentifier {
  const secret = hkdfSync('sha256', key.bytes, Buffer.alloc(0), 'flame research export, version 1', 32);
  return new Deidentifier(Buffer.from(secret));
}

export function exportNames({ codes, drugs }: Knowledge): ResearchNames {
  return {
    title: (system, code) => codes.title(system, code),
    drug: (id) => ({ name: drugs.name(id).name, rxcui: drugs.get(id)?.rxcui ?? [] }),
    knows: (id) => drugs.get(id) !== null,
    // A class of drugs, as most allergies are written, is no single ingredient.
    allergens: (entry) => drugs.find(entry),
  };
}

function framingOf({ format }: ExportWish, names: ResearchNames, hidden: Deidentifier | null): Framing {
  switch (format) {
    case 'fhir-bundle': {
      const bundle = new BundleWriter();
      return {
        start: bundle.start(new Date().toISOString()),
        patient: (exported) => resourcesOf(exported, names).map((resource) => bundle.resource(resource)),
        end: bundle.end(),
      };
    }
    case 'fhir-ndjson':
      return lines((exported) =>
        resourcesOf(exported, names).map((resource) => `${resourceText(resource)}\n`),
      );
    case 'json':
      return lines((exported) => [patientLine(exported)]);
    case 'visits':
      return lines(visitLines);
    case 'csv-visits':
      return lines((exported) => visitRows(exported, names), BYTE_ORDER_MARK + visitHeading);
    case 'csv-decisions':
      return lines(decisionRows, BYTE_ORDER_MARK + decisionHeading);
    case 'research':
      return lines((exported) => researchLines(exported, names, hidden!));
  }
}

function lines(patient: Framing['patient'], start = ''): Framing {
  return { start, patient, end: '' };
}

function progressOf(visits: number, totalVisits: number, milliseconds: number): ExportProgress {
  // The first second says nothing about the rest.
  const known = milliseconds > 1000 && visits > 0;
  const left = (milliseconds / 1000) * ((totalVisits - visits) / Math.max(1, visits));
  return { visits, totalVisits, secondsLeft: known ? Math.max(0, Math.round(left)) : null };
}
