/** What the interaction graph shows: nodes with their role and coverage, edges with their severity. No geometry. */

import type { Interaction, Severity } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { pairKey } from '../../shared/interactions.ts';
import { english } from '../language/english.ts';
import { t } from '../language/language.svelte.ts';
import { lazily } from '../language/lazily.ts';

/** What a drug is to the list on the screen; each role has a shape and a word. */
export type NodeRole = 'proposed' | 'kept' | 'added' | 'current' | 'removed' | 'alternative';
/** `covered` says that the tables know the drug, not that it is safe. */
export type Coverage = 'covered' | 'not-covered' | 'unchecked';

export interface GraphNode {
  readonly id: DrugId;
  readonly name: string;
  readonly role: NodeRole;
  readonly coverage: Coverage;
}

export interface GraphEdge {
  readonly key: string;
  readonly a: DrugId;
  readonly b: DrugId;
  readonly severity: Severity;
  readonly disputed: boolean;
}

/** What can be pointed at and selected. */
export type GraphTarget =
  { readonly kind: 'pair'; readonly key: string } | { readonly kind: 'drug'; readonly drug: DrugId };

export interface GraphModel {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

const ROLES = Object.keys(english.graph.role) as NodeRole[];
/** Read at each use, so that they follow the language. */
export const ROLE_WORDS = lazily(ROLES, (role) => t(`graph:role.${role}`));

/** Edges in the order of the table: most severe first. */
export function edgesOf(interactions: readonly Interaction[]): GraphEdge[] {
  return interactions.map(({ a, b, severity, disputed }) => ({
    key: pairKey(a, b),
    a,
    b,
    severity,
    disputed,
  }));
}
