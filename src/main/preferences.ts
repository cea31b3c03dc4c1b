/**
 * Keeps the few choices of this computer (theme, language) in a file of the profile, since the page's own storage is in
 * memory only. Keeps nothing else, and starts without them when the file cannot be read.
 */

import { app, ipcMain } from 'electron';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHANNELS } from '../shared/channels.ts';
import { isPreference, isPreferenceValue, readPreferences, type Preferences } from '../shared/preferences.ts';
import { isOwnPage } from './security.ts';

/**
 * Where German was chosen, the fields that Chromium draws by itself (days above all) are German from the start of the
 * application on; otherwise they follow the computer. Only before the app is ready.
 */
export function drawFieldsAsChosen(profile: string): void {
  if (read(fileOf(profile)).language === 'de') app.commandLine.appendSwitch('lang', 'de');
}

/**
 * Serves the page's wish to remember.
 * @param onChange told of every choice that was made
 * @returns what is remembered from before
 */
export function servePreferences(profile: string, onChange: (present: Preferences) => void): Preferences {
  const file = fileOf(profile);
  const before = read(file);
  let present = before;
  ipcMain.on(CHANNELS.remember, (event, name: unknown, value: unknown) => {
    if (!isOwnPage(event.senderFrame) || !isPreference(name) || !isPreferenceValue(value)) return;
    present = { ...present, [name]: value };
    write(file, present);
    onChange(present);
  });
  return before;
}

function fileOf(profile: string): string {
  return join(profile, 'preferences.json');
}

function read(file: string): Preferences {
  try {
    return readPreferences(readFileSync(file, 'utf8'));
  } catch {
    return {}; // The first start, or a file that cannot be read: every choice has a good default.
  }
}

function write(file: string, preferences: Preferences): void {
  try {
    writeFileSync(`${file}.new`, `${JSON.stringify(preferences)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (thrown) {
    console.error('shell: preferences could not be stored:', thrown);
  }
}
