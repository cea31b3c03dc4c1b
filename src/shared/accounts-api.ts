/**
 * Accounts and sessions as the contract shows them: who there is, who is signed in, and the calls about both. Types and
 * method names; holds no secret and no wording.
 */

import type { AppStatus, Method } from './contract.ts';
import type { DecisionId } from './ids.ts';
import type { Role } from './roles.ts';

/** Whom one can sign in as: all that is shown to whoever stands before a locked screen. */
export interface Person {
  readonly id: string;
  readonly name: string;
}

export interface SignedIn extends Person {
  /** Role or credential as it stands in the signature, e.g. `MD, internal medicine`; empty when not stated. */
  readonly title: string;
  readonly roles: readonly Role[];
  /** An administrator chose the passphrase: it must be changed before anything else. */
  readonly mustChange: boolean;
}

/** Emergency access while it lasts. */
export interface EmergencyStatus {
  readonly name: string;
  readonly reason: string;
  readonly secondsLeft: number;
}

export interface SessionStatus {
  /** False in a profile without accounts: nobody signs in, and nobody is refused anything. */
  readonly accounts: boolean;
  readonly people: readonly Person[];
  /** Null while nobody is signed in. During emergency access it stands for whoever was let in. */
  readonly account: SignedIn | null;
  readonly emergency: EmergencyStatus | null;
  readonly emergencyCode: boolean;
}

export const NO_ACCOUNTS: SessionStatus = {
  accounts: false,
  people: [],
  account: null,
  emergency: null,
  emergencyCode: false,
};

/** An account as the administrator sees it. */
export interface Account extends Person {
  readonly title: string;
  readonly roles: readonly Role[];
  readonly createdAt: string;
  readonly signedInAt: string | null;
  /** Wrong passphrases since the last right one. */
  readonly failures: number;
  /** Until the next try is allowed: 0 for none, null when an administrator has to unlock the account. */
  readonly waitSeconds: number | null;
  readonly mustChange: boolean;
  /** No passphrase opens it: it was being made, or its key is missing. A new passphrase mends it. */
  readonly keyMissing: boolean;
}

/** One emergency access, from the audit log. */
export interface EmergencyUse {
  readonly sequence: number;
  readonly at: string;
  readonly name: string;
  readonly reason: string;
  readonly endedAt: string | null;
}

export interface AccountList {
  readonly accounts: readonly Account[];
  /** Newest first, at most 100. */
  readonly emergencies: readonly EmergencyUse[];
  /** ISO times when the codes were made; null where there is none. */
  readonly recoveryCodeMade: string | null;
  readonly emergencyCodeMade: string | null;
  readonly lockAfterMinutes: number;
}

export interface AccountForm {
  readonly name: string;
  readonly title: string;
  readonly roles: readonly Role[];
}

/** Minutes without a key or a movement until Flame locks; the choices of the settings. */
export const LOCK_CHOICES = [2, 5, 10, 15, 30] as const;
export const LOCK_DEFAULT = 10;
/** How long an emergency access lasts. */
export const EMERGENCY_MINUTES = 60;

export type CodeKind = 'recovery' | 'emergency';

export interface AccountsApi {
  /** The first account, an administrator, with the recovery code that is shown once. Refused where there are accounts. */
  /** `present`: the passphrase that protects the database now, where one does. */
  'accounts.setUp': Method<
    AccountForm & { passphrase: string; present?: string | undefined },
    { status: AppStatus; recoveryCode: string }
  >;
  'accounts.list': Method<Record<string, never>, AccountList>;
  /** Adds an account; whoever it is for changes the passphrase at the first sign-in. */
  'accounts.add': Method<AccountForm & { passphrase: string }, AccountList>;
  'accounts.change': Method<AccountForm & { id: string }, AccountList>;
  'accounts.resetPassphrase': Method<{ id: string; passphrase: string }, AccountList>;
  /** Takes the account's key away. What it did stays in the audit log under its name. */
  'accounts.remove': Method<{ id: string }, AccountList>;
  /** Forgets wrong passphrases, so that the next try is allowed at once. */
  'accounts.unlock': Method<{ id: string }, AccountList>;
  /** A new code in place of the one before, which opens nothing any more. It is shown once and stored nowhere. */
  'accounts.newCode': Method<{ kind: CodeKind }, { code: string }>;
  'accounts.lockAfter': Method<{ minutes: number }, AccountList>;
  /** Encrypts the database anew, under a key that no earlier account and no earlier code opens. */
  'accounts.rekey': Method<Record<string, never>, AppStatus>;
  /** Of the account that is signed in. */
  'accounts.changePassphrase': Method<{ present: string; passphrase: string }, AppStatus>;
  'session.signIn': Method<{ account: string; passphrase: string }, AppStatus>;
  /** Until somebody signs in, nothing of a patient is answered. */
  'session.lock': Method<Record<string, never>, AppStatus>;
  /** Proves again, with the passphrase, who is about to sign this decision. */
  'session.confirm': Method<{ passphrase: string; decisionId: DecisionId }, Record<string, never>>;
  /** Opens the database with the recovery code and gives an administrator's account a new passphrase. */
  'session.recover': Method<
    { code: string; account: string; passphrase: string },
    { status: AppStatus; recoveryCode: string }
  >;
  /** Lets in somebody without an account, as a clinician, for EMERGENCY_MINUTES. */
  'session.emergency': Method<{ code: string; name: string; reason: string }, AppStatus>;
}

/** What only the shell tells the engine about the person at the keyboard. */
export interface SessionShellApi {
  /** Seconds since the last key or movement; the engine locks by its own setting. */
  'session.idle': Method<{ seconds: number }, { locked: boolean }>;
  /** The computer was suspended or its screen locked. */
  'session.away': Method<Record<string, never>, { locked: boolean }>;
}

export const ACCOUNTS_METHODS = {
  'accounts.setUp': true,
  'accounts.list': true,
  'accounts.add': true,
  'accounts.change': true,
  'accounts.resetPassphrase': true,
  'accounts.remove': true,
  'accounts.unlock': true,
  'accounts.newCode': true,
  'accounts.lockAfter': true,
  'accounts.rekey': true,
  'accounts.changePassphrase': true,
  'session.signIn': true,
  'session.lock': true,
  'session.confirm': true,
  'session.recover': true,
  'session.emergency': true,
} as const satisfies Record<keyof AccountsApi, true>;

export const SESSION_SHELL_METHODS = {
  'session.idle': true,
  'session.away': true,
} as const satisfies Record<keyof SessionShellApi, true>;
