/** The knowledge tables in use: the shipped ones, with the site's own laid over them, and the checks. Reads no database. */

import { join } from 'node:path';
import { Checker } from '../checks/checker.ts';
import { loadKnowledge, type Knowledge } from '../knowledge/knowledge.ts';
import { withSiteTable } from '../knowledge/site-table.ts';
import { attempt, failed, valueOf, type Part } from './parts.ts';
import type { StoredSiteTable } from './store/site-tables.ts';

export class TablesInUse {
  /** The shipped tables alone, without which no model runs. */
  readonly shipped: Part<Knowledge>;
  #part: Part<Knowledge>;
  #siteTable: StoredSiteTable | null = null;
  #checks: { readonly tables: Knowledge; readonly checker: Checker } | null = null;

  private constructor(shipped: Part<Knowledge>) {
    this.shipped = shipped;
    this.#part = shipped;
  }

  /** Loads the shipped tables and verifies their hashes; fails never. */
  static async open(resources: string): Promise<TablesInUse> {
    return new TablesInUse(
      await attempt('knowledge', () => {
        const tables = loadKnowledge(join(resources, 'knowledge'));
        tables.verifyAll();
        return tables;
      }),
    );
  }

  get part(): Part<Knowledge> {
    return this.#part;
  }

  /** The site's own table that lies over the shipped ones, null without one. */
  get siteTable(): StoredSiteTable | null {
    return this.#siteTable;
  }

  /** The checks over the tables in use. @throws FlameError KNOWLEDGE_CORRUPT */
  get checker(): Checker {
    const tables = valueOf(this.#part);
    if (this.#checks?.tables !== tables) this.#checks = { tables, checker: new Checker(tables) };
    return this.#checks.checker;
  }

  /** Lays a site's table over the shipped ones, or takes it off with null. */
  lay(table: StoredSiteTable | null): void {
    this.#siteTable = table;
    if (!this.shipped.ok) return;
    const shipped = this.shipped.value;
    this.#part = { ok: true, value: table === null ? shipped : withSiteTable(shipped, table) };
  }

  /** Takes the tables out of use: lists without a site's table would look as if they had obeyed it. */
  fail(thrown: unknown): void {
    this.#part = failed('knowledge', thrown);
  }
}
