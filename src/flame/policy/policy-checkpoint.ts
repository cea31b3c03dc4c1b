/** Keeps and finds again where a training of the list policy stands. Trains nothing; a file of another run is not used. */

import { existsSync } from 'node:fs';
import { loadCheckpoint, saveCheckpoint } from '../../nn/checkpoint.ts';
import type { Random, RandomState } from '../../nn/random.ts';
import type { TrainerState } from '../../nn/trainer.ts';

export interface KeptPolicy {
  readonly state: TrainerState;
  readonly random: RandomState;
  /** Steps or rounds that are done. */
  readonly round: number;
}

export class PolicyCheckpoint {
  readonly #file: string | undefined;
  readonly #fingerprint: string;

  /** @param file absent: nothing is kept. @param fingerprint what makes it the same run */
  constructor(file: string | undefined, fingerprint: string) {
    this.#file = file;
    this.#fingerprint = fingerprint;
  }

  /** @throws NnError weights-corrupt */
  read(): KeptPolicy | null {
    if (this.#file === undefined || !existsSync(this.#file)) return null;
    const { state, random, extra } = loadCheckpoint(this.#file);
    const { fingerprint, round } = extra as { fingerprint: string; round: number };
    const drawn = random['drawn'];
    return fingerprint === this.#fingerprint && drawn ? { state, random: drawn, round } : null;
  }

  save(state: TrainerState, random: Random, round: number): void {
    if (this.#file === undefined) return;
    const extra = { fingerprint: this.#fingerprint, round };
    saveCheckpoint(this.#file, { state, random: { drawn: random.state() }, extra });
  }
}
