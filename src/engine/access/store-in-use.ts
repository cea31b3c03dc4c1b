/**
 * The visit database in use: opens it with its key, a passphrase or the secret of an account, writes the opening down, exchanges
 * and closes it. Stores nothing of its own, and checks no secret by itself.
 */

import type { EngineOptions } from '../../shared/engine-process.ts';
import { FlameError, type ErrorCode } from '../../shared/errors.ts';
import { KEY_STORE_REFUSALS, type KeyStoreRefusal } from '../../shared/key-store-api.ts';
import { AuditHeadKeeper } from '../audit/audit-head.ts';
import { noteOpening, type Opening, type RefusedTry } from '../audit/audit-opening.ts';
import { completeSearch } from '../imports/complete-search.ts';
import { attempt, failed, valueOf, type Part } from '../parts.ts';
import { openProfile, protectProfile, type Profile } from '../profile.ts';
import { findAccount } from '../store/accounts.ts';
import { removeLeftDrafts } from '../unfinished-files.ts';
import { readRing } from './key-ring.ts';
import type { KeyStore } from './key-store.ts';
import { prove, type Credential, type Proved } from './sign-in.ts';
import { SignInPauses } from './sign-in-pauses.ts';

/** Answers to a try of signing in, which change nothing about the database: it stays locked. */
const SIGN_IN_ANSWERS: ReadonlySet<ErrorCode> = new Set([
  'SIGN_IN_FAILED',
  'SIGN_IN_PAUSED',
  'ACCOUNT_LOCKED',
]);

export class StoreInUse {
  readonly #options: EngineOptions;
  #part: Part<Profile>;
  #auditHead: AuditHeadKeeper | null = null;
  /** Wrong passphrases since the start; written down once the database is open. */
  #refused: RefusedTry[] = [];
  /** What hangs on the database, when it is opened after the start. */
  #whenUnlocked: () => Promise<void> = () => Promise.resolve();
  /** Where wrong secrets of accounts are counted. */
  readonly pauses: SignInPauses;
  /** Why the system's key store did not open the database when it was asked to; null otherwise. */
  keyStoreRefusal: KeyStoreRefusal | null;

  private constructor(options: EngineOptions, profile: Part<Profile>) {
    this.#options = options;
    this.#part = profile;
    this.pauses = new SignInPauses(options.profile);
    this.keyStoreRefusal = refusalOf(profile);
    this.#noteOpened('app.opened');
  }

  /** Opens the database when no secret is needed or the system's key store holds it; fails never. */
  static async open(options: EngineOptions, keyStore: KeyStore): Promise<StoreInUse> {
    const profile = await attempt('store', () => openProfile({ ...profileOptions(options, null), keyStore }));
    return new StoreInUse(options, profile);
  }

  get part(): Part<Profile> {
    return this.#part;
  }

  get isOpen(): boolean {
    return this.#part.ok;
  }

  get isLocked(): boolean {
    return !this.#part.ok && this.#part.error.code === 'STORE_LOCKED';
  }

  whenUnlocked(follow: () => Promise<void>): void {
    this.#whenUnlocked = follow;
  }

  /** Opens the database of a profile without accounts with its passphrase. @throws FlameError of the STORE family */
  async unlock(passphrase: string): Promise<void> {
    if (this.#part.ok) return;
    const opened = await attempt('store', () => openProfile(profileOptions(this.#options, passphrase)));
    // A wrong passphrase is an answer to this call, not a state of the database: it stays locked. A damaged key file is one.
    if (!opened.ok && opened.error.details['reason'] === 'passphrase') {
      this.#refused.push({ at: new Date().toISOString() });
      throw opened.error;
    }
    await this.#unlocked(opened);
  }

  /**
   * Proves a secret of an account or a code, and opens the database with it unless it is open.
   * @throws FlameError what `prove` throws, and the STORE family
   */
  async openWith(credential: Credential): Promise<Proved> {
    if (this.#part.ok) return await prove(readRing(this.#options.profile), credential, this.pauses);
    const opened = await attempt('store', () =>
      openProfile({ ...profileOptions(this.#options, null), credential, pauses: this.pauses }),
    );
    if (!opened.ok && SIGN_IN_ANSWERS.has(opened.error.code)) {
      const account = 'account' in credential.who ? credential.who.account : credential.who.code;
      if (opened.error.code === 'SIGN_IN_FAILED')
        this.#refused.push({ at: new Date().toISOString(), account });
      throw opened.error;
    }
    if (!opened.ok || opened.value.proved === null) {
      await this.#unlocked(opened);
      return await this.openWith(credential); // Accounts were taken away or opened meanwhile.
    }
    const { db, proved } = opened.value;
    // Removed, but somebody put an old ring of keys back.
    if (proved.entry.kind === 'account' && findAccount(db, proved.entry.id) === null) {
      db.close();
      throw new FlameError('SIGN_IN_FAILED');
    }
    await this.#unlocked(opened);
    return proved;
  }

  async #unlocked(opened: Part<Profile>): Promise<void> {
    if (this.#part.ok) {
      // Another call opened it meanwhile; what this one met was that lock.
      if (opened.ok) opened.value.db.close();
      return;
    }
    this.#part = opened;
    this.#noteOpened('store.unlocked');
    valueOf(this.#part);
    await this.#whenUnlocked();
  }

  /** A database whose opening cannot be written down is not used. */
  #noteOpened(action: Opening['action']): void {
    if (!this.#part.ok) return;
    const profile = this.#part.value;
    try {
      noteOpening(profile, { action, appVersion: this.#options.appVersion, refused: this.#refused });
      this.#refused = [];
      this.#auditHead = new AuditHeadKeeper(profile);
      // What cannot be removed now is tried again at the next export.
      void removeLeftDrafts(profile.db).catch(() => undefined);
      this.completeSearch();
    } catch (thrown) {
      profile.db.close();
      this.#part = failed('store', thrown);
    }
  }

  /**
   * Puts another database in place of the open one.
   * @param prepare does all that can fail while the present one stays open; what it returns closes it and opens the other
   */
  exchange(prepare: (profile: Profile, nativeBinding?: string) => () => Profile): void {
    const exchange = this.withProfile((profile) =>
      prepare(profile, this.#options.sqliteBinding ?? undefined),
    );
    this.#auditHead?.stop();
    try {
      this.#part = { ok: true, value: exchange() };
      this.#auditHead = new AuditHeadKeeper(this.#part.value);
      this.completeSearch();
    } catch (thrown) {
      this.#part = failed('store', thrown);
      throw thrown;
    }
  }

  /**
   * Goes on with the search documents of an import that was cut short, while the database stays open. Whatever hinders it,
   * they stay marked, and every search tells of them.
   */
  completeSearch(): void {
    if (!this.#part.ok) return;
    const { db } = this.#part.value;
    const stopped = (): boolean => !this.#part.ok || this.#part.value.db !== db;
    void completeSearch(db, stopped).catch(() => undefined);
  }

  /** Lets `work` use the open profile, the head of its audit log brought up to now. @throws FlameError of the STORE family */
  withProfile<T>(work: (profile: Profile) => T): T {
    const profile = valueOf(this.#part);
    this.#auditHead?.flush();
    return work(profile);
  }

  /** Sets, changes or removes the passphrase of a profile without accounts. */
  async protect(passphrase: string | null): Promise<void> {
    await protectProfile(valueOf(this.#part), passphrase, this.#options.scryptCost);
  }

  /** Whoever asks afterwards is told that the store is closed. */
  close(): void {
    const before = this.#part;
    this.#part = { ok: false, error: new FlameError('STORE_UNAVAILABLE', { problem: 'it was closed' }) };
    this.#auditHead?.stop();
    if (before.ok) before.value.db.close();
  }
}

function profileOptions({ profile, sqliteBinding }: EngineOptions, passphrase: string | null) {
  return { folder: profile, passphrase, nativeBinding: sqliteBinding ?? undefined };
}

function refusalOf(profile: Part<Profile>): KeyStoreRefusal | null {
  const reason = profile.ok ? undefined : profile.error.details['keyStore'];
  return KEY_STORE_REFUSALS.find((refusal) => refusal === reason) ?? null;
}
