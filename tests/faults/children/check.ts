/** Opens the profile in argv[2], which nobody has open, and says whether its database is whole and how many visits it holds. */

import { openProfile } from '../../../src/engine/profile.ts';
import { verifyAudit } from '../../../src/engine/store/audit.ts';
import { countVisits } from '../../../src/engine/store/visits.ts';
import { say } from './say.ts';

const { db } = await openProfile({ folder: process.argv[2]! });
say({
  integrity: JSON.stringify(db.all('PRAGMA integrity_check')),
  foreignKeys: JSON.stringify(db.all('PRAGMA foreign_key_check')),
  audit: JSON.stringify(verifyAudit(db).broken),
  visits: countVisits(db),
});
db.close();
