/** What a caller wants of a backup, read and answered: its secret, a preview, a free name for the new folder. Restores nothing. */

import { existsSync, realpathSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import type { BackupOpeners, BackupPreview, BackupSecret } from '../../shared/backup-api.ts';
import { FlameError } from '../../shared/errors.ts';
import { unusable } from './backup-folder.ts';
import { describeBackup, type BackupCredential, type BackupManifest } from './backup-file.ts';

/** @throws FlameError BACKUP_DAMAGED, FILE_NOT_READABLE */
export function openersOf(file: string): BackupOpeners {
  const { ring } = describeBackup(file);
  const accounts = ring?.entries.filter(({ kind }) => kind === 'account').map(({ name }) => name);
  return { file: basename(file), people: accounts ?? null };
}

export function previewOf(file: string, manifest: BackupManifest): BackupPreview {
  const { madeAt, madeBy, appVersion, counts, newestVisit } = manifest;
  const { patients, visits, decisions, auditEntries, schema } = counts;
  return {
    file: basename(file),
    madeAt,
    madeBy,
    appVersion,
    schema,
    auditEntries,
    counts: { patients, visits, decisions },
    newestVisit,
  };
}

export function credentialOf(given: BackupSecret): BackupCredential {
  const { secret } = given;
  if (given.kind === 'account') return { who: { account: given.account }, secret };
  return given.kind === 'recovery'
    ? { who: { code: 'recovery' }, secret }
    : { who: { passphrase: true }, secret };
}

/** A name that nothing in `place` has. */
export function freeName(place: string, madeAt: string): string {
  const first = join(place, `flame-restored-${madeAt.slice(0, 19).replace(/[-:]/g, '')}Z`);
  for (let number = 1; ; number++) {
    const name = number === 1 ? first : `${first}-${number}`;
    if (!existsSync(name)) return name;
  }
}

/** @throws FlameError BACKUP_PLACE_IN_PROFILE, BACKUP_FOLDER_UNUSABLE */
export function refuseInside(profile: string, place: string): void {
  let found: string;
  try {
    found = realpathSync(place);
  } catch (cause) {
    throw unusable(place, cause);
  }
  if (`${found}${sep}`.startsWith(`${realpathSync(profile)}${sep}`))
    throw new FlameError('BACKUP_PLACE_IN_PROFILE', { folder: basename(place) });
}
