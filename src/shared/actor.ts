/** How an account is written in the audit log, as text that is hashed with its entry, and read back. Knows no account. */

export interface Actor {
  readonly name: string;
  /** Null for what was written before there were accounts: the user of the computer. */
  readonly account: { readonly id: string; readonly roles: readonly string[] } | null;
}

const WRITTEN = /^(.*) <([a-z+-]+) ([A-Za-z0-9-]+)>$/s;

/** E.g. `Ada Example <clinician+administrator 3f9a…>`. */
export function actorText(name: string, roles: readonly string[], id: string): string {
  return `${name} <${roles.join('+')} ${id}>`;
}

export function readActor(text: string): Actor {
  const [, name, roles, id] = WRITTEN.exec(text) ?? [];
  if (name === undefined || roles === undefined || id === undefined) return { name: text, account: null };
  return { name, account: { id, roles: roles.split('+') } };
}
