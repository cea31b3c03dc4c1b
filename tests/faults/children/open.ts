/** Opens the profile in argv[2], stores argv[3] patients one by one and says how far it came and what stopped it. */

import { FlameError } from '../../../src/shared/errors.ts';
import { openProfile } from '../../../src/engine/profile.ts';
import { insertPatient } from '../../../src/engine/store/patients.ts';
import { samplePatient } from '../../../src/engine/store/testing.ts';
import { say } from './say.ts';

const [, , folder, count] = process.argv;
let stored = 0;
try {
  const { db } = await openProfile({ folder: folder! });
  try {
    for (; stored < Number(count); stored++) insertPatient(db, samplePatient({ name: 'x'.repeat(2000) }));
    say({ code: 'none', stored });
  } catch (thrown) {
    say({ code: thrown instanceof FlameError ? thrown.code : String(thrown), stored });
  } finally {
    db.close();
  }
} catch (thrown) {
  say({ code: thrown instanceof FlameError ? thrown.code : String(thrown), stored });
}
