/** A decision that was audited before there were signatures is found intact by the code of today, and a change of it is found. */

import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyAudit } from '../../src/engine/store/audit.ts';
import { changedDecisions, getDecision, saveDecision, sealOf } from '../../src/engine/store/decisions.ts';
import { handleOf, type WritableDb } from '../../src/engine/store/handle.ts';
import { migrate } from '../../src/engine/store/migrate.ts';
import { NO_USE } from '../../src/shared/decision.ts';
import { asId, type DecisionId, type DrugId } from '../../src/shared/ids.ts';
import { AUDITED_UNSIGNED, UNSIGNED_SHA256 } from './audited-unsigned.ts';

const [first, second, third] = ['d1', 'd2', 'd3'].map((id) => asId<DecisionId>(id)) as [
  DecisionId,
  DecisionId,
  DecisionId,
];
const FINDING =
  '[{"finding":{"state":"not-covered","check":"interactions","drugs":["amiodarone"]},"override":null}]';
let db: WritableDb;

beforeEach(() => {
  const database = new Database(':memory:');
  database.pragma('foreign_keys = ON');
  migrate(database, 5);
  database.exec(AUDITED_UNSIGNED);
  migrate(database);
  db = handleOf(database, ':memory:');
});
afterEach(() => db.close());

describe('decisions audited before there were signatures', () => {
  it('are intact after the migration, in the log, one by one and all together', () => {
    expect(verifyAudit(db)).toEqual({ entries: 3, broken: null });
    expect(sealOf(db, first)).toEqual({ sha256: UNSIGNED_SHA256.d1, intact: true });
    expect(sealOf(db, second)).toEqual({ sha256: UNSIGNED_SHA256.d2, intact: true });
    expect(changedDecisions(db)).toEqual([]);
    expect(getDecision(db, second)).toMatchObject({
      signature: null,
      version: 1,
      amendment: null,
      findings: [],
      chosen: [{ drug: 'metformin', verdict: 'added', use: NO_USE }],
      rejected: [{ drug: 'amiodarone', name: 'amiodarone', reason: null, note: '' }],
    });
  });

  it.each([
    ['the list', 'decisions_stay', `UPDATE decisions SET final = '[]' WHERE id = 'd1'`],
    ['the slider', 'decisions_stay', `UPDATE decisions SET alpha = 0 WHERE id = 'd1'`],
    ['the comment', 'decisions_stay', `UPDATE decisions SET comment = '' WHERE id = 'd1'`],
    ['the pairs', 'decisions_stay', `UPDATE decisions SET interactions = '[]' WHERE id = 'd1'`],
    ['a reason', 'decision_overrides_stay', `UPDATE decision_overrides SET note = 'INR daily'`],
    ['a signature', 'decisions_stay', `UPDATE decisions SET signer_name = 'Eve' WHERE id = 'd1'`],
    // What the migration to signed decisions added: not in the old hash, and yet not free to be written.
    ['a role', 'decisions_stay', `UPDATE decisions SET signer_role = 'MD' WHERE id = 'd1'`],
    ['the version', 'decisions_stay', `UPDATE decisions SET version = 2 WHERE id = 'd1'`],
    ['what it replaces', 'decisions_stay', `UPDATE decisions SET replaces = 2 WHERE id = 'd1'`],
    ['why it replaces', 'decisions_stay', `UPDATE decisions SET amendment_reason = 'x' WHERE id = 'd1'`],
    ['the findings', 'decisions_stay', `UPDATE decisions SET findings = '${FINDING}' WHERE id = 'd1'`],
    ['a dose', 'decision_drugs_stay', `UPDATE decision_drugs SET dose = '5 mg' WHERE decision = 1`],
    ['a word', 'decision_drugs_stay', `UPDATE decision_drugs SET verdict = 'modified' WHERE decision = 1`],
    [
      'a rejection',
      'decision_drugs_stay',
      `UPDATE decision_drugs SET verdict = 'rejected' WHERE decision = 1`,
    ],
    ['a shown name', 'decision_drugs_stay', `UPDATE decision_drugs SET name = 'aspirin' WHERE decision = 1`],
    ['a drug', 'decision_drugs_remain', `DELETE FROM decision_drugs WHERE decision = 1`],
    ['a note on it', 'decision_drugs_stay', `UPDATE decision_drugs SET note = 'x' WHERE decision = 1`],
  ])('are found changed after a change of %s behind the triggers', (_, trigger, tamper) => {
    db.run(`DROP TRIGGER ${trigger}`);
    db.run(tamper);
    expect(sealOf(db, first)).toEqual({ sha256: UNSIGNED_SHA256.d1, intact: false });
    expect(changedDecisions(db)).toEqual([first]);
  });

  it('are found changed after a change of what became of a rejected drug', () => {
    db.run('DROP TRIGGER decision_drugs_stay');
    db.run("UPDATE decision_drugs SET reason = 'other' WHERE decision = 2 AND verdict = 'rejected'");
    expect(changedDecisions(db)).toEqual([second]);
  });

  it('stay intact when a signed version replaces them, which is sealed on its own', () => {
    const metoprolol = asId<DrugId>('metoprolol');
    const final = [{ id: metoprolol, name: 'metoprolol', drugClass: null }];
    saveDecision(
      db,
      {
        ...getDecision(db, first),
        id: third,
        final,
        overrides: [],
        interactions: [],
        chosen: [{ drug: metoprolol, verdict: 'added', use: NO_USE }],
        signature: { name: 'Ada Example', role: 'MD' },
        version: 2,
        amendment: { replaces: first, reason: 'bradycardia' },
      },
      'local',
    );
    expect([first, second, third].map((id) => sealOf(db, id).intact)).toEqual([true, true, true]);
    expect(verifyAudit(db)).toEqual({ entries: 4, broken: null });

    db.run('DROP TRIGGER decision_drugs_stay');
    db.run("UPDATE decision_drugs SET dose = '5 mg' WHERE decision = 3");
    expect(changedDecisions(db)).toEqual([third]);
  });
});
