/** Reads visits from files a person names: one visit, one with its patient's earlier ones, or a whole file, every line checked. Repairs nothing. */

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { LabelledVisit } from '../flame/corpus.ts';
import { withEarlierVisits } from '../flame/site/patient-history.ts';
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
export function readOneVisit(path: string, knowledge: Pick<Knowledge, 'drugs'>): VisitFile {
  const visits = visitsIn(path, knowledge);
  if (visits.length > 1) throw refused(`${basename(path)} holds ${visits.length} visits; give one at a time`);
  return visits[0]!;
}

/**
 * One visit with what its file says of the patient's earlier days, as the store gives it for a stored visit.
 * @param asked the visit's identifier; otherwise the file holds one patient, and the visit is the last by its day
 * @throws FlameError FILE_NOT_READABLE, INVALID_INPUT with the line, or when it is not clear which visit is meant
 */
export function readVisitWithHistory(
  path: string,
  knowledge: Pick<Knowledge, 'drugs'>,
  asked?: string,
): VisitFile {
  const visits = visitsIn(path, knowledge);
  const name = basename(path);
  const twice = visits.find(
    ({ record }, at) => visits.findIndex((other) => other.record.visit === record.visit) < at,
  );
  if (twice) throw refused(`${name} holds the visit ${twice.record.visit} twice`);
  const one =
    asked === undefined ? newest(visits, name) : visits.find(({ record }) => record.visit === asked);
  if (!one) throw refused(`${name} holds no visit ${asked ?? ''}`);
  const dated = visits.map(({ record, content }) => ({
    id: record.visit,
    patient: record.patient ?? `visit ${record.visit}`,
    context: content.context,
    drugs: content.prescribed ?? [],
    date: record.date ?? null,
  }));
  const { context } = withEarlierVisits(dated).find(({ id }) => id === one.record.visit)!;
  return { record: one.record, content: { ...one.content, context } };
}

function newest(visits: readonly VisitFile[], name: string): VisitFile {
  const [first] = visits;
  if (visits.length === 1) return first!;
  const say = `holds ${visits.length} visits`;
  if (visits.some(({ record }) => record.patient === undefined || record.patient !== first!.record.patient))
    throw refused(`${name} ${say}, not all of one patient; name the one that is meant with --visit-id`);
  const day = ({ record }: VisitFile): string => record.date ?? '';
  const sorted = [...visits].sort((a, b) => (day(a) < day(b) ? 1 : day(a) > day(b) ? -1 : 0));
  if (visits.some((visit) => day(visit) === '') || day(sorted[0]!) === day(sorted[1]!))
    throw refused(`${name} ${say}, and it is not clear which is the last; name it with --visit-id`);
  return sorted[0]!;
}

function visitsIn(path: string, { drugs }: Pick<Knowledge, 'drugs'>): VisitFile[] {
  let text: string;
  try {
    text = readFileSync(path === '-' ? STDIN : path, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new FlameError('FILE_NOT_READABLE', { file: path }, { cause });
  }
  return valuesIn(basename(path), text).map(({ value, line }) => {
    const parsed = parseVisitRecord(value);
    if (!parsed.ok) throw refused(`${basename(path)}, line ${line}: ${parsed.problem}`);
    return { record: parsed.record, content: interpretVisit(parsed.record, (name) => drugs.find(name)) };
  });
}

/** One JSON value over any number of lines, or one on each line. */
function valuesIn(name: string, text: string): { readonly value: unknown; readonly line: number }[] {
  if (text.trim() === '') throw refused(`${name} is empty`);
  try {
    return [{ value: JSON.parse(text), line: 1 }];
  } catch (cause) {
    const lines = text
      .split('\n')
      .map((written, at) => ({ written, line: at + 1 }))
      .filter(({ written }) => written.trim() !== '');
    if (lines.length > 1 && lines.every(({ written }) => isJson(written)))
      return lines.map(({ written, line }) => ({ value: JSON.parse(written) as unknown, line }));
    const message = (cause as Error).message;
    const [, line = '1'] = /\(line (\d+) column \d+\)/.exec(message) ?? [];
    throw refused(`${name}, line ${line}: is not JSON`, cause);
  }
}

function refused(problem: string, cause?: unknown): FlameError {
  return new FlameError('INVALID_INPUT', { problem }, { cause });
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
