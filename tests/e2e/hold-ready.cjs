/**
 * Loaded into the app under test before its own code: holds Electron's `ready` back until Playwright is attached, so
 * that no window opens unseen (a race that hangs a launch now and then). Playwright's own loader does the same but also
 * sets Chromium switches, and then the tests would not see the network behaviour that users get.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- `electron -r` loads CommonJS */
const { app } = require('electron');

const whenReady = app.whenReady();
const emit = app.emit.bind(app);
let readyArguments = [];
let isReady = false;
let release;
const released = new Promise((resolve) => (release = resolve));

app.emit = (event, ...args) => {
  if (event !== 'ready') return emit(event, ...args);
  readyArguments = args;
  return app.listenerCount('ready') > 0;
};
app.isReady = () => isReady;
app.whenReady = () => released;

// Playwright calls this by name once it listens.
globalThis.__playwright_run = async () => {
  await whenReady;
  isReady = true;
  release();
  emit('ready', ...readyArguments);
};
