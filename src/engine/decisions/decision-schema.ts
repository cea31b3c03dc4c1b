/** The zod schema of a decision as it is sent. Bounds its size; decide.ts judges it. */

import { z } from 'zod';
import {
  OVERRIDE_REASONS,
  REJECT_REASONS,
  VERDICTS,
  isReasonStated,
  type DecisionInput,
} from '../../shared/decision.ts';
import { LONGEST_ENTRY } from '../../shared/editing.ts';
import { asId, type DecisionId, type DrugId, type RecommendationId, type VisitId } from '../../shared/ids.ts';

const identifier = z.string().min(1).max(200);
const drug = identifier.transform((text) => asId<DrugId>(text));
const decisionId = identifier.transform((text) => asId<DecisionId>(text));
const severity = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);
const short = z.string().max(LONGEST_ENTRY);
const note = z.string().max(2000);
const reason = z.enum(OVERRIDE_REASONS);
const needsWords = { message: 'the reason "other" needs a note', path: ['note'] };

export const decisionInput: z.ZodType<DecisionInput> = z.strictObject({
  id: decisionId,
  visitId: identifier.transform((text) => asId<VisitId>(text)),
  recommendationId: identifier.transform((text) => asId<RecommendationId>(text)),
  alpha: z.number(),
  chosen: z
    .array(
      z.strictObject({
        drug,
        verdict: z.enum(VERDICTS),
        use: z.strictObject({ dose: short, route: short, frequency: short, instructions: note }),
      }),
    )
    .max(200),
  rejected: z
    .array(
      z
        .strictObject({ drug, reason: z.enum(REJECT_REASONS).nullable(), note })
        .refine((given) => given.reason !== 'other' || given.note.trim() !== '', needsWords),
    )
    .max(400),
  overrides: z
    .array(z.strictObject({ a: drug, b: drug, severity, reason, note }).refine(isReasonStated, needsWords))
    .max(500),
  findingOverrides: z
    .array(
      z.strictObject({ finding: z.string().max(20_000), reason, note }).refine(isReasonStated, needsWords),
    )
    .max(500),
  comment: z.string().max(10_000),
  signature: z.strictObject({ name: short, role: short }),
  amendment: z.strictObject({ replaces: decisionId, reason: note }).nullable(),
});
