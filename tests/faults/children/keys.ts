/**
 * Opens the profile in argv[2] as Ada and does argv[3] again and again until it is killed, saying each turn: `rekey`,
 * `backup` into argv[4], `restore` of the backup argv[4] into new folders beginning with argv[5], or `passphrase`, from the
 * number argv[4] on.
 */

import { changePassphrase } from '../../../src/engine/access/accounts.ts';
import { openBackup } from '../../../src/engine/backup/backup-file.ts';
import { backUp } from '../../../src/engine/backup/back-up.ts';
import { restoreBackup } from '../../../src/engine/backup/restore-backup.ts';
import { openProfile } from '../../../src/engine/profile.ts';
import { prepareRekey } from '../../../src/engine/access/rekey.ts';
import { secretNumber } from '../secrets.ts';
import { say } from './say.ts';

const [, , folder, what, given = '0', into] = process.argv;
const first = what === 'passphrase' ? Number(given) : 0;
const credential = { who: { account: 'Ada' }, secret: secretNumber(first) } as const;
let profile = await openProfile({ folder: folder!, credential });
for (let turn = 0; turn < 10_000; turn++) {
  say({ turn });
  if (what === 'rekey') profile = prepareRekey(profile)();
  else if (what === 'passphrase') {
    const { entry, pair } = profile.proved!;
    const keeping = { profile, actor: 'ada', cost: 2 ** 10 };
    await changePassphrase(keeping, entry.id, pair, secretNumber(first + turn + 1));
  } else if (what === 'restore') {
    await restoreBackup(given, await openBackup(given, credential), `${into!}${turn}`, { actor: 'ada' });
  } else {
    // Another second than that of the child before, whose backups lie there under their names.
    const now = new Date(Date.UTC(2026, 0, 1) + turn * 3_600_000 + (process.pid % 3600) * 1000);
    await backUp(profile, given, {
      actor: 'ada',
      appVersion: 'test',
      keep: { daily: 2, weekly: 0, monthly: 0 },
      now,
    });
  }
}
