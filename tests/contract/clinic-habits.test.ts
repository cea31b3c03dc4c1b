import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProfile } from '../../src/engine/profile.ts';
import { listAudit } from '../../src/engine/store/audit.ts';
import type { Decision, DecisionInput } from '../../src/shared/decision.ts';
import { asId, type DrugId, type VisitId } from '../../src/shared/ids.ts';
import { probabilityOf, type Recommendation } from '../../src/shared/recommendation.ts';
import { signedInput } from './deciding.ts';
import { startEngine, TestFolders, type TestEngine } from './engine.ts';

/** In the formulary, and interacting with little; no proposal of the visits below. */
const HABIT = asId<DrugId>('hydrocortisone');
const folders = new TestFolders();
let app: TestEngine;
let visits: VisitId[];

beforeAll(async () => {
  app = await startEngine(folders);
  await app.engine.call('demo.load', {});
  const { patients } = await app.engine.call('patients.list', { query: '', limit: 100, offset: 0 });
  visits = patients.map(({ lastVisitId }) => lastVisitId!);
});
afterAll(async () => {
  await app.stop();
  folders.remove();
});

const recommend = (visitId: VisitId, useHabits?: boolean): Promise<Recommendation> =>
  app.engine.call('recommend', { visitId, ...(useHabits === undefined ? {} : { useHabits }) });

/** Decides for exactly these drugs, whatever was proposed. */
async function decideFor(
  visitId: VisitId,
  drugs: readonly DrugId[],
): Promise<{ reply: Recommendation; input: DecisionInput; decision: Decision }> {
  const reply = await recommend(visitId);
  const proposed = reply.grid[0]!.list;
  const input = await signedInput(app, reply, {
    added: drugs.filter((drug) => !proposed.includes(drug)),
    rejected: proposed.filter((drug) => !drugs.includes(drug)),
  });
  return { reply, input, decision: await app.engine.call('decisions.save', input) };
}

const lists = ({ candidates, grid }: Recommendation) => ({ candidates, grid });

describe('habits of the clinic, over real ports and a real database', () => {
  let plain: Recommendation;
  let first: Awaited<ReturnType<typeof decideFor>>;

  it('are none before the first decision', async () => {
    plain = await recommend(visits[0]!);
    expect(plain.habits).toEqual({ decisions: 0, used: false, factors: {} });
    for (const { drug, probability, habitFactor } of plain.candidates) {
      expect(habitFactor).toBe(1);
      expect(probability).toBe(plain.scores[drug.id]);
    }
  });

  it('move the next recommendation towards what was decided, and never its scores', async () => {
    first = await decideFor(visits[1]!, [HABIT]);
    const refused = first.reply.grid[0]!.list.find((drug) => drug !== HABIT)!;
    const moved = await recommend(visits[0]!);
    expect(moved.scores).toEqual(plain.scores);
    expect(moved.habits).toMatchObject({ decisions: 1, used: true });
    expect(Object.keys(moved.habits.factors)).toEqual(Object.keys(plain.scores));
    expect(moved.habits.factors[HABIT]).toBeCloseTo(1.5 / (first.reply.scores[HABIT]! + 0.5), 6);
    expect(moved.habits.factors[refused]).toBeCloseTo(0.5 / (first.reply.scores[refused]! + 0.5), 6);
    expect(probabilityOf(moved, HABIT)).toBeGreaterThan(plain.scores[HABIT]!);
    expect(probabilityOf(moved, refused)).toBeLessThan(plain.scores[refused]!);
    for (const { drug, probability, habitFactor } of moved.candidates) {
      expect(probability).toBeCloseTo(probabilityOf(moved, drug.id)!, 6);
      expect(habitFactor).toBe(moved.habits.factors[drug.id]);
    }
  });

  it('never come from the visit itself', async () => {
    const again = await recommend(visits[1]!);
    expect(again.habits).toEqual({ decisions: 0, used: false, factors: {} });
    expect(lists(again)).toEqual(lists(first.reply));
  });

  it('switched off, leave exactly what the model gives', async () => {
    const off = await recommend(visits[0]!, false);
    expect(off.habits).toEqual({ decisions: 1, used: false, factors: {} });
    expect(lists(off)).toEqual(lists(plain));
    expect(lists(await recommend(visits[0]!, true))).not.toEqual(lists(plain));
  });

  it('are the same after a restart', async () => {
    await decideFor(visits[2]!, [HABIT]);
    const before = await recommend(visits[0]!);
    expect(before.habits.decisions).toBe(2);
    await app.stop();
    app = await startEngine(folders);
    const after = await recommend(visits[0]!);
    expect(after.habits).toEqual(before.habits);
    expect(lists(after)).toEqual(lists(before));
  });

  it('count a visit once: a decision for it replaces the one before, and a repeated save counts for nothing', async () => {
    const before = await recommend(visits[0]!);
    await decideFor(visits[1]!, []);
    const replaced = await recommend(visits[0]!);
    expect(replaced.habits.decisions).toBe(before.habits.decisions);
    expect(replaced.habits.factors[HABIT]).toBeLessThan(before.habits.factors[HABIT]!);
    expect(await app.engine.call('decisions.save', first.input)).toEqual(first.decision);
    expect((await recommend(visits[0]!)).habits).toEqual(replaced.habits);
  });

  it('bring a drug that is decided again and again onto the list', async () => {
    expect(plain.grid[0]!.list).not.toContain(HABIT);
    for (const visitId of visits.slice(3, 40)) await decideFor(visitId, [HABIT]);
    const reply = await recommend(visits[0]!);
    expect(reply.grid[0]!.list).toContain(HABIT);
    expect(reply.grid.at(-1)!.interactionCount).toBe(0);
  });

  it('are written down with each recommendation that used them', async () => {
    await app.stop();
    const { db } = await openProfile({ folder: folders.profile });
    const made = listAudit(db).filter(({ action }) => action === 'recommendation.made');
    db.close();
    app = await startEngine(folders);
    expect(made.slice(0, 3).map(({ content }) => content['habits'])).toEqual([0, 0, 1]);
  });
});
