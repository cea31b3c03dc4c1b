/**
 * The import page: what was picked, how it is read, what a dry run or an import found, and the site's own table of names.
 * Knows no format; the engine does.
 */

import { SvelteMap } from 'svelte/reactivity';
import type { Engine, PickedFile } from '../../shared/bridge.ts';
import type { WireErrorData } from '../../shared/contract.ts';
import type {
  ColumnMapping,
  CsvField,
  ImportFormat,
  ImportProgress,
  ImportReport,
  InspectedSource,
  MappingFileReport,
  MappingKind,
  SiteMapping,
  UnfinishedImport,
} from '../../shared/import-api.ts';
import { isCancelled, problemOf } from './problem.ts';

export class DataImport {
  source = $state.raw<InspectedSource | null>(null);
  format = $state<ImportFormat>('visits');
  /** Column chosen for each field of a generic CSV. */
  readonly columns = new SvelteMap<CsvField, string>();
  running = $state<'dry' | 'import' | null>(null);
  progress = $state.raw<ImportProgress | null>(null);
  report = $state.raw<ImportReport | null>(null);
  problem = $state.raw<WireErrorData | null>(null);
  cancelled = $state(false);
  mappings = $state.raw<readonly SiteMapping[]>([]);
  unfinished = $state.raw<readonly UnfinishedImport[]>([]);
  /** The table changed since the report was made, so it would read differently now. */
  outdated = $state(false);
  tableFile = $state.raw<MappingFileReport | null>(null);
  exported = $state.raw<number | null>(null);

  readonly #engine: Engine;
  readonly #stored: () => Promise<void>;
  #picked: PickedFile | null = null;
  #abort: AbortController | undefined;

  /** @param stored called after every import, finished or not, since visits may have been stored */
  constructor(engine: Engine, stored: () => Promise<void>) {
    this.#engine = engine;
    this.#stored = stored;
  }

  /** What the site's table says of an entry; null when it has no row for it. */
  mappingOf(kind: MappingKind, written: string): SiteMapping | null {
    const same = (text: string): string => text.trim().toLowerCase().replace(/\s+/g, ' ');
    return this.mappings.find((one) => one.kind === kind && same(one.written) === same(written)) ?? null;
  }

  load(): Promise<void> {
    return this.#work(async () => {
      this.mappings = await this.#engine.call('mappings.list', {});
      this.unfinished = await this.#engine.call('imports.unfinished', {});
    });
  }

  /** Lets the user pick a file or a folder and shows what it is. */
  choose(what: 'visits' | 'import-folder'): Promise<void> {
    return this.#work(async () => {
      const picked = await this.#engine.pickImportFile(what);
      if (picked !== null) await this.show(picked);
    });
  }

  /** Looks at what was picked elsewhere. */
  async show(picked: PickedFile): Promise<void> {
    this.#picked = picked;
    this.source = null;
    this.report = null;
    this.cancelled = false;
    this.columns.clear();
    const source = await this.#engine.call('imports.inspect', { grant: picked.grant });
    this.format = source.format;
    this.source = source;
  }

  run(dryRun: boolean): Promise<void> {
    const [picked, { format }] = [this.#picked, this];
    if (picked === null) return Promise.resolve();
    const columns: ColumnMapping = Object.fromEntries(this.columns);
    const chosen = format === 'csv' ? { columns } : {};
    return this.#import(dryRun, async (options) => {
      const report = await this.#engine.call(
        'visits.import',
        { grant: picked.grant, format, dryRun, ...chosen },
        options,
      );
      if (!dryRun) this.#picked = null; // A grant is for one import; the source stays on the screen for its report.
      return report;
    });
  }

  resume({ id }: UnfinishedImport): Promise<void> {
    this.source = null;
    return this.#import(false, (options) => this.#engine.call('imports.resume', { id }, options));
  }

  abandon({ id }: UnfinishedImport): Promise<void> {
    return this.#work(async () => {
      await this.#engine.call('imports.forget', { id });
      this.unfinished = await this.#engine.call('imports.unfinished', {});
    });
  }

  #import(
    dryRun: boolean,
    ask: (options: {
      readonly onProgress: (progress: ImportProgress) => void;
      readonly signal: AbortSignal;
    }) => Promise<ImportReport>,
  ): Promise<void> {
    return this.#work(async () => {
      if (this.running !== null) return;
      this.running = dryRun ? 'dry' : 'import';
      this.progress = null;
      this.report = null;
      this.cancelled = false;
      this.#abort = new AbortController();
      try {
        this.report = await ask({
          onProgress: (progress) => (this.progress = progress),
          signal: this.#abort.signal,
        });
        this.outdated = false;
      } catch (thrown) {
        if (!isCancelled(problemOf(thrown))) throw thrown;
        this.cancelled = true;
      } finally {
        this.running = null;
        if (!dryRun) {
          this.unfinished = await this.#engine.call('imports.unfinished', {});
          await this.#stored();
        }
      }
    });
  }

  /** Whether what is shown can still be imported. */
  get ready(): boolean {
    return this.source !== null && this.running === null && !(this.report?.dryRun === false);
  }

  cancel(): void {
    this.#abort?.abort();
  }

  map(kind: MappingKind, written: string, targets: readonly string[]): Promise<void> {
    return this.#work(async () => {
      await this.#engine.call('mappings.put', { kind, written, targets });
      await this.#reload();
    });
  }

  forget({ kind, written }: SiteMapping): Promise<void> {
    return this.#work(async () => {
      await this.#engine.call('mappings.remove', { kind, written });
      await this.#reload();
    });
  }

  addTable(): Promise<void> {
    return this.#work(async () => {
      const picked = await this.#engine.pickImportFile('mappings');
      if (picked === null) return;
      this.tableFile = await this.#engine.call('mappings.import', { grant: picked.grant });
      await this.#reload();
    });
  }

  saveTable(): Promise<void> {
    return this.#work(async () => {
      const picked = await this.#engine.pickSaveFile('csv', 'flame-mapping-table.csv');
      if (picked === null) return;
      this.exported = (await this.#engine.call('mappings.export', { grant: picked.grant })).rows;
    });
  }

  async #reload(): Promise<void> {
    this.mappings = await this.#engine.call('mappings.list', {});
    this.outdated = this.report !== null;
  }

  async #work(work: () => Promise<void>): Promise<void> {
    this.problem = null;
    try {
      await work();
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }
}
