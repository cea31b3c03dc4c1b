/** Accounts over real ports: set up, signed in, locked, refused, confirmed, let in for an emergency, recovered. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountForm } from '../../src/shared/accounts-api.ts';
import { NO_AUDIT_FILTER } from '../../src/shared/audit.ts';
import { ENGINE_METHODS, type MethodName } from '../../src/shared/contract.ts';
import { newId } from '../../src/engine/store/ids.ts';
import { METHOD_ROLES } from '../../src/shared/roles.ts';
import type { PatientId, VisitId } from '../../src/shared/ids.ts';
import { signedInput } from './deciding.ts';
import { CHEAP, codeOf, importRecords, startEngine, TestFolders, type TestEngine } from './engine.ts';

const ADA = { name: 'Ada Quixotesson', title: 'MD', roles: ['clinician', 'administrator'] } as const;
const anyText = expect.any(String) as string;
const GOOD = 'a violet tractor sings';
const OTHER = 'nine slow kettles hum';

let folders: TestFolders;
let app: TestEngine;
beforeEach(async () => {
  folders = new TestFolders();
  app = await startEngine(folders, CHEAP);
});
afterEach(async () => {
  await app.stop();
  folders.remove();
});

const call: TestEngine['engine']['call'] = (method, params, options) =>
  app.engine.call(method, params, options);
const setUp = (form: AccountForm = ADA) => call('accounts.setUp', { ...form, passphrase: GOOD });
const signIn = (account: string, passphrase: string) => call('session.signIn', { account, passphrase });
async function restart(): Promise<void> {
  await app.stop();
  app = await startEngine(folders, CHEAP);
}
async function audited(...actions: string[]): Promise<{ actor: string; action: string; content: unknown }[]> {
  const { entries } = await call('audit.list', { filter: NO_AUDIT_FILTER, before: null, limit: 500 });
  return entries
    .filter(({ action }) => actions.includes(action))
    .map(({ actor, action, content }) => ({ actor, action, content: JSON.parse(content) as unknown }))
    .reverse();
}
/** Adds an account and makes its passphrase its own; signs it in. */
async function enrol(name: string, roles: AccountForm['roles']): Promise<string> {
  const { accounts } = await call('accounts.add', { name, title: '', roles, passphrase: OTHER });
  await signIn(name, OTHER);
  await call('accounts.changePassphrase', { present: OTHER, passphrase: GOOD });
  return accounts.find((one) => one.name === name)!.id;
}

describe('the first account', () => {
  it('takes the place of the device key, loses nothing, and asks for a passphrase from then on', async () => {
    await call('demo.load', {});
    const before = await call('app.status', {});
    expect(before.session).toMatchObject({ accounts: false, people: [] });
    const { status, recoveryCode } = await setUp();
    expect(recoveryCode).toMatch(/^([0-9A-Z]{4}-){7}[0-9A-Z]{4}$/);
    expect(status.session).toMatchObject({ accounts: true, account: { name: ADA.name, roles: ADA.roles } });
    expect(status.patientCount).toBe(before.patientCount);
    expect(readdirSync(folders.profile)).not.toContain('device.key');
    expect(readFileSync(join(folders.profile, 'keys.json'), 'utf8')).not.toContain(recoveryCode);

    await restart();
    const locked = await call('app.status', {});
    expect(locked).toMatchObject({ store: 'locked', patientCount: 0, session: { account: null } });
    expect(locked.session.people.map(({ name }) => name)).toEqual([ADA.name]);
    expect(await codeOf(call('patients.list', { query: '', limit: 1, offset: 0 }))).toBe('SESSION_LOCKED');
    expect(await codeOf(signIn(ADA.name, OTHER))).toBe('SIGN_IN_FAILED');
    expect(await codeOf(signIn('nobody', GOOD))).toBe('SIGN_IN_FAILED');
    expect(await signIn('ada  quixotesson', GOOD)).toMatchObject({
      store: 'open',
      patientCount: before.patientCount,
    });
    expect(await audited('store.unlock-failed')).toMatchObject([
      { content: { account: ADA.name } },
      { content: { account: 'nobody' } },
    ]);
    const [signed] = await audited('account.signed-in').then((found) => found.slice(-1));
    expect(signed!.actor).toMatch(/^Ada Quixotesson <clinician\+administrator [0-9a-f-]{36}>$/);
    expect(await call('audit.verify', {})).toMatchObject({ broken: null, head: 'matches', mismatches: [] });
  });

  it('comes after a passphrase too, whose file is removed', async () => {
    await call('store.setPassphrase', { passphrase: 'old shared words' });
    expect(await codeOf(setUp())).toBe('STORE_LOCKED');
    const wrong = { ...ADA, passphrase: GOOD, present: 'somebody else’s words' };
    expect(await codeOf(call('accounts.setUp', wrong))).toBe('STORE_KEY_WRONG');
    expect((await call('app.status', {})).session.accounts).toBe(false);
    await call('accounts.setUp', { ...ADA, passphrase: GOOD, present: 'old shared words' });
    expect(readdirSync(folders.profile)).not.toContain('key.json');
    await restart();
    expect(await codeOf(call('store.unlock', { passphrase: 'old shared words' }))).not.toBe('done');
    await signIn(ADA.name, GOOD);
    expect(await codeOf(call('store.setPassphrase', { passphrase: null }))).toBe('INVALID_INPUT');
  });

  it('is refused with a poor passphrase, without the administrator, and a second time; nothing is left behind', async () => {
    for (const passphrase of ['short', 'Password-2026!', 'quixotesson forever'])
      expect(await codeOf(call('accounts.setUp', { ...ADA, passphrase }))).toBe('PASSPHRASE_POOR');
    expect(await codeOf(setUp({ ...ADA, roles: ['clinician'] }))).toBe('LAST_ADMINISTRATOR');
    expect(await codeOf(setUp({ ...ADA, name: '<b>' }))).toBe('INVALID_INPUT');
    expect((await call('app.status', {})).session.accounts).toBe(false);
    await setUp();
    expect(await codeOf(setUp())).toBe('INVALID_INPUT');
  });
});

describe('roles', () => {
  it('are enforced, refusals are written down, and the work stays under the name that did it', async () => {
    await setUp();
    const roles = { Ben: ['clinician'], Cem: ['data-steward'], Dot: ['administrator'] } as const;
    for (const [name, held] of Object.entries(roles)) {
      await enrol(name, held);
      await signIn(ADA.name, GOOD);
    }
    const refused: readonly [string, MethodName, object][] = [
      ['Ben', 'demo.load', {}],
      ['Ben', 'accounts.rekey', {}],
      ['Ben', 'accounts.list', {}],
      ['Ben', 'audit.list', { filter: NO_AUDIT_FILTER, before: null, limit: 10 }],
      ['Cem', 'decisions.save', {}],
      ['Cem', 'accounts.list', {}],
      ['Dot', 'patients.list', { query: '', limit: 1, offset: 0 }],
      ['Dot', 'visits.get', { visitId: 'x' }],
    ];
    for (const [name, method, params] of refused) {
      await signIn(name, GOOD);
      expect(await codeOf(app.engine.call(method, params as never)), `${name} ${method}`).toBe(
        'ACCESS_REFUSED',
      );
    }
    await signIn('Cem', GOOD);
    await call('demo.load', {});
    const found = await audited('access.refused', 'demo.loaded');
    expect(
      found.slice(0, refused.length).map(({ actor, content }) => [actor.split(' ')[0], content]),
    ).toEqual(refused.map(([name, method]) => [name, { method }]));
    expect(found.at(-1)).toMatchObject({
      action: 'demo.loaded',
      actor: expect.stringMatching(/^Cem <data-steward /) as string,
    });
  });

  it('of the last administrator stay, and so does the account', async () => {
    const { status } = await setUp();
    const id = status.session.account!.id;
    expect(await codeOf(call('accounts.change', { ...ADA, roles: ['clinician'], id }))).toBe(
      'LAST_ADMINISTRATOR',
    );
    expect(await codeOf(call('accounts.remove', { id }))).toBe('LAST_ADMINISTRATOR');
    const ben = await enrol('Ben', ['administrator']);
    expect(await codeOf(call('accounts.change', { ...ADA, name: 'BEN', id }))).toBe('ACCOUNT_NAME_TAKEN');
    await call('accounts.change', { ...ADA, roles: ['clinician'], id });
    expect(await codeOf(call('accounts.remove', { id: ben }))).toBe('LAST_ADMINISTRATOR');
    await call('accounts.remove', { id });
    expect(await codeOf(signIn(ADA.name, GOOD))).toBe('SIGN_IN_FAILED');
  });

  it('come into force with the change of a passphrase that somebody else chose', async () => {
    await setUp();
    await call('accounts.add', { name: 'Ben', title: '', roles: ['clinician'], passphrase: OTHER });
    expect((await signIn('Ben', OTHER)).session.account).toMatchObject({ mustChange: true });
    const list = { query: '', limit: 1, offset: 0 };
    expect(await codeOf(call('patients.list', list))).toBe('PASSPHRASE_CHANGE_REQUIRED');
    expect(await codeOf(call('accounts.changePassphrase', { present: GOOD, passphrase: GOOD }))).toBe(
      'SIGN_IN_FAILED',
    );
    await call('accounts.changePassphrase', { present: OTHER, passphrase: GOOD });
    expect(await codeOf(call('patients.list', list))).toBe('done');
    await restart();
    expect(await codeOf(signIn('Ben', OTHER))).toBe('SIGN_IN_FAILED');
    await signIn('Ben', GOOD);
  });
});

describe('wrong passphrases', () => {
  it('make the next try wait, over a restart too, until an administrator unlocks', async () => {
    await setUp();
    const ben = await enrol('Ben', ['clinician']);
    for (let tries = 0; tries < 5; tries++) expect(await codeOf(signIn('Ben', OTHER))).toBe('SIGN_IN_FAILED');
    expect(await codeOf(signIn('Ben', GOOD))).toBe('SIGN_IN_PAUSED');
    await restart();
    expect(await codeOf(signIn('Ben', GOOD))).toBe('SIGN_IN_PAUSED');
    await signIn(ADA.name, GOOD);
    const { accounts } = await call('accounts.list', {});
    expect(accounts.find(({ id }) => id === ben)).toMatchObject({
      failures: 5,
      waitSeconds: expect.any(Number) as number,
    });
    await call('accounts.unlock', { id: ben });
    await signIn('Ben', GOOD);
  });
});

describe('the lock', () => {
  it('comes by hand, after the set time without a key, and when the computer sleeps; a call under way is finished', async () => {
    await setUp();
    const list = (): Promise<unknown> => codeOf(call('patients.list', { query: '', limit: 1, offset: 0 }));
    await call('session.lock', {});
    expect(await list()).toBe('SESSION_LOCKED');
    await signIn(ADA.name, GOOD);
    expect(await codeOf(call('accounts.lockAfter', { minutes: 7 }))).toBe('INVALID_INPUT');
    await call('accounts.lockAfter', { minutes: 2 });
    expect(await app.shell.call('session.idle', { seconds: 119 })).toEqual({ locked: false });
    expect(await list()).toBe('done');
    expect(await app.shell.call('session.idle', { seconds: 120 })).toEqual({ locked: true });
    expect(await app.shell.call('session.idle', { seconds: 125 })).toEqual({ locked: false });
    expect(await list()).toBe('SESSION_LOCKED');
    await signIn(ADA.name, GOOD);
    expect(await app.shell.call('session.away', {})).toEqual({ locked: true });
    await signIn(ADA.name, GOOD);
    expect((await audited('session.locked')).map(({ content }) => content)).toEqual([
      { cause: 'by-hand' },
      { cause: 'idle' },
      { cause: 'away' },
    ]);
  });

  it.each(['session.idle', 'session.away'] as const)(
    'refuses every message of the page after %s, in the engine, and drafts outlast it and a restart',
    async (what) => {
      await call('demo.load', {});
      await setUp({ ...ADA, roles: ['clinician', 'data-steward', 'administrator'] });
      const form = { kind: 'patient', id: newId<PatientId>(), isNew: true, name: 'Typed', recordNumber: '', sex: 'unknown', birthYear: '' } as const; // prettier-ignore
      await call('drafts.put', { label: 'Typed', form });
      const locked =
        what === 'session.idle' ? app.shell.call(what, { seconds: 600 }) : app.shell.call(what, {});
      expect(await locked).toEqual({ locked: true });
      const guarded = (Object.keys(ENGINE_METHODS) as MethodName[]).filter(
        (method) => METHOD_ROLES[method] !== 'anyone',
      );
      expect(guarded.length).toBeGreaterThan(80);
      for (const method of guarded)
        expect([method, await codeOf(call(method, {}))]).toEqual([method, 'SESSION_LOCKED']);
      // What is left to a locked page tells of no patient.
      expect(await call('app.status', {})).toMatchObject({ patientCount: 0, session: { account: null } });
      await restart();
      await signIn(ADA.name, GOOD);
      expect((await call('drafts.list', {})).map(({ label }) => label)).toEqual(['Typed']);
    },
  );

  it('lets an import and an export that are under way go on to their end, in the name of who began them', async () => {
    await setUp({ ...ADA, roles: ['clinician', 'data-steward', 'administrator'] });
    const away = async (): Promise<void> =>
      expect(await app.shell.call('session.away', {})).toEqual({ locked: true });
    const locks: Promise<void>[] = [];
    const lockOnce = (): void => {
      if (locks.length === 0) locks.push(away());
    };
    const report = await call('demo.load', {}, { onProgress: lockOnce });
    expect(locks).toHaveLength(1);
    await locks.pop();
    expect(report.visitsCreated).toBeGreaterThan(100);
    expect(await codeOf(call('demo.load', {}))).toBe('SESSION_LOCKED');
    const { session } = await signIn(ADA.name, GOOD);
    expect(session.account!.name).toBe(ADA.name);

    const path = join(folders.base, 'all.jsonl');
    await app.shell.call('files.grant', { grant: 'all', path, purpose: 'write' });
    const everything = { from: null, to: null, demo: true, patientId: null, passphrase: null };
    const written = await call(
      'exports.write',
      { grant: 'all', format: 'json', ...everything },
      { onProgress: lockOnce },
    );
    expect(locks).toHaveLength(1);
    await locks.pop();
    expect(written.visits).toBe(report.visitsCreated);
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(written.patients);
    expect(await codeOf(call('exports.count', everything as never))).toBe('SESSION_LOCKED');
    await signIn(ADA.name, GOOD);
    const entries = await audited('demo.loaded', 'records.exported');
    for (const { actor } of entries) expect(actor).toMatch(/^Ada Quixotesson </);
    expect(new Set(entries.map(({ action }) => action)).size).toBe(2);
  });

  it('does not exist without accounts', async () => {
    expect(await app.shell.call('session.idle', { seconds: 1e6 })).toEqual({ locked: false });
    expect((await call('session.lock', {})).store).toBe('open');
    expect(await codeOf(call('patients.list', { query: '', limit: 1, offset: 0 }))).toBe('done');
    expect(await codeOf(call('accounts.newCode', { kind: 'recovery' }))).toBe('ACCOUNTS_REQUIRED');
  });
});

describe('codes', () => {
  it('recovery: a new passphrase for an administrator, and a new code; the old ones open nothing', async () => {
    const { status, recoveryCode } = await setUp();
    await enrol('Ben', ['clinician']);
    const ben = (await call('app.status', {})).session.account!.id;
    const account = status.session.account!.id;
    await restart();
    const recover = (code: string, who = account) =>
      call('session.recover', { code, account: who, passphrase: OTHER });
    expect(await codeOf(recover('not a code'))).toBe('CODE_INVALID');
    expect(await codeOf(recover(recoveryCode, ben))).toBe('ACCESS_REFUSED');
    const next = await recover(recoveryCode.toLowerCase().replaceAll('-', ' '));
    expect(next.status.session.account).toMatchObject({ id: account, mustChange: false });
    await restart();
    expect(await codeOf(recover(recoveryCode))).toBe('SIGN_IN_FAILED');
    expect(await codeOf(signIn(ADA.name, GOOD))).toBe('SIGN_IN_FAILED');
    await signIn(ADA.name, OTHER);
    expect(await codeOf(recover(next.recoveryCode))).toBe('done');
    expect((await audited('account.recovered')).length).toBe(2);
  });

  it('emergency: in as a clinician for a reason, loudly written down and listed, over when it is locked', async () => {
    await setUp();
    const { code } = await call('accounts.newCode', { kind: 'emergency' });
    await restart();
    const enter = (reason: string) => call('session.emergency', { code, name: 'Eve Locum', reason });
    expect((await call('app.status', {})).session.emergencyCode).toBe(true);
    expect(await codeOf(enter('  '))).toBe('INVALID_INPUT');
    const { session } = await enter('unconscious patient, nobody here');
    expect(session).toMatchObject({
      account: { name: 'Eve Locum', roles: ['clinician'] },
      emergency: { reason: 'unconscious patient, nobody here', secondsLeft: 3600 },
    });
    expect(await codeOf(call('patients.list', { query: '', limit: 1, offset: 0 }))).toBe('done');
    expect(await codeOf(call('accounts.list', {}))).toBe('ACCESS_REFUSED');
    await call('session.lock', {});
    expect(await codeOf(call('patients.list', { query: '', limit: 1, offset: 0 }))).toBe('SESSION_LOCKED');
    await signIn(ADA.name, GOOD);
    expect((await call('accounts.list', {})).emergencies).toMatchObject([
      { name: 'Eve Locum', reason: 'unconscious patient, nobody here', endedAt: anyText },
    ]);
    expect(await audited('access.refused')).toMatchObject([
      { actor: expect.stringMatching(/^Eve Locum <emergency /) as string },
    ]);
  });
});

describe('encrypting anew', () => {
  it('keeps everything, for everybody who has an account, and shuts out whoever had one', async () => {
    const { recoveryCode } = await setUp();
    await call('accounts.newCode', { kind: 'emergency' });
    const ben = await enrol('Ben', ['clinician']);
    await signIn(ADA.name, GOOD);
    const before = { keys: readFileSync(join(folders.profile, 'keys.json')), salt: saltNow() };
    await call('accounts.remove', { id: ben });
    const status = await call('accounts.rekey', {});
    expect(status).toMatchObject({ store: 'open', session: { account: { name: ADA.name } } });
    expect(saltNow()).not.toBe(before.salt);
    expect(readdirSync(folders.profile).filter((name) => name.includes('.new'))).toEqual([]);
    expect(await audited('store.rekeyed')).toHaveLength(1);
    await restart();
    await signIn(ADA.name, GOOD);
    expect(await call('audit.verify', {})).toMatchObject({ broken: null, head: 'matches', mismatches: [] });
    await call('session.lock', {});
    await app.stop();
    // Whoever kept the ring from before opens nothing with it.
    const now = readFileSync(join(folders.profile, 'keys.json'));
    writeFileSync(join(folders.profile, 'keys.json'), before.keys);
    app = await startEngine(folders, CHEAP);
    expect(await codeOf(signIn('Ben', GOOD))).not.toBe('done');
    await app.stop();
    writeFileSync(join(folders.profile, 'keys.json'), now);
    app = await startEngine(folders, CHEAP);
    const account = (await call('app.status', {})).session.people[0]!.id;
    expect(await codeOf(call('session.recover', { code: recoveryCode, account, passphrase: OTHER }))).toBe(
      'done',
    );
  });

  const saltNow = (): string => readFileSync(join(folders.profile, 'flame.db')).toString('hex', 0, 16);
});

describe('signing', () => {
  let visitId: VisitId;
  const record = { visit: 'v', patient: 'p', name: 'Signed Case', date: '2024-05-02', age: 61, sex: 'F', dx_system: 'ICD-10-CM', dx: ['I10'] }; // prettier-ignore

  it('asks for the passphrase, and is done in the name of the account whatever was typed', async () => {
    await app.stop();
    app = await startEngine(folders, { scryptCost: CHEAP.scryptCost });
    visitId = (await importRecords(app, folders, [record])).get(record.name)!;
    const { status } = await setUp();
    const { id } = status.session.account!;
    const reply = await call('recommend', { visitId });
    const input = await signedInput(app, reply);
    expect(await codeOf(call('decisions.save', input))).toBe('CONFIRMATION_REQUIRED');
    const confirm = (passphrase: string, decisionId = input.id) =>
      call('session.confirm', { passphrase, decisionId });
    expect(await codeOf(confirm(OTHER))).toBe('SIGN_IN_FAILED');
    await confirm(GOOD, 'another' as never);
    expect(await codeOf(call('decisions.save', input))).toBe('CONFIRMATION_REQUIRED');
    await confirm(GOOD);
    const saved = await call('decisions.save', input);
    expect(saved.signature).toEqual({ name: ADA.name, role: 'MD', account: id });
    expect(await call('decisions.seal', { decisionId: saved.id })).toMatchObject({ intact: true });
    expect(await call('decisions.signer', {})).toEqual({ signature: saved.signature });
    expect(await call('audit.verify', {})).toMatchObject({ changedDecisions: [] });
    await call('session.lock', {});
    await signIn(ADA.name, GOOD);
    const again = await signedInput(app, reply);
    expect(await codeOf(call('decisions.save', again))).toBe('CONFIRMATION_REQUIRED');
  });

  it('keeps what somebody typed and did not save from whoever signs in next', async () => {
    const form = { kind: 'patient', id: newId<PatientId>(), isNew: true, name: 'Typed', recordNumber: '', sex: 'unknown', birthYear: '' } as const; // prettier-ignore
    await call('drafts.put', { label: 'Typed', form });
    await setUp();
    const drafts = async () => (await call('drafts.list', {})).map(({ label }) => label);
    expect(await drafts()).toEqual(['Typed']);
    await enrol('Ben', ['clinician', 'administrator']);
    expect(await drafts()).toEqual([]);
    await call('drafts.put', { label: 'Ben’s', form: { ...form, name: 'Another' } });
    await signIn(ADA.name, GOOD);
    expect(await drafts()).toEqual(['Typed']);
    await call('drafts.discard', { id: form.id });
    await signIn('Ben', GOOD);
    expect(await drafts()).toEqual(['Ben’s']);
    // Sent by the page before it heard that somebody else is signed in.
    const late = { label: 'Ada’s', form: { ...form, name: 'Late' }, account: 'the id of Ada' };
    expect(await codeOf(call('drafts.put', late))).toBe('SESSION_LOCKED');
    expect(await drafts()).toEqual(['Ben’s']);
    const own = (await call('app.status', {})).session.account!.id;
    await call('drafts.put', { ...late, account: own });
    expect(await drafts()).toEqual(['Ada’s']);
  });

  it('teaches the habits of whoever signed, and nobody else’s', async () => {
    await app.stop();
    app = await startEngine(folders, { scryptCost: CHEAP.scryptCost });
    await call('demo.load', {});
    await setUp();
    const { patients } = await call('patients.list', { query: '', limit: 3, offset: 0 });
    const [first, second, third] = patients.map(({ lastVisitId }) => lastVisitId!);
    const sign = async (visitId: VisitId): Promise<void> => {
      const input = await signedInput(app, await call('recommend', { visitId }));
      await call('session.confirm', { passphrase: GOOD, decisionId: input.id });
      await call('decisions.save', input);
    };
    const decisions = async (): Promise<number> =>
      (await call('recommend', { visitId: third! })).habits.decisions;
    await sign(first!);
    expect(await decisions()).toBe(1);
    await enrol('Ben', ['clinician', 'administrator']);
    expect(await decisions()).toBe(0);
    await sign(second!);
    expect(await decisions()).toBe(1);
    await signIn(ADA.name, GOOD);
    expect(await decisions()).toBe(1);
    await sign(second!); // decides again in place of Ben
    expect(await decisions()).toBe(2);
    await app.stop();
    app = await startEngine(folders, { scryptCost: CHEAP.scryptCost });
    await signIn('Ben', GOOD);
    expect(await decisions()).toBe(0);
    await signIn(ADA.name, GOOD);
    expect(await decisions()).toBe(2);
  });
});
