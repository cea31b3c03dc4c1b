/** The handlers of accounts and sessions: who there is, who is at the keyboard. Holds no rule of its own. */

import type {
  Account,
  AccountList,
  AccountsApi,
  EmergencyUse,
  SessionShellApi,
} from '../../shared/accounts-api.ts';
import type { AppStatus } from '../../shared/contract.ts';
import { FlameError } from '../../shared/errors.ts';
import {
  addAccount,
  changeAccount,
  changePassphrase,
  dropAccount,
  getAccount,
  recoverAccount,
  renewCode,
  resetPassphrase,
  setUpAccounts,
  type Keeping,
} from './accounts.ts';
import { actorName } from './actor.ts';
import { confirmProtection } from './confirm-passphrase.ts';
import { entryOf, readRing } from './key-ring.ts';
import { SCRYPT_COST } from './key-seal.ts';
import { hasKeptKey } from './key-store.ts';
import { parseParameters } from '../parameters.ts';
import { prepareRekey } from './rekey.ts';
import type { Handlers } from '../serve.ts';
import { LOCK_SETTING, type Session } from './session.ts';
import { findCode, listAccounts, writeSetting, type StoredAccount } from '../store/accounts.ts';
import { appendAudit, auditOf, type AuditEvent } from '../store/audit.ts';
import type { Workspace } from '../workspace.ts';

const MOST_EMERGENCIES = 100;

/** @param isTraining tells of a training on the visits, which writes into the database as it goes */
export function accountsHandlers(workspace: Workspace, isTraining: () => boolean): Handlers<AccountsApi> {
  const { session } = workspace;
  const status = (): AppStatus => workspace.status();
  const cost = workspace.options.scryptCost ?? SCRYPT_COST;
  const keeping = (): Keeping =>
    workspace.store.withProfile((profile) => ({ profile, actor: actorName(), cost }));
  const note = (action: AuditEvent['action'], subject: string, content: AuditEvent['content']): void =>
    appendAudit(workspace.db, { actor: actorName(), action, subject, content });
  const list = (): AccountList => accountList(workspace);

  return {
    'accounts.setUp': async (params) => {
      const { passphrase, present, ...form } = parseParameters('accounts.setUp', params);
      const folder = workspace.options.profile;
      await confirmProtection(workspace.db, folder, actorName(), present);
      const kept = hasKeptKey(folder);
      const { id, recoveryCode } = await setUpAccounts(keeping(), form, passphrase);
      if (kept) note('key-store.switched-off', 'profile', { because: 'accounts.set-up' });
      session.begin(id);
      return { status: status(), recoveryCode };
    },

    'accounts.list': (params) => {
      parseParameters('accounts.list', params);
      return list();
    },

    'accounts.add': async (params) => {
      const { passphrase, ...form } = parseParameters('accounts.add', params);
      refuseWithout(session);
      await addAccount(keeping(), form, passphrase);
      return list();
    },

    'accounts.change': (params) => {
      const { id, ...form } = parseParameters('accounts.change', params);
      changeAccount(keeping(), id, form);
      return list();
    },

    'accounts.resetPassphrase': async (params) => {
      const { id, passphrase } = parseParameters('accounts.resetPassphrase', params);
      await resetPassphrase(keeping(), id, passphrase);
      workspace.store.pauses.forget(id);
      return list();
    },

    'accounts.remove': (params) => {
      dropAccount(keeping(), parseParameters('accounts.remove', params).id);
      return list();
    },

    'accounts.unlock': (params) => {
      const { id } = parseParameters('accounts.unlock', params);
      const { name } = getAccount(keeping(), id);
      const failures = workspace.store.pauses.failures(id);
      workspace.store.pauses.forget(id);
      note('account.unlocked', id, { name, failures });
      return list();
    },

    'accounts.newCode': async (params) => {
      const { kind } = parseParameters('accounts.newCode', params);
      refuseWithout(session);
      return { code: await renewCode(keeping(), kind) };
    },

    'accounts.lockAfter': (params) => {
      const { minutes } = parseParameters('accounts.lockAfter', params);
      const { db } = workspace;
      db.transaction(() => {
        writeSetting(db, LOCK_SETTING, minutes);
        note('account.lock-after', 'profile', { minutes });
      });
      return list();
    },

    'accounts.rekey': (params) => {
      parseParameters('accounts.rekey', params);
      refuseWithout(session);
      if (isTraining()) throw new FlameError('TRAINING_RUNS');
      if (session.isBusy) throw new FlameError('STORE_BUSY');
      note('store.rekey-started', 'profile', {});
      workspace.store.exchange(prepareRekey);
      note('store.rekeyed', 'profile', {});
      return status();
    },

    'accounts.changePassphrase': async (params) => {
      const { present, passphrase } = parseParameters('accounts.changePassphrase', params);
      const { entry, pair } = await session.proveAgain(present);
      await changePassphrase(keeping(), entry.id, pair, passphrase);
      return status();
    },

    'session.signIn': async (params) => {
      const { account, passphrase } = parseParameters('session.signIn', params);
      await session.signIn(account, passphrase);
      return status();
    },

    'session.lock': (params) => {
      parseParameters('session.lock', params);
      session.lock('by-hand');
      return status();
    },

    'session.confirm': async (params) => {
      const { passphrase, decisionId } = parseParameters('session.confirm', params);
      await session.confirm(passphrase, decisionId);
      return {};
    },

    'session.recover': async (params) => {
      const { code, account, passphrase } = parseParameters('session.recover', params);
      await session.openWithRecoveryCode(code);
      if (!getAccount(keeping(), account).roles.includes('administrator'))
        throw new FlameError('ACCESS_REFUSED', { method: 'session.recover' });
      const recovering = { ...keeping(), actor: 'recovery code' };
      await recoverAccount(recovering, account, passphrase);
      workspace.store.pauses.forget(account);
      // The paper was in somebody's hands: it opens nothing any more.
      const recoveryCode = await renewCode(recovering, 'recovery');
      session.begin(account);
      return { status: status(), recoveryCode };
    },

    'session.emergency': async (params) => {
      const { code, name, reason } = parseParameters('session.emergency', params);
      await session.startEmergency(code, name, reason);
      return status();
    },
  };
}

/** What the shell tells of the person at the keyboard. */
export function sessionShellHandlers(session: Session): Handlers<SessionShellApi> {
  return {
    'session.idle': (params) => ({
      locked: session.lockWhenIdle(parseParameters('session.idle', params).seconds),
    }),
    'session.away': (params) => {
      parseParameters('session.away', params);
      return { locked: session.lockWhenAway() };
    },
  };
}

function refuseWithout(session: Session): void {
  if (!session.hasAccounts) throw new FlameError('ACCOUNTS_REQUIRED');
}

function accountList(workspace: Workspace): AccountList {
  const { db, session } = workspace;
  refuseWithout(session);
  const ring = readRing(workspace.options.profile);
  const view = ({ publicKey: _, ...account }: StoredAccount): Account => ({
    ...account,
    failures: workspace.store.pauses.failures(account.id),
    waitSeconds: workspace.store.pauses.wait(account.id),
    keyMissing: entryOf(ring, account.id) === null,
  });
  return {
    accounts: listAccounts(db).map(view),
    emergencies: emergencies(workspace),
    recoveryCodeMade: findCode(db, 'recovery')?.createdAt ?? null,
    emergencyCodeMade: findCode(db, 'emergency')?.createdAt ?? null,
    lockAfterMinutes: session.lockAfterMinutes,
  };
}

/** Each start with the end by the same actor. */
function emergencies({ db }: Workspace): EmergencyUse[] {
  const ends = auditOf(db, 'emergency.ended');
  return auditOf(db, 'emergency.started')
    .slice(-MOST_EMERGENCIES)
    .reverse()
    .map(({ sequence, at, actor, content }) => ({
      sequence,
      at,
      name: String(content['name']),
      reason: String(content['reason']),
      endedAt: ends.find((end) => end.actor === actor)?.at ?? null,
    }));
}
