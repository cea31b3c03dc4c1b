/** Writes to the profile in argv[2] until it is killed, as argv[3] says: `save` decisions or `import` the file argv[4]. */

import { importVisits } from '../../../src/engine/import-visits.ts';
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
import { asId, type DrugId } from '../../../src/shared/ids.ts';
import { say } from './say.ts';

const [, , folder, mode, file] = process.argv;
say({ starting: 1 });
const { db } = await openProfile({ folder: folder! });
if (mode === 'import') {
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
