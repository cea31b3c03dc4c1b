/** Titles, hierarchies and searches of clinical codes. Changes no code and maps none (see code-maps.ts). */

import type { CodeTitle, DiagnosisSystem } from '../shared/domain.ts';
import { CodeFrequency } from './code-frequency.ts';
import { CodeMaps } from './code-maps.ts';
import { LayWords } from './lay-words.ts';
import { nameKey } from './names.ts';
import { lazy, type Tables } from './tables.ts';
import { Postings, WordIndex } from './word-index.ts';

export type ProcedureSystem = 'ICD-9-PROC' | 'ICD-10-PCS';
export type CodebookSystem = 'NAMCS-REASON' | 'NAMCS-SPECIALTY' | 'NAMCS-CHRONIC';
export type CodeSystem = DiagnosisSystem | ProcedureSystem | CodebookSystem;
/** Systems that have titles of their own to search. */
export type SearchedSystem = DiagnosisSystem | 'ICD-9-PROC' | 'NAMCS-REASON';

type Entry = readonly [code: string, title: string];

interface SearchIndex {
  readonly codes: readonly string[];
  readonly places: ReadonlyMap<string, number>;
  /** What a code's frequency adds to its score. */
  readonly bonus: Float32Array;
  readonly titles: readonly string[];
  readonly index: WordIndex;
}

/** Where a diagnosis code stands: broadest first. `code` is null for chapters and blocks, which have no single code. */
export interface CodeLevel {
  readonly level: 'chapter' | 'block' | 'category' | 'subcategory' | 'code';
  readonly code: string | null;
  readonly title: string;
}

interface DiagnosisEntry {
  readonly title: string;
  readonly block: string;
  readonly chapter: string;
}

const CATEGORY_LENGTH = 3;
/** Titles read into an index at a time: some ten milliseconds. */
const PIECE = 2000;
/** Added to a score for each power of ten of recorded visits: 10,000 are worth a whole word against a beginning. */
const FREQUENCY_WEIGHT = 1 / 20;

/** A code as the tables write it: upper case, no dot, no padding (`e11.9` → `E119`). */
export function normaliseCode(code: string): string {
  return code.replace(/[.\s-]/g, '').toUpperCase();
}

/** Codes as people write them: the dot after the category (`E119` → `E11.9`, `E8889` → `E888.9` in ICD-9). */
export function displayCode(system: CodeSystem, code: string): string {
  if (system === 'ICD-9-PROC') return code.length > 2 ? `${code.slice(0, 2)}.${code.slice(2)}` : code;
  if (system !== 'ICD-9-CM' && system !== 'ICD-10-CM') return code;
  const dot = system === 'ICD-9-CM' && code.startsWith('E') ? CATEGORY_LENGTH + 1 : CATEGORY_LENGTH;
  return code.length > dot ? `${code.slice(0, dot)}.${code.slice(dot)}` : code;
}

export class Codes {
  readonly maps: CodeMaps;
  readonly #icd9: () => ReadonlyMap<string, DiagnosisEntry>;
  readonly #icd10: () => ReadonlyMap<string, DiagnosisEntry>;
  readonly #procedures: () => ReadonlyMap<string, string>;
  readonly #codebook: () => Record<'reasons' | 'specialty' | 'chronic', Record<string, string>>;
  readonly #indexes = new Map<SearchedSystem, SearchIndex>();
  readonly #preparing = new Map<SearchedSystem, Promise<void>>();
  readonly #groups: () => ReadonlyMap<string, readonly string[]>;
  readonly #frequency: CodeFrequency;
  readonly #layWords: LayWords;

  constructor(tables: Tables) {
    this.maps = new CodeMaps(tables);
    this.#frequency = new CodeFrequency(tables, this.maps);
    this.#layWords = new LayWords(tables);
    this.#icd9 = lazy(() => readDiagnoses(tables.lines('icd9cm.tsv.gz'), false));
    this.#icd10 = lazy(() => readDiagnoses(tables.lines('icd10cm.tsv.gz'), true));
    this.#procedures = lazy(
      () =>
        new Map(tables.lines('icd9-procedures.tsv.gz').map((line) => line.split('\t') as [string, string])),
    );
    this.#codebook = lazy(() => tables.json('namcs-codebook.json') as ReturnType<typeof this.codebook>);
    this.#groups = lazy(() => readGroups(tables.lines('ccs-icd9.tsv.gz')));
  }

  /** Titles of the NAMCS codebook: reasons for visit, specialties, chronic flags. */
  codebook(): Record<'reasons' | 'specialty' | 'chronic', Record<string, string>> {
    return this.#codebook();
  }

  /**
   * Title of a code, or null when no table knows it. ICD codes may carry a dot; a code longer than any known one
   * falls back to nothing. ICD-10-PCS has no free title table: the title of the nearest ICD-9 procedure, marked so.
   */
  title(system: CodeSystem, code: string): string | null {
    const key = normaliseCode(code);
    switch (system) {
      case 'ICD-9-CM':
      case 'ICD-10-CM':
        return this.#table(system).get(key)?.title ?? null;
      case 'ICD-9-PROC':
        return this.#procedures().get(key) ?? null;
      case 'ICD-10-PCS': {
        const nearest = this.maps.procedureToIcd9(key).codes[0];
        const title = nearest === undefined ? undefined : this.#procedures().get(nearest);
        return title === undefined ? null : `about: ${title}`;
      }
      case 'NAMCS-REASON':
        return this.codebook().reasons[key] ?? null;
      case 'NAMCS-SPECIALTY':
        return this.codebook().specialty[key.padStart(2, '0')] ?? null;
      case 'NAMCS-CHRONIC':
        return this.codebook().chronic[code] ?? null;
    }
  }

  /** True when the code's table has it. */
  knows(system: CodeSystem, code: string): boolean {
    return this.title(system, code) !== null;
  }

  /** Chapter → block → category → … → the code itself; levels the table lacks are left out. Empty for unknown families. */
  hierarchy(system: DiagnosisSystem, code: string): readonly CodeLevel[] {
    const table = this.#table(system);
    const key = normaliseCode(code);
    const category = key.slice(
      0,
      system === 'ICD-9-CM' && key.startsWith('E') ? CATEGORY_LENGTH + 1 : CATEGORY_LENGTH,
    );
    const family = table.get(category);
    if (!family) return [];
    const levels: CodeLevel[] = [{ level: 'chapter', code: null, title: family.chapter }];
    if (family.block !== '') levels.push({ level: 'block', code: null, title: family.block });
    for (let length = category.length; length <= key.length; length += 1) {
      const part = key.slice(0, length);
      const entry = table.get(part);
      if (!entry) continue;
      const level =
        part === key && length > category.length
          ? 'code'
          : length === category.length
            ? 'category'
            : 'subcategory';
      levels.push({ level, code: part, title: entry.title });
    }
    return levels;
  }

  /** CCS groups of an ICD-9 diagnosis, broadest first, e.g. `3 Endocrine; …`, `3.2 Diabetes mellitus …`. */
  groups(code: string): readonly string[] {
    return this.#groups().get(normaliseCode(code)) ?? [];
  }

  /**
   * Codes whose title holds the typed words (or whose code begins so), best first; a word that nothing begins with may
   * have one or two wrong letters. What people call a diagnosis leads to ICD-10-CM codes as well (`high blood pressure`),
   * and often recorded codes come before rare ones. The first call for a system builds its index, unless prepareSearch did.
   */
  search(text: string, system: SearchedSystem, limit: number): readonly CodeTitle[] {
    const { codes, titles, index, places, bonus } = this.#index(system);
    const typed = normaliseCode(text);
    const byCode = /^[A-Z]?\d/.test(typed)
      ? codes.flatMap((code, i) => (code.startsWith(typed) ? i : []))
      : [];
    // A short title is about the typed words and little else; a short code is the broader term.
    const scoreOf = (document: number, quality: number): number =>
      quality + bonus[document]! - titles[document]!.length / 400 - codes[document]!.length / 100;
    const ranked = index.best(nameKey(text), limit, scoreOf, (a, b) => codes[a]! < codes[b]!);
    const lay = system === 'ICD-10-CM' ? this.#layWords.find(nameKey(text)) : [];
    const called = (spelt: boolean): number[] =>
      lay
        .filter((match) => match.spelt === spelt)
        .flatMap((match) => match.codes.map((code) => places.get(code)!));
    return [...new Set([...byCode, ...called(true), ...ranked, ...called(false)])]
      .slice(0, limit)
      .map((document) => ({ code: codes[document]!, title: titles[document]! }));
  }

  /** Every code of a system with its title, in code order, and the visits of the corpus that recorded it. */
  *diagnoses(
    system: DiagnosisSystem,
  ): Generator<{ readonly code: string; readonly title: string; readonly visits: number }> {
    for (const [code, { title }] of this.#table(system))
      yield { code, title, visits: this.#frequency.visits(system, code) };
  }

  /** What people call diagnoses, with ICD-10-CM codes, the usual one first. */
  layTerms(): readonly { readonly term: string; readonly codes: readonly string[] }[] {
    return this.#layWords.all();
  }

  #table(system: DiagnosisSystem): ReadonlyMap<string, DiagnosisEntry> {
    return system === 'ICD-9-CM' ? this.#icd9() : this.#icd10();
  }

  /**
   * Builds the index of a system in pieces, so that whoever shares the thread is not kept waiting.
   * @param pause called between the pieces, e.g. a turn of the event loop
   */
  prepareSearch(system: SearchedSystem, pause: () => Promise<unknown>): Promise<void> {
    let preparing = this.#preparing.get(system);
    if (!preparing) {
      preparing = this.#prepare(system, pause);
      this.#preparing.set(system, preparing);
    }
    return preparing;
  }

  async #prepare(system: SearchedSystem, pause: () => Promise<unknown>): Promise<void> {
    const entries = this.#searched(system);
    const postings = new Postings();
    for (let done = 0; done < entries.length; done += PIECE) {
      await pause();
      for (const [, title] of entries.slice(done, done + PIECE)) postings.add(nameKey(title));
    }
    await pause();
    const bonus = this.#bonus(system, entries);
    await pause();
    if (!this.#indexes.has(system))
      this.#indexes.set(system, searchIndex(entries, bonus, new WordIndex(postings)));
  }

  #index(system: SearchedSystem): SearchIndex {
    let made = this.#indexes.get(system);
    if (!made) {
      const entries = this.#searched(system);
      const words = new WordIndex(entries.map(([, title]) => nameKey(title)));
      made = searchIndex(entries, this.#bonus(system, entries), words);
      this.#indexes.set(system, made);
    }
    return made;
  }

  /** What the frequency of each code adds to its score. */
  #bonus(system: SearchedSystem, entries: readonly Entry[]): Float32Array {
    if (system !== 'ICD-9-CM' && system !== 'ICD-10-CM') return new Float32Array(entries.length);
    return Float32Array.from(
      entries,
      ([code]) => FREQUENCY_WEIGHT * Math.log10(1 + this.#frequency.visits(system, code)),
    );
  }

  #searched(system: SearchedSystem): Entry[] {
    if (system === 'ICD-9-PROC') return [...this.#procedures()];
    if (system === 'NAMCS-REASON') return Object.entries(this.codebook().reasons);
    return [...this.#table(system)].map(([code, { title }]) => [code, title]);
  }
}

function searchIndex(entries: readonly Entry[], bonus: Float32Array, index: WordIndex): SearchIndex {
  const codes = entries.map(([code]) => code);
  return {
    codes,
    places: new Map(codes.map((code, place) => [code, place])),
    bonus,
    titles: entries.map(([, title]) => title),
    index,
  };
}

/** Rows in code order; an empty block or chapter repeats the row above. */
function readDiagnoses(lines: readonly string[], hasBlock: boolean): Map<string, DiagnosisEntry> {
  const entries = new Map<string, DiagnosisEntry>();
  let block = '';
  let chapter = '';
  for (const line of lines) {
    const cells = line.split('\t');
    const [code = '', title = ''] = cells;
    if (hasBlock && cells[2] !== '') block = cells[2] ?? block;
    const written = cells[hasBlock ? 3 : 2];
    if (written !== '') chapter = written ?? chapter;
    entries.set(code, { title, block, chapter });
  }
  return entries;
}

function readGroups(lines: readonly string[]): Map<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const line of lines) {
    const cells = line.split('\t');
    const labels = cells.slice(0, 4).filter((label) => label !== '');
    for (const code of (cells[4] ?? '').split(' ')) groups.set(code, labels);
  }
  return groups;
}
