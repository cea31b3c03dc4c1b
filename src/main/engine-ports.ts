/** Connects each page of Flame with the engine and tells it the engine's state, again after every restart. */

import { MessageChannelMain, ipcMain, type WebContents } from 'electron';
import { CHANNELS } from '../shared/channels.ts';
import type { EngineHost } from './engine-host.ts';
import { isOwnPage } from './security.ts';

export function connectPages(host: EngineHost): void {
  const pages = new Set<WebContents>();

  const connect = (page: WebContents): void => {
    const channel = new MessageChannelMain();
    host.connectRenderer(channel.port1);
    page.postMessage(CHANNELS.port, null, [channel.port2]);
  };

  ipcMain.on(CHANNELS.connect, (event) => {
    if (!isOwnPage(event.senderFrame)) return;
    const page = event.sender;
    if (!pages.has(page)) {
      pages.add(page);
      page.once('destroyed', () => pages.delete(page));
    }
    page.send(CHANNELS.state, host.state);
    connect(page);
  });

  host.on('started', () => {
    for (const page of pages) connect(page);
  });
  host.on('state', (state) => {
    for (const page of pages) page.send(CHANNELS.state, state);
  });
}
