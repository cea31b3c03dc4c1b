/** Morgan fingerprints of the corpus drugs, as compiled (DrugCentral structures, CC BY-SA 4.0). Computes none. */

import type { DrugId } from '../shared/ids.ts';
import { lazy, type Tables } from './tables.ts';

const HEADER = /^drug\tmorgan-radius-(\d+)-bits-(\d+)$/;

export class Molecules {
  readonly #read: () => { readonly bits: number; readonly prints: ReadonlyMap<string, string> };

  constructor(tables: Tables) {
    this.#read = lazy(() => {
      const [header = '', ...lines] = tables.text('fingerprints.tsv.gz').trimEnd().split('\n');
      const prints = new Map(lines.map((line) => line.split('\t') as [string, string]));
      return { bits: Number(HEADER.exec(header)?.[2]), prints };
    });
  }

  /** Length of every fingerprint. */
  get bits(): number {
    return this.#read().bits;
  }

  /** One value of 0 or 1 a bit, or null when the drug has no structure (mixtures, proteins, minerals). */
  fingerprint(drug: DrugId): Uint8Array | null {
    const { bits, prints } = this.#read();
    const stored = prints.get(drug);
    if (stored === undefined) return null;
    const bytes = Buffer.from(stored, 'base64');
    return Uint8Array.from({ length: bits }, (_, bit) => (bytes[bit >> 3]! >> (bit & 7)) & 1);
  }
}
