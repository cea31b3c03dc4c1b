/** The bans of eslint.config.js, violated on purpose: each planted text must be refused, and what is allowed must pass. */

import { resolve } from 'node:path';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
/** Files that exist, so that the type checker knows their place; the planted text stands in for their content. */
const ENGINE = 'src/engine/store/worklist.ts';
const SHELL = 'src/main/window.ts';
const PAGE = 'src/renderer/Root.svelte';

let eslint: ESLint;
beforeAll(() => {
  eslint = new ESLint({ cwd: root });
});

/** Names of the rules that the text breaks, those of Flame alone. */
async function broken(text: string, file: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath: resolve(root, file) });
  const fatal = result!.messages.filter((message) => message.fatal).map(({ message }) => message);
  expect(fatal).toEqual([]);
  return result!.messages.flatMap(({ ruleId }) => (ruleId?.startsWith('flame/') ? [ruleId] : []));
}

describe('the network ban', () => {
  const modules = ['http', 'https', 'http2', 'net', 'tls', 'dgram', 'dns', 'dns/promises', 'inspector'];
  test.each([
    "import 'net';",
    ...modules.map((name) => `import * as x from 'node:${name}'; void x;`),
    "import { request } from 'undici'; void request;",
    "import { execFile } from 'node:child_process'; void execFile;",
    "export { createServer } from 'node:net';",
    "export * from 'node:tls';",
    "void import('node:https');",
    'void import(`node:dns`);',
    "void import('ht' + 'tp');",
    "const { connect } = require('node:net'); void connect;",
    "void process.getBuiltinModule('net');",
    "void fetch('https://example.org/');",
    "void globalThis.fetch('https://example.org/');",
    "void window['fetch']('https://example.org/');",
    'const reach = fetch; void reach;',
    "void new WebSocket('wss://example.org/');",
    "void new EventSource('https://example.org/');",
    'void new XMLHttpRequest();',
    'void new RTCPeerConnection();',
    "navigator.sendBeacon('https://example.org/', 'x');",
    "import { net } from 'electron'; void net;",
    "import { shell } from 'electron'; void shell;",
  ])('refuses %s', async (text) => {
    expect(await broken(text, ENGINE)).toContain('flame/no-network');
  });

  test('holds in the shell and in components as well', async () => {
    expect(await broken("import { net } from 'electron'; void net;", SHELL)).toEqual(['flame/no-network']);
    const component = `<script lang="ts">\n  void fetch('https://example.org/');\n</script>\n`;
    expect(await broken(component, PAGE)).toEqual(['flame/no-network']);
  });

  test.each([
    "import { join } from 'node:path'; void join;",
    "import type { Socket } from 'node:net'; export type Port = Socket;",
    "import { app, session } from 'electron'; void app; void session;",
    "void import('./similar-visits.ts');",
    'export function fetch(): void {}\nfetch();',
    'export const http = { fetch: 1 }; void http.fetch;',
  ])('lets %s pass', async (text) => {
    expect(await broken(text, ENGINE)).toEqual([]);
  });
});

describe('the ban on SQL that is built', () => {
  const file = (body: string): string =>
    `import type { ReadableDb, WritableDb } from './handle.ts';\n` +
    `export function f(db: WritableDb, text: string, n: number, texts: string[]): void {\n${body}\n}\n` +
    `export type R = ReadableDb;\n`;
  test.each([
    "db.get(`SELECT 1 FROM patients WHERE name = '${text}'`);",
    "db.all('SELECT 1 FROM ' + text);",
    'db.run(text);',
    'const sql = `DELETE FROM ${text}`; db.run(sql);',
    "let sql = 'SELECT 1'; sql += text; db.get(sql);",
    "db.get(['SELECT', text].join(' '));",
    'db.get(texts.length > 1 ? text : "SELECT 1");',
    'const ask = (sql: string) => db.all(sql); ask(text);',
    'const ask = (sql: string) => db.all(sql); texts.map(ask);',
    'db.get(`SELECT 1 WHERE ${n > 1 ? text : "true"}`);',
  ])('refuses %s', async (body) => {
    expect(await broken(file(body), ENGINE)).toEqual(['flame/constant-sql']);
  });

  test.each([
    "db.get('SELECT 1 FROM patients WHERE name = ?', text);",
    "const COLUMNS = 'id, name'; db.all(`SELECT ${COLUMNS} FROM patients LIMIT ${n}`);",
    "const which = n > 1 ? 'id' : 'name'; db.all(`SELECT ${which} FROM patients`);",
    "const ask = (sql: string) => db.all(`${sql} LIMIT 1`); ask('SELECT 1');",
    'new Map<string, string>().get(text);',
  ])('lets %s pass', async (body) => {
    expect(await broken(file(body), ENGINE)).toEqual([]);
  });
});
