/** How far a rule was held against text, in words for the terminal. Looks nothing up. */

import type { SourceSupport } from '../shared/domain.ts';

const WORDS: Readonly<Record<SourceSupport['state'], string>> = {
  label: 'The label text in the tables agrees:',
  'label-differs': 'The label text in the tables reads otherwise:',
  table: 'Another table records this pair too.',
  read: 'A public copy of the source was read and agrees:',
  secondary: 'Read in what others say of the source, which agrees:',
  'read-differs': 'A public copy of the source was read and reads otherwise:',
  memory: 'Written from memory of the source cited, and not checked against its text.',
};

export function supportWords({ state, words }: SourceSupport): string {
  return words === '' ? WORDS[state] : `${WORDS[state]} ${words}`;
}
