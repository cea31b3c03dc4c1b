/** How far an import is and how long it will take. Counts nothing itself. */

import type { ImportProgress } from '../../shared/import-api.ts';

/** The share of an import's work after which everything is stored; the rest makes it found by the search. */
export const STORING = 0.8;

export class ProgressTeller {
  readonly #tell: ((progress: ImportProgress) => void) | undefined;
  readonly #started = performance.now();

  constructor(tell: ((progress: ImportProgress) => void) | undefined) {
    this.#tell = tell;
  }

  /** @param fraction 0 to 1; null when nobody knows */
  tell(linesRead: number, visitsStored: number, fraction: number | null): void {
    if (!this.#tell) return;
    const milliseconds = performance.now() - this.#started;
    // The first second says nothing about the rest.
    const known = fraction !== null && fraction > 0 && milliseconds > 1000;
    this.#tell({
      linesRead,
      visitsStored,
      fraction,
      secondsLeft: known ? Math.round(((milliseconds / 1000) * (1 - fraction)) / fraction) : null,
    });
  }
}
