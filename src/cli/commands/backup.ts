/** `flame backup` and `flame restore`: a backup that was read back, and a new profile folder from one. Overwrites nothing. */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { openBackup, type BackupCredential, type BackupManifest } from '../../engine/backup/backup-file.ts';
import { backUp } from '../../engine/backup/back-up.ts';
import { restoreBackup } from '../../engine/backup/restore-backup.ts';
import { DEFAULT_RETENTION, type Retention } from '../../shared/backup-api.ts';
import { actorName } from '../../engine/access/actor.ts';
import { FlameError } from '../../shared/errors.ts';
import { withProfile } from '../open-profile.ts';
import { APP_VERSION } from '../setup.ts';
import { counted, writeJson, writeLines } from '../output.ts';

interface BackupOptions {
  readonly json?: boolean;
  readonly profile?: string;
  readonly to: string;
  readonly keep?: string;
}

interface RestoreOptions {
  readonly json?: boolean;
  readonly to?: string;
}

export function backupCommand(): Command {
  return new Command('backup')
    .description('write a backup of the visit database, read back before it gets its name')
    .requiredOption('--to <folder>', 'existing folder, best on another disk')
    .option(
      '--keep <days,weeks,months>',
      'how many daily, weekly and monthly backups stay; all by default',
      undefined,
    )
    .option('--profile <folder>', 'profile folder (default: FLAME_PROFILE, or the app’s own)')
    .option('--json', 'one JSON document on standard output')
    .addHelpText(
      'after',
      '\nFor an administrator: FLAME_ACCOUNT and FLAME_PASSPHRASE; without accounts, FLAME_PASSPHRASE. The app must be closed. A backup opens with the\n' +
        `passphrases and codes of the day it was made. A common choice: --keep ${Object.values(DEFAULT_RETENTION).join(',')}`,
    )
    .action(async ({ json, profile, to, keep }: BackupOptions) => {
      const retention = keep === undefined ? null : readRetention(keep);
      const made = await withProfile({ profile, roles: ['administrator'], command: 'backup' }, (opened) =>
        backUp(opened, resolve(to), { actor: actorName(), appVersion: APP_VERSION, keep: retention }),
      );
      if (json) writeJson(made);
      else
        writeLines([
          `Written and read back: ${made.file}`,
          ...manifestLines(made.manifest),
          ...(made.removed.length > 0 ? [`Removed: ${counted(made.removed.length, 'earlier backup')}.`] : []),
        ]);
    });
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('show what a backup holds, and with --to make a new profile folder of it')
    .argument('<backup>', 'file that flame backup wrote')
    .option('--to <folder>', 'folder that does not exist yet, or is empty; without it nothing is written')
    .option('--json', 'one JSON document on standard output')
    .addHelpText(
      'after',
      '\nNeeds a passphrase of the day of the backup (FLAME_ACCOUNT and FLAME_PASSPHRASE; without\n' +
        'accounts FLAME_PASSPHRASE), or its recovery code (FLAME_RECOVERY_CODE). Then start Flame on the new folder with --profile, or rename it once all is well.',
    )
    .action(async (file: string, { json, to }: RestoreOptions) => {
      const backup = await openBackup(file, readCredential());
      const target = to === undefined ? null : resolve(to);
      if (target !== null) await restoreBackup(file, backup, target, { actor: backup.openedBy });
      if (json) writeJson({ ...backup.manifest, restoredTo: target });
      else
        writeLines([
          ...manifestLines(backup.manifest),
          target === null ? 'Nothing was written: name a folder with --to.' : `Restored to ${target}`,
        ]);
    });
}

function manifestLines({ madeAt, madeBy, appVersion, counts, newestVisit }: BackupManifest): string[] {
  return [
    `Made ${madeAt} by ${madeBy}, Flame ${appVersion}, schema ${counts.schema}.`,
    ...(newestVisit === null
      ? []
      : [`Newest visit: ${newestVisit.dateKnown ? newestVisit.date : newestVisit.date.slice(0, 4)}.`]),
    `${counted(counts.patients, 'patient')}, ${counted(counts.visits, 'visit')}, ${counted(counts.decisions, 'decision')}, ` +
      `${counts.auditEntries === 1 ? '1 audit entry' : `${counts.auditEntries.toLocaleString('en-US')} audit entries`}.`,
  ];
}

/** @throws FlameError INVALID_INPUT */
function readRetention(text: string): Retention {
  const [, daily, weekly, monthly] = /^(\d{1,4}),(\d{1,4}),(\d{1,4})$/.exec(text) ?? [];
  if (daily === undefined)
    throw new FlameError('INVALID_INPUT', { problem: '--keep takes three numbers, e.g. 7,5,12' });
  return { daily: Number(daily), weekly: Number(weekly), monthly: Number(monthly) };
}

function readCredential(): BackupCredential {
  const code = process.env['FLAME_RECOVERY_CODE'];
  if (code !== undefined && code !== '') return { who: { code: 'recovery' }, secret: code };
  const account = process.env['FLAME_ACCOUNT'];
  const secret = process.env['FLAME_PASSPHRASE'];
  if (secret === undefined)
    throw new FlameError('INVALID_INPUT', {
      problem: 'set FLAME_ACCOUNT and FLAME_PASSPHRASE, FLAME_PASSPHRASE alone, or FLAME_RECOVERY_CODE',
    });
  return account === undefined ? { who: { passphrase: true }, secret } : { who: { account }, secret };
}
