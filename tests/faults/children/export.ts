/** Exports everything of a profile to one file, over and over, until it is killed. Says when it begins. */

import { exportRecords } from '../../../src/engine/exports/export-records.ts';
import { openProfile } from '../../../src/engine/profile.ts';
import { shippedKnowledge } from '../../../src/knowledge/fixture.ts';
import { say } from './say.ts';

const [folder, path, passphrase] = process.argv.slice(2);
const { db, key } = await openProfile({ folder: folder! });
const knowledge = shippedKnowledge();
say({ ready: 1 });
for (;;)
  await exportRecords(
    path!,
    {
      format: 'json',
      from: null,
      to: null,
      demo: false,
      patientId: null,
      passphrase: passphrase === undefined || passphrase === '' ? null : passphrase,
    },
    { db, key, knowledge, actor: 'tester', workFactor: 4 },
  );
