/** The shape of resources/knowledge/manifest.json: what was compiled, from what, under which terms. Checks no file. */

import { z } from 'zod';

const tableEntry = z.object({
  file: z.string(),
  /** Of the content before compression. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  rows: z.number().int().nonnegative(),
  sources: z.array(z.string()),
});

const sourceEntry = z.object({
  id: z.string(),
  title: z.string(),
  version: z.string(),
  licence: z.string(),
  attribution: z.string(),
});

export const manifestSchema = z.object({
  /** `<year.month>-<hash>`: changes when any table changes. */
  version: z.string(),
  /** Changes when an interacting pair, a level or a rule changes; evaluation reports name it. */
  interactionVersion: z.string(),
  tables: z.array(tableEntry),
  sources: z.array(sourceEntry),
});

export type TableEntry = z.infer<typeof tableEntry>;
export type SourceEntry = z.infer<typeof sourceEntry>;
export type Manifest = z.infer<typeof manifestSchema>;
