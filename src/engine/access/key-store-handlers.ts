/** The handlers of the system's key store: say whether it may be used and why not, switch it on and off. Keeps no passphrase. */

import type { EngineApi } from '../../shared/contract.ts';
import { FlameError } from '../../shared/errors.ts';
import type { KeyStoreApi, KeyStoreRefusal, KeyStoreStatus } from '../../shared/key-store-api.ts';
import { forgetKey, hasKeptKey, keepKey, type KeyStore } from './key-store.ts';
import { confirmPassphrase } from './confirm-passphrase.ts';
import { keyState, wrappedKeyText } from './key.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { appendAudit } from '../store/audit.ts';
import type { Workspace } from '../workspace.ts';

export function keyStoreHandlers(
  workspace: Workspace,
  keyStore: KeyStore,
  actor: () => string,
): Pick<Handlers<EngineApi>, keyof KeyStoreApi> {
  const folder = workspace.options.profile;
  const note = (action: 'key-store.switched-on' | 'key-store.switched-off', content: object): void =>
    appendAudit(workspace.db, { actor: actor(), action, subject: 'profile', content: { ...content } });

  const ownRefusal = (): KeyStoreRefusal | null => {
    const state = keyState(folder);
    return state === 'accounts' ? 'accounts' : state === 'passphrase' ? null : 'no-passphrase';
  };

  const status = async (): Promise<KeyStoreStatus> => {
    const on = hasKeptKey(folder);
    const refusal = ownRefusal();
    if (refusal !== null) return { on, refusal, store: null };
    const answer = await keyStore.ask({ do: 'describe' });
    if (!answer.ok) return { on, refusal: answer.refusal, store: answer.store };
    // What is kept was refused when the database was opened: it must be switched on again.
    return { on, refusal: on ? workspace.store.keyStoreRefusal : null, store: answer.store };
  };

  return {
    'keyStore.get': async (params) => {
      parseParameters('keyStore.get', params);
      return await status();
    },

    'keyStore.switchOn': async (params) => {
      const { passphrase } = parseParameters('keyStore.switchOn', params);
      const reason = ownRefusal();
      if (reason !== null) throw new FlameError('KEY_STORE_REFUSED', { reason });
      const { db } = workspace; // Only of a database that is open.
      const key = await confirmPassphrase(db, folder, actor(), passphrase);
      const confirmed = wrappedKeyText(folder);
      const described = await keyStore.ask({ do: 'describe' });
      if (!described.ok) throw new FlameError('KEY_STORE_REFUSED', { reason: described.refusal });
      note('key-store.switched-on', { store: described.store });
      await keepKey(folder, key, keyStore);
      // The system may have asked its user for a minute: a passphrase that was changed meanwhile, or accounts, switch it off.
      if (keyState(folder) !== 'passphrase' || wrappedKeyText(folder) !== confirmed) {
        note('key-store.switched-off', { because: 'passphrase.changed' });
        forgetKey(folder);
        throw new FlameError('STORE_BUSY');
      }
      workspace.store.keyStoreRefusal = null;
      return await status();
    },

    'keyStore.switchOff': async (params) => {
      parseParameters('keyStore.switchOff', params);
      const { db } = workspace;
      if (hasKeptKey(folder)) db.transaction(() => note('key-store.switched-off', {}));
      forgetKey(folder);
      return await status();
    },
  };
}
