/** Makes the one window. What its page may do is decided in security.ts. */

import { BrowserWindow, nativeTheme, session } from 'electron';
import { PREFERENCES_ARGUMENT, type Preferences } from '../shared/preferences.ts';
import { APP_ORIGIN, serveApp } from './app-protocol.ts';
import { PRELOAD_ENTRY, RENDERER_FOLDER } from './paths.ts';
import { devOrigin } from './security.ts';

/** In memory only: Chromium leaves no trace of what was on the screen. */
const PARTITION = 'flame';

// The page's own background, so that no flash of another colour shows while it loads.
const BACKGROUND = { light: '#ffffff', dark: '#16181d' };

/** @param preferences handed to the page when it opens */
export function openWindow(preferences: Preferences = {}): BrowserWindow {
  const pageSession = session.fromPartition(PARTITION);
  if (devOrigin === null) serveApp(pageSession, RENDERER_FOLDER);
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
    minWidth: 1024,
    minHeight: 700,
    show: false,
    autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? BACKGROUND.dark : BACKGROUND.light,
    webPreferences: {
      session: pageSession,
      preload: PRELOAD_ENTRY,
      additionalArguments: [PREFERENCES_ARGUMENT + JSON.stringify(preferences)],
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      spellcheck: false,
      navigateOnDragDrop: false,
      devTools: devOrigin !== null,
    },
  });
  window.once('ready-to-show', () => window.show());
  void window.loadURL(devOrigin ?? `${APP_ORIGIN}/`);
  return window;
}
