import { expect, test } from 'vitest';
import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import { NO_HABITS, type Recommendation } from '../../shared/recommendation.ts';
import { latestDecidedVisits } from './decided-visits.ts';
import { saveDecision } from './decisions.ts';
import type { WritableDb } from './handle.ts';
import { getRecommendation, saveRecommendation } from './recommendations.ts';
import { sampleDecision, sampleRecommendation, storedVisit, withStore } from './testing.ts';

const MODEL = { name: 'cls', version: '1' };

function decideOn(
  db: WritableDb,
  visitId: VisitId,
  final: readonly string[],
  change: Partial<Recommendation> = {},
): Recommendation {
  const recommendation = { ...sampleRecommendation(visitId), ...change };
  saveRecommendation(db, recommendation);
  const drugs = final.map((id) => ({ id: asId<DrugId>(id), name: id, drugClass: null }));
  saveDecision(db, sampleDecision(recommendation, { final: drugs }), 'local');
  return recommendation;
}

test('each visit gives its latest decision with the scores it was made from, newest visits last', async () => {
  await withStore(({ db }) => {
    const [a, b, c] = [1, 2, 3].map(() => storedVisit(db)) as [VisitId, VisitId, VisitId];
    decideOn(db, a, ['metoprolol']);
    decideOn(db, b, ['amiodarone']);
    decideOn(db, c, []);
    const { candidates, allergens, currentMedications } = decideOn(db, a, ['furosemide', 'metoprolol'], {
      scores: { metoprolol: 0.75 },
    });
    const found = latestDecidedVisits(db, MODEL, { limit: 10, account: null });
    expect(found.map(({ visitId, final }) => [visitId, final])).toEqual([
      [b, ['amiodarone']],
      [c, []],
      [a, ['furosemide', 'metoprolol']],
    ]);
    expect(found[2]!.recommendation).toEqual({
      scores: { metoprolol: 0.75 },
      candidates,
      allergens,
      currentMedications,
    });
    expect(found[2]!.proposed).toEqual(['amiodarone', 'digoxin']); // digoxin was rejected
    expect(latestDecidedVisits(db, MODEL, { limit: 2, account: null })).toEqual(found.slice(1));
  });
});

test('visits whose latest decision was made with another model are left out', async () => {
  await withStore(({ db }) => {
    const [a, b, c] = [1, 2, 3].map(() => storedVisit(db)) as [VisitId, VisitId, VisitId];
    decideOn(db, a, ['metoprolol'], { model: { name: 'cls', version: '0' } });
    decideOn(db, b, ['metoprolol'], { model: { name: 'other', version: '1' } });
    decideOn(db, c, ['metoprolol']);
    expect(
      latestDecidedVisits(db, MODEL, { limit: 10, account: null }).map(({ visitId }) => visitId),
    ).toEqual([c]);
    decideOn(db, c, ['metoprolol'], { model: { name: 'cls', version: '2' } });
    expect(latestDecidedVisits(db, MODEL, { limit: 10, account: null })).toEqual([]);
  });
});

test('replies from before clinic habits are read with none, and unreadable ones teach nothing', async () => {
  await withStore(({ db }) => {
    const [a, b] = [storedVisit(db), storedVisit(db)];
    const { habits: _, candidates, ...old } = sampleRecommendation(a);
    const before = candidates.map(({ habitFactor: __, ...rest }) => rest);
    saveRecommendation(db, { ...old, candidates: before } as unknown as Recommendation);
    saveDecision(db, sampleDecision({ ...old, candidates, habits: NO_HABITS }), 'local');
    decideOn(db, b, [], { scores: null as unknown as Recommendation['scores'] });
    expect(getRecommendation(db, old.id)).toEqual({
      ...old,
      candidates: candidates.map((candidate) => ({ ...candidate, habitFactor: 1 })),
      habits: NO_HABITS,
    });
    expect(
      latestDecidedVisits(db, MODEL, { limit: 10, account: null }).map(({ visitId }) => visitId),
    ).toEqual([a]);
  });
});
