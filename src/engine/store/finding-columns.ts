/** The zod schema of the findings kept with a decision: read back as what was written, or refused. */

import { z } from 'zod';
import { OVERRIDE_REASONS, type DecidedFinding } from '../../shared/decision.ts';
import { CHECKS, type Finding } from '../../shared/findings.ts';
import { drugIds, severity, support } from './json-columns.ts';

const check = z.enum(CHECKS);
const finding = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('found'),
    check,
    drugs: drugIds,
    severity,
    because: z.string(),
    effect: z.string(),
    management: z.string(),
    mechanism: z.string().nullable(),
    label: z.object({ text: z.string(), from: z.number(), to: z.number() }).nullable(),
    sources: z.array(
      z.object({
        citation: z.string(),
        version: z.string(),
        reviewed: z.boolean(),
        support: support.exactOptional(),
      }),
    ),
  }),
  z.object({ state: z.literal('not-covered'), check, drugs: drugIds }),
  z.object({
    state: z.literal('not-checked'),
    check,
    drugs: drugIds,
    missing: z.enum([
      'creatinine',
      'sex',
      'adult-age',
      'pregnancy',
      'lactation',
      'diagnoses',
      'label-end',
      'allergy-meaning',
    ]),
    entry: z.string().nullable(),
  }),
  z.object({ state: z.literal('failed'), check, drugs: z.tuple([]), problem: z.string() }),
]) satisfies z.ZodType<Finding>;

export const DecidedFindings: z.ZodType<DecidedFinding[]> = z.array(
  z.object({
    finding,
    override: z.object({ reason: z.enum(OVERRIDE_REASONS), note: z.string() }).nullable(),
  }),
);
