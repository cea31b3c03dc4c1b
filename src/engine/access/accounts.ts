/**
 * Adds, changes and removes accounts and codes: the ring of keys, the table and the audit log in step. A crash between
 * the two leaves an account that needs a new passphrase, never one that opens more than the table says. Signs nobody in.
 */

import type { AccountForm, CodeKind } from '../../shared/accounts-api.ts';
import { FlameError } from '../../shared/errors.ts';
import { passphraseProblem } from '../../shared/passphrase.ts';
import { newAccessCode } from './access-code.ts';
import { removeEarlierKeys } from './key.ts';
import { entryOf, hasRing, makeEntry, readRing, withSecret, writeRing, type Entry } from './key-ring.ts';
import type { KeyPair } from './key-seal.ts';
import type { Profile } from '../profile.ts';
import {
  findAccount,
  insertAccount,
  isNameTaken,
  listAccounts,
  putCode,
  removeAccount,
  updateAccount,
  type StoredAccount,
} from '../store/accounts.ts';
import { appendAudit, type AuditEvent } from '../store/audit.ts';
import { freeDrafts, giveDrafts } from '../store/drafts.ts';
import { newId } from '../store/ids.ts';

export interface Keeping {
  readonly profile: Pick<Profile, 'folder' | 'db' | 'key'>;
  readonly actor: string;
  /** Of a guess, scrypt's N. */
  readonly cost: number;
}

/**
 * The first accounts of a profile: an administrator and the recovery code. The ways to the key from before are removed
 * once both are written.
 * @throws FlameError INVALID_INPUT where there are accounts, PASSPHRASE_POOR
 */
export async function setUpAccounts(
  keeping: Keeping,
  form: AccountForm,
  passphrase: string,
): Promise<{ readonly id: string; readonly recoveryCode: string }> {
  const { folder, db, key } = keeping.profile;
  refuseRing(folder);
  if (!form.roles.includes('administrator')) throw new FlameError('LAST_ADMINISTRATOR');
  refusePoor(passphrase, form);
  const account = await newAccount(keeping, form, passphrase, false);
  const code = await newCodeEntry(keeping, 'recovery');
  refuseRing(folder); // Once more: stretching took its time.
  db.transaction(() => {
    // What an interrupted first try left: no key ever opened it.
    for (const { id } of listAccounts(db)) removeAccount(db, id, account.stored.createdAt);
    insertAccount(db, account.stored);
    putCode(db, code.stored);
    giveDrafts(db, account.stored.id);
    note(keeping, 'accounts.set-up', account.stored.id, { name: form.name, roles: form.roles });
  });
  writeRing(folder, { format: 2, entries: [account.entry, code.entry] });
  removeEarlierKeys(folder, key);
  return { id: account.stored.id, recoveryCode: code.secret };
}

/** @throws FlameError ACCOUNT_NAME_TAKEN, PASSPHRASE_POOR */
export async function addAccount(keeping: Keeping, form: AccountForm, passphrase: string): Promise<void> {
  const { db } = keeping.profile;
  refuseTaken(keeping, form.name, null);
  refusePoor(passphrase, form);
  const { stored, entry } = await newAccount(keeping, form, passphrase, true);
  db.transaction(() => {
    refuseTaken(keeping, form.name, null); // Once more: stretching took its time.
    insertAccount(db, stored);
    note(keeping, 'account.added', stored.id, { name: form.name, roles: form.roles });
  });
  putEntry(keeping, entry);
}

/** @throws FlameError NOT_FOUND, ACCOUNT_NAME_TAKEN, LAST_ADMINISTRATOR */
export function changeAccount(keeping: Keeping, id: string, { name, title, roles }: AccountForm): void {
  const { db, folder } = keeping.profile;
  const before = getAccount(keeping, id);
  refuseTaken(keeping, name, id);
  if (!roles.includes('administrator')) refuseLast(keeping, id);
  db.transaction(() => {
    updateAccount(db, id, { name, title, roles });
    note(keeping, 'account.changed', id, { name, roles, before: { name: before.name, roles: before.roles } });
  });
  const entry = entryOf(readRing(folder), id);
  if (entry !== null) putEntry(keeping, { ...entry, name });
}

/** A passphrase that somebody else chose, to be changed at the next sign-in. @throws FlameError NOT_FOUND, PASSPHRASE_POOR */
export async function resetPassphrase(keeping: Keeping, id: string, passphrase: string): Promise<void> {
  await givePassphrase(keeping, id, passphrase, { mustChange: true, action: 'account.passphrase-reset' });
}

/** An administrator's own new passphrase, after the recovery code opened the database. */
export async function recoverAccount(keeping: Keeping, id: string, passphrase: string): Promise<void> {
  await givePassphrase(keeping, id, passphrase, { mustChange: false, action: 'account.recovered' });
}

async function givePassphrase(
  keeping: Keeping,
  id: string,
  passphrase: string,
  { mustChange, action }: { readonly mustChange: boolean; readonly action: AuditEvent['action'] },
): Promise<void> {
  const { profile, cost } = keeping;
  const before = getAccount(keeping, id);
  refusePoor(passphrase, before);
  const made = await makeEntry({ id, kind: 'account', name: before.name }, passphrase, profile.key, cost);
  const account = getAccount(keeping, id); // Removed meanwhile, it gets no key back.
  const entry = { ...made, name: account.name };
  // The table first: no passphrase opens anything of which the log does not say who gave it.
  profile.db.transaction(() => {
    updateAccount(profile.db, id, { publicKey: entry.publicKey, mustChange });
    note(keeping, action, id, { name: account.name });
  });
  putEntry(keeping, entry);
}

/** @param pair of the account's own key, proved with the passphrase before */
export async function changePassphrase(
  keeping: Keeping,
  id: string,
  pair: KeyPair,
  passphrase: string,
): Promise<void> {
  const { profile, cost } = keeping;
  const account = getAccount(keeping, id);
  refusePoor(passphrase, account);
  const entry = entryOf(readRing(profile.folder), id);
  if (entry === null) throw new FlameError('NOT_FOUND', { what: 'account' });
  const changed = await withSecret(entry, pair, passphrase, cost);
  // Removed or given another passphrase meanwhile: that holds, and this one opens nothing.
  const present = entryOf(readRing(profile.folder), id);
  if (present?.publicKey !== entry.publicKey) throw new FlameError('NOT_FOUND', { what: 'account' });
  putEntry(keeping, { ...changed, name: present.name });
  profile.db.transaction(() => {
    updateAccount(profile.db, id, { mustChange: false });
    note(keeping, 'account.passphrase-changed', id, { name: account.name });
  });
}

/** @throws FlameError NOT_FOUND, LAST_ADMINISTRATOR */
export function dropAccount(keeping: Keeping, id: string): void {
  const { db, folder } = keeping.profile;
  const { name } = getAccount(keeping, id);
  refuseLast(keeping, id);
  const ring = readRing(folder);
  writeRing(folder, { ...ring, entries: ring.entries.filter((entry) => entry.id !== id) });
  db.transaction(() => {
    removeAccount(db, id, new Date().toISOString());
    freeDrafts(db, id);
    note(keeping, 'account.removed', id, { name });
  });
}

/** A code in place of the one of its kind before. @returns the code, which is kept nowhere */
export async function renewCode(keeping: Keeping, kind: CodeKind): Promise<string> {
  const { db, folder } = keeping.profile;
  const { secret, stored, entry } = await newCodeEntry(keeping, kind);
  const ring = readRing(folder);
  writeRing(folder, { ...ring, entries: [...ring.entries.filter((one) => one.kind !== kind), entry] });
  db.transaction(() => {
    putCode(db, stored);
    note(keeping, 'account.code-made', kind, { kind });
  });
  return secret;
}

export function getAccount({ profile }: Pick<Keeping, 'profile'>, id: string): StoredAccount {
  const account = findAccount(profile.db, id);
  if (account === null) throw new FlameError('NOT_FOUND', { what: 'account' });
  return account;
}

async function newAccount(
  { profile, cost }: Keeping,
  { name, title, roles }: AccountForm,
  passphrase: string,
  mustChange: boolean,
): Promise<{ readonly stored: StoredAccount; readonly entry: Entry }> {
  const id = newId();
  const entry = await makeEntry({ id, kind: 'account', name }, passphrase, profile.key, cost);
  const { publicKey } = entry;
  const createdAt = new Date().toISOString();
  return { entry, stored: { id, name, title, roles, publicKey, mustChange, createdAt, signedInAt: null } };
}

async function newCodeEntry({ profile, cost }: Keeping, kind: CodeKind) {
  const id = newId();
  const secret = newAccessCode();
  const entry = await makeEntry({ id, kind, name: '' }, secret, profile.key, cost);
  const createdAt = new Date().toISOString();
  return { secret, entry, stored: { id, kind, publicKey: entry.publicKey, createdAt } };
}

/** The file as it is now, with this entry in it, new or in place of the one before. */
function putEntry({ profile }: Keeping, entry: Entry): void {
  const ring = readRing(profile.folder);
  const others = ring.entries.filter(({ id }) => id !== entry.id);
  writeRing(profile.folder, { ...ring, entries: [...others, entry] });
}

function refuseRing(folder: string): void {
  if (hasRing(folder)) throw new FlameError('INVALID_INPUT', { problem: 'there are accounts already' });
}

function refusePoor(passphrase: string, { name, title }: Pick<AccountForm, 'name' | 'title'>): void {
  const problem = passphraseProblem(passphrase, [name, title]);
  if (problem !== null) throw new FlameError('PASSPHRASE_POOR', { problem });
}

function refuseTaken({ profile }: Keeping, name: string, besides: string | null): void {
  if (isNameTaken(profile.db, name, besides)) throw new FlameError('ACCOUNT_NAME_TAKEN', { name });
}

/** Some administrator besides `id` must be able to sign in. */
function refuseLast({ profile }: Keeping, id: string): void {
  const ring = readRing(profile.folder);
  const others = listAccounts(profile.db).filter(
    (account) => account.id !== id && entryOf(ring, account.id) !== null,
  );
  if (!others.some(({ roles }) => roles.includes('administrator')))
    throw new FlameError('LAST_ADMINISTRATOR');
}

function note(
  { profile, actor }: Keeping,
  action: AuditEvent['action'],
  subject: string,
  content: AuditEvent['content'],
): void {
  appendAudit(profile.db, { actor, action, subject, content });
}
