/** Tells the format of a picked file or folder by names and first bytes. Reads no more than the beginning of a file. */

import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { FlameError } from '../../shared/errors.ts';
import type { ImportFormat } from '../../shared/import-api.ts';
import { readCsvRows } from '../csv-rows.ts';
import { FileBytes } from '../file-bytes.ts';
import type { SourceFile } from './source.ts';
import { tableName } from './tables.ts';

export interface PickedSource {
  /** Of the file or folder, without where it lies. */
  readonly name: string;
  readonly format: ImportFormat;
  readonly files: readonly DetectedFile[];
  /** All files together, as they lie on disk. */
  readonly bytes: number;
}

export interface DetectedFile extends SourceFile {
  readonly size: number;
  /** For FHIR: one resource a line. */
  readonly ndjson: boolean;
}

/** The beginning of a file that is looked at. */
const HEAD = 256 * 1024;
const MOST_FILES = 200_000;
const READ = /\.(?:csv|tsv|txt|jsonl|ndjson|json|fhir)(?:\.gz)?$/i;

/**
 * @param asked the format that the user named; null leaves it to the content
 * @throws FlameError FILE_NOT_READABLE, INVALID_INPUT when nothing in it can be read or it is not what was asked for
 */
export async function detectSource(path: string, asked: ImportFormat | null = null): Promise<PickedSource> {
  const files = filesAt(path);
  const name = basename(path);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const found = asked ?? (await formatOf(files, name));
  if (found === 'fhir') {
    const kept = files.filter(
      (file) => /\.(?:json|ndjson|jsonl|fhir)(?:\.gz)?$/i.test(file.name) || files.length === 1,
    );
    if (kept.length === 0) throw nothingIn(name);
    const marked: DetectedFile[] = [];
    for (const file of kept) marked.push({ ...file, ndjson: isNdjson(await headOf(file)) });
    return { name, format: found, files: marked, bytes };
  }
  if ((found === 'visits' || found === 'csv') && files.length > 1)
    throw new FlameError('INVALID_INPUT', {
      problem: `${name} holds ${files.length} files; pick one of them`,
    });
  return { name, format: found, files: files.map((file) => ({ ...file, ndjson: false })), bytes };
}

async function formatOf(files: readonly SizedFile[], name: string): Promise<ImportFormat> {
  // A bulk export of FHIR holds a Patient.ndjson, which is no table of eICU.
  const csv = files.filter((file) => /\.(?:csv|tsv|txt)(?:\.gz)?$/i.test(file.name));
  const tables = new Map(csv.map((file) => [tableName(file.name), file]));
  const people = tables.get('patients');
  if (people) {
    const columns = await lowerColumns(people);
    if (columns.includes('anchor_age')) return 'mimic-iv';
    if (columns.includes('dob')) return 'mimic-iii';
  }
  const stays = tables.get('patient');
  if (stays && (await lowerColumns(stays)).includes('patientunitstayid')) return 'eicu';
  const first =
    files.find((file) => /\.(?:json|ndjson|jsonl|fhir)(?:\.gz)?$/i.test(file.name)) ??
    (files.length === 1 ? files[0] : undefined);
  if (!first) throw nothingIn(name);
  const head = (await headOf(first)).replace(/^\uFEFF/, '').trimStart();
  if (head === '') throw new FlameError('INVALID_INPUT', { problem: `${first.name} is empty` });
  if (head.startsWith('['))
    throw new FlameError('INVALID_INPUT', {
      problem: `${first.name} is one JSON array; write one object a line, or for FHIR a Bundle`,
    });
  if (head.startsWith('{')) return /"resourceType"\s*:/.test(head) ? 'fhir' : 'visits';
  if (/\.(?:csv|tsv|txt)(?:\.gz)?$/i.test(first.name)) return 'csv';
  return 'visits'; // The report of that format says what is wrong with each line.
}

type SizedFile = SourceFile & { readonly size: number };

function filesAt(path: string): SizedFile[] {
  try {
    const stat = statSync(path);
    if (stat.isFile()) return [{ path, name: basename(path), size: stat.size }];
    if (!stat.isDirectory())
      throw new FlameError('INVALID_INPUT', { problem: `${basename(path)} is neither a file nor a folder` });
    return filesBelow(path)
      .sort()
      .map((file) => ({ path: file, name: basename(file), size: statSync(file).size }));
  } catch (cause) {
    if (cause instanceof FlameError) throw cause;
    throw new FlameError('FILE_NOT_READABLE', { file: basename(path) }, { cause });
  }
}

/** Files to read in a folder and its folders. A link to a file is that file; a link to a folder is not followed: it may lead back. */
function filesBelow(folder: string): string[] {
  const found: string[] = [];
  const folders = [folder];
  let seen = 0;
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      seen += 1;
      if (seen > MOST_FILES)
        throw new FlameError('INVALID_INPUT', { problem: `the folder holds more than ${MOST_FILES} files` });
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (READ.test(entry.name) && (entry.isFile() || (entry.isSymbolicLink() && isFileAt(path))))
        found.push(path);
    }
  }
  return found;
}

/** False as well for a link that leads nowhere. */
function isFileAt(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The beginning of a file as text, unpacked. */
async function headOf({ path }: SourceFile): Promise<string> {
  let head = Buffer.alloc(0);
  for await (const chunk of new FileBytes(path).chunks()) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= HEAD) break;
  }
  return head.toString('utf8', 0, HEAD);
}

/** The columns of a table as its first line names them. */
export async function columnsOf({ path }: SourceFile): Promise<string[]> {
  for await (const [head] of readCsvRows(new FileBytes(path)))
    return (head?.fields ?? []).map((column) => column.trim());
  return [];
}

async function lowerColumns(file: SourceFile): Promise<string[]> {
  return (await columnsOf(file)).map((column) => column.toLowerCase());
}

/** True when the first line is one whole resource; a Bundle on one line is read like any Bundle. */
function isNdjson(head: string): boolean {
  const [first = '', ...rest] = head
    .replace(/^\uFEFF/, '')
    .trimStart()
    .split('\n');
  if (rest.length === 0 && head.length >= HEAD) return false;
  try {
    const value = JSON.parse(first) as { readonly resourceType?: unknown } | null;
    return typeof value?.resourceType === 'string' && value.resourceType !== 'Bundle';
  } catch {
    return false;
  }
}

function nothingIn(name: string): FlameError {
  return new FlameError('INVALID_INPUT', {
    problem: `${name} holds nothing that Flame reads: FHIR (JSON, NDJSON), MIMIC or eICU tables, visits (JSON lines), CSV`,
  });
}
