/**
 * The handlers of a restore while the database does not open. Reads backups, makes a new profile folder, and can lead later starts
 * there. Writes nothing into the damaged profile but that lead and the count of wrong secrets.
 */

import { constants, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupSecret, BackupSource } from '../../shared/backup-api.ts';
import type { EngineApi, ShellApi } from '../../shared/contract.ts';
import { FlameError, toWireError } from '../../shared/errors.ts';
import {
  isDamage,
  MOVED_FILE,
  type RescueApi,
  type RescueShellApi,
  type RescueState,
} from '../../shared/rescue-api.ts';
import type { Grants } from '../grants.ts';
import { parseParameters } from '../parameters.ts';
import { replaceFile } from '../publish.ts';
import type { Handlers } from '../serve.ts';
import type { Workspace } from '../workspace.ts';
import { accountEntry } from '../access/key-ring.ts';
import { backupFile, namedBackups } from './backup-folder.ts';
import { describeBackup, openBackup, type OpenedBackup } from './backup-file.ts';
import { backupPlace } from './backup-place.ts';
import type { BackupService } from './backup-service.ts';
import { restoreBackup } from './restore-backup.ts';
import { credentialOf, freeName, openersOf, previewOf, refuseInside } from './restore-wish.ts';

export function rescueHandlers(
  workspace: Workspace,
  service: BackupService,
  grants: Grants,
): {
  readonly engine: Pick<Handlers<EngineApi>, keyof RescueApi>;
  readonly shell: Pick<Handlers<ShellApi>, keyof RescueShellApi>;
} {
  const { options, store } = workspace;
  let restored: string | null = null;
  const refuseUnlessDamaged = (): void => {
    const { part } = store;
    if (part.ok || !isDamage(part.error)) throw new FlameError('NOT_FOUND', { what: 'damaged database' });
  };
  const fileOf = (source: BackupSource): string => {
    refuseUnlessDamaged();
    if ('grant' in source) return grants.path(source.grant, 'read');
    const place = backupPlace(options.profile);
    if (place === null) throw new FlameError('BACKUP_NO_FOLDER');
    return backupFile(place.folder, source.name);
  };
  const open = async (file: string, secret: BackupSecret): Promise<OpenedBackup> => {
    const id = pausedAs(file, secret);
    countTry(() => store.pauses.begin(id));
    const backup = await openBackup(file, credentialOf(secret));
    countTry(() => store.pauses.forget(id));
    return backup;
  };

  return {
    engine: {
      'rescue.backups': async (params): Promise<RescueState> => {
        parseParameters('rescue.backups', params);
        refuseUnlessDamaged();
        const place = backupPlace(options.profile);
        if (place === null) return { backups: [], folderProblem: null };
        try {
          return { backups: await namedBackups(place.folder, place.profile), folderProblem: null };
        } catch (thrown) {
          return { backups: [], folderProblem: toWireError(thrown) };
        }
      },

      'rescue.openers': (params) => openersOf(fileOf(parseParameters('rescue.openers', params).source)),

      'rescue.preview': async (params) => {
        const { source, secret } = parseParameters('rescue.preview', params);
        const file = fileOf(source);
        return previewOf(file, (await open(file, secret)).manifest);
      },

      'rescue.restore': async (params, { signal, progress }) => {
        const { source, secret, grant } = parseParameters('rescue.restore', params);
        const file = fileOf(source);
        const place = grants.path(grant, 'write');
        refuseInside(options.profile, place);
        const backup = await open(file, secret);
        const target = freeName(place, backup.manifest.madeAt);
        await restoreBackup(file, backup, target, {
          actor: backup.openedBy,
          nativeBinding: options.sqliteBinding ?? undefined,
          copyWorker: options.copyWorker,
          signal: AbortSignal.any([signal, service.stopping]),
          onProgress: (part) => progress({ part }),
        });
        grants.used(grant);
        restored = target;
        return { folder: target, counts: previewOf(file, backup.manifest).counts };
      },
    },
    shell: {
      'rescue.adopt': (params) => {
        parseParameters('rescue.adopt', params);
        refuseUnlessDamaged();
        if (restored === null) throw new FlameError('NOT_FOUND', { what: 'restored folder' });
        replaceFile(
          join(options.profile, MOVED_FILE),
          `${JSON.stringify({ format: 1, folder: restored })}\n`,
        );
        keepPreferences(options.profile, restored);
        return {};
      },
    },
  };
}

/** Whose tries are counted: of an account by its id, which the backup and the profile have in common. */
function pausedAs(file: string, secret: BackupSecret): string {
  const { ring } = describeBackup(file);
  if (secret.kind === 'account' && ring !== null)
    return accountEntry(ring, secret.account)?.id ?? 'backup account';
  return `backup ${secret.kind}`;
}

/** Language and colours of the screen go along; a backup has none. */
function keepPreferences(from: string, to: string): void {
  try {
    copyFileSync(join(from, 'preferences.json'), join(to, 'preferences.json'), constants.COPYFILE_EXCL);
  } catch {
    // Never chosen, or chosen there already.
  }
}

/** A disk that cannot be written is one that people restore from: there tries are counted until Flame ends. */
function countTry(work: () => void): void {
  try {
    work();
  } catch (thrown) {
    if (toWireError(thrown).code !== 'STORE_UNAVAILABLE') throw thrown;
  }
}
