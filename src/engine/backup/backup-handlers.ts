/** The handlers of backups. Each thing done, and each that failed, is written into the audit log. Holds no rule of its own. */

import { basename } from 'node:path';
import type { BackupsApi, BackupSource } from '../../shared/backup-api.ts';
import type { EngineApi } from '../../shared/contract.ts';
import { toWireError } from '../../shared/errors.ts';
import type { Grants } from '../grants.ts';
import { parseParameters } from '../parameters.ts';
import type { CallContext, Handlers } from '../serve.ts';
import { writeSetting } from '../store/accounts.ts';
import { appendAudit, type AuditEvent } from '../store/audit.ts';
import type { Workspace } from '../workspace.ts';
import { backupFile, markFolder } from './backup-folder.ts';
import { openBackup } from './backup-file.ts';
import { noteBackupPlace } from './backup-place.ts';
import type { BackupService } from './backup-service.ts';
import {
  BACKUP_SETTINGS,
  backupSettings,
  changeBackupState,
  type BackupSettings,
} from './backup-settings.ts';
import { profileIdOf } from './make-backup.ts';
import { restoreBackup } from './restore-backup.ts';
import { credentialOf, freeName, openersOf, previewOf, refuseInside } from './restore-wish.ts';

type Action = AuditEvent['action'];

export function backupHandlers(
  workspace: Workspace,
  service: BackupService,
  grants: Grants,
  actor: () => string,
): Pick<Handlers<EngineApi>, keyof BackupsApi> {
  const note = (action: Action, content: AuditEvent['content']): void =>
    appendAudit(workspace.db, { actor: actor(), action, subject: 'profile', content });
  /** Writes down what did not succeed. */
  const noting = async <T>(
    failed: Action,
    content: AuditEvent['content'],
    work: () => T,
  ): Promise<Awaited<T>> => {
    try {
      return await work();
    } catch (thrown) {
      note(failed, { ...content, code: toWireError(thrown).code });
      throw thrown;
    }
  };
  const fileOf = (source: BackupSource): string =>
    'name' in source ? backupFile(service.folder, source.name) : grants.path(source.grant, 'read');
  const named = (source: BackupSource): { readonly file: string } => {
    try {
      return { file: basename(fileOf(source)) };
    } catch {
      return { file: '' };
    }
  };
  const change = (part: Partial<BackupSettings>): void => {
    const { db } = workspace;
    db.transaction(() => {
      const settings = { ...backupSettings(db), ...part };
      writeSetting(db, BACKUP_SETTINGS, settings);
      note('backup.settings-changed', settings);
    });
  };
  const call = ({ signal, progress }: CallContext<{ part: number }>) => ({
    actor: actor(),
    signal,
    onProgress: (part: number) => progress({ part }),
  });

  return {
    'backups.get': async (params) => {
      parseParameters('backups.get', params);
      return await service.state();
    },

    'backups.set': async (params) => {
      const { hour, keep } = parseParameters('backups.set', params);
      change({ hour, keep });
      return await service.state();
    },

    'backups.setFolder': async (params) => {
      const { grant } = parseParameters('backups.setFolder', params);
      const folder = await noting('backup.failed', {}, () => {
        const picked = grants.path(grant, 'write');
        refuseInside(workspace.options.profile, picked);
        markFolder(picked);
        return picked;
      });
      grants.used(grant);
      change({ folder });
      noteBackupPlace(workspace.options.profile, folder, profileIdOf(workspace.db));
      return await service.state();
    },

    'backups.make': async (params, context) => {
      parseParameters('backups.make', params);
      await service.make(call(context));
      return await service.state();
    },

    'backups.verify': async (params, context) => {
      const { name } = parseParameters('backups.verify', params);
      await service.verify(name, call(context));
      return await service.state();
    },

    'backups.openers': (params) => {
      const { source } = parseParameters('backups.openers', params);
      return noting('backup.open-failed', named(source), () => openersOf(fileOf(source)));
    },

    'backups.preview': (params) => {
      const { source, secret } = parseParameters('backups.preview', params);
      return noting('backup.open-failed', named(source), async () => {
        const file = fileOf(source);
        const { manifest } = await openBackup(file, credentialOf(secret));
        note('backup.opened', { file: basename(file), madeAt: manifest.madeAt });
        return previewOf(file, manifest);
      });
    },

    'backups.restore': (params, context) => {
      const { source, secret, grant } = parseParameters('backups.restore', params);
      return noting('backup.restore-failed', named(source), async () => {
        const { db, options } = workspace;
        const file = fileOf(source);
        const place = grants.path(grant, 'write');
        refuseInside(options.profile, place);
        const backup = await openBackup(file, credentialOf(secret));
        const target = freeName(place, backup.manifest.madeAt);
        changeBackupState(db, ({ restoringIn }) => ({ restoringIn: [...new Set([...restoringIn, place])] }));
        try {
          await restoreBackup(file, backup, target, {
            ...call(context),
            nativeBinding: options.sqliteBinding ?? undefined,
            copyWorker: options.copyWorker,
            signal: AbortSignal.any([context.signal, service.stopping]),
          });
          grants.used(grant);
          note('backup.restored', { file: basename(file), madeAt: backup.manifest.madeAt, folder: target });
        } finally {
          changeBackupState(db, ({ restoringIn }) => ({
            restoringIn: restoringIn.filter((one) => one !== place),
          }));
        }
        return { folder: target, counts: previewOf(file, backup.manifest).counts };
      });
    },
  };
}
