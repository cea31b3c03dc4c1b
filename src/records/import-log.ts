/** Counts what an import reads, refuses, leaves out and cannot map, in bounded memory. Words nothing and stores nothing. */

import type { DrugReading } from '../knowledge/drug-reader.ts';
import type { ImportReport, MappingKind, Refusal } from '../shared/import-api.ts';
import type { DrugId } from '../shared/ids.ts';
import type { CountedMention } from './sources/source.ts';

const SHOWN = 100;
/** Distinct names counted at most, so that a file of rubbish cannot fill the memory. */
const COUNTED = 20_000;
const LONGEST_SHOWN = 200;

type Reported = Pick<
  ImportReport,
  | 'tables'
  | 'linesRead'
  | 'refused'
  | 'refusedCount'
  | 'leftOut'
  | 'drugs'
  | 'unresolvedDrugs'
  | 'ambiguousDrugs'
  | 'unknownCodes'
  | 'unmappedConditions'
>;

export class ImportLog {
  linesRead = 0;
  refusedCount = 0;
  readonly #tables = new Map<string, { rows: number; used: boolean }>();
  readonly #refused: Refusal[] = [];
  readonly #leftOut = new Counter<string>();
  readonly #unresolved = new Counter<{ name: string; kind?: MappingKind }>();
  readonly #ambiguous = new Counter<{ name: string; drugs: readonly DrugId[]; also: readonly DrugId[] }>();
  readonly #unknown = new Counter<string>();
  readonly #conditions = new Counter<{ code: string; title: string }>();
  readonly #drugs = {
    mentions: 0,
    mapped: 0,
    throughSite: 0,
    throughCode: 0,
    setAside: 0,
    unmapped: 0,
    nameless: 0,
  };

  /** One row of a table, or one resource of a type. */
  row(table: string, used = true): void {
    this.linesRead += 1;
    const counted = this.#tables.get(table);
    if (counted) counted.rows += 1;
    else if (this.#tables.size < SHOWN) this.#tables.set(table, { rows: 1, used });
  }

  refuse(line: number, problem: string, file?: string): void {
    this.refusedCount += 1;
    if (this.#refused.length < SHOWN)
      this.#refused.push({ ...(file === undefined ? {} : { file }), line, problem: cut(problem) });
  }

  leaveOut(reason: string, count = 1): void {
    this.#leftOut.add(cut(reason), cut(reason), count);
  }

  /** One drug entry and how it was read. */
  drug({ name, codes, count }: CountedMention, reading: DrugReading): void {
    const counts = this.#drugs;
    counts.mentions += count;
    if (reading.kind === 'set-aside') counts.setAside += count;
    else if (reading.kind === 'unmapped') {
      counts.unmapped += count;
      if (name === '') counts.nameless += count;
      const [code] = codes;
      const shown = name !== '' ? name : code ? `${code.system} ${code.code}` : '';
      if (name === '' && code) this.#unresolved.add(shown, { name: code.code, kind: code.system }, count);
      else if (name !== '') this.#unresolved.add(shown, { name: cut(name), kind: 'name' }, count);
      else this.leaveOut('drug entry without a name and without a code that other rows explain', count);
    } else {
      counts.mapped += count;
      if (reading.through === 'site') counts.throughSite += count;
      if (reading.through === 'code' || reading.through === 'votes') counts.throughCode += count;
      if (reading.also)
        this.#ambiguous.add(name, { name: cut(name), drugs: reading.drugs, also: reading.also }, count);
    }
  }

  unknownCode(code: string): void {
    this.#unknown.add(code, code);
  }

  unmappedCondition(code: string, title: string): void {
    this.#conditions.add(code, { code, title: cut(title) });
  }

  /** Why nothing that was read became a visit. */
  whyEmpty(): string {
    const [first] = this.#refused;
    const [left] = this.#leftOut.top(1);
    const held = [...this.#tables].map(([name, { rows }]) => `${name} ${rows}`).join(', ');
    if (first) {
      const more = this.refusedCount > 1 ? ` (and ${this.refusedCount - 1} more refused)` : '';
      return `${first.file === undefined ? '' : `${first.file}, `}line ${first.line}: ${first.problem}${more}`;
    }
    if (held === '') return 'it has no rows';
    return `what it holds (${held}) makes none${left ? `; left out: ${left[0]}` : ''}`;
  }

  /** @param shown names and codes listed at most */
  report(shown: number = SHOWN): Reported {
    return {
      linesRead: this.linesRead,
      tables: [...this.#tables].map(([name, counts]) => ({ name, ...counts })),
      refused: inOrder(this.#refused),
      refusedCount: this.refusedCount,
      leftOut: this.#leftOut.top(shown).map(([reason, count]) => ({ reason, count })),
      drugs: { ...this.#drugs },
      unresolvedDrugs: this.#unresolved.top(shown).map(([entry, count]) => ({ ...entry, count })),
      ambiguousDrugs: this.#ambiguous.top(shown).map(([entry, count]) => ({ ...entry, count })),
      unknownCodes: this.#unknown.top(shown).map(([code, count]) => ({ code, count })),
      unmappedConditions: this.#conditions.top(shown).map(([entry, count]) => ({ ...entry, count })),
    };
  }
}

/** Counts things by a key, most frequent first. */
class Counter<Entry> {
  readonly #counts = new Map<string, { readonly entry: Entry; count: number }>();

  add(key: string, entry: Entry, count = 1): void {
    const counted = this.#counts.get(key);
    if (counted) counted.count += count;
    else if (this.#counts.size < COUNTED) this.#counts.set(key, { entry, count });
  }

  top(shown: number): [Entry, number][] {
    return [...this.#counts]
      .sort(([a, { count: m }], [b, { count: n }]) => n - m || (a < b ? -1 : 1))
      .slice(0, shown)
      .map(([, { entry, count }]) => [entry, count]);
  }
}

/** As they stand in the files: patients are read in an order of their own. */
function inOrder(refused: readonly Refusal[]): Refusal[] {
  return [...refused].sort((a, b) => (a.file ?? '').localeCompare(b.file ?? '', 'en') || a.line - b.line);
}

function cut(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
