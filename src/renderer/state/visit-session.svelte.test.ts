import { describe, expect, it } from 'vitest';
import { NO_USE } from '../../shared/decision.ts';
import { findingKey } from '../../shared/findings.ts';
import { pairKey } from '../../shared/interactions.ts';
import { FlameError } from '../../shared/errors.ts';
import { fakeEngine, type FakeEngine } from '../testing/fake-engine.ts';
import type { Recommendation } from '../../shared/recommendation.ts';
import { DETAIL, drug, RECOMMENDATION, VISIT_ID, withHabits } from '../testing/fixtures.ts';
import { HabitChoice } from './habit-choice.svelte.ts';
import { VisitSession } from './visit-session.svelte.ts';

async function recommended(): Promise<{ engine: FakeEngine; session: VisitSession }> {
  const engine = fakeEngine();
  const session = new VisitSession(engine, VISIT_ID, new HabitChoice());
  await session.load();
  await session.recommend();
  await session.checks.ask(
    DETAIL.visit,
    session.grid.flatMap(({ list }) => list),
  );
  return { engine, session };
}
/** Says yes to each drug that has no word yet. */
async function accept(session: VisitSession): Promise<void> {
  for (const { drug: undecided } of session.undecided) await session.edit('keep', undecided);
}
const names = (session: VisitSession): string[] => session.rows.map((row) => row.drug.name);

describe('VisitSession', () => {
  it('moves the slider without a call, and counts the pairs that the engine counted', async () => {
    const { engine, session } = await recommended();
    const before = engine.calls.length;
    session.grid.forEach((point, position) => {
      session.moveTo(position);
      expect(session.list).toEqual(point.list);
      expect(session.pairs.found.filter((pair) => pair.severity >= 2)).toHaveLength(point.interactionCount);
    });
    expect(engine.calls).toHaveLength(before);
  });

  it('keeps edits above the slider', async () => {
    const { session } = await recommended();
    await session.edit('keep', drug('naproxen'));
    await session.edit('remove', drug('furosemide'));
    session.moveTo(10);
    expect(names(session)).toEqual(['lisinopril', 'metoprolol', 'atorvastatin', 'naproxen']);
    await session.undo();
    expect(names(session)).toContain('furosemide');
  });

  it('checks a drug from outside the reply once, and shows it as unchecked when that fails', async () => {
    const { engine, session } = await recommended();
    const answer = engine.handlers['interactions.among'];
    engine.handlers['interactions.among'] = () => {
      throw new FlameError('ENGINE_GONE');
    };
    await session.edit('add', drug('amiodarone'), true);
    expect(session.outside.problem?.code).toBe('ENGINE_GONE');
    expect(session.pairs.uncheckedDrugs).toEqual(['amiodarone']);
    expect(
      session.pairs.noneRecorded.some((pair) => pair.a === 'amiodarone' || pair.b === 'amiodarone'),
    ).toBe(false);

    engine.handlers['interactions.among'] = answer;
    await session.checkOutsiders();
    expect(session.pairs.uncheckedDrugs).toEqual([]);
    expect(session.toOverride.map(({ a, b }) => `${a}+${b}`)).toEqual([
      'amiodarone+warfarin',
      'naproxen+warfarin',
    ]);
    const calls = engine.calls.length;
    session.moveTo(10);
    expect(engine.calls).toHaveLength(calls);
  });

  it('shows a drug of no table as not covered, not as safe', async () => {
    const { session } = await recommended();
    await session.edit('add', drug('co-enzyme q10'), false);
    expect(session.pairs.uncoveredDrugs).toEqual(['co-enzyme q10']);
    expect(session.pairs.notCovered).toHaveLength(6);
    expect(session.rows.at(-1)?.coverage).toBe('not-covered');
  });

  it('signs only when each drug has a word and each severe warning its reason; the list signed is the list shown', async () => {
    const { engine, session } = await recommended();
    const [severe] = session.toOverride;
    expect(severe && [severe.a, severe.b]).toEqual(['naproxen', 'warfarin']);
    const [warning] = session.findingsToOverride;
    expect(warning).toMatchObject({ check: 'contraindications', drugs: ['naproxen'], severity: 3 });
    expect(session.findingsToOverride).toHaveLength(1); // the pair is asked for once, as a pair
    const pair = pairKey(severe!.a, severe!.b);
    session.signing.setReason(pair, { reason: 'other', note: ' ' });
    session.signing.setReason(findingKey(warning!), { reason: 'will-monitor', note: '' });
    await accept(session);
    expect(await session.sign()).toBeNull();
    session.signing.setReason(pair, { reason: 'will-monitor', note: '' });
    await session.edit('release', drug('furosemide'));
    expect(session.undecided.map((row) => row.drug.id)).toEqual(['furosemide']);
    expect(await session.sign()).toBeNull();
    await session.setUse(drug('furosemide'), { ...NO_USE, dose: '40 mg' });
    await session.edit('add', drug('atorvastatin'));
    const shown = names(session);
    const decision = await session.sign();
    expect(decision?.final.map((entry) => entry.name)).toEqual(shown);
    expect(decision?.added).toEqual(['atorvastatin']);
    expect(decision?.overrides).toHaveLength(1);
    expect(decision?.chosen.map(({ verdict }) => verdict)).toEqual([
      'modified',
      'accepted',
      'accepted',
      'accepted',
      'accepted',
      'added',
    ]);
    expect(session.showsDecision).toBe(true);
    expect(engine.calls.at(-1)?.method).toBe('decisions.save');
  });

  it('loses no edit when the save fails, nor when a new recommendation is asked for', async () => {
    const { engine, session } = await recommended();
    await session.edit('remove', drug('naproxen'));
    session.moveTo(4);
    await accept(session);
    const save = engine.handlers['decisions.save'];
    engine.handlers['decisions.save'] = () => {
      throw new FlameError('RECOMMENDATION_STALE');
    };
    expect(await session.sign()).toBeNull();
    expect(session.problem?.code).toBe('RECOMMENDATION_STALE');
    engine.handlers['decisions.save'] = save;
    await session.recommend();
    expect(session.alpha).toBeCloseTo(0.4);
    expect(session.removedRows.map((entry) => entry.name)).toEqual(['naproxen']);
    expect(await session.sign()).not.toBeNull();
  });

  it('amends a decision from its own words, which are not undone, and names the version it replaces', async () => {
    const { engine, session } = await recommended();
    await session.edit('remove', drug('naproxen'));
    session.signing.setRejection(drug('naproxen').id, { reason: 'interaction', note: 'with warfarin' });
    await accept(session);
    await session.setUse(drug('furosemide'), { ...NO_USE, dose: '40 mg' });
    session.moveTo(2);
    session.signing.comment = 'as discussed';
    session.signing.name = 'Ada Example';
    const first = await session.sign();
    expect(session.signing.amending).toBeNull();

    await session.amend(first!);
    expect(session.dirty).toBe(true);
    expect(session.undecided).toEqual([]);
    expect(session.position).toBe(2);
    expect(session.signing.comment).toBe('as discussed');
    expect(session.signing.name).toBe(''); // who amends signs anew
    expect(session.signing.rejectionOf(drug('naproxen').id)).toEqual({
      reason: 'interaction',
      note: 'with warfarin',
    });
    expect(session.rows.find((row) => row.drug.id === 'furosemide')?.use.dose).toBe('40 mg');
    await session.undo();
    expect(session.undecided).toEqual([]);

    session.signing.amendmentReason = 'a slip';
    await session.setUse(drug('furosemide'), { ...NO_USE, dose: '20 mg' });
    session.signing.name = 'Ada Example';
    const second = await session.sign();
    expect(second?.amendment).toEqual({ replaces: first!.id, reason: 'a slip' });
    expect(second?.final).toEqual(first!.final);
    expect(engine.calls.map(({ method }) => method).filter((method) => method === 'recommend')).toHaveLength(
      1,
    );
    expect(session.detail?.decisions.map(({ id }) => id)).toEqual([second!.id, first!.id]);
  });

  it('asks with or without the habits of the clinic, and shows the answer to its last question', async () => {
    const engine = fakeEngine();
    const habits = new HabitChoice();
    const session = new VisitSession(engine, VISIT_ID, habits);
    await session.load();
    const answers: ((reply: Recommendation) => void)[] = [];
    engine.handlers.recommend = () => new Promise((resolve) => answers.push(resolve));
    const first = session.recommend();
    habits.choose(false);
    const second = session.recommend();
    await expect.poll(() => answers.length).toBe(2);
    answers[1]!(RECOMMENDATION);
    await second;
    answers[0]!(withHabits());
    await first;
    expect(session.reply).toBe(RECOMMENDATION);
    expect(session.phase).toBe('idle');
    expect(engine.calls.filter(({ method }) => method === 'recommend').map(({ params }) => params)).toEqual([
      { visitId: VISIT_ID, useHabits: true },
      { visitId: VISIT_ID, useHabits: false },
    ]);
    habits.choose(true);
  });

  it('gives a drug added by hand the probability with habits, as the list has it', async () => {
    const { engine, session } = await recommended();
    const scores = { ...RECOMMENDATION.scores, amiodarone: 0.2 };
    engine.handlers.recommend = () => withHabits({ ...RECOMMENDATION, scores });
    await session.recommend();
    await session.edit('add', drug('amiodarone'), true);
    const row = session.rows.find((entry) => entry.drug.id === 'amiodarone');
    expect(row?.probability).toBeCloseTo(3 / 7, 6); // odds 1/4 · 3
    expect(row?.habit).toEqual({ factor: 3, modelAlone: 0.2 });
    expect(session.rows.find((entry) => entry.drug.id === 'lisinopril')?.habit).toBeNull();
  });

  it('names a repeated save alike, and a changed one anew', async () => {
    const { engine, session } = await recommended();
    const ids: string[] = [];
    engine.handlers['decisions.save'] = ({ id }) => {
      ids.push(id);
      throw new FlameError('ENGINE_GONE');
    };
    session.moveTo(4);
    await session.edit('remove', drug('naproxen'));
    await accept(session);
    await session.sign();
    await session.sign();
    session.signing.comment = 'as discussed';
    await session.sign();
    expect(ids).toHaveLength(3);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });
});
