/** A part of the engine that opened, or that failed and says so to everyone who needs it. Opens nothing by itself. */

import type { AppStatus } from '../shared/contract.ts';
import { FlameError, toWireError } from '../shared/errors.ts';

export type PartFailure = AppStatus['failures'][number];

export type Part<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: FlameError };

/** What `open` makes, or why it failed; throws never. */
export async function attempt<Value>(
  part: PartFailure['part'],
  open: () => Value | Promise<Value>,
): Promise<Part<Value>> {
  try {
    return { ok: true, value: await open() };
  } catch (thrown) {
    return failed(part, thrown);
  }
}

export function failed(part: PartFailure['part'], thrown: unknown): Part<never> {
  if (thrown instanceof FlameError) return { ok: false, error: thrown };
  const problem = `${part}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  return { ok: false, error: new FlameError('INTERNAL', { problem }, { cause: thrown }) };
}

/** @throws FlameError why the part failed */
export function valueOf<Value>(part: Part<Value>): Value {
  if (part.ok) return part.value;
  throw part.error;
}

/** The failure of a part, to show; none when it is open. */
export function failureOf(part: PartFailure['part'], state: Part<unknown>): PartFailure[] {
  return state.ok ? [] : [{ part, error: toWireError(state.error) }];
}
