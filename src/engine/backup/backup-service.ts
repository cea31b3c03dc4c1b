/**
 * Makes backups of the open profile, when somebody asks and when one is due, one at a time; removes what is no longer to be
 * kept; remembers how it ended. Chooses no place and restores nothing.
 */

import type { BackupEntry, BackupsState } from '../../shared/backup-api.ts';
import { FlameError, toWireError } from '../../shared/errors.ts';
import { keyState } from '../access/key.ts';
import { appendAudit } from '../store/audit.ts';
import { checkInThread } from '../store/copy-thread.ts';
import type { Workspace } from '../workspace.ts';
import { backupsIn, backUp } from './back-up.ts';
import { backupFile } from './backup-folder.ts';
import { noteBackupPlace } from './backup-place.ts';
import { profileIdOf } from './make-backup.ts';
import { describeBackup } from './backup-file.ts';
import { backupSettings, backupState, changeBackupState } from './backup-settings.ts';
import { removeDeadStages } from './restore-stage.ts';
import { nextBackupAt } from './schedule.ts';

export interface BackupCall {
  readonly actor: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((part: number) => void) | undefined;
}

/** As the audit log names whoever makes the backups that nobody asks for. */
export const SCHEDULE = 'backup schedule';
const LOOK_EVERY_MS = 30_000;

export class BackupService {
  readonly #workspace: Workspace;
  readonly #milliseconds: () => number;
  readonly #stopping = new AbortController();
  #running: Promise<unknown> | null = null;
  /** By the clock that only runs forward; null while the database is not open. */
  #openedAt: number | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param milliseconds a clock that only runs forward */
  constructor(workspace: Workspace, milliseconds: () => number = () => performance.now()) {
    this.#workspace = workspace;
    this.#milliseconds = milliseconds;
  }

  /** Looks from now on whether a backup is due. */
  watch(): void {
    this.#timer = setInterval(() => void this.look(new Date()), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /**
   * Makes the backup that is due. Whatever hinders it is remembered and shown; a database that cannot be read or written says so
   * to whoever works with it. Never rejects.
   * @returns whether one was tried
   */
  async look(now: Date): Promise<boolean> {
    try {
      return await this.#look(now);
    } catch {
      return false;
    }
  }

  async #look(now: Date): Promise<boolean> {
    if (!this.#workspace.store.isOpen || this.#stopping.signal.aborted) return false;
    if (this.#openedAt === null) {
      this.#openedAt = this.#milliseconds();
      this.#removeDebris();
      this.#notePlace();
    }
    const next = this.#nextAt(now);
    if (next === null || next > now || this.#running !== null) return false;
    const end = this.#workspace.session.running();
    try {
      await this.make({ actor: SCHEDULE }, now);
    } catch {
      // Written down where it happened.
    } finally {
      end();
    }
    return true;
  }

  /** @throws FlameError BACKUP_NO_FOLDER, STORE_BUSY while another one is made, and what backUp throws */
  async make(call: BackupCall, now = new Date()): Promise<void> {
    const { db } = this.#workspace;
    const { folder } = backupSettings(db);
    if (folder === null || this.#running !== null) {
      const problem = new FlameError(folder === null ? 'BACKUP_NO_FOLDER' : 'STORE_BUSY');
      this.#note(call, 'backup.failed', { code: problem.code });
      throw problem;
    }
    const run = this.#make(folder, call, now);
    this.#running = run;
    try {
      await run;
    } finally {
      this.#running = null;
    }
  }

  async #make(folder: string, { actor, signal, onProgress }: BackupCall, now: Date): Promise<void> {
    const { options } = this.#workspace;
    const profile = this.#workspace.store.withProfile((open) => open);
    await backUp(profile, folder, {
      actor,
      appVersion: options.appVersion,
      nativeBinding: options.sqliteBinding ?? undefined,
      copyWorker: options.copyWorker,
      keep: backupSettings(profile.db).keep,
      marked: true,
      now,
      signal: signal ? AbortSignal.any([signal, this.#stopping.signal]) : this.#stopping.signal,
      onProgress,
    });
  }

  /**
   * Reads a backup page by page; what was found stands in the list afterwards.
   * @throws FlameError BACKUP_NO_FOLDER, NOT_FOUND, FILE_NOT_READABLE, CANCELLED
   */
  async verify(name: string, call: BackupCall): Promise<void> {
    const { db } = this.#workspace;
    let sound: boolean;
    try {
      sound = await this.#isSound(name, call);
    } catch (thrown) {
      this.#note(call, 'backup.verify-failed', { file: name, code: toWireError(thrown).code });
      throw thrown;
    }
    db.transaction(() => {
      const check = { at: new Date().toISOString(), sound };
      changeBackupState(db, ({ checks }) => ({ checks: { ...checks, [name]: check } }));
      this.#note(call, sound ? 'backup.verified' : 'backup.verify-failed', { file: name });
    });
  }

  async #isSound(name: string, { signal }: BackupCall): Promise<boolean> {
    const file = backupFile(this.folder, name);
    const { key } = this.#workspace.store.withProfile((open) => open);
    const { sqliteBinding, copyWorker } = this.#workspace.options;
    try {
      const manifest = describeBackup(file).manifestUnder(key);
      if (manifest === null) throw new FlameError('NOT_FOUND', { what: 'backup' });
      const location = { file, key, nativeBinding: sqliteBinding ?? undefined };
      const { counts } = await checkInThread({ settle: false, location }, { entry: copyWorker, signal });
      return JSON.stringify(counts) === JSON.stringify(manifest.counts);
    } catch (thrown) {
      const { code } = toWireError(thrown);
      if (['BACKUP_DAMAGED', 'STORE_CORRUPT', 'STORE_KEY_WRONG'].includes(code)) return false;
      throw thrown;
    }
  }

  /** @throws FlameError BACKUP_NO_FOLDER */
  get folder(): string {
    const { folder } = backupSettings(this.#workspace.db);
    if (folder === null) throw new FlameError('BACKUP_NO_FOLDER');
    return folder;
  }

  async state(now = new Date()): Promise<BackupsState> {
    const { db, options } = this.#workspace;
    const { folder, hour, keep } = backupSettings(db);
    let backups: BackupEntry[] = [];
    let folderProblem: BackupsState['folderProblem'] = null;
    try {
      if (folder !== null)
        backups = await this.#workspace.store.withProfile((profile) => backupsIn(profile, folder));
    } catch (thrown) {
      folderProblem = toWireError(thrown);
    }
    const { lastSuccessAt, failure } = backupState(db);
    return {
      needsSecret: !['accounts', 'passphrase'].includes(keyState(options.profile)),
      folder,
      hour,
      keep,
      nextAt: this.#nextAt(now)?.toISOString() ?? null,
      running: this.#running !== null,
      lastSuccessAt,
      failure,
      folderProblem,
      backups,
    };
  }

  #nextAt(now: Date): Date | null {
    const { db } = this.#workspace;
    const { folder, hour } = backupSettings(db);
    if (folder === null || hour === null) return null;
    const { lastSuccessAt, failure } = backupState(db);
    const open = this.#milliseconds() - (this.#openedAt ?? this.#milliseconds());
    return nextBackupAt(
      {
        hour,
        lastSuccess: lastSuccessAt === null ? null : new Date(lastSuccessAt),
        lastFailure: failure === null ? null : new Date(failure.at),
        opened: new Date(now.getTime() - open),
      },
      now,
    );
  }

  #notePlace(): void {
    const { db, options } = this.#workspace;
    const { folder } = backupSettings(db);
    if (folder !== null) noteBackupPlace(options.profile, folder, profileIdOf(db));
  }

  /** What restores of this profile left when they were killed. */
  #removeDebris(): void {
    const { db } = this.#workspace;
    const { restoringIn } = backupState(db);
    if (restoringIn.length === 0) return;
    for (const folder of restoringIn) {
      try {
        removeDeadStages(folder);
      } catch {
        // The place is gone or cannot be written; the next restore into it tries again.
      }
    }
    changeBackupState(db, () => ({ restoringIn: [] }));
  }

  #note({ actor }: BackupCall, action: Parameters<typeof appendAudit>[1]['action'], content: object): void {
    appendAudit(this.#workspace.db, { actor, action, subject: 'profile', content: { ...content } });
  }

  /** Aborted when Flame stops. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Cuts short what is being made: a quit waits for no backup. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#running?.catch(() => undefined);
  }
}
