/** Counts how many order rows of a site found their ingredients, and which names did not. Maps nothing itself. */

import type { NameReading } from './drug-names.ts';

export interface MappingReport {
  readonly rows: number;
  readonly mapped: number;
  /** Of `mapped`: rows without a name that were read through their code. */
  readonly mappedThroughCode: number;
  /** Containers, flushes, vaccines, notes to staff: the hand-written table says that they are no drug. */
  readonly setAside: number;
  /** Rows with neither a name nor a code that other rows explain. */
  readonly nameless: number;
  readonly unmapped: number;
  /** Most frequent first. */
  readonly unmappedNames: Readonly<Record<string, number>>;
}

export class MappingCounter {
  #rows = 0;
  #mapped = 0;
  #throughCode = 0;
  #setAside = 0;
  #nameless = 0;
  readonly #unmapped = new Map<string, number>();

  count(name: string, reading: NameReading | null): void {
    this.#rows += 1;
    if (reading === null) this.#nameless += 1;
    else if (reading.kind === 'set-aside') this.#setAside += 1;
    else if (reading.kind === 'drug') {
      this.#mapped += 1;
      if (name === '') this.#throughCode += 1;
    } else this.#unmapped.set(name, (this.#unmapped.get(name) ?? 0) + 1);
  }

  report(): MappingReport {
    const names = [...this.#unmapped].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    return {
      rows: this.#rows,
      mapped: this.#mapped,
      mappedThroughCode: this.#throughCode,
      setAside: this.#setAside,
      nameless: this.#nameless,
      unmapped: names.reduce((sum, [, n]) => sum + n, 0),
      unmappedNames: Object.fromEntries(names),
    };
  }
}
