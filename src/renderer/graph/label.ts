/** The text under a node or on an edge, and about how wide it is. */

import type { Severity } from '../../shared/domain.ts';
import { t } from '../language/language.svelte.ts';
import { SEVERITY_WORDS } from '../wording/severity.ts';
import { ROLE_WORDS, type GraphNode } from './model.ts';

const NAME_CHARACTER = 7.4;
const WORD_CHARACTER = 6.2;
const PILL_CHARACTER = 6.9;

/** The word under the name: its role where it is not the usual one, and above all that it was not checked. */
export function nodeWord(node: GraphNode): string {
  if (node.coverage === 'not-covered') return t('graph:notChecked');
  if (node.coverage === 'unchecked') return t('graph:beingChecked');
  return node.role === 'proposed' ? '' : ROLE_WORDS[node.role];
}

/** What assistive technology reads of a node: the text drawn, then the role where the text does not say it, and its pin. */
export function nodeLabel(node: GraphNode, pinned = false): string {
  const word = nodeWord(node);
  const role = ROLE_WORDS[node.role];
  const pin = pinned ? t('graph:pinned') : '';
  return [node.name, word, word === role ? '' : role, pin].filter((part) => part !== '').join(', ');
}

/** Pixels; an estimate, since text cannot be measured before it is drawn. */
export function labelWidth(node: GraphNode): number {
  return Math.max(node.name.length * NAME_CHARACTER, nodeWord(node).length * WORD_CHARACTER);
}

/** The word on an edge; the many minor pairs carry their shape alone, so that the others can be read. */
export function edgeWord(severity: Severity): string {
  return severity === 1 ? '' : SEVERITY_WORDS[severity].short;
}

/** Width in pixels of the label on an edge: shape, word and margins. */
export function pillWidth(severity: Severity): number {
  const word = edgeWord(severity);
  return word === '' ? 18 : 30 + word.length * PILL_CHARACTER;
}
