/** Where everything lies: the profile folder, what ships with the app, the built files. Opens nothing itself. */

import { app } from 'electron';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { followMoved, MOVED_FILE, movedTo, type ProfileFolders } from '../shared/rescue-api.ts';

/** Chromium keeps its own files in this folder of the profile, apart from the database. */
const CHROMIUM_FOLDER = 'window';

/**
 * Chooses the profile folder (--profile, FLAME_PROFILE, or the system's place for application data; or the one that took its
 * place), makes it readable by this user alone, and points Chromium into it. Call it before `ready` and before the instance lock.
 */
export function prepareProfile(): string {
  const named = app.commandLine.getSwitchValue('profile') || process.env['FLAME_PROFILE'];
  const profile = followMoved(named ? resolve(named) : app.getPath('userData'), (folder) =>
    movedTo(folder, PROFILES),
  );
  const chromium = join(profile, CHROMIUM_FOLDER);
  mkdirSync(chromium, { recursive: true, mode: 0o700 });
  if (process.platform !== 'win32') chmodSync(profile, 0o700);
  app.setPath('userData', chromium);
  app.setPath('sessionData', chromium);
  app.setPath('crashDumps', join(chromium, 'crashes'));
  return profile;
}

const PROFILES: ProfileFolders = {
  readMoved: (folder) => readFileSync(join(folder, MOVED_FILE), 'utf8'),
  holdsDatabase: (folder) => existsSync(join(folder, 'flame.db')),
};

/** A file that ships with the app: beside the archive when packaged, in the repository otherwise. */
function shipped(name: string): string {
  return join(app.isPackaged ? process.resourcesPath : app.getAppPath(), name);
}

export const resourcesFolder = (): string => shipped('resources');
export const modelsFolder = (): string => shipped('models');

const built = import.meta.dirname; // out/main
export const ENGINE_ENTRY = join(built, 'engine.js');
export const PROBE_ENTRY = join(built, 'probe.js');
export const COPY_WORKER_ENTRY = join(built, 'copy-worker.js');
export const TRAINER_ENTRY = join(built, 'trainer.js');
export const PRELOAD_ENTRY = join(built, '../preload/index.cjs');
export const RENDERER_FOLDER = join(built, '../renderer');
