/** The parameters of the calls about fine-tuning, checked at the engine's edge. Knows nothing of what a call does. */

import { z } from 'zod';
import { PROFILES, VISIT_SOURCES } from '../../shared/finetune.ts';
import { asId, type JobId } from '../../shared/ids.ts';

const jobId = z.uuid().transform((text) => asId<JobId>(text));
const date = z.iso.date();

export const selectionSchema = z.strictObject({
  source: z.enum(VISIT_SOURCES),
  from: date.nullable(),
  to: date.nullable(),
  demo: z.boolean(),
});

export const settingsSchema = z
  .strictObject({
    profile: z.enum(PROFILES),
    alphaLow: z.number().min(0).max(1),
    alphaHigh: z.number().min(0).max(1),
    threads: z.int().min(1).max(64),
    seed: z.int().min(0).max(1e9),
    pauseOnBattery: z.boolean(),
    pauseWhileWorking: z.boolean(),
  })
  .refine(({ alphaLow, alphaHigh }) => alphaLow <= alphaHigh, 'the slider range is upside down');

const asked = { selection: selectionSchema, settings: settingsSchema };

export const FINETUNE_PARAMETERS = {
  'finetune.report': z.strictObject(asked),
  'finetune.start': z.strictObject({ name: z.string().trim().min(1).max(200), ...asked }),
  'finetune.export': z.strictObject({ ...asked, grant: z.string().max(100) }),
  'finetune.importAdapter': z.strictObject({
    name: z.string().trim().min(1).max(200),
    ...asked,
    grant: z.string().max(100),
  }),
  'finetune.list': z.strictObject({}),
  'finetune.get': z.strictObject({ jobId }),
  'finetune.hold': z.strictObject({ jobId, held: z.boolean() }),
  'finetune.cancel': z.strictObject({ jobId }),
  'finetune.promote': z.strictObject({ jobId }),
  'finetune.reject': z.strictObject({ jobId }),
} as const;
