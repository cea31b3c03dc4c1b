/**
 * The actions of the list policy: add a drug, remove a drug, stop (METHOD section 1). One numbering serves both modes of
 * METHOD section 2; a mode is a mask over it. Chooses nothing.
 */

/**
 * `interleaved`: one sequence of additions and removals. `add` and `remove`: the two generations of the paper's mode, which
 * both start from M_p; (M_p ∪ add) \ remove is `applyEdits` of src/shared/recommendation.ts.
 */
export type PolicyMode = 'interleaved' | 'add' | 'remove';

export type Action =
  | { readonly kind: 'add'; readonly drug: number }
  | { readonly kind: 'remove'; readonly drug: number }
  | { readonly kind: 'stop' };

/** +0 … +(drugs − 1), −0 … −(drugs − 1), stop. */
export class ActionSpace {
  readonly drugs: number;
  readonly size: number;
  readonly stop: number;

  constructor(drugs: number) {
    this.drugs = drugs;
    this.size = 2 * drugs + 1;
    this.stop = 2 * drugs;
  }

  add(drug: number): number {
    return drug;
  }

  remove(drug: number): number {
    return this.drugs + drug;
  }

  decode(id: number): Action {
    if (id === this.stop) return { kind: 'stop' };
    return id < this.drugs ? { kind: 'add', drug: id } : { kind: 'remove', drug: id - this.drugs };
  }

  /** [add allowed, remove allowed] of a mode, as the network's mask input. */
  static modeMask(mode: PolicyMode): readonly [number, number] {
    return [mode === 'remove' ? 0 : 1, mode === 'add' ? 0 : 1];
  }
}
