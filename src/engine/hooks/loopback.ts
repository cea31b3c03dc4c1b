/**
 * The one place of Flame that opens a socket: an HTTP service on this computer's loopback addresses and on no other, for
 * callers with the token. Refuses every other caller before it reads what they say. Knows nothing of medicine.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LoopbackRequest {
  readonly method: 'GET' | 'POST';
  /** Without query. */
  readonly path: string;
  /** Parsed JSON; null for GET. */
  readonly body: unknown;
}

export interface LoopbackReply {
  readonly status: number;
  /** Written as JSON; null writes nothing. */
  readonly body: unknown;
}

export interface LoopbackOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** SHA-256 of the token; the token itself is 32 random bytes, so that nothing slower is needed. */
  readonly tokenHash: Buffer;
  readonly answer: (request: LoopbackRequest) => Promise<LoopbackReply>;
  /** Hears of failures of `answer`. */
  readonly onDefect: (thrown: unknown) => void;
}

export interface Loopback {
  readonly port: number;
  close(): Promise<void>;
}

const ADDRESSES = ['127.0.0.1', '::1'] as const;
const LOCAL = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);
/** Bytes; a prefetch with years of laboratory values stays below. */
const LARGEST_BODY = 4 * 1024 * 1024;
/** Requests a second that are answered on average, and how many at once after a pause. */
const RATE = 20;
const BURST = 40;
const MOST_CONNECTIONS = 32;
const HEADERS_LIMIT_MS = 5_000;
const REQUEST_LIMIT_MS = 15_000;

/** A refusal that the caller is told by its status alone: no word about what would have been right. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

export function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** @throws what listening throws, e.g. EADDRINUSE; nothing listens then */
export async function listenOnLoopback(options: LoopbackOptions): Promise<Loopback> {
  const allowance = new Allowance();
  const handle = (port: () => number) => (request: IncomingMessage, response: ServerResponse) => {
    void serve(request, response, { ...options, port: port(), allowance });
  };
  const servers: Server[] = [];
  let port = options.port;
  try {
    for (const host of ADDRESSES) {
      const server = createServer(
        { headersTimeout: HEADERS_LIMIT_MS, requestTimeout: REQUEST_LIMIT_MS },
        handle(() => port),
      );
      server.maxConnections = MOST_CONNECTIONS;
      try {
        await listen(server, host, port);
      } catch (thrown) {
        // A computer without IPv6 has no ::1.
        if (host === '::1' && ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(thrown))) continue;
        throw thrown;
      }
      servers.push(server);
      port = (server.address() as AddressInfo).port;
    }
  } catch (thrown) {
    await Promise.all(servers.map(close));
    throw thrown;
  }
  return { port, close: () => Promise.all(servers.map(close)).then(() => undefined) };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { port, tokenHash, allowance, answer, onDefect }: LoopbackOptions & { readonly allowance: Allowance },
): Promise<void> {
  try {
    if (!LOCAL.has(request.socket.remoteAddress ?? '')) throw new Refusal(403);
    // A page of the web that had its name point to 127.0.0.1 sends that name; a page of any origin sends its origin.
    if (!isOwnHost(request.headers.host, port) || request.headers.origin !== undefined)
      throw new Refusal(403);
    if (!allowance.take()) throw new Refusal(429);
    if (!isRightToken(request.headers.authorization, tokenHash)) throw new Refusal(401);
    const { method } = request;
    if (method !== 'GET' && method !== 'POST') throw new Refusal(405);
    const path = new URL(request.url ?? '/', 'http://127.0.0.1').pathname;
    const body = method === 'POST' ? await readJson(request) : null;
    const reply = await answer({ method, path, body });
    write(response, reply);
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) onDefect(thrown);
    write(response, { status: thrown instanceof Refusal ? thrown.status : 500, body: null }, true);
  }
}

function isOwnHost(host: string | undefined, port: number): boolean {
  return host === `127.0.0.1:${port}` || host === `[::1]:${port}` || host === `localhost:${port}`;
}

/** Compared in constant time, hash with hash. */
function isRightToken(header: string | undefined, tokenHash: Buffer): boolean {
  const [, token = ''] = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header ?? '') ?? [];
  return timingSafeEqual(hashOfToken(token), tokenHash) && token !== '';
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/(fhir\+)?json\b/i.test(request.headers['content-type'] ?? '')) throw new Refusal(415);
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_BODY) throw new Refusal(413);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw new Refusal(413);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    throw new Refusal(400);
  }
}

function write(response: ServerResponse, { status, body }: LoopbackReply, end = false): void {
  if (response.headersSent || response.destroyed) return;
  const text = body === null ? '' : JSON.stringify(body);
  response.writeHead(status, {
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...(text === '' ? {} : { 'Content-Type': 'application/json; charset=utf-8' }),
    // What of a refused request is still to come is not read.
    ...(end ? { Connection: 'close' } : {}),
  });
  response.end(text);
}

/** So many requests, refilled as time goes by. */
class Allowance {
  #left = BURST;
  #at = performance.now();

  take(): boolean {
    const now = performance.now();
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) / 1000) * RATE);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}
