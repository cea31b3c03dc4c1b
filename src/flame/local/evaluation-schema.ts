/** What was measured of a local model on held-out visits, as manifests and finished jobs hold it. */

import { z } from 'zod';
import { GATES, GROUP_PARTITIONS, MEASURED_MODELS } from '../../shared/finetune.ts';
import { frontSchema, protocolSchema } from '../lists/front-schema.ts';

const estimate = z.object({ mean: z.number(), low: z.number(), high: z.number() });
const points = frontSchema.shape.points;

export const evaluationSchema = z.object({
  protocol: protocolSchema,
  visits: z.int().nonnegative(),
  patients: z.int().nonnegative(),
  rows: z.array(
    z.object({
      model: z.enum(MEASURED_MODELS),
      jaccard: estimate,
      f1: estimate,
      prauc: estimate.nullable(),
      ddiRate: estimate,
      meanLength: z.number(),
      calibrationError: z.number().nullable(),
    }),
  ),
  truth: z.object({ ddiRate: z.number(), meanLength: z.number() }),
  differences: z.array(z.object({ against: z.enum(MEASURED_MODELS), jaccard: estimate })),
  fronts: z.object({ before: points, after: points }),
  groups: z.array(
    z.object({
      partition: z.enum(GROUP_PARTITIONS),
      name: z.string(),
      visits: z.int(),
      before: z.number(),
      after: z.number(),
      difference: estimate,
    }),
  ),
  gates: z.array(
    z.object({ gate: z.enum(GATES), passed: z.boolean(), value: z.number(), limit: z.number() }),
  ),
});
