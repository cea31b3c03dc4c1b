/** Brings a database to the newest schema, one numbered step a transaction. Migrations only add; nothing goes back. */

import type Database from 'better-sqlite3';
import { FlameError } from '../../shared/errors.ts';
import { patientsAndVisits } from './migrations/0001-patients-and-visits.ts';
import { recommendationsAndDecisions } from './migrations/0002-recommendations-and-decisions.ts';
import { auditEntries } from './migrations/0003-audit-entries.ts';
import { editing } from './migrations/0004-editing.ts';
import { auditAndOverview } from './migrations/0005-audit-and-overview.ts';
import { signedDecisions } from './migrations/0006-signed-decisions.ts';
import { modelUses } from './migrations/0007-model-uses.ts';
import { siteTables } from './migrations/0008-site-table.ts';
import { ageInMonths } from './migrations/0009-age-in-months.ts';
import { siteMappings } from './migrations/0010-site-mappings.ts';
import { accounts } from './migrations/0011-accounts.ts';
import { decisionFigures } from './migrations/0012-decision-figures.ts';
import { hooks } from './migrations/0013-hooks.ts';
import { finetuneJobs } from './migrations/0014-finetune-jobs.ts';
import { finetuneSpent } from './migrations/0015-finetune-spent.ts';
import { searchWaiting } from './migrations/0016-search-waiting.ts';
import { draftsByAccount } from './migrations/0017-drafts-by-account.ts';
import { nameInitials } from './migrations/0018-name-initials.ts';

export interface Migration {
  /** The schema version it leads to; its file's number. */
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** In order; a released migration is never edited. */
export const MIGRATIONS: readonly Migration[] = [
  patientsAndVisits,
  recommendationsAndDecisions,
  auditEntries,
  editing,
  auditAndOverview,
  signedDecisions,
  modelUses,
  siteTables,
  ageInMonths,
  siteMappings,
  accounts,
  decisionFigures,
  hooks,
  finetuneJobs,
  finetuneSpent,
  searchWaiting,
  draftsByAccount,
  nameInitials,
];

/** The schema that this version of Flame writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** The schema version of a database: 0 for an empty one. */
export function schemaVersion(database: Database.Database): number {
  return database.pragma('user_version', { simple: true }) as number;
}

/**
 * Applies the migrations that are missing, up to `target`.
 * @throws FlameError STORE_NEWER when a later version of Flame wrote the database
 */
export function migrate(database: Database.Database, target: number = SCHEMA_VERSION): void {
  const found = schemaVersion(database);
  if (found > SCHEMA_VERSION) throw new FlameError('STORE_NEWER', { found, known: SCHEMA_VERSION });
  for (const migration of MIGRATIONS) {
    if (migration.version <= found || migration.version > target) continue;
    database
      .transaction(() => {
        database.exec(migration.sql);
        database.pragma(`user_version = ${migration.version}`);
      })
      .immediate();
  }
}
