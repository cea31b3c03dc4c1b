/** Every method of the contract under attack, over a real port on a real store: refused with a code, nothing executed, the engine alive, the store as it was. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { MessageChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Api } from '../../src/engine/parameters.ts';
import { serve, type Handlers } from '../../src/engine/serve.ts';
import {
  ENGINE_METHODS,
  SHELL_METHODS,
  type EngineApi,
  type MethodName,
  type ShellApi,
} from '../../src/shared/contract.ts';
import { FlameError, isErrorCode, type ErrorCode } from '../../src/shared/errors.ts';
import { createClient, type Client } from '../../src/shared/rpc.ts';
import { eventTargetTransport } from '../../src/shared/transports.ts';
import { startEngine, TestFolders, type TestEngine } from './engine.ts';
import { hostileValue, rightShape, schemaOf, wrongShape } from './hostile.ts';

/** FLAME_LONG multiplies the runs: `npm run test:long`. */
const LONG = Number(process.env['FLAME_LONG'] ?? 1);
/** Attacks on each method, and how long its attacks may go on: some methods derive keys, which is slow on purpose. */
const ATTACKS = 20 * LONG;
const BUDGET_MS = 300 * LONG;
/** Written by one of the hostile texts, were anything to run it. */
const EXECUTED = '/tmp/flame-executed';

/** Where the canary lies, beside nothing else. */
const outside = new TestFolders();
const canary = join(outside.base, 'canary.jsonl');
const CANARY = '{"visit":"canary","name":"must stay"}\n';
let folders: TestFolders;
let running: TestEngine;

/** An engine on a new profile with the demo patients. */
async function startAnew(): Promise<void> {
  folders = new TestFolders();
  running = await startEngine(folders);
  await running.engine.call('demo.load', {});
}

async function stop(): Promise<void> {
  await running.stop();
  folders.remove();
}

beforeAll(async () => {
  rmSync(EXECUTED, { force: true });
  writeFileSync(canary, CANARY);
  await startAnew();
});
afterAll(async () => {
  await stop();
  outside.remove();
});

/** Tries values of `params` until there were enough, or they took long enough. */
async function attack(
  params: fc.Arbitrary<unknown>,
  attempt: (value: unknown) => Promise<void>,
): Promise<void> {
  const start = performance.now();
  for (const value of fc.sample(params, ATTACKS)) {
    try {
      await attempt(value);
    } catch (thrown) {
      throw new Error(`with ${inspect(value).slice(0, 500)}`, { cause: thrown });
    }
    if (performance.now() - start > BUDGET_MS) return;
  }
}

/** Calls a method with anything at all. @returns the code it was refused with, or null */
async function refusal(
  client: Client<EngineApi> | Client<ShellApi>,
  method: string,
  params: unknown,
): Promise<ErrorCode | null> {
  const anything = client as unknown as Client<Record<string, { params: unknown; result: unknown }>>;
  try {
    await anything.call(method, params);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof FlameError)) throw thrown;
    expect(isErrorCode(thrown.code)).toBe(true);
    return thrown.code;
  }
}

/** Every file of the profile by its content. */
function profileFiles(): Record<string, string> {
  const hash = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folders.profile, name)))
      .digest('hex');
  return Object.fromEntries(
    readdirSync(folders.profile)
      .sort()
      .map((name) => [name, hash(name)]),
  );
}

/** The log's head follows its log a moment later. */
async function settled(): Promise<Record<string, string>> {
  await new Promise((resolve) => setTimeout(resolve, 400));
  return profileFiles();
}

function expectNothingExecuted(): void {
  expect(readFileSync(canary, 'utf8')).toBe(CANARY);
  expect(readdirSync(outside.base)).toEqual(['canary.jsonl']);
  expect(readdirSync(folders.base)).toEqual(['profile']);
  expect(existsSync(EXECUTED)).toBe(false);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
}

describe('parameters of a wrong shape', () => {
  const methods = [
    ...Object.keys(ENGINE_METHODS).map((method) => ['engine', method] as const),
    ...Object.keys(SHELL_METHODS).map((method) => ['shell', method] as const),
  ];

  test(
    'are refused by every method, and leave no byte of the profile changed',
    { timeout: 120_000 * LONG },
    async () => {
      const before = await settled();
      for (const [audience, method] of methods) {
        await attack(wrongShape(schemaOf(method as keyof Api), canary), async (value) => {
          expect([method, await refusal(running[audience], method, value)]).toEqual([
            method,
            'INVALID_INPUT',
          ]);
        });
      }
      expect(await settled()).toEqual(before);
      expectNothingExecuted();
    },
  );
});

describe('parameters of the right shape with hostile content', () => {
  /** Everything is still there, and says so. @returns false when the attack shut the store, as some methods may */
  async function isOpenAndSound(after: MethodName): Promise<boolean> {
    const page = { query: '', limit: 1, offset: 0 };
    if ((await refusal(running.engine, 'patients.list', page)) !== null) return false;
    const found = await running.engine.call('audit.verify', {});
    expect([after, found]).toMatchObject([after, { broken: null, changedDecisions: [], head: 'matches' }]);
    expect((await running.engine.call('patients.list', page)).total).toBeGreaterThan(0);
    return true;
  }

  test('are answered or refused, never run', { timeout: 300_000 * LONG }, async () => {
    for (const method of Object.keys(ENGINE_METHODS) as MethodName[]) {
      await attack(rightShape(schemaOf(method), canary), async (value) => {
        const code = await refusal(running.engine, method, value);
        expect([method, code]).not.toEqual([method, 'INTERNAL']);
      });
      expectNothingExecuted();
      // A method that locks has done so: what comes after is attacked on a store that is open.
      if (!(await isOpenAndSound(method))) {
        await stop();
        await startAnew();
      }
    }
  });
});

test('names that are no method are refused, those of the prototype and of the shell among them', async () => {
  const names = [
    '',
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    'then',
    'files.grant',
    'engine.shutdown',
    '../app.status',
    'app.status\0',
  ];
  for (const name of names) expect(await refusal(running.engine, name, {})).toBe('METHOD_UNKNOWN');
});

test('frames that are no calls are ignored, and a call among them is answered', async () => {
  const { port1, port2 } = new MessageChannel();
  const status = { 'app.status': () => ({ alive: true }) } as unknown as Handlers<EngineApi>;
  serve<EngineApi>(eventTargetTransport(port1), ENGINE_METHODS, status);
  const client = createClient<EngineApi>(eventTargetTransport(port2));
  const frame = fc.oneof(
    hostileValue(canary),
    fc.record({
      kind: hostileValue(canary),
      id: hostileValue(canary),
      method: hostileValue(canary),
      params: hostileValue(canary),
    }),
    fc.record({
      kind: fc.constantFrom('cancel', 'progress', 'result', 'error'),
      id: fc.integer(),
      value: hostileValue(canary),
      error: hostileValue(canary),
    }),
  );
  await fc.assert(
    fc.asyncProperty(frame, async (message) => {
      for (const port of [port1, port2]) {
        try {
          port.postMessage(message);
        } catch (thrown) {
          if (!(thrown instanceof DOMException)) throw thrown; // cannot be copied, so no page can send it either
        }
      }
      expect(await client.call('app.status', {})).toEqual({ alive: true });
    }),
    { numRuns: 200 * LONG },
  );
  port1.close();
  port2.close();
});
