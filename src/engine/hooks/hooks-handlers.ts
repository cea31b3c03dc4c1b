/** The handlers of the on-site service: its state, its switch, its token. Each change is written into the audit log. */

import { randomBytes } from 'node:crypto';
import type { EngineApi } from '../../shared/contract.ts';
import { FlameError } from '../../shared/errors.ts';
import type { HooksApi } from '../../shared/hooks-api.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { appendAudit, type AuditEvent } from '../store/audit.ts';
import { readHookFeedback } from '../store/hook-feedback.ts';
import { hookSettings, saveHookSettings, type HookSettings } from '../store/hooks.ts';
import type { Workspace } from '../workspace.ts';
import type { HookService } from './hook-service.ts';
import { hashOfToken } from './loopback.ts';

export function hooksHandlers(
  workspace: Workspace,
  service: HookService,
  actor: () => string,
): Pick<Handlers<EngineApi>, keyof HooksApi> {
  const change = async (
    settings: HookSettings,
    action: AuditEvent['action'],
    content: object,
  ): Promise<void> => {
    const { db } = workspace;
    db.transaction(() => {
      saveHookSettings(db, settings);
      appendAudit(db, { actor: actor(), action, subject: 'hooks', content: { ...content } });
    });
    await service.settle();
  };
  return {
    'hooks.get': async (params) => {
      parseParameters('hooks.get', params);
      await service.settle();
      return service.state();
    },

    'hooks.feedback': (params) => readHookFeedback(workspace.db, parseParameters('hooks.feedback', params)),

    'hooks.set': async (params) => {
      const { enabled, port } = parseParameters('hooks.set', params);
      const { tokenHash } = hookSettings(workspace.db);
      if (enabled && tokenHash === null)
        throw new FlameError('INVALID_INPUT', {
          problem: 'the service needs a token before it is switched on',
        });
      await change({ enabled, port, tokenHash }, 'hooks.set', { enabled, port });
      return service.state();
    },

    'hooks.token': async (params) => {
      parseParameters('hooks.token', params);
      const token = randomBytes(32).toString('base64url');
      const settings = hookSettings(workspace.db);
      await change({ ...settings, tokenHash: hashOfToken(token) }, 'hooks.token-made', {});
      return { token, state: service.state() };
    },
  };
}
