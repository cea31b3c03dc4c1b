/** The parameters of the calls about notes, checked at the engine's edge. Knows nothing of what a call does. */

import { z } from 'zod';
import { LONGEST_NOTE } from '../../shared/editing.ts';

export const NOTES_PARAMETERS = {
  'notes.read': z.strictObject({ text: z.string().max(LONGEST_NOTE) }),
} as const;
