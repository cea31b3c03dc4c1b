/**
 * Who acts: the account that made the call which is being answered, however long that takes and whoever signs in
 * meanwhile. Without accounts, the user of the computer.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { userInfo } from 'node:os';

const calls = new AsyncLocalStorage<string>();

/** As it stands in the audit log. Ask at the moment of writing, never ahead of a call. */
export function actorName(): string {
  return calls.getStore() ?? systemUser();
}

/** Runs `work`, and whatever it starts, in the name of `actor`. */
export function actingAs<T>(actor: string, work: () => T): T {
  return calls.run(actor, work);
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
