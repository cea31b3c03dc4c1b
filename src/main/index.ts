/** The shell's start and end: one instance, one window, one engine. Holds no domain logic and touches no patient data. */

import { app, type BrowserWindow } from 'electron';
import type { Preferences } from '../shared/preferences.ts';
import { registerAppScheme } from './app-protocol.ts';
import { EngineHost } from './engine-host.ts';
import { serveAutoLock } from './auto-lock.ts';
import { connectPages } from './engine-ports.ts';
import { serveDropped, serveImportDialog } from './import-dialog.ts';
import { serveDecisionSheet } from './decision-sheet.ts';
import { setMenu } from './menu.ts';
import { speak } from './native-words.ts';
import { drawFieldsAsChosen, servePreferences } from './preferences.ts';
import {
  COPY_WORKER_ENTRY,
  ENGINE_ENTRY,
  modelsFolder,
  prepareProfile,
  PROBE_ENTRY,
  resourcesFolder,
  TRAINER_ENTRY,
} from './paths.ts';
import { tellPower } from './power.ts';
import { serveRestoredProfile } from './restored-profile.ts';
import { serveSaveDialog } from './save-file.ts';
import { devOrigin, isDrivenFromOutside, restrictApp } from './security.ts';
import { openWindow } from './window.ts';

const EXIT_DEFECT = 70;

// A console that was closed meanwhile must not take the app with it.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
process.on('uncaughtException', exitOnDefect);
process.on('unhandledRejection', exitOnDefect);

if (isDrivenFromOutside()) {
  console.error('shell: Flame does not run under remote debugging');
  app.exit(1);
} else {
  const profile = prepareProfile();
  drawFieldsAsChosen(profile);
  restrictApp();
  registerAppScheme();
  if (app.requestSingleInstanceLock()) {
    // Not awaited here: Electron becomes ready only after this module has been loaded.
    void app.whenReady().then(() => run(profile));
  } else {
    console.error('shell: Flame is already open on this profile; showing its window');
    app.quit();
  }
}

function run(profile: string): void {
  const host = new EngineHost(ENGINE_ENTRY, PROBE_ENTRY, TRAINER_ENTRY, {
    profile,
    resources: resourcesFolder(),
    models: modelsFolder(),
    sqliteBinding: process.env['FLAME_SQLITE_BINDING'] ?? null,
    appVersion: app.getVersion(),
    copyWorker: COPY_WORKER_ENTRY,
  });
  connectPages(host);
  const speakAsChosen = ({ language }: Preferences): void => {
    speak(language);
    setMenu(devOrigin !== null);
  };
  const preferences = servePreferences(profile, speakAsChosen);
  speakAsChosen(preferences);
  host.start();
  const window = openWindow(preferences);
  serveImportDialog(host, window);
  serveDropped(host);
  serveSaveDialog(host, window);
  serveDecisionSheet(host, window);
  serveRestoredProfile(host);
  serveAutoLock(host, window);
  tellPower(host);

  app.on('second-instance', () => {
    if (window.isDestroyed()) return;
    if (window.isMinimized()) window.restore();
    window.focus();
  });
  app.on('window-all-closed', () => app.quit());
  quitInOrder(host);
  if (process.env['FLAME_QUIT_AFTER_READY'] === '1') quitWhenReady(host, window);
}

/** Holds the quit back until the engine has closed the database. */
function quitInOrder(host: EngineHost): void {
  let stopped = false;
  let stopping = false;
  app.on('will-quit', (event) => {
    if (stopped) return;
    event.preventDefault();
    if (stopping) return;
    stopping = true;
    void host.stop().then(() => {
      stopped = true;
      // A new turn: within this one Electron still counts the quit that was held back and would ignore another.
      setImmediate(() => app.quit());
    });
  });
}

/** For scripts that test a start: quits once the page is painted and the engine answers; exit status 1 if it cannot. */
function quitWhenReady(host: EngineHost, window: BrowserWindow): void {
  const painted = new Promise<void>((resolve) => window.once('show', () => resolve()));
  const answered = new Promise<boolean>((resolve) => {
    const check = (): void => {
      if (host.state === 'ready' || host.state === 'stopped') resolve(host.state === 'ready');
    };
    host.on('state', check);
    check();
  });
  void Promise.all([painted, answered]).then(([, isReady]) => {
    console.log(isReady ? 'shell: the window is open and the engine is ready' : 'shell: the engine failed');
    if (isReady) app.quit();
    else app.exit(1);
  });
}

function exitOnDefect(thrown: unknown): void {
  console.error('shell: unforeseen error:', thrown);
  app.exit(EXIT_DEFECT);
}
