/** What is remembered of devices between two starts: test results, a person's choice, abrupt ends. No patient data. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PROVIDERS } from '../../shared/devices-api.ts';
import { replaceFile } from '../publish.ts';

const FILE = 'devices.json';

const figure = z.number().nullable();
const provider = z.enum(PROVIDERS);
const deviceFile = z.object({
  format: z.literal(1),
  choice: z.union([z.literal('automatic'), provider]),
  test: z
    .object({
      at: z.string(),
      /** What the results hold for: see fingerprint.ts. */
      fingerprint: z.string(),
      results: z.array(
        z.object({
          provider,
          outcome: z.enum(['same', 'different', 'unavailable', 'crashed', 'too-slow']),
          reason: z.string(),
          probabilityError: figure,
          logitError: figure,
          gradientError: figure,
          scoreMs: figure,
          listMs: figure,
          trainingRows: figure,
          openMs: figure,
        }),
      ),
    })
    .nullable(),
  /** A device other than the CPU that is in use right now: found at a start, Flame had ended without warning. */
  running: provider.nullable(),
  /** How often that happened since the last test. */
  abruptEnds: z.int().nonnegative(),
});
export type DeviceFile = z.infer<typeof deviceFile>;

const NOTHING: DeviceFile = { format: 1, choice: 'automatic', test: null, running: null, abruptEnds: 0 };

/** A file that is missing or cannot be read means that nothing is known yet. */
export function readDeviceFile(folder: string): DeviceFile {
  try {
    return deviceFile.parse(JSON.parse(readFileSync(join(folder, FILE), 'utf8')));
  } catch {
    return NOTHING;
  }
}

/** @returns false when it could not be written, which costs no more than another test */
export function writeDeviceFile(folder: string, content: DeviceFile): boolean {
  try {
    replaceFile(join(folder, FILE), `${JSON.stringify(content, null, 2)}\n`);
    return true;
  } catch {
    return false;
  }
}
