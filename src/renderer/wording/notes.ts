/** Words for what was found in a note. Knows no form. */

import type { MedicationMention, NoteMention } from '../../shared/notes-api.ts';

export function mentionName(mention: NoteMention): string {
  switch (mention.kind) {
    case 'medication':
      return mention.drugs.map(({ name }) => name).join(' + ');
    case 'allergy':
      return mention.entry;
    case 'problem':
      return mention.diagnosis.title ?? mention.diagnosis.code;
  }
}

export function directionWords({ directions: { dose, route, frequency } }: MedicationMention): string {
  return [dose, route, frequency].filter((part) => part !== '').join(' ');
}
