import { describe, expect, test } from 'vitest';
import { ENGINE_METHODS, type EngineApi, type MethodName } from '../../shared/contract.ts';
import { METHOD_ROLES, mayCall, ROLES, type Role } from '../../shared/roles.ts';
import { guarded, type Caller } from './access.ts';
import { actorName } from './actor.ts';
import type { Handlers } from '../serve.ts';

const METHODS = Object.keys(ENGINE_METHODS) as MethodName[];

/** Handlers that answer with whoever acts, a turn later. */
const ECHO = Object.fromEntries(
  METHODS.map((method) => [
    method,
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return actorName();
    },
  ]),
) as unknown as Handlers<EngineApi>;

function gateFor(initial: Caller | null) {
  const refusals: string[] = [];
  let caller = initial;
  const handlers = guarded(ECHO, {
    caller: () => caller,
    running: () => () => undefined,
    refused: ({ actor }, method) => refusals.push(`${actor} ${method}`),
  });
  const call = async (method: MethodName): Promise<unknown> => {
    try {
      return await (handlers[method] as () => Promise<unknown>)();
    } catch (thrown) {
      return (thrown as { code: string }).code;
    }
  };
  return { call, refusals, become: (next: Caller) => (caller = next) };
}

describe('who may call what', () => {
  test('without accounts nobody is refused, and the user of the computer acts', async () => {
    const { call, refusals } = gateFor(null);
    for (const method of METHODS) expect(await call(method)).toBe(actorName());
    expect(refusals).toEqual([]);
  });

  test('while nobody is signed in only what shows nothing of a patient is answered', async () => {
    const { call, refusals } = gateFor({ actor: 'nobody', roles: null });
    const answered: string[] = [];
    for (const method of METHODS) if ((await call(method)) !== 'SESSION_LOCKED') answered.push(method);
    expect(answered).toEqual(METHODS.filter((method) => METHOD_ROLES[method] === 'anyone'));
    expect(answered.filter((method) => /^(patients|visits|decisions|audit|recommend)/.test(method))).toEqual(
      [],
    );
    expect(refusals).toEqual([]);
  });

  test.each(ROLES)(
    'a %s gets what the table says and is refused the rest, which is written down',
    async (role) => {
      const { call, refusals } = gateFor({ actor: 'ada', roles: [role] });
      for (const method of METHODS)
        expect(await call(method), method).toBe(mayCall(method, [role]) ? 'ada' : 'ACCESS_REFUSED');
      expect(refusals).toEqual(
        METHODS.filter((method) => !mayCall(method, [role])).map((method) => `ada ${method}`),
      );
    },
  );

  test('a clinician brings no data in or out, a steward signs nothing, an administrator sees no patient', () => {
    const refused = (role: Role, ...methods: MethodName[]): void => {
      for (const method of methods) expect(mayCall(method, [role]), `${role} ${method}`).toBe(false);
    };
    refused('clinician', 'visits.import', 'demo.load', 'store.setPassphrase', 'audit.export');
    refused('data-steward', 'decisions.save', 'recommend', 'store.setPassphrase');
    refused('administrator', 'patients.list', 'patients.get', 'visits.get', 'decisions.save', 'drafts.list');
    expect(mayCall('decisions.save', ['administrator', 'clinician'])).toBe(true);
    expect(mayCall('decisions.save', [])).toBe(false);
  });

  test('a call that lasts stays in the name of who made it', async () => {
    const { call, become } = gateFor({ actor: 'ada', roles: ['clinician'] });
    const first = call('patients.list');
    become({ actor: 'ben', roles: ['clinician'] });
    expect(await Promise.all([first, call('patients.list')])).toEqual(['ada', 'ben']);
  });
});
