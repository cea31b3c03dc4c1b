/** Small readers that the demo compilers share: tab- and comma-separated tables without quoting. Parses nothing else. */

import { readFileSync } from 'node:fs';
import type { VisitRecord } from '../../src/shared/domain.ts';

/** A visit of the demo; without `drugs` it is open and waits for a decision. */
export type DemoRecord = Omit<VisitRecord, 'drugs'> & { readonly drugs?: readonly string[] };

export type Row = Readonly<Record<string, string>>;

/** Rows by the names of the first line. The tables of data/demo hold no quotes and no separators inside a field. */
export function readTable(path: string): Row[] {
  const separator = path.endsWith('.csv') ? ',' : '\t';
  const [head = '', ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const names = head.split(separator);
  return lines.map((line, n) => {
    const fields = line.split(separator);
    if (fields.length !== names.length || line.includes('"')) {
      throw new Error(`${path}, line ${n + 2}: ${fields.length} fields, ${names.length} expected`);
    }
    return Object.fromEntries(names.map((name, i) => [name, fields[i]!]));
  });
}

/** `a; b` → [a, b]; the empty cell → []. */
export function readList(cell: string): string[] {
  return cell
    .split(';')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

export function unique<T>(items: Iterable<T>): T[] {
  return [...new Set(items)];
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
