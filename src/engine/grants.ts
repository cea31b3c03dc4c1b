/** Files that the user picked in the shell, each to be used once and for what it was picked. Opens none. */

import { FlameError } from '../shared/errors.ts';

export type GrantPurpose = 'read' | 'write';

/** Grants that were not used yet; older ones are forgotten. */
const OPEN_GRANTS = 100;

export class Grants {
  readonly #open = new Map<string, { readonly path: string; readonly purpose: GrantPurpose }>();

  give(grant: string, path: string, purpose: GrantPurpose): void {
    this.#open.set(grant, { path, purpose });
    for (const old of [...this.#open.keys()].slice(0, -OPEN_GRANTS)) this.#open.delete(old);
  }

  /** The path behind a grant. @throws FlameError NOT_FOUND, also for a grant that was given for something else */
  path(grant: string, purpose: GrantPurpose): string {
    const found = this.#open.get(grant);
    if (found?.purpose !== purpose) throw new FlameError('NOT_FOUND', { what: 'picked file' });
    return found.path;
  }

  /** Forgets a grant that was used. */
  used(grant: string): void {
    this.#open.delete(grant);
  }
}
