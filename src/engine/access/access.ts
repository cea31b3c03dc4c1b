/**
 * Asks for every call whether its caller may make it, refuses it by a code otherwise, and lets it run in the caller's
 * name. Knows no method but through the table of roles.
 */

import type { EngineApi, MethodName, ShellApi } from '../../shared/contract.ts';
import { FlameError } from '../../shared/errors.ts';
import { mayCall, type Role } from '../../shared/roles.ts';
import { actingAs } from './actor.ts';
import type { Handlers } from '../serve.ts';

/** Who is at the keyboard. */
export interface Caller {
  /** As the audit log names them. */
  readonly actor: string;
  /** Null while nobody is signed in. */
  readonly roles: readonly Role[] | null;
}

export interface Gate {
  /** Null in a profile without accounts, where nobody is refused anything. */
  caller(): Caller | null;
  /** A call begins; what is returned is called at its end. */
  running(): () => void;
  /** Writes a refusal down. */
  refused(caller: Caller, method: MethodName): void;
}

type AnyHandler = (params: unknown, context: unknown) => unknown;

/** @throws from each handler, FlameError SESSION_LOCKED when nobody is signed in, ACCESS_REFUSED for the wrong role */
export function guarded(handlers: Handlers<EngineApi>, gate: Gate): Handlers<EngineApi> {
  const entries = Object.entries(handlers) as [MethodName, AnyHandler][];
  const wrapped = entries.map(([method, handler]): [MethodName, AnyHandler] => [
    method,
    (params, context) => {
      const caller = gate.caller();
      if (caller === null) return tracked(gate, () => handler(params, context));
      if (!mayCall(method, caller.roles)) {
        if (caller.roles === null) throw new FlameError('SESSION_LOCKED');
        if (caller.roles.length === 0) throw new FlameError('PASSPHRASE_CHANGE_REQUIRED');
        gate.refused(caller, method);
        throw new FlameError('ACCESS_REFUSED', { method });
      }
      return tracked(gate, () => actingAs(caller.actor, () => handler(params, context)));
    },
  ]);
  return Object.fromEntries(wrapped) as unknown as Handlers<EngineApi>;
}

function tracked(gate: Gate, work: () => unknown): unknown {
  const end = gate.running();
  try {
    const answer = work();
    if (answer instanceof Promise) return answer.finally(end);
    end();
    return answer;
  } catch (thrown) {
    end();
    throw thrown;
  }
}

/** The shell acts on the wish of whoever is at the keyboard, and its own calls are never refused. */
export function inCallersName(handlers: Handlers<ShellApi>, gate: Gate): Handlers<ShellApi> {
  const entries = Object.entries(handlers) as [string, AnyHandler][];
  const wrapped = entries.map(([method, handler]): [string, AnyHandler] => [
    method,
    (params, context) => {
      const caller = gate.caller();
      return caller === null
        ? handler(params, context)
        : actingAs(caller.actor, () => handler(params, context));
    },
  ]);
  return Object.fromEntries(wrapped) as unknown as Handlers<ShellApi>;
}
