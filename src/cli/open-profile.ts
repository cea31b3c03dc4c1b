/**
 * Opens a profile for a command: with FLAME_PASSPHRASE, and with accounts FLAME_ACCOUNT besides, whose roles must allow
 * what the command does. Asks nothing at a terminal.
 */

import { resolve } from 'node:path';
import { actingAs } from '../engine/access/actor.ts';
import { openProfile, profileProtection, type Profile } from '../engine/profile.ts';
import { findAccount } from '../engine/store/accounts.ts';
import { appendAudit } from '../engine/store/audit.ts';
import { actorText } from '../shared/actor.ts';
import { FlameError } from '../shared/errors.ts';
import type { Role } from '../shared/roles.ts';
import { defaultProfile } from './setup.ts';

export interface ProfileWish {
  /** Folder; FLAME_PROFILE or the app's own by default. */
  readonly profile?: string | undefined;
  /** One of which the account must hold. */
  readonly roles: readonly Role[];
  /** Named in a refusal. */
  readonly command: string;
}

/** Runs `work` on the open profile in the name of its account, and closes it. @throws what openProfile throws, ACCESS_REFUSED */
export async function withProfile<T>(
  { profile, roles, command }: ProfileWish,
  work: (opened: Profile) => T | Promise<T>,
): Promise<T> {
  const folder = profile === undefined ? defaultProfile() : resolve(profile);
  const secret = process.env['FLAME_PASSPHRASE'] ?? null;
  if (profileProtection(folder) !== 'accounts') {
    const opened = await openProfile({ folder, passphrase: secret });
    return await closing(opened, work);
  }
  const account = process.env['FLAME_ACCOUNT'];
  if (account === undefined || secret === null)
    throw new FlameError('INVALID_INPUT', {
      problem: 'this profile has accounts: set FLAME_ACCOUNT and FLAME_PASSPHRASE',
    });
  const opened = await openProfile({ folder, credential: { who: { account }, secret } });
  return await closing(opened, async () => {
    const { db, proved } = opened;
    const found = proved && findAccount(db, proved.entry.id);
    if (!found) throw new FlameError('SIGN_IN_FAILED');
    if (found.mustChange) throw new FlameError('PASSPHRASE_CHANGE_REQUIRED');
    const actor = actorText(found.name, found.roles, found.id);
    if (!roles.some((role) => found.roles.includes(role))) {
      appendAudit(db, { actor, action: 'access.refused', subject: 'command', content: { method: command } });
      throw new FlameError('ACCESS_REFUSED', { method: command });
    }
    appendAudit(db, { actor, action: 'account.signed-in', subject: found.id, content: { command } });
    return await actingAs(actor, () => work(opened));
  });
}

async function closing<T>(opened: Profile, work: (opened: Profile) => T | Promise<T>): Promise<T> {
  try {
    return await work(opened);
  } finally {
    opened.db.close();
  }
}
