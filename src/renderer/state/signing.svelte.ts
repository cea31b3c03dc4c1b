/** What is written down before a decision is signed: reasons, comment, signature, why an older version is amended. Judges no drug. */

import { SvelteMap } from 'svelte/reactivity';
import type { Engine } from '../../shared/bridge.ts';
import {
  isReasonStated,
  type Decision,
  type OverrideReason,
  type RejectReason,
  type StatedReason,
} from '../../shared/decision.ts';
import { findingKey } from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import { pairKey } from '../../shared/interactions.ts';

export interface ReasonDraft<Reason extends string> {
  readonly reason: Reason | null;
  readonly note: string;
}

const NONE = { reason: null, note: '' } as const;

export class Signing {
  comment = $state('');
  name = $state('');
  role = $state('');
  /** The version that is being replaced; null for a decision of its own. */
  amending = $state.raw<Decision | null>(null);
  amendmentReason = $state('');
  /** By the key of the pair or of the finding. */
  readonly #overrides = new SvelteMap<string, ReasonDraft<OverrideReason>>();
  readonly #rejections = new SvelteMap<DrugId, ReasonDraft<RejectReason>>();

  reasonOf(key: string): ReasonDraft<OverrideReason> {
    return this.#overrides.get(key) ?? NONE;
  }

  setReason(key: string, draft: ReasonDraft<OverrideReason>): void {
    this.#overrides.set(key, draft);
  }

  /** The reason as a decision stores it; null as long as it is not whole. */
  statedReason(key: string): StatedReason | null {
    const { reason, note } = this.reasonOf(key);
    if (reason === null) return null;
    const stated = { reason, note: note.trim() };
    return isReasonStated(stated) ? stated : null;
  }

  rejectionOf(drug: DrugId): ReasonDraft<RejectReason> {
    return this.#rejections.get(drug) ?? NONE;
  }

  setRejection(drug: DrugId, draft: ReasonDraft<RejectReason>): void {
    this.#rejections.set(drug, draft);
  }

  /** False while a rejection says `other` without saying what. */
  rejectionWhole(drug: DrugId): boolean {
    const { reason, note } = this.rejectionOf(drug);
    return reason !== 'other' || note.trim() !== '';
  }

  /**
   * Fills the empty signature line with whoever signed last on this computer, and with accounts any line with whoever is
   * signed in. A failure leaves it as it is.
   */
  async prefill(engine: Engine, ofAccount = false): Promise<void> {
    if (this.name !== '' && !ofAccount) return;
    const { signature } = await engine.call('decisions.signer', {}).catch(() => ({ signature: null }));
    if (signature === null || (this.#isTyped() && !ofAccount)) return;
    this.name = signature.name;
    this.role = signature.role;
  }

  /** Takes over what the version to be replaced says. */
  startFrom(decision: Decision): void {
    this.clear();
    this.amending = decision;
    this.comment = decision.comment;
    for (const { a, b, reason, note } of decision.overrides)
      this.#overrides.set(pairKey(a, b), { reason, note });
    for (const { finding, override } of decision.findings)
      if (override !== null && finding.state === 'found') this.#overrides.set(findingKey(finding), override);
    for (const { drug, reason, note } of decision.rejected) this.#rejections.set(drug, { reason, note });
  }

  clear(): void {
    this.comment = '';
    this.name = '';
    this.role = '';
    this.amending = null;
    this.amendmentReason = '';
    this.#overrides.clear();
    this.#rejections.clear();
  }

  #isTyped(): boolean {
    return this.name !== '' || this.role !== '';
  }
}
