/** What a page of Flame cannot do, tried for real in Electron: Node, script injection, network, windows, devices, files. */

/* eslint-disable no-restricted-globals -- the page asks for addresses here, to be refused */

import { spawn } from 'node:child_process';
import { accessSync, chmodSync, chownSync, constants, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  ROOT,
  electronExecutable,
  enginePid,
  expect,
  launchFlame,
  removeTemporaryFolders,
  temporaryFolder,
  test,
  type FlameApp,
} from './app.ts';

test.describe('a page of Flame', () => {
  test.describe.configure({ mode: 'serial' });
  let flame: FlameApp;
  test.beforeAll(async () => {
    // With a camera and a microphone to be had, that there is none cannot be the reason of a refusal.
    flame = await launchFlame({ args: ['--use-fake-device-for-media-stream'] });
  });
  test.afterAll(async () => {
    await flame.close();
    removeTemporaryFolders();
  });

  test('has no Node and only the bridge', async () => {
    const found = await flame.page.evaluate(() => ({
      node: ['require', 'process', 'module', 'Buffer', 'global', '__dirname', 'setImmediate'].filter(
        (name) => name in window,
      ),
      bridge: Object.keys(window.flame).sort(),
      frozen: Object.isFrozen(window.flame),
    }));
    expect(found).toEqual({
      node: [],
      bridge: [
        'onEngineState',
        'onLocked',
        'openRestored',
        'pickImportFile',
        'pickSaveFile',
        'preferences',
        'releaseSheet',
        'remember',
        'start',
        'takeDropped',
      ],
      frozen: true,
    });
    const preferences = await flame.electron.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]!.webContents as unknown as {
        getLastWebPreferences(): Record<string, unknown>;
      };
      const { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag } =
        contents.getLastWebPreferences();
      return { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag: webviewTag ?? false };
    });
    expect(preferences).toEqual({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
    });
  });

  test('is served with a strict content security policy', async () => {
    const headers = await flame.page.evaluate(async () => {
      const { headers: all } = await fetch('/');
      return Object.fromEntries(all);
    });
    const policy = headers['content-security-policy']!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cross-origin-opener-policy']).toBe('same-origin');
  });

  test('cannot run text as script', async () => {
    // In a timer: what Playwright evaluates directly is exempt from the page's policy.
    const outcome = await flame.page.evaluate(
      () =>
        new Promise<Record<string, string>>((resolve) => {
          const attempt = (action: () => unknown): string => {
            try {
              return `ran: ${String(action())}`;
            } catch (error) {
              return (error as Error).name;
            }
          };
          setTimeout(() => {
            const marks = window as unknown as Record<string, unknown>;
            const script = document.createElement('script');
            const element = document.createElement('p');
            document.body.append(element);
            element.setAttribute('style', 'position: fixed');
            const result = {
              eval: attempt(() => (0, eval)('1 + 1')),
              // eslint-disable-next-line @typescript-eslint/no-implied-eval -- must be refused
              function: attempt(() => (new Function('return 1') as () => unknown)()),
              innerHTML: attempt(() => (element.innerHTML = '<img src=x>')),
              inlineScript: attempt(() => (script.textContent = 'window.injected = 1')),
              policy: attempt(() =>
                (
                  window as unknown as {
                    trustedTypes: { createPolicy(name: string, rules: object): unknown };
                  }
                ).trustedTypes.createPolicy('mine', {}),
              ),
              styleAttribute: getComputedStyle(element).position,
              injected: typeof marks['injected'],
            };
            element.remove();
            resolve(result);
          });
        }),
    );
    expect(outcome).toEqual({
      eval: 'EvalError',
      function: 'EvalError',
      innerHTML: 'TypeError',
      inlineScript: 'TypeError',
      policy: 'TypeError',
      styleAttribute: 'static',
      injected: 'undefined',
    });
  });

  test('reaches no network and no file', async () => {
    const reached = await flame.page.evaluate(async () => {
      const addresses = [
        'https://example.org/',
        'http://127.0.0.1:9/',
        'http://localhost:9/',
        'file:///etc/passwd',
        'data:text/plain,x',
      ];
      const results: string[] = [];
      for (const address of addresses) {
        if (
          await fetch(address).then(
            () => true,
            () => false,
          )
        )
          results.push(address);
      }
      const opened = await new Promise((resolve) => {
        try {
          const socket = new WebSocket('ws://127.0.0.1:9/');
          socket.onopen = () => resolve(true);
          socket.onerror = () => resolve(false);
        } catch {
          resolve(false);
        }
      });
      if (opened) results.push('websocket');
      if (navigator.sendBeacon('https://example.org/', 'x')) results.push('beacon accepted');
      return results;
    });
    // sendBeacon only queues; the request itself is refused below like every other.
    expect(reached.filter((name) => name !== 'beacon accepted')).toEqual([]);
  });

  test('gives its peers no address over WebRTC', async () => {
    const candidates = await flame.page.evaluate(async () => {
      const peer = new RTCPeerConnection();
      const found: string[] = [];
      peer.onicecandidate = ({ candidate }) => candidate?.candidate && found.push(candidate.candidate);
      peer.createDataChannel('x');
      await peer.setLocalDescription(await peer.createOffer());
      await new Promise((resolve) => setTimeout(resolve, 500));
      peer.close();
      return found;
    });
    expect(candidates).toEqual([]);
  });

  test('even the shell cannot reach a network through its sessions', async () => {
    const errors = await flame.electron.evaluate(async ({ session, net, BrowserWindow }) => {
      const attempt = (work: Promise<unknown>): Promise<string> =>
        work.then(
          () => 'reached',
          (error: unknown) => (error as Error).message,
        );
      const own = BrowserWindow.getAllWindows()[0]!.webContents.session;
      return [
        await attempt(session.defaultSession.fetch('https://example.org/')),
        await attempt(own.fetch('https://example.org/')),
        await attempt(
          new Promise((resolve, reject) => {
            const request = net.request('http://127.0.0.1:9/');
            request.on('response', resolve);
            request.on('error', reject);
            request.end();
          }),
        ),
      ];
    });
    for (const error of errors) expect(error).toContain('ERR_BLOCKED_BY_CLIENT');
  });

  test('cannot leave its address or open another window', async () => {
    const { page, electron } = flame;
    const before = page.url();
    for (const address of [
      'https://example.org/',
      'file:///etc/passwd',
      'app://other/',
      'data:text/html,x',
    ]) {
      await page.evaluate((to) => {
        setTimeout(() => (location.href = to));
      }, address);
      await page.waitForTimeout(150);
      expect(page.url()).toBe(before);
    }
    const opened = await page.evaluate(() => window.open('https://example.org/') !== null);
    expect(opened).toBe(false);
    const framed = await page.evaluate(async () => {
      const frame = document.createElement('iframe');
      frame.src = '/';
      document.body.append(frame);
      await new Promise((resolve) => (frame.onload = resolve));
      const isReadable = frame.contentDocument !== null;
      frame.remove();
      return isReadable;
    });
    expect(framed).toBe(false); // Chromium's own page about the refusal, which is of another origin
    expect(await electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
  });

  test('is denied every device and permission', async () => {
    const { outcome, states } = await flame.page.evaluate(async () => {
      interface Devices {
        readonly usb: { requestDevice(options: object): Promise<unknown> };
      }
      const attempts: Record<string, () => Promise<unknown>> = {
        camera: () => navigator.mediaDevices.getUserMedia({ video: true }),
        microphone: () => navigator.mediaDevices.getUserMedia({ audio: true }),
        screen: () => navigator.mediaDevices.getDisplayMedia({ video: true }),
        position: () =>
          new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject)),
        clipboard: () => navigator.clipboard.readText(),
        notifications: async () => {
          if ((await Notification.requestPermission()) !== 'granted') throw new Error('refused');
        },
        usb: () => (navigator as unknown as Devices).usb.requestDevice({ filters: [] }),
      };
      const outcome: Record<string, string> = {};
      for (const [name, attempt] of Object.entries(attempts)) {
        outcome[name] = await attempt().then(
          () => 'granted',
          (thrown: unknown) =>
            thrown instanceof GeolocationPositionError ? `code ${thrown.code}` : (thrown as Error).name,
        );
      }
      const asked = ['camera', 'microphone', 'geolocation', 'notifications', 'clipboard-read', 'midi'];
      const states = await Promise.all(
        asked.map(async (name) => {
          const { state } = await navigator.permissions.query({ name: name as PermissionName });
          return `${name} ${state}`;
        }),
      );
      return { outcome, states };
    });
    expect(outcome).toEqual({
      camera: 'NotAllowedError',
      microphone: 'NotAllowedError',
      screen: expect.stringMatching(/^(NotAllowedError|AbortError|NotSupportedError)$/),
      position: 'code 1', // permission denied, not "no position"
      clipboard: 'NotAllowedError',
      notifications: 'Error',
      usb: 'NotFoundError', // what a page is told when nothing may be chosen
    });
    expect(states.filter((line) => !line.endsWith(' denied'))).toEqual([]);
  });

  test('has no other way out: forms, links, frames, workers, imports and devices are refused', async () => {
    const { page, electron } = flame;
    const before = page.url();
    const outcome = await page.evaluate(async () => {
      const refused: Record<string, () => unknown> = {
        'dynamic import of a blob': () =>
          import(/* @vite-ignore */ URL.createObjectURL(new Blob(['1'], { type: 'text/javascript' }))),
        'dynamic import of an address': () =>
          import(/* @vite-ignore */ ['https://example.org', 'x.js'].join('/')),
        'worker of a blob': () =>
          started(() => new Worker(URL.createObjectURL(new Blob(['postMessage(1)'])))),
        'worker of an address': () => started(() => new Worker('https://example.org/worker.js')),
        'service worker': () => navigator.serviceWorker.register('/index.html'),
        serial: () => (navigator as unknown as Devices).serial.requestPort(),
        bluetooth: () =>
          (navigator as unknown as Devices).bluetooth.requestDevice({ acceptAllDevices: true }),
        hid: async () => {
          const found = await (navigator as unknown as Devices).hid.requestDevice({ filters: [] });
          if (found.length === 0) throw new Error('none');
        },
        'wake lock': () => navigator.wakeLock.request('screen'),
        'image of another place': () =>
          new Promise((resolve, reject) => {
            const image = new Image();
            image.onload = resolve;
            image.onerror = reject;
            image.src = 'https://example.org/x.png';
          }),
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- must be refused
        'written document': () => document.write('<p>x</p>'),
      };
      interface Devices {
        readonly serial: { requestPort(): Promise<unknown> };
        readonly bluetooth: { requestDevice(options: object): Promise<unknown> };
        readonly hid: { requestDevice(options: object): Promise<unknown[]> };
      }
      function started(make: () => Worker): Promise<unknown> {
        return new Promise((resolve, reject) => {
          const worker = make();
          worker.onmessage = resolve;
          worker.onerror = reject;
          setTimeout(() => reject(new Error('silent')), 1000);
        });
      }
      const passed: string[] = [];
      for (const [name, attempt] of Object.entries(refused)) {
        try {
          await attempt();
          passed.push(name);
        } catch {
          // refused
        }
      }
      const form = document.createElement('form');
      form.action = 'https://example.org/';
      form.method = 'post';
      const link = document.createElement('a');
      link.href = 'javascript:window.injected = 1';
      const blank = document.createElement('a');
      blank.href = 'https://example.org/';
      blank.target = '_blank';
      const refresh = document.createElement('meta');
      refresh.httpEquiv = 'refresh';
      refresh.content = '0;url=https://example.org/';
      document.body.append(form, link, blank);
      document.head.append(refresh);
      form.submit();
      link.click();
      blank.click();
      await new Promise((resolve) => setTimeout(resolve, 500));
      for (const element of [form, link, blank, refresh]) element.remove();
      return { passed, injected: 'injected' in window };
    });
    expect(outcome).toEqual({ passed: [], injected: false });
    expect(page.url()).toBe(before);
    expect(await electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
    // Asked of the page itself: Playwright waits for the refused navigations.
    expect(await page.evaluate(() => document.querySelectorAll('button').length)).toBeGreaterThan(0);
  });

  test('cannot harm the shell or the engine with what it hands over the bridge', async () => {
    await flame.page.evaluate(() => window.flame.start('app.status', {}, () => undefined).reply); // it has started
    const engine = await enginePid(flame);
    const results = await flame.page.evaluate(async () => {
      let deep: unknown = 'x';
      for (let level = 0; level < 5000; level++) deep = [deep];
      const hostile: unknown[] = [
        null,
        undefined,
        1,
        NaN,
        '',
        '../../etc/passwd',
        'x'.repeat(200_000),
        [],
        { path: '/etc/passwd' },
        deep,
        { kind: 'csv', name: '../../../../tmp/flame-owned.csv', path: '/tmp/flame-owned.csv' },
        { kind: '__proto__', name: {} },
        { decisionId: {}, as: 'print' },
        new Map([['a', 1]]),
        new Uint8Array(3),
        1n,
        JSON.parse('{"__proto__":{"polluted":1}}'),
      ];
      const bridge = window.flame as unknown as Record<string, (...args: unknown[]) => unknown>;
      const answers: string[] = [];
      const within = <Value>(reply: unknown): Promise<Value> =>
        Promise.race([
          reply as Promise<Value>,
          new Promise<never>((_, reject) => setTimeout(() => reject(new Error('unanswered')), 20_000)),
        ]);
      const kindOf = (thrown: unknown): string =>
        (thrown as Error).message === 'unanswered' ? 'unanswered' : 'not handed over';
      for (const value of hostile) {
        for (const method of [
          'app.status',
          'visits.import',
          'decisions.save',
          'files.grant',
          'constructor',
        ]) {
          try {
            const call = bridge['start']!(method, value, () => undefined) as {
              reply: Promise<{ ok: boolean; error?: { code: string } }>;
            };
            const reply = await within<{ ok: boolean; error?: { code: string } }>(call.reply);
            answers.push(reply.ok ? `${method} answered` : `${method} ${reply.error!.code}`);
          } catch (thrown) {
            answers.push(`${method} ${kindOf(thrown)}`);
          }
        }
        for (const name of [
          'releaseSheet',
          'pickSaveFile',
          'pickImportFile',
          'takeDropped',
          'openRestored',
        ]) {
          if (name === 'pickSaveFile' && (value as { kind?: string } | null)?.kind === 'csv') continue; // opens the dialog
          try {
            const reply = await within<{ ok: boolean; error?: { code: string } }>(bridge[name]!(value));
            answers.push(reply.ok ? `${name} answered` : `${name} ${reply.error!.code}`);
          } catch (thrown) {
            answers.push(`${name} ${kindOf(thrown)}`);
          }
        }
        try {
          bridge['remember']!(value, value);
        } catch {
          // not handed over
        }
      }
      return [...new Set(answers)].sort();
    });
    const allowed = /^(app\.status answered|\S+ (INVALID_INPUT|METHOD_UNKNOWN|NOT_FOUND|not handed over))$/;
    expect(results.filter((line) => !allowed.test(line))).toEqual([]);
    expect(results).toContain('files.grant METHOD_UNKNOWN');
    expect(results).toContain('visits.import INVALID_INPUT');
    expect(results).toContain('decisions.save INVALID_INPUT');
    expect(await enginePid(flame)).toBe(engine);
  });

  test('cannot save a download', async () => {
    const outcome = flame.electron.evaluate(
      ({ BrowserWindow }) =>
        new Promise<string>((resolve) => {
          const { session } = BrowserWindow.getAllWindows()[0]!.webContents;
          session.once('will-download', (event) => resolve(event.defaultPrevented ? 'refused' : 'saved'));
        }),
    );
    await flame.page.evaluate(() => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob(['x']));
      link.download = 'x.txt';
      link.click();
    });
    expect(await outcome).toBe('refused');
  });

  test('gets nothing but the built renderer over app://', async () => {
    const statuses = await flame.page.evaluate(async () => {
      const paths = [
        '/../package.json',
        '/../main/index.js',
        '/%2e%2e/main/index.js',
        '/..%2fmain/index.js',
        '/%2e%2e%2fmain%2findex.js',
        '/..%5cmain%5cindex.js',
        '//etc/passwd',
        '/index.html%00.js',
        '/assets',
      ];
      const found: Record<string, number> = {};
      for (const path of paths) {
        found[path] = await fetch(`app://flame${path}`).then(
          ({ status }) => status,
          () => 0,
        );
      }
      return found;
    });
    for (const [path, status] of Object.entries(statuses))
      expect([path, [0, 404].includes(status)]).toEqual([path, true]);
  });
});

test('runs its pages in the operating system sandbox for an ordinary user', async () => {
  test.skip(process.platform !== 'linux', 'reads /proc');
  const isRoot = process.getuid?.() === 0;
  const nobody = 65534;
  const profile = temporaryFolder();
  if (isRoot) {
    test.skip(
      !isOpenToAll(ROOT) || !isOpenToAll(electronExecutable()),
      'other users cannot read the project',
    );
    chownSync(profile, nobody, nobody);
    chmodSync(profile, 0o700);
  }
  const app = spawn(electronExecutable(), ['--disable-gpu', ROOT], {
    env: { ...process.env, FLAME_PROFILE: join(profile, 'flame'), HOME: profile, XDG_CONFIG_HOME: profile },
    stdio: 'ignore',
    ...(isRoot ? { uid: nobody, gid: nobody } : {}),
  });
  try {
    await expect.poll(() => renderersOf(app.pid!), { timeout: 30_000 }).toHaveLength(1);
    const [renderer] = renderersOf(app.pid!);
    // A process closes its sandbox a moment after it was started.
    const shownBy = (field: string): string | undefined =>
      new RegExp(`^${field}:\\s+(\\d)`, 'm').exec(readFileSync(`/proc/${renderer!}/status`, 'utf8'))?.[1];
    await expect.poll(() => shownBy('Seccomp')).toBe('2');
    expect(shownBy('NoNewPrivs')).toBe('1');
  } finally {
    app.kill();
    await new Promise((resolve) => app.once('exit', resolve));
    removeTemporaryFolders();
  }
});

/** Whether users other than root may read the path and every folder above it. */
function isOpenToAll(path: string): boolean {
  accessSync(path, constants.R_OK);
  let folder = path;
  for (;;) {
    if (!isReadableByOthers(folder)) return false;
    const parent = join(folder, '..');
    if (parent === folder) return true;
    folder = parent;
  }
}

function isReadableByOthers(path: string): boolean {
  const { mode } = statSync(path);
  return (mode & 0o005) === 0o005;
}

/** Process ids of the renderers below a process. */
function renderersOf(ancestor: number): number[] {
  const parents = new Map<number, number>();
  const renderers: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      parents.set(pid, Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]));
      if (readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('--type=renderer')) renderers.push(pid);
    } catch {
      // ended meanwhile
    }
  }
  const isBelow = (pid: number): boolean => {
    for (let at = parents.get(pid); at !== undefined && at > 1; at = parents.get(at)) {
      if (at === ancestor) return true;
    }
    return false;
  };
  return renderers.filter(isBelow);
}
