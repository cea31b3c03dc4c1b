/**
 * Writes to the profile in argv[2] until it is killed, as argv[3] says: `save` decisions, `import` the file
 * argv[4], or only `open` it, which brings it to the newest schema.
 */

import { importVisits } from '../../../src/engine/imports/import-visits.ts';
import { openProfile } from '../../../src/engine/profile.ts';
import { saveDecision } from '../../../src/engine/store/decisions.ts';
import { saveRecommendation } from '../../../src/engine/store/recommendations.ts';
import {
  noTitles,
  sampleDecision,
  samplePatient,
  sampleRecommendation,
  sampleVisit,
} from '../../../src/engine/store/testing.ts';
import { insertVisits } from '../../../src/engine/store/visits.ts';
import { FlameError } from '../../../src/shared/errors.ts';
import { asId, type DrugId } from '../../../src/shared/ids.ts';
import { say } from './say.ts';

const [, , folder, mode, file] = process.argv;
say({ starting: 1 });
process.on('uncaughtException', (thrown) => {
  say({ code: thrown instanceof FlameError ? thrown.code : String(thrown) });
  process.exitCode = 1;
});
const { db } = await openProfile({ folder: folder! });
if (mode === 'open') {
  say({ opened: 1 });
  db.close();
} else if (mode === 'import') {
  await importVisits(db, {
    file: file!,
    resolveDrugs: (name) => [asId<DrugId>(name)],
    titles: noTitles,
    actor: 'test',
    onProgress: ({ visitsStored }) => say({ visitsStored }),
  });
} else {
  while (true) {
    const newPatient = samplePatient();
    const visit = sampleVisit(newPatient.id);
    insertVisits(db, [{ visit, newPatient, demo: false }], noTitles);
    const recommendation = sampleRecommendation(visit.id);
    saveRecommendation(db, recommendation);
    const decision = sampleDecision(recommendation);
    saveDecision(db, decision, 'test');
    say({ visit: visit.id, decision: decision.id });
  }
}
