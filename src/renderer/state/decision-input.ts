/** Puts together what is signed from the list on the screen and what was written about it. Pure; the engine judges it. */

import type { ChosenDrug, DecisionInput } from '../../shared/decision.ts';
import { findingKey, type FoundFinding } from '../../shared/findings.ts';
import type { DrugId, VisitId } from '../../shared/ids.ts';
import type { Interaction } from '../../shared/domain.ts';
import { pairKey } from '../../shared/interactions.ts';
import type { Recommendation } from '../../shared/recommendation.ts';
import type { Signing } from './signing.svelte.ts';

export interface SignedList {
  readonly visitId: VisitId;
  readonly reply: Recommendation;
  readonly alpha: number;
  readonly chosen: readonly ChosenDrug[];
  readonly rejected: readonly DrugId[];
  /** Pairs and findings that need a reason. */
  readonly pairs: readonly Interaction[];
  readonly findings: readonly FoundFinding[];
  readonly signing: Signing;
}

/** All but the id, which the caller makes; null while a reason is missing. */
export function decisionContent(list: SignedList): Omit<DecisionInput, 'id'> | null {
  const { signing, reply } = list;
  const overrides = list.pairs.flatMap(({ a, b, severity }) => {
    const stated = signing.statedReason(pairKey(a, b));
    return stated === null ? [] : [{ a, b, severity, ...stated }];
  });
  const findingOverrides = list.findings.flatMap((found) => {
    const finding = findingKey(found);
    const stated = signing.statedReason(finding);
    return stated === null ? [] : [{ finding, ...stated }];
  });
  const whole =
    overrides.length === list.pairs.length &&
    findingOverrides.length === list.findings.length &&
    list.rejected.every((drug) => signing.rejectionWhole(drug));
  if (!whole) return null;
  return {
    visitId: list.visitId,
    recommendationId: reply.id,
    alpha: list.alpha,
    chosen: list.chosen,
    rejected: list.rejected.map((drug) => {
      const { reason, note } = signing.rejectionOf(drug);
      return { drug, reason, note: note.trim() };
    }),
    overrides,
    findingOverrides,
    comment: signing.comment.trim(),
    signature: { name: signing.name.trim(), role: signing.role.trim() },
    amendment:
      signing.amending === null
        ? null
        : { replaces: signing.amending.id, reason: signing.amendmentReason.trim() },
  };
}
