/** What no page of Flame may do: reach a network, open or leave a window, use a device, download. Allows nothing else. */

import { app, type Session, type WebContents, type WebFrameMain } from 'electron';
import { APP_ORIGIN } from './app-protocol.ts';

/** The development server's origin under `npm run dev`; null in every build. */
export const devOrigin = readDevOrigin();

function readDevOrigin(): string | null {
  const url = process.env['ELECTRON_RENDERER_URL'];
  return !app.isPackaged && url ? new URL(url).origin : null;
}

/**
 * True when a packaged app was started with a switch that lets another program drive it from outside: it must not
 * run. (Chromium honours these switches even with every fuse off.)
 */
export function isDrivenFromOutside(): boolean {
  const switches = ['remote-debugging-port', 'remote-debugging-pipe', 'remote-debugging-address'];
  return app.isPackaged && switches.some((name) => app.commandLine.hasSwitch(name));
}

/** Chromium's own switches, the OS sandbox, and rules for sessions and pages yet to be made. Call before `ready`. */
export function restrictApp(): void {
  // enableSandbox() would override --no-sandbox, and as root no child process could then start.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();

  for (const name of [
    'disable-background-networking',
    'disable-component-update',
    'disable-domain-reliability',
    'disable-breakpad',
    'no-pings',
  ]) {
    app.commandLine.appendSwitch(name);
  }
  app.commandLine.appendSwitch(
    'disable-features',
    [
      'AutofillServerCommunication',
      'CertificateTransparencyComponentUpdater',
      'InterestFeedContentSuggestions',
      'MediaRouter',
      'OptimizationHints',
      'SpareRendererForSitePerProcess',
    ].join(','),
  );
  // No name resolves, whatever asks. The development server is on localhost.
  app.commandLine.appendSwitch('host-resolver-rules', 'MAP * ~NOTFOUND , EXCLUDE localhost');

  // Every session, also Electron's default one, fetches a spelling dictionary at its start unless told here.
  app.on('session-created', restrictSession);
  app.on('web-contents-created', (_event, contents) => restrictPage(contents));
}

function restrictSession(session: Session): void {
  session.setSpellCheckerEnabled(false);
  if (process.platform !== 'darwin') {
    session.setSpellCheckerLanguages([]);
    session.setSpellCheckerDictionaryDownloadURL(`${APP_ORIGIN}/none/`);
  }
  session.webRequest.onBeforeRequest((request, respond) => respond({ cancel: !isAllowed(request.url) }));
  session.setPermissionRequestHandler((_contents, _permission, respond) => respond(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler((_request, respond) => respond({}));
  session.on('will-download', (event) => event.preventDefault());
}

function isAllowed(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, host } = new URL(address);
  if (protocol === 'app:' || protocol === 'blob:') return true;
  if (protocol === 'devtools:') return !app.isPackaged;
  const isDevServer = devOrigin !== null && host === new URL(devOrigin).host;
  return isDevServer && (protocol === 'http:' || protocol === 'ws:');
}

function restrictPage(contents: WebContents): void {
  contents.on('will-navigate', (event) => {
    // The development server reloads its page.
    if (devOrigin === null || new URL(event.url).origin !== devOrigin) event.preventDefault();
  });
  contents.on('will-frame-navigate', (event) => {
    if (!event.isMainFrame) event.preventDefault();
  });
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp');
}

/**
 * True for the top frame of Flame's own page: the only sender whose messages the shell answers. The preload script may
 * speak before the frame has its address; that first page can only be Flame's, for nothing navigates.
 */
export function isOwnPage(frame: WebFrameMain | null): boolean {
  if (frame === null || frame.parent !== null) return false;
  const { url } = frame;
  return (
    url === '' || url.startsWith(`${APP_ORIGIN}/`) || (devOrigin !== null && url.startsWith(`${devOrigin}/`))
  );
}
