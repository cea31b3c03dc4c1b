/** Stores accounts, the codes beside them, and settings of the profile. Holds no secret and judges no role. */

import { z } from 'zod';
import type { CodeKind } from '../../shared/accounts-api.ts';
import { ROLES, type Role } from '../../shared/roles.ts';
import { foldName } from '../access/key-ring.ts';
import type { ReadableDb, WritableDb } from './handle.ts';

export interface StoredAccount {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly roles: readonly Role[];
  /** Hexadecimal digits; the ring's entry has the same unless one of the two was changed alone. */
  readonly publicKey: string;
  readonly mustChange: boolean;
  readonly createdAt: string;
  readonly signedInAt: string | null;
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly roles: string;
  readonly public_key: string;
  readonly must_change: number;
  readonly created_at: string;
  readonly signed_in_at: string | null;
}

const RolesColumn = z.array(z.enum(ROLES));
const ACTIVE = 'removed_at IS NULL';

/** By name; removed ones are left out. */
export function listAccounts(db: ReadableDb): StoredAccount[] {
  return db.all<Row>(`SELECT * FROM accounts WHERE ${ACTIVE} ORDER BY folded_name`).map(accountOf);
}

/** Null for one that was removed or never was. */
export function findAccount(db: ReadableDb, id: string): StoredAccount | null {
  const row = db.get<Row>(`SELECT * FROM accounts WHERE id = ? AND ${ACTIVE}`, id);
  return row ? accountOf(row) : null;
}

export function isNameTaken(db: ReadableDb, name: string, besides: string | null): boolean {
  const sql = `SELECT 1 FROM accounts WHERE folded_name = ? AND id IS NOT ? AND ${ACTIVE}`;
  return db.get(sql, foldName(name), besides) !== undefined;
}

export function insertAccount(db: WritableDb, account: StoredAccount): void {
  db.run(
    `INSERT INTO accounts (id, name, folded_name, title, roles, public_key, must_change, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    account.id,
    account.name,
    foldName(account.name),
    account.title,
    JSON.stringify(account.roles),
    account.publicKey,
    account.mustChange ? 1 : 0,
    account.createdAt,
  );
}

export function updateAccount(
  db: WritableDb,
  id: string,
  change: Partial<Omit<StoredAccount, 'id' | 'createdAt'>>,
): void {
  const { name, title, roles, publicKey, mustChange, signedInAt } = change;
  db.run(
    `UPDATE accounts SET name = coalesce(?, name), folded_name = coalesce(?, folded_name), title = coalesce(?, title),
       roles = coalesce(?, roles), public_key = coalesce(?, public_key), must_change = coalesce(?, must_change),
       signed_in_at = coalesce(?, signed_in_at) WHERE id = ?`,
    name ?? null,
    name === undefined ? null : foldName(name),
    title ?? null,
    roles === undefined ? null : JSON.stringify(roles),
    publicKey ?? null,
    mustChange === undefined ? null : Number(mustChange),
    signedInAt ?? null,
    id,
  );
}

export function removeAccount(db: WritableDb, id: string, at: string): void {
  db.run(`UPDATE accounts SET removed_at = ? WHERE id = ? AND ${ACTIVE}`, at, id);
}

export interface StoredCode {
  readonly id: string;
  readonly kind: CodeKind;
  readonly publicKey: string;
  readonly createdAt: string;
}

export function findCode(db: ReadableDb, kind: CodeKind): StoredCode | null {
  return (
    db.get<StoredCode>(
      'SELECT id, kind, public_key AS publicKey, created_at AS createdAt FROM access_codes WHERE kind = ?',
      kind,
    ) ?? null
  );
}

/** In place of the code of this kind before. */
export function putCode(db: WritableDb, { id, kind, publicKey, createdAt }: StoredCode): void {
  db.run('DELETE FROM access_codes WHERE kind = ?', kind);
  const sql = 'INSERT INTO access_codes (id, kind, public_key, created_at) VALUES (?, ?, ?, ?)';
  db.run(sql, id, kind, publicKey, createdAt);
}

/** A setting of the profile; null where it was never set or another version of Flame wrote something else. */
export function readSetting<Value>(db: ReadableDb, name: string, shape: z.ZodType<Value>): Value | null {
  const row = db.get<{ value: string }>('SELECT value FROM profile_settings WHERE name = ?', name);
  if (row === undefined) return null;
  return shape.safeParse(JSON.parse(row.value)).data ?? null;
}

export function writeSetting(db: WritableDb, name: string, value: unknown): void {
  db.run(
    'INSERT INTO profile_settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    name,
    JSON.stringify(value),
  );
}

function accountOf(row: Row): StoredAccount {
  return {
    id: row.id,
    name: row.name,
    title: row.title,
    roles: RolesColumn.parse(JSON.parse(row.roles)),
    publicKey: row.public_key,
    mustChange: row.must_change === 1,
    createdAt: row.created_at,
    signedInAt: row.signed_in_at,
  };
}
