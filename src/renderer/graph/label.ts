/** The text under a node, and about how wide it is. */

import { ROLE_WORDS, type GraphNode } from './model.ts';

const NAME_CHARACTER = 7.2;
const WORD_CHARACTER = 6;

/** The word under the name: its role where it is not the usual one, and above all that it was not checked. */
export function nodeWord(node: GraphNode): string {
  if (node.coverage === 'not-covered') return 'not checked';
  if (node.coverage === 'unchecked') return 'being checked';
  return node.role === 'proposed' ? '' : ROLE_WORDS[node.role];
}

/** Pixels; an estimate, since text cannot be measured before it is drawn. */
export function labelWidth(node: GraphNode): number {
  return Math.max(node.name.length * NAME_CHARACTER, nodeWord(node).length * WORD_CHARACTER);
}
