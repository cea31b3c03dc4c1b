/**
 * The operating system's key store as the contract shows it: whether it may open the database, why not, and the calls about
 * it; and what shell and engine say to each other for it. Types and names; holds no key and no wording.
 */

import type { Method } from './contract.ts';

/**
 * Why the key store is not used. `accounts`: each account has a passphrase of its own. `no-passphrase`: there is nothing to
 * fall back on. `no-shell`: this process has no key store, e.g. the command line. `not-real`: the system offers none, or one
 * that hides nothing. `not-available`: it does not answer, or is locked. `other`: it does not know what was kept: another
 * user, another computer, or a key store that was reset.
 */
export const KEY_STORE_REFUSALS = [
  'accounts',
  'no-passphrase',
  'no-shell',
  'not-real',
  'not-available',
  'other',
] as const;
export type KeyStoreRefusal = (typeof KEY_STORE_REFUSALS)[number];

export interface KeyStoreStatus {
  /** Something is kept that may open the database. */
  readonly on: boolean;
  /** Null where it can be switched on, or works. */
  readonly refusal: KeyStoreRefusal | null;
  /** What the system calls it, e.g. `gnome_libsecret`; null where there is none. */
  readonly store: string | null;
}

export interface KeyStoreApi {
  'keyStore.get': Method<Record<string, never>, KeyStoreStatus>;
  /** Lets the key store of this computer's user open the database, besides the passphrase, which is proved first. */
  'keyStore.switchOn': Method<{ passphrase: string }, KeyStoreStatus>;
  'keyStore.switchOff': Method<Record<string, never>, KeyStoreStatus>;
}

export const KEY_STORE_METHODS = {
  'keyStore.get': true,
  'keyStore.switchOn': true,
  'keyStore.switchOff': true,
} as const satisfies Record<keyof KeyStoreApi, true>;

/** What the key store is asked for: its name, to make a text unreadable without it, to read such a text. */
export type KeyStoreWish =
  | { readonly do: 'describe' }
  | { readonly do: 'seal'; readonly text: string }
  | { readonly do: 'open'; readonly sealed: string };

/** `value` is the sealed text in base64, the opened text, or empty. */
export type KeyStoreAnswer =
  | { readonly ok: true; readonly store: string; readonly value: string }
  | { readonly ok: false; readonly refusal: KeyStoreRefusal; readonly store: string | null };

/** Engine → shell. */
export interface KeyStoreWanted {
  readonly type: 'key-store-wanted';
  readonly id: number;
  readonly wish: KeyStoreWish;
}

/** Shell → engine. */
export interface KeyStoreAnswered {
  readonly type: 'key-store-answered';
  readonly id: number;
  readonly answer: KeyStoreAnswer;
}

export function isKeyStoreWanted(message: unknown): message is KeyStoreWanted {
  return (message as { type?: unknown } | null)?.type === 'key-store-wanted';
}

export function isKeyStoreAnswered(message: unknown): message is KeyStoreAnswered {
  return (message as { type?: unknown } | null)?.type === 'key-store-answered';
}
