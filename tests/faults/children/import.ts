/** Imports what lies at argv[3] into the profile in argv[2], in the format that it is detected to have; says what came of it and the most memory used. */

import { join, resolve } from 'node:path';
import { importPicked } from '../../../src/engine/imports/import-picked.ts';
import { openProfile } from '../../../src/engine/profile.ts';
import { loadKnowledge } from '../../../src/knowledge/knowledge.ts';
import { titlesOf } from '../../../src/engine/editing/visit-detail.ts';
import { FlameError } from '../../../src/shared/errors.ts';
import { say } from './say.ts';

const [, , folder, path] = process.argv;
const knowledge = loadKnowledge(join(resolve(import.meta.dirname, '../../..'), 'resources/knowledge'));
const { db } = await openProfile({ folder: folder! });
const peak = (): number => Math.round(process.resourceUsage().maxRSS / 1024);
try {
  const report = await importPicked(db, {
    path: path!,
    format: null,
    dryRun: false,
    drugs: knowledge.drugs,
    site: { look: () => null },
    titles: titlesOf(knowledge),
    actor: 'test',
    scratch: folder!,
    onProgress: ({ visitsStored }) => say({ visitsStored }),
  });
  say({ code: 'none', stored: report.visitsCreated, refused: report.refusedCount, megabytes: peak() });
} catch (thrown) {
  say({
    code: thrown instanceof FlameError ? thrown.code : String(thrown),
    problem: thrown instanceof Error ? thrown.message : '',
    megabytes: peak(),
  });
} finally {
  db.close();
}
