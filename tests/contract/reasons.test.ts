/** Reasons and alternatives from an imported visit to the answer at the port: model, indications, slider, similar visits, warnings. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asId, type DrugId, type RecommendationId, type VisitId } from '../../src/shared/ids.ts';
import type { Reasons } from '../../src/shared/reasons.ts';
import type { Recommendation } from '../../src/shared/recommendation.ts';
import { importRecords, startEngine, TestFolders, type TestEngine } from './engine.ts';

const folders = new TestFolders();
let app: TestEngine;
let visits: ReadonlyMap<string, VisitId>;
const drug = (name: string): DrugId => asId<DrugId>(name);

const ASKED = {
  visit: 'asked',
  patient: 'asked',
  name: 'Asked Patient',
  date: '2024-05-02',
  age: 58,
  sex: 'F',
  setting: 'office',
  specialty: '1',
  dx_system: 'ICD-10-CM',
  dx: ['E11.9', 'I10'],
  current: ['lisinopril'],
};
const RECORDS = [
  ASKED,
  // The patient's own earlier visit is no other patient's.
  { ...ASKED, visit: 'before', date: '2023-05-02', drugs: ['metformin'] },
  ...['metformin', 'metformin', 'glipizide', 'metformin', 'aspirin'].map((name, i) => ({
    ...ASKED,
    visit: `like-${i}`,
    patient: `like-${i}`,
    name: `Somebody Else ${i}`,
    dx_system: i === 0 ? 'ICD-9-CM' : 'ICD-10-CM',
    dx: i === 0 ? ['250.00', '401.9'] : ['E11.9', 'I10'],
    drugs: [name],
  })),
  { ...ASKED, visit: 'unlike', patient: 'unlike', name: 'Unlike', dx: ['S93.401A'], drugs: ['metformin'] },
  {
    visit: 'child',
    patient: 'child',
    name: 'Small Child',
    date: '2024-05-02',
    age: 4,
    sex: 'M',
    setting: 'inpatient',
    dx_system: 'ICD-10-CM',
    dx: ['J20.9', 'U99.X'],
  },
  {
    visit: 'infection',
    patient: 'infection',
    name: 'Urinary Infection',
    date: '2024-05-02',
    age: 74,
    sex: 'F',
    setting: 'office',
    specialty: '1',
    dx_system: 'ICD-10-CM',
    dx: ['N39.0', 'I48.91'],
    allergies: ['penicillin'],
    current: ['warfarin'],
    creatinine: 1.9,
    weight: 60,
  },
];

beforeAll(async () => {
  app = await startEngine(folders);
  visits = await importRecords(app, folders, RECORDS);
}, 120_000);
afterAll(async () => {
  await app.stop();
  folders.remove();
});

const recommend = (patient: string): Promise<Recommendation> =>
  app.engine.call('recommend', { visitId: visits.get(patient)! });
const explain = (reply: Recommendation, name: string, alpha = 0): Promise<Reasons> =>
  app.engine.call('recommend.explain', {
    visitId: reply.visitId,
    recommendationId: reply.id,
    drug: drug(name),
    alpha,
  });

describe('recommend.explain', () => {
  it('says that diabetes raised metformin, with the probability of the recommendation', async () => {
    const reply = await recommend('Asked Patient');
    const { model, probability } = await explain(reply, 'metformin');
    expect(model!.raised[0]).toMatchObject({
      kind: 'diagnosis',
      entry: { code: 'E119', title: 'Type 2 diabetes mellitus without complications' },
    });
    expect(model!.raised[0]!.change).toBeGreaterThan(0.1);
    expect(model!.probability).toBeCloseTo(reply.scores['metformin']!, 6);
    expect(probability).toBeCloseTo(reply.scores['metformin']!, 6);
    expect(model!.unknowing).toBeLessThan(model!.probability);
    // Two diagnoses, one current medication, age, sex, specialty.
    expect(model!.raised.length + model!.lowered.length + model!.negligible).toBe(6);
    for (const { change } of model!.raised) expect(change).toBeGreaterThanOrEqual(0.005);
    for (const { change } of model!.lowered) expect(change).toBeLessThanOrEqual(-0.005);
  });

  it('names the indication that answers to the diagnosis, and the drugs it goes with', async () => {
    const reply = await recommend('Asked Patient');
    const { indications, coPrescriptions } = await explain(reply, 'metformin');
    expect(indications.matched[0]).toEqual({
      indication: 'Type 2 Diabetes Mellitus',
      title: 'Type 2 diabetes mellitus without complications',
      narrower: false,
    });
    const lisinopril = coPrescriptions!.find(({ partner }) => partner.id === 'lisinopril');
    expect(lisinopril).toMatchObject({ taken: true });
    expect(lisinopril!.share).toBeGreaterThan(0.05);
    expect(lisinopril!.lift).toBeGreaterThan(1.5);
  });

  it('tells where on the slider each drug of the reply stands, as the grid has it', async () => {
    const reply = await recommend('Asked Patient');
    for (const { drug: candidate } of reply.candidates.slice(0, 8)) {
      for (const [at, point] of reply.grid.entries()) {
        const { slider } = await explain(reply, candidate.id, point.alpha);
        expect(slider.proposed).toBe(point.list.includes(candidate.id));
        expect(slider.positions.includes(at)).toBe(slider.proposed);
        expect(slider.of).toBe(reply.grid.length);
        if (slider.step) expect(point.steps).toContainEqual(slider.step);
        if (slider.leaves) {
          expect(slider.leaves.position).toBeGreaterThan(at);
          expect(reply.grid[slider.leaves.position]!.list).not.toContain(candidate.id);
        }
      }
    }
  });

  it('counts similar visits of other patients, and shows none of them', async () => {
    const reply = await recommend('Asked Patient');
    expect((await explain(reply, 'metformin')).similar).toEqual({ visits: 5, withDrug: 3 });
    expect((await explain(reply, 'glipizide')).similar).toEqual({ visits: 5, withDrug: 1 });
    expect(JSON.stringify(await explain(reply, 'metformin'))).not.toMatch(/Somebody|like-/);
    const child = await recommend('Small Child');
    expect((await explain(child, 'amoxicillin')).similar).toBeNull();
  });

  it('repeats what is outside the training data', async () => {
    const reply = await recommend('Small Child');
    const { warnings, model } = await explain(reply, 'amoxicillin');
    expect(warnings).toEqual(
      expect.arrayContaining([
        { kind: 'outside-training-population', reason: 'inpatient' },
        { kind: 'outside-training-population', reason: 'paediatric' },
        { kind: 'unknown-codes', codes: ['U99X'] },
      ]),
    );
    const effects = [...model!.raised, ...model!.lowered].map(({ entry }) => entry.code);
    expect(effects).not.toContain('U99X');
  });

  it('answers for a drug without a score, and refuses what is stale', async () => {
    const reply = await recommend('Asked Patient');
    const outside = await explain(reply, 'abarelix');
    expect(outside).toMatchObject({ model: null, probability: null, coPrescriptions: null });
    expect(outside.indications).toEqual({ recorded: 1, matched: [] });
    await recommend('Asked Patient');
    await expect(explain(reply, 'metformin')).rejects.toMatchObject({ code: 'RECOMMENDATION_STALE' });
    await expect(
      explain({ ...reply, id: asId<RecommendationId>('none') }, 'metformin'),
    ).rejects.toMatchObject({ code: 'RECOMMENDATION_STALE' });
  });
});

describe('recommend.alternatives', () => {
  const alternatives = async (reply: Recommendation, pair: [string, string], list: readonly string[]) =>
    app.engine.call('recommend.alternatives', {
      visitId: reply.visitId,
      recommendationId: reply.id,
      pair: [drug(pair[0]), drug(pair[1])],
      list: list.map(drug),
    });

  it('offers related drugs that resolve the pair, ranked by the model, with the pairs they bring', async () => {
    const reply = await recommend('Urinary Infection');
    const list = ['sulfamethoxazole', 'omeprazole'];
    const [one, ...others] = await alternatives(reply, ['sulfamethoxazole', 'warfarin'], list);
    expect(others).toEqual([]); // Warfarin is taken already: it is not replaced here.
    expect(one!.drug.id).toBe('sulfamethoxazole');
    expect(one!.pairs).toBeGreaterThan(0);
    expect(one!.unresolved).toBeGreaterThan(0); // Other antibiotics interact with warfarin as well.
    const found = one!.alternatives;
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThanOrEqual(5);
    const probabilities = found.map(({ probability }) => probability);
    expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
    const [partner] = (
      await app.engine.call('interactions.among', { drugs: ['sulfamethoxazole', 'warfarin'].map(drug) })
    ).interactions;
    for (const { drug: other, kinship, interactions, probability } of found) {
      expect(kinship.length).toBeGreaterThan(0);
      expect(probability).toBeCloseTo(reply.scores[other.id]!, 6);
      expect([...list, 'warfarin']).not.toContain(other.id);
      const among = await app.engine.call('interactions.among', {
        drugs: [other.id, drug('omeprazole'), drug('warfarin')],
      });
      const own = among.interactions.filter(
        ({ a, b, severity }) => severity >= 2 && (a === other.id || b === other.id),
      );
      expect(new Set(interactions.map(({ a, b }) => `${a} ${b}`))).toEqual(
        new Set(own.map(({ a, b }) => `${a} ${b}`)),
      );
      const withPartner = own.find(({ a, b }) => a === 'warfarin' || b === 'warfarin');
      expect(withPartner?.severity ?? 0).toBeLessThan(partner!.severity);
    }
  });

  it('offers nothing that a hard rule excludes, and says what the checks find', async () => {
    const reply = await recommend('Urinary Infection');
    const excluded = [
      ...reply.allergens.map((allergen) => allergen.drug),
      ...reply.candidates.flatMap((one) => (one.exclusions.length > 0 ? [one.drug.id] : [])),
    ];
    expect(excluded).toContain('amoxicillin');
    const [one] = await alternatives(reply, ['ciprofloxacin', 'warfarin'], ['ciprofloxacin']);
    const offered = one!.alternatives.map((alternative) => alternative.drug.id);
    expect(offered.filter((id) => excluded.includes(id))).toEqual([]);
    const { findings } = await app.engine.call('visits.check', { visitId: reply.visitId, drugs: offered });
    for (const { drug: other, findings: told } of one!.alternatives)
      expect(told).toEqual(
        findings.filter(
          (finding) =>
            finding.state === 'found' &&
            finding.severity >= 3 &&
            finding.drugs.length === 1 &&
            finding.drugs[0] === other.id,
        ),
      );
  });

  it('answers for both drugs of a pair on the list, and with nothing for a drug without relatives', async () => {
    const reply = await recommend('Asked Patient');
    const both = await alternatives(reply, ['simvastatin', 'amlodipine'], ['simvastatin', 'amlodipine']);
    expect(both.map((one) => one.drug.id)).toEqual(['simvastatin', 'amlodipine']);
    const statins = both[0]!.alternatives.filter(({ kinship }) =>
      kinship.some(({ kind }) => kind === 'class'),
    );
    expect(statins.map((one) => one.drug.id)).toContain('atorvastatin');
    const [none] = await alternatives(reply, ['abarelix', 'warfarin'], ['abarelix']);
    expect(none).toMatchObject({ alternatives: [], unresolved: 0 });
  });
});
