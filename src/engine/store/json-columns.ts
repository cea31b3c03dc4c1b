/** The zod schemas of JSON columns: what was written as a shared type is read back as that type or refused. */

import { z } from 'zod';
import { frontSchema } from '../../flame/lists/front-schema.ts';
import { OVERRIDE_REASONS } from '../../shared/decision.ts';
import {
  SUPPORT_STATES,
  type DrugName,
  type Interaction,
  type Severity,
  type SourceSupport,
} from '../../shared/domain.ts';
import { CHECKS } from '../../shared/findings.ts';
import { asId, type DrugId, type RecommendationId, type VisitId } from '../../shared/ids.ts';
import { NO_HABITS, type Recommendation } from '../../shared/recommendation.ts';
import type { DecidedVisit } from '../decisions/decision-habits.ts';

const drugId = z.string().transform((text) => asId<DrugId>(text));
export const severity = z.union([
  z.literal(1),
  z.literal(2),
  z.literal(3),
  z.literal(4),
]) satisfies z.ZodType<Severity>;
export const drugIds = z.array(drugId);

export const DrugIds: z.ZodType<DrugId[]> = drugIds;
export const OverrideReasonColumn = z.enum(OVERRIDE_REASONS);
export const SeverityColumn: z.ZodType<Severity> = severity;

const drugName = z.object({ id: drugId, name: z.string(), drugClass: z.string().nullable() });
export const DrugNames: z.ZodType<DrugName[]> = z.array(drugName);

export const support = z.object({
  state: z.enum(SUPPORT_STATES),
  words: z.string(),
}) satisfies z.ZodType<SourceSupport>;

const interaction = z.object({
  a: drugId,
  b: drugId,
  severity,
  disputed: z.boolean(),
  sources: z.array(
    z.object({
      source: z.string(),
      severity,
      nativeSeverity: z.string(),
      effect: z.string().exactOptional(),
      mechanism: z.string().exactOptional(),
      management: z.string().exactOptional(),
      citation: z.string(),
      reviewed: z.boolean(),
      setAside: z.string().exactOptional(),
      recordedFor: drugId.exactOptional(),
      support: support.exactOptional(),
    }),
  ),
});
export const Interactions: z.ZodType<Interaction[]> = z.array(interaction);

const exclusion = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('allergy'), allergy: z.string() }),
  z.object({ kind: z.literal('already-taken') }),
  z.object({ kind: z.literal('duplicate-class'), with: drugId, drugClass: z.string() }),
  z.object({ kind: z.literal('contraindicated-pair'), with: drugId }),
  z.object({
    kind: z.literal('patient-rule'),
    check: z.enum(CHECKS),
    because: z.string(),
    effect: z.string(),
    source: z.string(),
  }),
]);

const gridPoint = z.object({
  alpha: z.number(),
  list: drugIds,
  steps: z.array(
    z.object({
      action: z.enum(['add', 'remove']),
      drug: drugId,
      probability: z.number(),
      expectedJaccardChange: z.number(),
      interactionChange: z.number(),
    }),
  ),
  interactionCount: z.number(),
  expectedJaccard: z.number(),
});

const warning = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('unknown-codes'), codes: z.array(z.string()) }),
  z.object({ kind: z.literal('current-medication-outside-formulary'), drugs: drugIds }),
  z.object({ kind: z.literal('not-covered'), drugs: drugIds }),
  z.object({ kind: z.literal('allergy-not-understood'), entries: z.array(z.string()) }),
  z.object({
    kind: z.literal('outside-training-population'),
    reason: z.enum(['inpatient', 'paediatric', 'no-diagnosis']),
  }),
  z.object({ kind: z.literal('note-read'), read: z.number(), characters: z.number() }),
]);

const candidate = z.object({
  drug: drugName,
  probability: z.number(),
  habitFactor: z.number().default(1), // Replies from before clinic habits hold none.
  exclusions: z.array(exclusion),
});

const reply = z.object({
  id: z.string().transform((text) => asId<RecommendationId>(text)),
  visitId: z.string().transform((text) => asId<VisitId>(text)),
  createdAt: z.string(),
  model: z.object({ name: z.string(), version: z.string() }),
  knowledgeVersion: z.string(),
  contextHash: z.string(),
  currentMedications: z.array(drugName),
  candidates: z.array(candidate),
  scores: z.record(z.string(), z.number()),
  habits: z
    .object({ decisions: z.number(), used: z.boolean(), factors: z.record(z.string(), z.number()) })
    .default(NO_HABITS),
  allergens: z.array(z.object({ drug: drugId, allergy: z.string() })),
  grid: z.array(gridPoint),
  interactions: z.array(interaction),
  notCovered: drugIds,
  warnings: z.array(warning),
  front: frontSchema.nullable(),
});

/** The reply of recommend() as it was given. */
export const RecommendationReply: z.ZodType<Recommendation> = reply;

/** What the habits of the clinic are counted from, as part of such a reply. */
export const DecidedReply: z.ZodType<DecidedVisit['recommendation']> = reply.pick({
  scores: true,
  candidates: true,
  allergens: true,
  currentMedications: true,
});
