/**
 * Remembers beside the database, in a file of its own, where the backups of a profile are: while the database does not open
 * nobody could else tell. Holds no secret and nothing of a patient. Reads no backup.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../publish.ts';

const PLACE_FILE = 'backups.json';
const Place = z.strictObject({
  format: z.literal(1),
  folder: z.string().min(1),
  /** The start of the profile's id, as the names of its backups have it. */
  profile: z.string().regex(/^[0-9a-f]{8}$/),
});
export type BackupPlace = z.infer<typeof Place>;

/** Whatever hinders it is no hindrance to backups. */
export function noteBackupPlace(profile: string, folder: string, profileId: string): void {
  const place: BackupPlace = { format: 1, folder, profile: profileId.slice(0, 8) };
  const before = backupPlace(profile);
  if (before?.folder === place.folder && before.profile === place.profile) return;
  try {
    replaceFile(join(profile, PLACE_FILE), `${JSON.stringify(place)}\n`);
  } catch {
    // Tried again at the next opening.
  }
}

/** Null where no folder was chosen, or the file cannot be read. */
export function backupPlace(profile: string): BackupPlace | null {
  try {
    return Place.parse(JSON.parse(readFileSync(join(profile, PLACE_FILE), 'utf8')));
  } catch {
    return null;
  }
}
