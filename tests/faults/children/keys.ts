/** Opens the profile in argv[2] as Ada and does argv[3], `rekey` or `backup` into argv[4], until it is killed; says each turn. */

import { makeBackup } from '../../../src/engine/backup/make-backup.ts';
import { openProfile } from '../../../src/engine/profile.ts';
import { prepareRekey } from '../../../src/engine/rekey.ts';
import { say } from './say.ts';

const [, , folder, what, into] = process.argv;
let profile = await openProfile({
  folder: folder!,
  credential: { who: { account: 'Ada' }, secret: 'a violet tractor sings' },
});
for (let turn = 0; turn < 10_000; turn++) {
  say({ turn });
  if (what === 'rekey') profile = prepareRekey(profile)();
  else {
    const now = new Date(Date.UTC(2026, 0, 1) + turn * 3_600_000);
    makeBackup(profile, into!, {
      actor: 'ada',
      appVersion: 'test',
      keep: { daily: 2, weekly: 0, monthly: 0 },
      now,
    });
  }
}
