/** Signing over real ports: what is refused is told why and leaves nothing behind, and is taken once it is mended. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/engine/store/ids.ts';
import { NO_AUDIT_FILTER } from '../../src/shared/audit.ts';
import { NO_USE, type Decision, type DecisionInput } from '../../src/shared/decision.ts';
import { asId, type DecisionId, type DrugId, type VisitId } from '../../src/shared/ids.ts';
import type { Recommendation } from '../../src/shared/recommendation.ts';
import { signedInput } from './deciding.ts';
import { importRecords, startEngine, TestFolders, type TestEngine } from './engine.ts';

const folders = new TestFolders();
const drug = (name: string): DrugId => asId<DrugId>(name);
let app: TestEngine;
let visitId: VisitId;
let reply: Recommendation;

beforeAll(async () => {
  app = await startEngine(folders);
  const record = {
    visit: 'v',
    patient: 'p',
    name: 'Severe Case',
    date: '2024-05-02',
    age: 71,
    sex: 'F',
    dx_system: 'ICD-10-CM',
    dx: ['J45.909', 'I10', 'E11.9'],
    current: ['warfarin'],
    creatinine: 3.4,
  };
  visitId = (await importRecords(app, folders, [record])).get(record.name)!;
  reply = await app.engine.call('recommend', { visitId });
}, 120_000);
afterAll(async () => {
  await app.stop();
  folders.remove();
});

/** A pair with warfarin and a drug that the kidneys forbid stand on the list, each for a reason. */
const signed = (from = reply): Promise<DecisionInput> =>
  signedInput(app, from, { added: ['amiodarone', 'metformin'].map(drug) });
const save = (input: DecisionInput): Promise<Decision> => app.engine.call('decisions.save', input);
const unlike = (name: string) => (given: object) => !JSON.stringify(given).includes(name);

/** All that a save may leave: decisions, what the log says of them, and who signed last. */
async function stored() {
  const { decisions } = await app.engine.call('visits.get', { visitId });
  const filter = { ...NO_AUDIT_FILTER, group: 'decisions' } as const;
  const { entries } = await app.engine.call('audit.list', { filter, before: null, limit: 500 });
  const saved = entries.filter(({ action }) => action === 'decision.saved').map(({ subject }) => subject);
  return { decisions, saved, signer: await app.engine.call('decisions.signer', {}) };
}

async function refusedThenTaken(
  spoilt: DecisionInput,
  mended: DecisionInput,
  refusal: { code: string; details: object },
): Promise<Decision> {
  const before = await stored();
  await expect(save(spoilt)).rejects.toMatchObject(refusal);
  expect(await stored()).toEqual(before);
  const decision = await save(mended);
  const after = await stored();
  expect(after.decisions).toEqual([decision, ...before.decisions]);
  expect(after.saved).toEqual([decision.id, ...before.saved]);
  expect(await app.engine.call('decisions.seal', { decisionId: decision.id })).toMatchObject({
    intact: true,
  });
  expect(decision.final.map(({ id }) => id)).toEqual(mended.chosen.map((word) => word.drug));
  return decision;
}

it('half an emoji in what the physician wrote does not break the seal', async () => {
  const half = 'seen today \uD83D';
  const decision = await save({ ...(await signed()), comment: half, signature: { name: half, role: half } });
  expect(decision).toMatchObject({ comment: 'seen today \uFFFD', signature: { name: 'seen today \uFFFD' } });
  expect(await app.engine.call('decisions.seal', { decisionId: decision.id })).toMatchObject({
    intact: true,
  });
});

describe('a decision that may not be signed', () => {
  it.each<[code: string, details: object, spoil: (input: DecisionInput) => DecisionInput]>([
    ['SIGNATURE_REQUIRED', {}, (input) => ({ ...input, signature: { name: '  ', role: 'MD' } })],
    [
      'DECISION_UNDECIDED',
      { drugs: expect.any(String) as string },
      (input) => ({ ...input, chosen: input.chosen.filter(({ verdict }) => verdict === 'added') }),
    ],
    [
      'OVERRIDE_REASON_REQUIRED',
      { pair: 'amiodarone with warfarin', severity: 3 },
      (input) => ({ ...input, overrides: input.overrides.filter(unlike('"amiodarone","b":"warfarin"')) }),
    ],
    [
      'FINDING_REASON_REQUIRED',
      { drugs: 'metformin', severity: 4, because: expect.stringMatching(/^eGFR \d+/) as string },
      (input) => ({ ...input, findingOverrides: input.findingOverrides.filter(unlike('metformin')) }),
    ],
    [
      'DRUG_UNKNOWN',
      { name: 'metforminn', suggestions: expect.stringContaining('metformin') as string },
      (input) => ({
        ...input,
        chosen: [...input.chosen, { drug: drug('metforminn'), verdict: 'added', use: NO_USE }],
      }),
    ],
    [
      'NOT_FOUND',
      { what: 'amended decision' },
      (input) => ({ ...input, amendment: { replaces: newId<DecisionId>(), reason: 'a slip' } }),
    ],
  ])('is refused with %s, stores nothing, and is taken when mended', async (code, details, spoil) => {
    const input = await signed();
    expect(reply.grid[0]!.list.length).toBeGreaterThan(0);
    await refusedThenTaken(spoil(input), input, { code, details });
  });

  it('is refused when the visit changed under it, and taken from a new recommendation', async () => {
    const { visit } = await app.engine.call('visits.get', { visitId });
    const { context, prescribed: _prescribed, sourceId: _sourceId, ...kept } = visit;
    const { year: _year, sex: _sex, ...facts } = context;
    const old = await signed();
    await app.engine.call('visits.save', { visit: { ...kept, ...facts, allergies: ['penicillin'] } });
    const fresh = await app.engine.call('recommend', { visitId });
    await refusedThenTaken(old, await signed(fresh), { code: 'RECOMMENDATION_STALE', details: {} });
    reply = fresh;
  });

  it('is amended for a reason, once, and then by its newest version', async () => {
    const first = await save(await signed());
    const amending = async (replaces: DecisionId, reason: string): Promise<DecisionInput> => ({
      ...(await signed()),
      amendment: { replaces, reason },
    });
    const mended = await amending(first.id, 'a slip');
    const spoilt = { ...mended, amendment: { replaces: first.id, reason: ' ' } };
    const refusal = { code: 'AMENDMENT_REASON_REQUIRED', details: {} };
    const second = await refusedThenTaken(spoilt, mended, refusal);
    expect(second).toMatchObject({ version: 2, amendment: { replaces: first.id, reason: 'a slip' } });

    const late = await amending(first.id, 'another slip');
    const newest = await amending(second.id, 'another slip');
    const third = await refusedThenTaken(late, newest, { code: 'DECISION_REPLACED', details: {} });
    expect(third.version).toBe(3);
  });
});
