/**
 * Writes filtered audit entries to a file, with their hashes: CSV (RFC 4180) or JSON lines. A file is written whole or
 * not at all. Chooses no file and no filter.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { BYTE_ORDER_MARK, csvLine } from '../../records/csv.ts';
import type { AuditEntryView } from '../../shared/audit.ts';
import { FlameError } from '../../shared/errors.ts';
import type { DraftBook } from '../unfinished-files.ts';
import { writeWhole } from '../write-whole.ts';

export type AuditFormat = 'csv' | 'jsonl';

export interface ExportOptions {
  readonly book: DraftBook | null;
  readonly onProgress?: (progress: { written: number }) => void;
  readonly signal?: AbortSignal;
}

/** In this order in both formats. `content` is the text that was hashed. */
const COLUMNS = {
  sequence: ({ sequence }: AuditEntryView) => sequence,
  at: ({ at }: AuditEntryView) => at,
  actor: ({ actor }: AuditEntryView) => actor,
  action: ({ action }: AuditEntryView) => action,
  subject: ({ subject }: AuditEntryView) => subject,
  patient: ({ patient }: AuditEntryView) => patient?.name ?? '',
  visitDate: ({ visit }: AuditEntryView) => visit?.date ?? '',
  content: ({ content }: AuditEntryView) => content,
  previousHash: ({ previousHash }: AuditEntryView) => previousHash,
  hash: ({ hash }: AuditEntryView) => hash,
} as const;

/**
 * @returns how many entries were written
 * @throws FlameError FILE_NOT_WRITABLE, CANCELLED; the file is then as it was before
 */
export async function exportAudit(
  file: string,
  format: AuditFormat,
  pages: Iterable<readonly AuditEntryView[]>,
  { book, onProgress, signal }: ExportOptions,
): Promise<number> {
  let written = 0;
  async function* parts(): AsyncGenerator<string> {
    if (format === 'csv') yield BYTE_ORDER_MARK + csvLine(Object.keys(COLUMNS));
    for (const page of pages) {
      yield page.map((entry) => lineOf(entry, format)).join('');
      written += page.length;
      onProgress?.({ written });
      await nextTurn();
      if (signal?.aborted) throw new FlameError('CANCELLED');
    }
  }
  await writeWhole(file, parts(), { book });
  return written;
}

function lineOf(entry: AuditEntryView, format: AuditFormat): string {
  const fields = Object.entries(COLUMNS).map(([name, read]) => [name, read(entry)] as const);
  if (format === 'jsonl') return `${JSON.stringify(Object.fromEntries(fields))}\n`;
  return csvLine(fields.map(([, value]) => value));
}
