import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importVisits } from '../../src/engine/imports/import-visits.ts';
import { openProfile, protectProfile } from '../../src/engine/profile.ts';
import { saveDecision } from '../../src/engine/store/decisions.ts';
import { listPatients } from '../../src/engine/store/patients.ts';
import { saveRecommendation } from '../../src/engine/store/recommendations.ts';
import {
  noTitles,
  sampleDecision,
  sampleRecommendation,
  temporaryFolder,
} from '../../src/engine/store/testing.ts';
import { asId, type DrugId } from '../../src/shared/ids.ts';

const PLANTED = [
  'Quixotesson',
  'zyxomycin',
  'V7Q9Z8',
  'plantednote',
  'MRN-PLANTED-17',
  'plantedcomment',
  'plantedallergy',
];

test('nothing that was typed or imported stands in clear in any file of the profile, during and after', async () => {
  const root = temporaryFolder();
  const folder = join(root.path, 'profile');
  const file = join(root.path, 'in.jsonl');
  const record = {
    visit: 'MRN-PLANTED-17', patient: 'MRN-PLANTED-17', name: 'Ada Quixotesson', year: 2020, age: 50, sex: 'F',
    dx_system: 'ICD-10-CM', dx: ['V7Q9Z8'], drugs: ['zyxomycin'], notes: 'plantednote', allergies: ['plantedallergy'],
  }; // prettier-ignore
  writeFileSync(file, JSON.stringify(record));
  const profile = await openProfile({ folder });
  const { db } = profile;
  await importVisits(db, {
    file,
    resolveDrugs: (name) => [asId<DrugId>(name)],
    titles: noTitles,
    actor: 'Quixotesson',
  });
  const [found] = listPatients(db, { query: 'quixotesson zyxo', limit: 10, offset: 0 }, noTitles).patients;
  const recommendation = sampleRecommendation(found!.lastVisitId!);
  saveRecommendation(db, recommendation);
  saveDecision(db, sampleDecision(recommendation, { comment: 'plantedcomment' }), 'Quixotesson');

  const seen = new Set<string>();
  const expectNothingInClear = (): void => {
    for (const name of readdirSync(folder)) {
      seen.add(name);
      const content = readFileSync(join(folder, name));
      for (const encoding of ['utf8', 'utf16le'] as const) {
        const hits = PLANTED.filter((word) =>
          [word, word.toLowerCase()].some((form) => content.includes(Buffer.from(form, encoding))),
        );
        expect(hits, name).toEqual([]);
      }
    }
  };
  expectNothingInClear();
  await protectProfile(profile, 'plantednote');
  expectNothingInClear();
  db.close();
  expectNothingInClear();
  expect([...seen].sort()).toEqual(['device.key', 'flame.db', 'flame.db-wal', 'key.json']);
  root.remove();
});
