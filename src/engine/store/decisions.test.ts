import { expect, test } from 'vitest';
import { newId } from './ids.ts';
import type { RecommendationId } from '../../shared/ids.ts';
import { appendAudit, listAudit, verifyAudit } from './audit.ts';
import { changedDecisions, countDecisions, getDecision, listDecisions, saveDecision } from './decisions.ts';
import { listPatients } from './patients.ts';
import { getRecommendation, latestRecommendation, saveRecommendation } from './recommendations.ts';
import { noTitles, sampleDecision, sampleRecommendation, storedVisit, withStore } from './testing.ts';
import { listVisits } from './visits.ts';

test('a recommendation comes back word for word; an earlier one without a decision makes room', async () => {
  await withStore(({ db }) => {
    const visitId = storedVisit(db);
    expect(latestRecommendation(db, visitId)).toBeNull();
    const [first, second, third] = [1, 2, 3].map(() => sampleRecommendation(visitId));
    saveRecommendation(db, first!);
    expect(getRecommendation(db, first!.id)).toEqual(first);
    saveRecommendation(db, second!);
    expect(() => getRecommendation(db, first!.id)).toThrow(/recommendation was not found/);
    saveDecision(db, sampleDecision(second!), 'local');
    saveRecommendation(db, third!);
    expect(getRecommendation(db, second!.id)).toEqual(second);
    expect(latestRecommendation(db, visitId)).toEqual(third);
  });
});

test('a decision comes back as saved, with its audit entry', async () => {
  await withStore(({ db }) => {
    const visitId = storedVisit(db);
    const recommendation = sampleRecommendation(visitId);
    saveRecommendation(db, recommendation);
    const [first, second] = [sampleDecision(recommendation), sampleDecision(recommendation, { alpha: 1 })];
    saveDecision(db, first, 'Dr. Ada');
    saveDecision(db, second, 'Dr. Ada');
    expect(getDecision(db, first.id)).toEqual(first);
    expect(listDecisions(db, visitId)).toEqual([second, first]);
    expect(listAudit(db, first.id)).toMatchObject([
      {
        actor: 'Dr. Ada',
        action: 'decision.saved',
        at: first.savedAt,
        content: { visit: visitId, overrides: 1 },
      },
    ]);
    expect(verifyAudit(db)).toEqual({ entries: 2, broken: null });
    const [summary] = listPatients(db, { query: '', limit: 1, offset: 0 }, noTitles).patients;
    expect(summary?.decided).toBe(true);
    expect(listVisits(db, summary!.patient.id, noTitles)[0]?.decisionCount).toBe(2);
  });
});

test('a decision that cannot be stored whole is not stored at all', async () => {
  await withStore(({ db }) => {
    const recommendation = sampleRecommendation(storedVisit(db));
    saveRecommendation(db, recommendation);
    const decision = sampleDecision(recommendation);
    const orphan = { ...decision, recommendationId: newId<RecommendationId>() };
    expect(() => saveDecision(db, orphan, 'local')).toThrow(/recommendation was not found/);
    const override = { ...decision.overrides[0]!, severity: 9 as 4 };
    const badOverride = { ...decision, overrides: [decision.overrides[0]!, override] };
    expect(() => saveDecision(db, badOverride, 'local')).toThrow(/CHECK/);
    expect(countDecisions(db)).toBe(0);
    expect(verifyAudit(db)).toEqual({ entries: 0, broken: null });
  });
});

test('saved decisions and audit entries cannot be changed or deleted', async () => {
  await withStore(({ db }) => {
    const recommendation = sampleRecommendation(storedVisit(db));
    saveRecommendation(db, recommendation);
    saveDecision(db, sampleDecision(recommendation), 'local');
    expect(() => db.run("UPDATE decisions SET comment = ''")).toThrow(/cannot be changed/);
    expect(() => db.run('DELETE FROM decisions')).toThrow(/cannot be deleted/);
    expect(() => db.run("UPDATE decision_overrides SET note = ''")).toThrow(/cannot be changed/);
    expect(() => db.run('DELETE FROM decision_overrides')).toThrow(/cannot be deleted/);
    expect(() => db.run("UPDATE audit_entries SET actor = 'x'")).toThrow(/cannot be changed/);
    expect(() => db.run('DELETE FROM audit_entries')).toThrow(/cannot be deleted/);
    expect(() => db.run("INSERT INTO audit_entries VALUES (7, '', '', '', '', '{}', '', '')")).toThrow(
      /at the end/,
    );
    expect(() => db.run('DELETE FROM recommendations')).toThrow(/FOREIGN KEY/);
  });
});

test('a change made behind the triggers is found, in the log and in a decision', async () => {
  await withStore(({ db }) => {
    const recommendation = sampleRecommendation(storedVisit(db));
    saveRecommendation(db, recommendation);
    const decision = sampleDecision(recommendation);
    saveDecision(db, decision, 'local');
    db.transaction(() => {
      for (let index = 0; index < 1500; index++) {
        appendAudit(db, {
          actor: 'local',
          action: 'visits.imported',
          subject: `f${index}`,
          content: { index },
        });
      }
    });
    expect(verifyAudit(db)).toEqual({ entries: 1501, broken: null });
    expect(changedDecisions(db)).toEqual([]);

    db.run('DROP TRIGGER decision_overrides_stay');
    db.run("UPDATE decision_overrides SET note = 'daily'");
    expect(changedDecisions(db)).toEqual([decision.id]);
    db.run('DROP TRIGGER audit_entries_stay');
    db.run("UPDATE audit_entries SET actor = 'nobody' WHERE sequence = 1200");
    expect(verifyAudit(db)).toEqual({ entries: 1199, broken: 1200 });
    db.run('DROP TRIGGER audit_entries_remain');
    db.run('DELETE FROM audit_entries WHERE sequence = 700');
    expect(verifyAudit(db)).toEqual({ entries: 699, broken: 700 });
  });
});
