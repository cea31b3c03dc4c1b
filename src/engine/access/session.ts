/**
 * Who is at the keyboard: signs in, locks, lets in for an emergency, confirms who signs a decision. Proves secrets through
 * the workspace and writes everything down. Decides no role's rights.
 */

import { z } from 'zod';
import {
  EMERGENCY_MINUTES,
  LOCK_DEFAULT,
  NO_ACCOUNTS,
  type SessionStatus,
} from '../../shared/accounts-api.ts';
import { actorText } from '../../shared/actor.ts';
import type { MethodName } from '../../shared/contract.ts';
import type { Signature } from '../../shared/decision.ts';
import { FlameError } from '../../shared/errors.ts';
import type { DecisionId } from '../../shared/ids.ts';
import type { Role } from '../../shared/roles.ts';
import type { Caller, Gate } from './access.ts';
import { readAccessCode } from './access-code.ts';
import { hasRing, readRing } from './key-ring.ts';
import type { Credential, Proved } from './sign-in.ts';
import {
  findAccount,
  findCode,
  listAccounts,
  readSetting,
  updateAccount,
  type StoredAccount,
} from '../store/accounts.ts';
import { appendAudit, type AuditEvent } from '../store/audit.ts';
import { NOBODYS } from '../store/drafts.ts';
import { newId } from '../store/ids.ts';
import type { Workspace } from '../workspace.ts';

/** Signed in by an account, or let in with the emergency code. */
type Who =
  | { readonly kind: 'account'; readonly id: string }
  | {
      readonly kind: 'emergency';
      readonly id: string;
      readonly name: string;
      readonly reason: string;
      /** By the clock that only runs forward, seconds. */
      readonly until: number;
    };

type Present =
  Extract<Who, { kind: 'emergency' }> | (Extract<Who, { kind: 'account' }> & { account: StoredAccount });

export type LockCause = 'by-hand' | 'idle' | 'away' | 'time-over' | 'removed' | 'another-signed-in';

export const LOCK_SETTING = 'lock-after-minutes';
const EMERGENCY_ROLES: readonly Role[] = ['clinician'];
const NOBODY: Caller = { actor: 'nobody', roles: null };

export class Session implements Gate {
  readonly #workspace: Workspace;
  readonly #seconds: () => number;
  #who: Who | null = null;
  #running = 0;
  readonly #confirmed = new Set<DecisionId>();

  /** @param seconds a clock that only runs forward */
  constructor(workspace: Workspace, seconds: () => number = () => performance.now() / 1000) {
    this.#workspace = workspace;
    this.#seconds = seconds;
  }

  get hasAccounts(): boolean {
    return hasRing(this.#workspace.options.profile);
  }

  caller(): Caller | null {
    if (!this.hasAccounts) return null;
    const who = this.#present();
    if (who === null) return NOBODY;
    if (who.kind === 'emergency')
      return { actor: actorText(who.name, ['emergency'], who.id), roles: EMERGENCY_ROLES };
    const { id, name, roles, mustChange } = who.account;
    return { actor: actorText(name, roles, id), roles: mustChange ? [] : roles };
  }

  running(): () => void {
    this.#running += 1;
    return () => {
      this.#running -= 1;
    };
  }

  /** Another call than the one that asks is under way. */
  get isBusy(): boolean {
    return this.#running > 1;
  }

  refused(caller: Caller, method: MethodName): void {
    this.#note('access.refused', 'session', { method }, caller.actor);
  }

  /** The account that is signed in. @throws FlameError SESSION_LOCKED, also during emergency access */
  get account(): StoredAccount {
    const who = this.#present();
    if (who?.kind !== 'account') throw new FlameError('SESSION_LOCKED');
    return who.account;
  }

  /** @throws FlameError what `prove` and the opening of the database throw */
  async signIn(account: string, passphrase: string): Promise<void> {
    const { entry, pair } = await this.#prove({ who: { account }, secret: passphrase });
    const stored = findAccount(this.#workspace.db, entry.id);
    // Removed, but somebody put an old ring of keys back.
    if (stored === null) throw new FlameError('SIGN_IN_FAILED');
    if (this.#who !== null) this.lock('another-signed-in');
    const { db } = this.#workspace;
    db.transaction(() => {
      updateAccount(db, entry.id, { signedInAt: new Date().toISOString(), publicKey: pair.publicKey });
      this.#become({ kind: 'account', id: entry.id });
      this.#note('account.signed-in', entry.id, {});
    });
  }

  /** Opens the database with the recovery code; signs nobody in. @throws FlameError CODE_INVALID, and as signIn */
  async openWithRecoveryCode(code: string): Promise<void> {
    await this.#prove({ who: { code: 'recovery' }, secret: readAccessCode(code) });
  }

  /** @throws FlameError CODE_INVALID, and as signIn */
  async startEmergency(code: string, name: string, reason: string): Promise<void> {
    await this.#prove({ who: { code: 'emergency' }, secret: readAccessCode(code) });
    if (this.#who !== null) this.lock('another-signed-in');
    const until = this.#seconds() + EMERGENCY_MINUTES * 60;
    this.#become({ kind: 'emergency', id: newId(), name, reason, until });
    this.#note('emergency.started', 'session', { name, reason, minutes: EMERGENCY_MINUTES });
  }

  /** Locks at once. The database stays open: what runs for whoever was signed in is finished. */
  lock(cause: LockCause): void {
    const who = this.#who;
    if (who === null) return;
    const caller = this.#callerOf(who);
    this.#who = null;
    this.#confirmed.clear();
    if (who.kind === 'emergency') this.#note('emergency.ended', 'session', { name: who.name, cause }, caller);
    else this.#note('session.locked', who.id, { cause }, caller);
  }

  /** Locks after the minutes that the administrator set. @returns whether it is locked now and was not before */
  lockWhenIdle(idleSeconds: number): boolean {
    if (this.#who === null) return false;
    if (this.#present() === null) return true; // An emergency access that just ended.
    if (idleSeconds < this.lockAfterMinutes * 60) return false;
    this.lock('idle');
    return true;
  }

  lockWhenAway(): boolean {
    if (this.#who === null) return false;
    this.lock('away');
    return true;
  }

  get lockAfterMinutes(): number {
    return readSetting(this.#workspace.db, LOCK_SETTING, z.number()) ?? LOCK_DEFAULT;
  }

  /** @throws FlameError SIGN_IN_FAILED for a wrong passphrase, with the same pauses as at signing in */
  async confirm(passphrase: string, decision: DecisionId): Promise<void> {
    const who = this.#present();
    if (who === null) throw new FlameError('SESSION_LOCKED');
    await this.#prove(
      who.kind === 'account'
        ? { who: { account: who.id }, secret: passphrase }
        : { who: { code: 'emergency' }, secret: readAccessCode(passphrase) },
    );
    if (this.#who?.id === who.id) this.#confirmed.add(decision);
  }

  /** The passphrase of whoever is signed in, proved once more. @throws as confirm */
  async proveAgain(passphrase: string): Promise<Proved> {
    return await this.#prove({ who: { account: this.account.id }, secret: passphrase });
  }

  /**
   * The signature of whoever is signed in; what was typed where there are no accounts.
   * @throws FlameError CONFIRMATION_REQUIRED
   */
  signatureFor(decision: DecisionId, typed: Signature): Signature {
    const own = this.ownSignature();
    if (own === null) return typed;
    if (!this.#confirmed.has(decision)) throw new FlameError('CONFIRMATION_REQUIRED');
    return own;
  }

  /** Of the account or the emergency access that is signed in; null while nobody is. */
  get presentId(): string | null {
    return this.#present()?.id ?? null;
  }

  /** Whose drafts are written and read: of nobody without accounts, and during emergency access, whose end they outlive. */
  get drafter(): string {
    const who = this.#present();
    return who?.kind === 'account' ? who.id : NOBODYS;
  }

  /** Null where there are no accounts. */
  ownSignature(): Signature | null {
    const who = this.#present();
    if (who === null) return null;
    if (who.kind === 'emergency') return { name: who.name, role: 'emergency access', account: who.id };
    const { id, name, title, roles } = who.account;
    return { name, role: title === '' ? roles.join(', ') : title, account: id };
  }

  status(): SessionStatus {
    if (!this.hasAccounts) return NO_ACCOUNTS;
    const who = this.#present();
    const common = { accounts: true, ...this.#people() };
    if (who === null) return { ...common, account: null, emergency: null };
    if (who.kind === 'emergency') {
      const { id, name, reason, until } = who;
      return {
        ...common,
        account: { id, name, title: '', roles: EMERGENCY_ROLES, mustChange: false },
        emergency: { name, reason, secondsLeft: Math.max(0, Math.round(until - this.#seconds())) },
      };
    }
    const { id, name, title, roles, mustChange } = who.account;
    return { ...common, account: { id, name, title, roles, mustChange }, emergency: null };
  }

  /** Before the first account there is nobody to prove; afterwards whoever set it up is signed in. */
  begin(id: string): void {
    const { db } = this.#workspace;
    db.transaction(() => {
      updateAccount(db, id, { signedInAt: new Date().toISOString() });
      this.#become({ kind: 'account', id });
      this.#note('account.signed-in', id, {});
    });
  }

  #become(who: Who): void {
    this.#who = who;
    this.#confirmed.clear();
  }

  async #prove(credential: Credential): Promise<Proved> {
    try {
      return await this.#workspace.store.openWith(credential);
    } catch (thrown) {
      if (thrown instanceof FlameError && thrown.code === 'SIGN_IN_FAILED' && this.#workspace.store.isOpen) {
        const { who } = credential;
        this.#note('account.sign-in-failed', 'account' in who ? who.account : who.code, {}, NOBODY.actor);
      }
      throw thrown;
    }
  }

  /** Who is signed in now: an account that was removed meanwhile and an emergency that is over are not. */
  #present(): Present | null {
    const who = this.#who;
    if (who === null || !this.#workspace.store.isOpen) return null;
    if (who.kind === 'emergency') {
      if (this.#seconds() < who.until) return who;
      this.lock('time-over');
      return null;
    }
    const account = findAccount(this.#workspace.db, who.id);
    if (account !== null) return { ...who, account };
    this.lock('removed');
    return null;
  }

  #callerOf(who: Who): string {
    if (who.kind === 'emergency') return actorText(who.name, ['emergency'], who.id);
    const account = this.#workspace.store.isOpen ? findAccount(this.#workspace.db, who.id) : null;
    return actorText(account?.name ?? '', account?.roles ?? ['removed'], who.id);
  }

  /** From the table where it can be read: the ring of keys names the same, but anybody can write that file. */
  #people(): Pick<SessionStatus, 'people' | 'emergencyCode'> {
    const { store, options } = this.#workspace;
    if (store.isOpen) {
      const { db } = this.#workspace;
      return {
        people: listAccounts(db).map(({ id, name }) => ({ id, name })),
        emergencyCode: findCode(db, 'emergency') !== null,
      };
    }
    try {
      const { entries } = readRing(options.profile);
      const people = entries.filter(({ kind }) => kind === 'account').map(({ id, name }) => ({ id, name }));
      return { people, emergencyCode: entries.some(({ kind }) => kind === 'emergency') };
    } catch {
      return { people: [], emergencyCode: false };
    }
  }

  #note(action: AuditEvent['action'], subject: string, content: AuditEvent['content'], actor?: string): void {
    if (!this.#workspace.store.isOpen) return;
    const named = actor ?? (this.#who === null ? NOBODY.actor : this.#callerOf(this.#who));
    appendAudit(this.#workspace.db, { actor: named, action, subject, content });
  }
}
