/** `flame accounts`: lists the accounts of a profile, and unlocks one after wrong passphrases. Adds and removes none. */

import { Command } from 'commander';
import { actorName } from '../../engine/access/actor.ts';
import { SignInPauses } from '../../engine/access/sign-in-pauses.ts';
import { listAccounts } from '../../engine/store/accounts.ts';
import { appendAudit } from '../../engine/store/audit.ts';
import { foldName } from '../../engine/access/key-ring.ts';
import { FlameError } from '../../shared/errors.ts';
import { withProfile } from '../open-profile.ts';
import { table, writeJson, writeLines } from '../output.ts';

interface Options {
  readonly json?: boolean;
  readonly profile?: string;
}

export function accountsCommand(): Command {
  const accounts = new Command('accounts').description('accounts of a profile').exitOverride();
  const help =
    '\nFor an administrator: FLAME_ACCOUNT and FLAME_PASSPHRASE. The app must be closed. Accounts are made in the app.';
  accounts
    .command('list')
    .description('names, roles, wrong passphrases')
    .option('--profile <folder>', 'profile folder (default: FLAME_PROFILE, or the app’s own)')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', help)
    .action(async ({ json, profile }: Options) => {
      await withProfile({ profile, roles: ['administrator'], command: 'accounts list' }, ({ db, folder }) => {
        const pauses = new SignInPauses(folder);
        const found = listAccounts(db).map(({ id, name, title, roles, signedInAt }) => {
          return { id, name, title, roles, signedInAt, failures: pauses.failures(id) };
        });
        if (json) {
          writeJson(found);
          return;
        }
        const rows = found.map(({ name, roles, signedInAt, failures }) => [
          name,
          roles.join(', '),
          signedInAt ?? 'never signed in',
          failures === 0 ? '' : `${failures} wrong passphrases`,
        ]);
        writeLines(found.length === 0 ? ['This profile has no accounts.'] : table(rows));
      });
    });
  accounts
    .command('unlock')
    .description('forget the wrong passphrases of an account')
    .argument('<name>', 'the account')
    .option('--profile <folder>', 'profile folder (default: FLAME_PROFILE, or the app’s own)')
    .addHelpText('after', help)
    .action(async (name: string, { profile }: Options) => {
      await withProfile(
        { profile, roles: ['administrator'], command: 'accounts unlock' },
        ({ db, folder }) => {
          const found = listAccounts(db).find((account) => foldName(account.name) === foldName(name));
          if (found === undefined) throw new FlameError('NOT_FOUND', { what: 'account' });
          const pauses = new SignInPauses(folder);
          const failures = pauses.failures(found.id);
          pauses.forget(found.id);
          const content = { name: found.name, failures };
          appendAudit(db, { actor: actorName(), action: 'account.unlocked', subject: found.id, content });
          writeLines([`${found.name} can try again; ${failures} wrong passphrases forgotten.`]);
        },
      );
    });
  return accounts;
}
