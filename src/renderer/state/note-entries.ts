/** What a mention found in a note would change in the form of a visit. Pure: the editor applies it, when asked. */

import type { VisitForm } from '../../shared/editing.ts';
import type { NoteMention } from '../../shared/notes-api.ts';
import type { CodeTitle } from '../../shared/domain.ts';

/** Holds for the patient now, or did: such a mention is offered. The others are only shown. */
export function isOffered({ kind, status }: NoteMention): boolean {
  return status === 'present' || (kind === 'problem' && status === 'past');
}

export function isEntered(form: VisitForm, mention: NoteMention): boolean {
  switch (mention.kind) {
    case 'medication':
      return mention.drugs.every(({ id }) => form.medications.some(({ drug }) => drug.id === id));
    case 'allergy':
      return form.allergies.some((entry) => entry.toLowerCase() === mention.entry.toLowerCase());
    case 'problem':
      return [mention.diagnosis, ...mention.others].some(({ code }) =>
        form.diagnoses.some((diagnosis) => diagnosis.system === 'ICD-10-CM' && diagnosis.code === code),
      );
  }
}

/**
 * The form with the mention entered.
 * @param diagnosis which reading of a problem was meant
 */
export function entered(
  form: VisitForm,
  mention: NoteMention,
  diagnosis?: CodeTitle,
): Pick<VisitForm, 'medications'> | Pick<VisitForm, 'allergies'> | Pick<VisitForm, 'diagnoses'> {
  switch (mention.kind) {
    case 'medication': {
      const known = new Set(form.medications.map(({ drug }) => drug.id));
      const missing = mention.drugs.filter(({ id }) => !known.has(id));
      // Directions of a combination product are those of the product, not of each ingredient.
      const directions =
        mention.drugs.length === 1 ? mention.directions : { ...mention.directions, dose: '' };
      return { medications: [...form.medications, ...missing.map((drug) => ({ drug, ...directions }))] };
    }
    case 'allergy':
      return { allergies: [...form.allergies, mention.entry] };
    case 'problem':
      return {
        diagnoses: [...form.diagnoses, { ...(diagnosis ?? mention.diagnosis), system: 'ICD-10-CM' }],
      };
  }
}
