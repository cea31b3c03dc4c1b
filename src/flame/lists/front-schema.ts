/** The zod schemas of a protocol and of a measured front, as model packs and stored recommendations hold them. */

import { z } from 'zod';

export const protocolSchema = z.object({
  corpus: z.string(),
  split: z.string(),
  formularySize: z.number().int().positive(),
  interactionTable: z.string(),
  severityCut: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
});

export const frontSchema = z.object({
  protocol: protocolSchema,
  points: z.array(
    z.object({
      alpha: z.number(),
      jaccard: z.number(),
      interactionRate: z.number(),
      meanLength: z.number(),
    }),
  ),
});
