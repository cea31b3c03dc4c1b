/** Reads visits from files a person names: one visit, or a whole file, every line checked. Repairs nothing. */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { LabelledVisit } from '../flame/corpus.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import { readVisitLines } from '../records/visit-lines.ts';
import {
  interpretVisit,
  parseVisitRecord,
  type ParsedVisit,
  type VisitContent,
} from '../records/visit-record.ts';
import { FlameError } from '../shared/errors.ts';

export interface VisitFile {
  readonly record: ParsedVisit;
  readonly content: VisitContent;
}

const STDIN = 0;

/**
 * One visit: a JSON object over any number of lines, or one line of the visit format. `-` reads standard input.
 * @throws FlameError FILE_NOT_READABLE, INVALID_INPUT with the line
 */
export function readOneVisit(path: string, { drugs }: Pick<Knowledge, 'drugs'>): VisitFile {
  let text: string;
  try {
    text = readFileSync(path === '-' ? STDIN : path, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new FlameError('FILE_NOT_READABLE', { file: path }, { cause });
  }
  const parsed = parseVisitRecord(parseJson(path, text));
  if (!parsed.ok)
    throw new FlameError('INVALID_INPUT', { problem: `${basename(path)}, line 1: ${parsed.problem}` });
  return { record: parsed.record, content: interpretVisit(parsed.record, (name) => drugs.find(name)) };
}

function parseJson(path: string, text: string): unknown {
  const name = basename(path);
  if (text.trim() === '') throw new FlameError('INVALID_INPUT', { problem: `${name} is empty` });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const lines = text
      .trimEnd()
      .split('\n')
      .filter((line) => line.trim() !== '');
    if (lines.length > 1 && lines.every(isJson)) {
      throw new FlameError('INVALID_INPUT', {
        problem: `${name} holds ${lines.length} visits; give one at a time`,
      });
    }
    const message = (cause as Error).message;
    const [, line = '1'] = /\(line (\d+) column \d+\)/.exec(message) ?? [];
    throw new FlameError('INVALID_INPUT', { problem: `${name}, line ${line}: is not JSON` }, { cause });
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A visit with what tells patients and time apart; null where the file does not say. */
export interface FileVisit extends LabelledVisit {
  readonly patient: string | null;
  /** ISO date. */
  readonly date: string | null;
}

export interface VisitFileContent {
  readonly visits: readonly FileVisit[];
  /** Names of drugs that no table resolved, with their counts. */
  readonly unresolvedDrugs: ReadonlyMap<string, number>;
}

/**
 * Every visit of a file, for an evaluation: one bad line refuses the file, because numbers over a part would mislead.
 * @throws FlameError FILE_NOT_READABLE, INVALID_INPUT naming the first bad line
 */
export async function readAllVisits(
  path: string,
  { drugs }: Pick<Knowledge, 'drugs'>,
  onProgress: (linesRead: number) => void = () => undefined,
): Promise<VisitFileContent> {
  const visits: FileVisit[] = [];
  const unresolvedDrugs = new Map<string, number>();
  for await (const line of readVisitLines(path)) {
    if (!line.ok) {
      throw new FlameError('INVALID_INPUT', {
        problem: `${basename(path)}, line ${line.line}: ${line.problem}`,
      });
    }
    const { record } = line;
    const { context, prescribed, unresolved } = interpretVisit(record, (name) => drugs.find(name));
    for (const name of unresolved) unresolvedDrugs.set(name, (unresolvedDrugs.get(name) ?? 0) + 1);
    visits.push({
      id: record.visit,
      year: record.year,
      clinician: record.clinician ?? record.visit,
      context,
      drugs: prescribed ?? [],
      patient: record.patient ?? null,
      date: record.date ?? null,
    });
    onProgress(line.line);
  }
  return { visits, unresolvedDrugs };
}
