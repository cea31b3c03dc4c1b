/** The bridge between page and engine: hands the page `window.flame`, keeps the port. Decides nothing, knows no domain. */

import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { BridgeReply, FlameBridge } from '../shared/bridge.ts';
import { CHANNELS } from '../shared/channels.ts';
import type { EngineState } from '../shared/contract.ts';
import { PREFERENCES_ARGUMENT, readPreferences } from '../shared/preferences.ts';
import { createEngineLink } from '../shared/engine-link.ts';
import { eventTargetTransport, type EventTargetPort } from '../shared/transports.ts';

const link = createEngineLink();

ipcRenderer.on(CHANNELS.port, (event) => {
  const [port] = event.ports as unknown as readonly EventTargetPort[]; // DOM ports; no DOM types in this room
  if (port !== undefined) link.attach(eventTargetTransport(port));
});
ipcRenderer.on(CHANNELS.state, (_event, state: EngineState) => link.setState(state));
ipcRenderer.send(CHANNELS.connect);

const lockListeners = new Set<() => void>();
ipcRenderer.on(CHANNELS.locked, () => {
  for (const listener of lockListeners) listener();
});

const argument = process.argv.find((text) => text.startsWith(PREFERENCES_ARGUMENT)) ?? '';

const bridge: FlameBridge = {
  start: link.start,
  onEngineState: link.onEngineState,
  onLocked: (listener) => {
    lockListeners.add(listener);
    return () => void lockListeners.delete(listener);
  },
  pickImportFile: (kind) => ipcRenderer.invoke(CHANNELS.pickImportFile, kind) as Promise<BridgeReply>,
  // A file that a script made has no path: only what was dropped has one.
  takeDropped: (file) =>
    ipcRenderer.invoke(CHANNELS.takeDropped, webUtils.getPathForFile(file as never)) as Promise<BridgeReply>,
  releaseSheet: (wish) => ipcRenderer.invoke(CHANNELS.releaseSheet, wish) as Promise<BridgeReply>,
  openRestored: () => ipcRenderer.invoke(CHANNELS.openRestored) as Promise<BridgeReply>,
  pickSaveFile: (wish) => ipcRenderer.invoke(CHANNELS.pickSaveFile, wish) as Promise<BridgeReply>,
  preferences: readPreferences(argument.slice(PREFERENCES_ARGUMENT.length)),
  remember: (name, value) => {
    ipcRenderer.send(CHANNELS.remember, name, value);
  },
};
contextBridge.exposeInMainWorld('flame', bridge);
