/** The on-site service by real HTTP requests: who is let in, what it answers, what it writes down, and that off means off. */

import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Bundle, FhirResource } from 'fhir/r4';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Card } from '../../src/engine/hooks/protocol.ts';
import { startEngine, TestFolders, type TestEngine } from './engine.ts';

let folders: TestFolders;
let running: TestEngine;
let token = '';
let port = 0;

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly address?: string;
}

/** @returns the status and the parsed body; status 0 when nothing answers */
function send({
  method = 'POST',
  path = '/cds-services/flame-order-select',
  host,
  headers,
  body,
  address = '127.0.0.1',
}: Sent) {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise<{ status: number; body: unknown; headers: Record<string, unknown> }>((resolve) => {
    const asked = request(
      {
        host: address,
        agent: false,
        port,
        method,
        path,
        headers: {
          Host: host ?? `127.0.0.1:${port}`,
          Authorization: `Bearer ${token}`,
          ...(method === 'POST'
            ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }
            : {}),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const got = Buffer.concat(chunks).toString();
          resolve({
            status: response.statusCode ?? 0,
            body: got === '' ? null : (JSON.parse(got) as unknown),
            headers: response.headers,
          });
        });
      },
    );
    asked.on('error', () => resolve({ status: 0, body: null, headers: {} }));
    asked.end(text);
  });
}

const subject = { reference: 'Patient/p1' };
const drug = (text: string) => ({ medicationCodeableConcept: { text }, subject });
const bundle = (...resources: object[]): Bundle => ({
  resourceType: 'Bundle',
  type: 'searchset',
  entry: resources.map((resource) => ({ resource: resource as FhirResource })),
});
const PREFETCH = {
  patient: {
    resourceType: 'Patient',
    id: 'p1',
    gender: 'female',
    birthDate: '1951-04-01',
    name: [{ text: 'Planted Name' }],
  },
  conditions: bundle(
    {
      resourceType: 'Condition',
      id: 'c',
      subject,
      encounter: { reference: 'Encounter/old' },
      code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'I48.91' }] },
    },
    {
      resourceType: 'Condition',
      id: 'd',
      subject,
      code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'E11.9' }] },
    },
  ),
  medications: bundle({
    resourceType: 'MedicationStatement',
    id: 'm',
    status: 'active',
    ...drug('Coumadin 5 MG Oral Tablet'),
  }),
  requests: bundle({
    resourceType: 'MedicationRequest',
    id: 'r',
    status: 'active',
    intent: 'order',
    ...drug('metformin'),
  }),
  allergies: bundle({
    resourceType: 'AllergyIntolerance',
    id: 'a',
    patient: subject,
    code: { text: 'penicillin' },
  }),
  observations: bundle({
    resourceType: 'Observation',
    id: 'o',
    status: 'final',
    subject,
    effectiveDateTime: '2024-01-02',
    code: { coding: [{ system: 'http://loinc.org', code: '2160-0' }] },
    valueQuantity: { value: 3.4, unit: 'mg/dL', code: 'mg/dL' },
  }),
};
const order = (...drugs: string[]) => ({
  hook: 'order-select',
  hookInstance: 'h1',
  fhirServer: 'http://example.invalid/never-asked',
  context: {
    userId: 'Practitioner/1',
    patientId: 'p1',
    selections: [],
    draftOrders: bundle(
      ...drugs.map((text, index) => ({
        resourceType: 'MedicationRequest',
        id: `n${index}`,
        status: 'draft',
        intent: 'order',
        ...drug(text),
      })),
    ),
  },
  prefetch: PREFETCH,
});
const view = {
  hook: 'patient-view',
  hookInstance: 'h2',
  context: { userId: 'Practitioner/1', patientId: 'p1' },
  prefetch: PREFETCH,
};

async function cardsFor(body: { hook: string }): Promise<readonly Card[]> {
  const reply = await send({ path: `/cds-services/flame-${body.hook}`, body });
  expect(reply.status).toBe(200);
  return (reply.body as { cards: readonly Card[] }).cards;
}

/** A port that nobody uses now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: free } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return free;
}

beforeAll(async () => {
  folders = new TestFolders();
  running = await startEngine(folders);
  port = await freePort();
}, 60_000);
afterAll(async () => {
  await running.stop();
  expect((await send({ method: 'GET', path: '/cds-services' })).status).toBe(0); // closed with the engine
  folders.remove();
});

test('off until it is switched on, which needs a token; the token is kept as a hash only', async () => {
  const { engine } = running;
  expect(await engine.call('hooks.get', {})).toMatchObject({
    enabled: false,
    hasToken: false,
    listening: false,
  });
  expect((await send({ method: 'GET', path: '/cds-services' })).status).toBe(0);
  await expect(engine.call('hooks.set', { enabled: true, port })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
  const made = await engine.call('hooks.token', {});
  token = made.token;
  expect(Buffer.from(token, 'base64url')).toHaveLength(32);
  expect(made.state).toMatchObject({ enabled: false, hasToken: true, listening: false });
  expect((await send({ method: 'GET', path: '/cds-services' })).status).toBe(0);
  expect(await engine.call('hooks.set', { enabled: true, port })).toMatchObject({
    listening: true,
    problem: null,
  });
  expect((await send({ method: 'GET', path: '/cds-services' })).status).toBe(200);
});

describe('who is let in', () => {
  test.each<[string, Sent, number]>([
    ['no token', { headers: { Authorization: '' }, body: view }, 401],
    ['a wrong token', { headers: { Authorization: `Bearer ${'x'.repeat(43)}` }, body: view }, 401],
    ['the token as basic authentication', { headers: { Authorization: 'Basic eDp5' }, body: view }, 401],
    [
      'no token, asking what there is',
      { method: 'GET', path: '/cds-services', headers: { Authorization: '' } },
      401,
    ],
    ['another name for this computer (DNS rebinding)', { host: 'evil.example:80', body: view }, 403],
    ['another port in the name', { host: '127.0.0.1:1', body: view }, 403],
    ['a page of the web', { headers: { Origin: 'https://evil.example' }, body: view }, 403],
    ['a preflight of a page', { method: 'OPTIONS', headers: { Origin: 'null' } }, 403],
    ['another method', { method: 'DELETE' }, 405],
    ['a form', { headers: { 'Content-Type': 'text/plain' }, body: view }, 415],
    ['no JSON', { body: '{"hook":' }, 400],
    ['another shape', { body: { hook: 'order-select' } }, 400],
    ['a service for another hook', { path: '/cds-services/flame-order-select', body: view }, 400],
    ['a service that is none', { path: '/cds-services/other', body: view }, 404],
    ['a path outside', { method: 'GET', path: '/../../etc/passwd' }, 404],
    ['no patient', { path: '/cds-services/flame-patient-view', body: { ...view, prefetch: {} } }, 412],
  ])('refuses %s', async (_what, sent, status) => {
    const reply = await send(sent);
    expect(reply.status).toBe(status);
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('a body that is too large is refused before it is read', async () => {
    const size = 5 * 1024 * 1024;
    const reply = await send({ body: `"${'x'.repeat(size)}"` });
    expect([0, 413]).toContain(reply.status);
    expect((await send({ method: 'GET', path: '/cds-services' })).status).toBe(200);
  });

  test('localhost and IPv6 are this computer too', async () => {
    for (const host of ['localhost', '[::1]'])
      expect((await send({ method: 'GET', path: '/cds-services', host: `${host}:${port}` })).status).toBe(
        200,
      );
  });
});

describe('what it answers', () => {
  test('the discovery document names both hooks and what they need', async () => {
    const { body } = await send({ method: 'GET', path: '/cds-services' });
    const { services } = body as {
      services: { hook: string; id: string; prefetch: Record<string, string> }[];
    };
    expect(services.map(({ hook }) => hook)).toEqual(['patient-view', 'order-select']);
    for (const service of services) expect(service.prefetch['patient']).toBe('Patient/{{context.patientId}}');
  });

  test('ordered drugs are checked with those taken, the allergies and the kidneys; severe cards ask for a reason', async () => {
    const cards = await cardsFor(order('Diflucan', 'amoxicillin', 'Wundermittel 5 mg'));
    const told = cards.map(({ summary }) => summary).join('\n');
    expect(told).toMatch(/fluconazole \+ warfarin/);
    expect(told).toMatch(/amoxicillin.*penicillin/i);
    expect(told).toMatch(/Not checked, which does not mean safe: .*Wundermittel/);
    for (const { summary, source, uuid } of cards) {
      expect(summary.length).toBeLessThanOrEqual(140);
      expect(source.label).toContain('Flame, tables ');
      expect(uuid).toMatch(/^[0-9a-f-]{36}$/);
    }
    const severe = cards.filter(
      ({ indicator, overrideReasons }) => indicator !== 'info' && overrideReasons !== undefined,
    );
    expect(severe.length).toBeGreaterThan(0);
    expect(severe[0]!.overrideReasons!.map(({ code }) => code)).toContain('will-monitor');
  });

  test('what is taken is warned of when the patient is opened, and proposals are drafts that name no dose', async () => {
    const cards = await cardsFor(view);
    expect(cards[0]!.summary).toMatch(/^Flame proposes /);
    expect(cards.some(({ summary }) => /metformin.*eGFR/.test(summary))).toBe(true); // creatinine 3.4
    for (const { actions } of cards[0]!.suggestions ?? [])
      for (const { resource } of actions) {
        expect(resource).toMatchObject({
          status: 'draft',
          intent: 'proposal',
          subject: { reference: 'Patient/p1' },
        });
        expect(resource.dosageInstruction).toBeUndefined();
      }
  });

  test('the past that is stored of a patient goes to the model and is said, and never a stranger’s of the same identifier', async () => {
    const at = (id: string, day: string, ...drugs: string[]) => [
      {
        resourceType: 'Encounter',
        id,
        status: 'finished',
        class: { code: 'AMB' },
        subject,
        period: { start: day },
      },
      ...drugs.map((text, n) => ({
        resourceType: 'MedicationRequest',
        id: `${id}-${n}`,
        status: 'completed',
        intent: 'order',
        encounter: { reference: `Encounter/${id}` },
        authoredOn: day,
        ...drug(text),
      })),
    ];
    const stored = [
      PREFETCH.patient,
      ...at('e1', '2020-01-02', 'warfarin'),
      ...at('e2', '2021-01-02', 'warfarin', 'digoxin'),
      ...at('e3', '2022-01-02'),
    ];
    const path = join(folders.base, 'bundle.json');
    writeFileSync(path, JSON.stringify(bundle(...stored)));
    const past = /Flame stores (\d+) earlier visits? of this patient with medications/;
    const pastOf = (cards: readonly Card[]) =>
      cards.map(({ detail = '' }) => past.exec(detail)?.[1] ?? '').join('');
    expect(pastOf(await cardsFor(view))).toBe('');
    await running.shell.call('files.grant', { grant: 'past', path });
    await running.engine.call('visits.import', { grant: 'past' });
    expect(pastOf(await cardsFor(view))).toBe('2');
    expect(pastOf(await cardsFor(order('Diflucan')))).toBe('');
    const other = (patient: object) => ({
      ...view,
      prefetch: { ...PREFETCH, patient: { ...PREFETCH.patient, ...patient } },
    });
    expect(pastOf(await cardsFor(other({ birthDate: '1970-04-01' })))).toBe('');
    expect(pastOf(await cardsFor(other({ gender: 'male' })))).toBe('');
    expect(pastOf(await cardsFor(other({ gender: undefined })))).toBe('2');
    const filter = { group: 'hooks', actor: null, patientId: null, from: null, to: null } as const;
    const { entries } = await running.engine.call('audit.list', { filter, before: null, limit: 3 });
    expect(
      entries.map(({ content }) => (JSON.parse(content) as { earlierVisits?: number }).earlierVisits ?? 0),
    ).toEqual([2, 0, 0]);
  });

  test('each answer stands in the log without the name; feedback is kept and counted', async () => {
    const { engine } = running;
    const [card] = await cardsFor(order('Diflucan'));
    const feedback = {
      feedback: [
        {
          card: card!.uuid,
          outcome: 'overridden',
          overrideReason: { reason: { code: 'will-monitor' }, userComment: 'INR weekly' },
        },
        { card: 'other', outcome: 'accepted', acceptedSuggestions: [{ id: 's' }] },
      ],
    };
    const path = '/cds-services/flame-order-select/feedback';
    expect((await send({ path, body: feedback })).status).toBe(200);
    expect((await send({ path, body: { feedback: [{ card: 'x', outcome: 'maybe' }] } })).status).toBe(400);
    const { feedback: counted } = await engine.call('hooks.get', {});
    expect(counted).toMatchObject({ accepted: 1, overridden: 1 });
    expect(counted.answered).toBeGreaterThanOrEqual(3);
    const figures = await engine.call('hooks.feedback', { from: null, to: null });
    expect(figures).toMatchObject({
      enabled: true,
      answered: counted.answered,
      accepted: 1,
      overridden: 1,
      reasons: [{ reason: 'will-monitor', count: 1 }],
    });
    expect(figures.cards).toBeGreaterThan(figures.answered);
    const yesterday = { from: null, to: '2001-01-01' };
    expect(await engine.call('hooks.feedback', yesterday)).toMatchObject({
      answered: 0,
      cards: 0,
      accepted: 0,
      overridden: 0,
      periods: [],
      reasons: [],
    });
    const filter = { group: 'hooks', actor: null, patientId: null, from: null, to: null } as const;
    const { entries } = await engine.call('audit.list', { filter, before: null, limit: 100 });
    const answered = entries.find(({ action }) => action === 'hooks.answered')!;
    expect(answered).toMatchObject({ subject: 'fhir:p1', actor: 'on-site service' });
    expect(JSON.stringify(entries)).not.toContain('Planted Name');
    expect(JSON.stringify(entries)).not.toContain(token);
    expect(entries.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['hooks.set', 'hooks.token-made', 'hooks.feedback']),
    );
  });
});

test('a new token takes the place of the one before; too many requests are told to wait; off means off; a restart keeps the switch', async () => {
  const { engine } = running;
  const before = token;
  token = (await engine.call('hooks.token', {})).token;
  expect(
    (await send({ method: 'GET', path: '/cds-services', headers: { Authorization: `Bearer ${before}` } }))
      .status,
  ).toBe(401);
  const statuses = await Promise.all(
    Array.from({ length: 80 }, () => send({ method: 'GET', path: '/cds-services' })),
  );
  expect(new Set(statuses.map(({ status }) => status))).toContain(429);
  await running.stop();
  expect((await send({ method: 'GET', path: '/cds-services' })).status).toBe(0);
  running = await startEngine(folders);
  expect(await running.engine.call('hooks.get', {})).toMatchObject({ enabled: true, listening: true, port });
  expect((await send({ method: 'GET', path: '/cds-services' })).status).toBe(200);
  expect(await running.engine.call('hooks.set', { enabled: false, port })).toMatchObject({
    listening: false,
  });
  expect((await send({ method: 'GET', path: '/cds-services' })).status).toBe(0);
}, 60_000);

test('a port that somebody else has is said, and nothing breaks', async () => {
  const { engine } = running;
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  const state = await engine.call('hooks.set', { enabled: true, port });
  expect(state).toMatchObject({ enabled: true, listening: false });
  expect(state.problem).toContain('EADDRINUSE');
  await new Promise((resolve) => other.close(resolve));
  expect(await engine.call('hooks.get', {})).toMatchObject({ listening: true, problem: null });
  await engine.call('hooks.set', { enabled: false, port });
});

test('a locked screen is not a closed database: a record system is answered, the page is not', async () => {
  const { engine, shell } = running;
  await engine.call('hooks.set', { enabled: true, port });
  const account = { name: 'Ada Example', title: '', roles: ['administrator'] } as const;
  await engine.call('accounts.setUp', { ...account, passphrase: 'a violet tractor sings' });
  expect(await shell.call('session.away', {})).toEqual({ locked: true });
  await expect(engine.call('hooks.get', {})).rejects.toMatchObject({ code: 'SESSION_LOCKED' });
  expect((await send({ method: 'GET', path: '/cds-services' })).status).toBe(200);
  expect(await cardsFor(view)).not.toEqual([]);
}, 60_000);
