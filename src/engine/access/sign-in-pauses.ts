/**
 * Slows down whoever tries passphrases: wrong tries are counted in a file before each try, and after a few of them each
 * next one has to wait. Waits are measured by the time that Flame runs, never by the clock of the computer, which
 * anybody can set; a restart begins the wait anew. Proves nobody's passphrase.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FlameError } from '../../shared/errors.ts';
import { replaceFile } from '../publish.ts';

const FREE_TRIES = 5;
const FIRST_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 15 * 60;
/** From here on only an administrator, or the recovery code, helps (NIST SP 800-63B, 3.2.2: no more than 100). */
export const MOST_FAILURES = 100;

/** Seconds after this many wrong tries in a row; null when no wait is enough. */
export function waitAfter(failures: number): number | null {
  if (failures >= MOST_FAILURES) return null;
  if (failures < FREE_TRIES) return 0;
  return Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (failures - FREE_TRIES));
}

const Counts = z.strictObject({
  format: z.literal(1),
  failures: z.record(z.string().max(100), z.int().min(0).max(1_000_000)),
});

export class SignInPauses {
  readonly #file: string;
  readonly #seconds: () => number;
  readonly #failures: Map<string, number>;
  /** When the latest wrong try of each ended; a start of Flame counts as one. */
  readonly #since = new Map<string, number>();
  readonly #started: number;

  /** @param seconds a clock that only runs forward */
  constructor(folder: string, seconds: () => number = () => performance.now() / 1000) {
    this.#file = join(folder, 'sign-in.json');
    this.#seconds = seconds;
    this.#started = seconds();
    this.#failures = readCounts(this.#file);
  }

  failures(id: string): number {
    return this.#failures.get(id) ?? 0;
  }

  /** Seconds until a try is allowed, rounded up; null when no wait is enough. */
  wait(id: string): number | null {
    const wait = waitAfter(this.failures(id));
    if (wait === null) return null;
    const passed = this.#seconds() - (this.#since.get(id) ?? this.#started);
    return Math.max(0, Math.ceil(wait - passed));
  }

  /**
   * Counts a try as wrong before it is judged, on the disk, so that ending Flame in the middle of it gains nothing.
   * @throws FlameError SIGN_IN_PAUSED while a try has to wait
   */
  begin(id: string): void {
    const wait = this.wait(id);
    if (wait !== 0)
      throw new FlameError(wait === null ? 'ACCOUNT_LOCKED' : 'SIGN_IN_PAUSED', { seconds: wait ?? 0 });
    this.#failures.set(id, this.failures(id) + 1);
    this.#since.set(id, this.#seconds());
    this.#store();
  }

  /** After the right secret, or when an administrator says so. */
  forget(id: string): void {
    if (!this.#failures.delete(id)) return;
    this.#since.delete(id);
    this.#store();
  }

  #store(): void {
    const failures = Object.fromEntries(this.#failures);
    try {
      replaceFile(this.#file, `${JSON.stringify({ format: 1, failures })}\n`);
    } catch (cause) {
      // Tries that cannot be counted are not allowed.
      throw new FlameError('STORE_UNAVAILABLE', { problem: String(cause) }, { cause });
    }
  }
}

/** A missing or damaged file counts nothing: who can change files here can try passphrases without Flame. */
function readCounts(file: string): Map<string, number> {
  try {
    return new Map(Object.entries(Counts.parse(JSON.parse(readFileSync(file, 'utf8'))).failures));
  } catch {
    return new Map();
  }
}
