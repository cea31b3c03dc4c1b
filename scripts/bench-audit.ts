/** `npm run bench:audit`: how long the audit log and the overview take on a full store. Measures; asserts nothing. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportAudit } from '../src/engine/audit/audit-export.ts';
import { AuditHeadKeeper } from '../src/engine/audit/audit-head.ts';
import { openProfile } from '../src/engine/profile.ts';
import { appendAudit } from '../src/engine/store/audit.ts';
import { auditPage, auditPages } from '../src/engine/store/audit-log.ts';
import { saveDecision } from '../src/engine/store/decisions.ts';
import { readOverview } from '../src/engine/store/overview.ts';
import { saveRecommendation } from '../src/engine/store/recommendations.ts';
import { sampleDecision, sampleRecommendation, storedVisit } from '../src/engine/store/testing.ts';
import { getVisit } from '../src/engine/store/visits.ts';
import { readWorklist } from '../src/engine/store/worklist.ts';
import { verifyStore } from '../src/engine/audit/verify-audit.ts';
import { NO_AUDIT_FILTER, type AuditFilter } from '../src/shared/audit.ts';

const ENTRIES = 100_000;
const DECISIONS = 5_000;
const RUNS = 5;

const folder = mkdtempSync(join(tmpdir(), 'flame-bench-'));
const profile = await openProfile({ folder: join(folder, 'profile') });
const { db } = profile;

/** The median of a few runs, milliseconds. */
async function time(what: string, work: () => unknown, runs = RUNS): Promise<void> {
  const taken: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    await work();
    taken.push(performance.now() - start);
  }
  const median = taken.sort((a, b) => a - b)[Math.floor(runs / 2)]!;
  console.log(`${what.padEnd(46)} ${median.toFixed(1).padStart(9)} ms`);
}

try {
  const visits = db.transaction(() => Array.from({ length: DECISIONS }, () => storedVisit(db)));
  const patients = visits.map((visit) => getVisit(db, visit).patientId);
  db.transaction(() => {
    for (const [index, visit] of visits.entries()) {
      const recommendation = sampleRecommendation(visit);
      saveRecommendation(db, recommendation);
      const savedAt = new Date(Date.UTC(2025, 0, 1) + index * 3_600_000).toISOString();
      saveDecision(db, sampleDecision(recommendation, { savedAt }), 'ada');
    }
    for (let index = DECISIONS; index < ENTRIES; index++) {
      const at = new Date(Date.UTC(2025, 0, 1) + index * 300_000).toISOString();
      const subject = visits[index % DECISIONS]!;
      const actor = index % 7 === 0 ? 'bob' : 'ada';
      appendAudit(
        db,
        { actor, action: 'visit.viewed', subject, content: { patient: patients[index % DECISIONS] } },
        at,
      );
    }
  });
  new AuditHeadKeeper(profile).stop();
  console.log(`${ENTRIES} audit entries, ${DECISIONS} visits with a decision each; median of ${RUNS}`);
  const page =
    (filter: Partial<AuditFilter>, before: number | null = null) =>
    () =>
      auditPage(db, { ...NO_AUDIT_FILTER, ...filter }, { before, limit: 100 });
  await time('first page', page({}));
  await time('page in the middle', page({}, ENTRIES / 2));
  await time('decisions that overrode a warning', page({ group: 'overrides' }));
  await time('exports (none)', page({ group: 'exports' }));
  await time('one actor', page({ actor: 'bob' }));
  await time('one patient', page({ patientId: patients[17]! }));
  await time('one month', page({ from: '2025-03-01', to: '2025-03-31' }));
  await time('worklist', () =>
    readWorklist(db, { titleOf: () => null }, { date: '2026-11-23', actor: 'ada' }),
  );
  await time('overview, all time', () => readOverview(db, { from: null, to: null, demo: false }));
  await time('overview, one month', () =>
    readOverview(db, { from: '2025-03-01', to: '2025-03-31', demo: false }),
  );
  await time('verification of everything', () => verifyStore(profile), 1);
  const file = join(folder, 'log.csv');
  await time(
    'export of everything as CSV',
    () => exportAudit(file, 'csv', auditPages(db, NO_AUDIT_FILTER), { book: null }),
    1,
  );
} finally {
  db.close();
  rmSync(folder, { recursive: true, force: true });
}
