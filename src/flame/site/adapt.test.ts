import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { shippedKnowledge } from '../../knowledge/fixture.ts';
import { Random } from '../../nn/random.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { mean, setQuality } from '../evaluation/metrics.ts';
import { expectedJaccardList } from '../lists/set-rules.ts';
import { syntheticVisits } from '../testing/synthetic-visits.ts';
import { adaptToSite, innerFolds, siteFormulary } from './adapt.ts';
import { type PriorClassifier, SiteModel } from './site-model.ts';
import { labelsOf, patientFold, type SiteVisit } from './site-visits.ts';

const knowledge = shippedKnowledge();
const drug = (name: string): DrugId => asId<DrugId>(name);

/** Three visits a patient; from the second on the previous list is known. `zinc` is kept once it was given. */
function siteVisits(patients: number, seed: number): SiteVisit[] {
  const random = new Random(seed);
  const base = syntheticVisits(patients * 3, seed);
  return Array.from({ length: patients }, (_, patient) => {
    const keeps = random.uniform() < 0.5;
    let previous: readonly DrugId[] = [];
    return base.slice(patient * 3, patient * 3 + 3).map((visit): SiteVisit => {
      const drugs = keeps ? [...visit.drugs, drug('zinc')] : visit.drugs;
      const context = { ...visit.context, previousMedications: previous };
      previous = drugs;
      return { id: visit.id, patient: `p${patient}`, context, drugs };
    });
  }).flat();
}

/** A classifier that knows two of the site's drugs and looks at the first diagnosis only. */
const classifier: PriorClassifier = {
  formulary: [drug('aspirin'), drug('metformin')],
  manifest: { name: 'prior', version: '1' },
  score: (contexts) =>
    Promise.resolve(
      contexts.map(({ diagnoses }) => ({
        probabilities: Float32Array.of(0.2, diagnoses[0]?.code === '25000' ? 0.7 : 0.1),
      })),
    ),
};

const visits = siteVisits(80, 3);
const EMPTY: ClinicalContext = {
  year: 2020,
  age: Number.NaN,
  sex: 'unknown',
  setting: 'unknown',
  specialty: null,
  reasons: [],
  diagnoses: [],
  chronic: [],
  procedures: [],
  currentMedications: [],
  previousMedications: [],
};

describe('adaptToSite', () => {
  let model: SiteModel;
  beforeAll(async () => {
    model = await adaptToSite({ classifier, knowledge, visits });
  });

  it('beats the frequency list on patients it has not seen, and learns a drug that the classifier lacks', async () => {
    const fresh = siteVisits(40, 9);
    const truth = labelsOf(fresh, model.formulary);
    const scores = await model.score(fresh.map(({ context }) => context));
    const shares = model.formulary.map(
      (name) => visits.filter(({ drugs }) => drugs.includes(name)).length / visits.length,
    );
    const adapted = mean(scores.map((row, i) => setQuality(expectedJaccardList(row), truth[i]!).jaccard));
    const frequent = mean(truth.map((list) => setQuality(expectedJaccardList(shares), list).jaccard));
    expect(adapted).toBeGreaterThan(frequent + 0.2);

    const zinc = model.formulary.indexOf(drug('zinc'));
    const later = fresh.flatMap(({ context }, i) => (context.previousMedications.length > 0 ? [i] : []));
    const kept = later.filter((i) => fresh[i]!.context.previousMedications.includes(drug('zinc')));
    const others = later.filter((i) => !kept.includes(i));
    expect(mean(kept.map((i) => scores[i]![zinc]!))).toBeGreaterThan(0.8);
    expect(mean(others.map((i) => scores[i]![zinc]!))).toBeLessThan(0.2);
  });

  it('is calibrated on patients it has not seen', async () => {
    const fresh = siteVisits(60, 11);
    const scores = await model.score(fresh.map(({ context }) => context));
    const predicted = mean(scores.map((row) => row.reduce((sum, p) => sum + p, 0)));
    const observed = mean(labelsOf(fresh, model.formulary).map((list) => list.length));
    expect(predicted / observed).toBeGreaterThan(0.9);
    expect(predicted / observed).toBeLessThan(1.1);
  });

  it('gives the same bytes for the same visits, and reads them back', async () => {
    const again = await adaptToSite({ classifier, knowledge, visits });
    expect(Buffer.from(again.toBytes()).equals(Buffer.from(model.toBytes()))).toBe(true);
    const read = SiteModel.fromBytes(model.toBytes(), classifier, knowledge);
    const contexts = visits.slice(0, 7).map(({ context }) => context);
    expect(await read.score(contexts)).toEqual(await model.score(contexts));
  });

  it('keeps no visit in its state', () => {
    const text = Buffer.from(model.toBytes()).toString('latin1');
    expect(visits.some(({ id, patient }) => text.includes(id) || text.includes(`"${patient}"`))).toBe(false);
  });

  it('scores whatever context there is with probabilities', async () => {
    const code = fc.constantFrom('4019', '25000', 'E119', 'ZZZ99', 'V0481', '');
    const context = fc.record({
      codes: fc.array(code, { maxLength: 60 }),
      previous: fc.array(fc.constantFrom('zinc', 'aspirin', 'no such drug'), { maxLength: 90 }),
      age: fc.constantFrom(Number.NaN, 0, 44, 130),
    });
    await fc.assert(
      fc.asyncProperty(context, async ({ codes, previous, age }) => {
        const [row] = await model.score([
          {
            ...EMPTY,
            age,
            diagnoses: codes.map((each) => ({ system: 'ICD-9-CM' as const, code: each })),
            previousMedications: previous.map(drug),
          },
        ]);
        expect(row).toHaveLength(model.formulary.length);
        expect(row!.every((p) => p >= 0 && p <= 1)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('refuses a handful of patients, another classifier, and bytes of something else', async () => {
    const few = visits.filter(({ patient }) => patientFold(patient, 8, 'few') === 0).slice(0, 12);
    await expect(adaptToSite({ classifier, knowledge, visits: few })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    const other = { ...classifier, manifest: { name: 'prior', version: '2' } };
    expect(() => SiteModel.fromBytes(model.toBytes(), other, knowledge)).toThrow();
    expect(() => SiteModel.fromBytes(Uint8Array.of(1, 2, 3), classifier, knowledge)).toThrow();
  });
});

describe('folds', () => {
  it('keep the visits of a patient together, and every inner fold has patients', () => {
    const folds = innerFolds(visits);
    const byPatient = new Map<string, Set<number>>();
    visits.forEach(({ patient }, i) =>
      byPatient.set(patient, (byPatient.get(patient) ?? new Set()).add(folds[i]!)),
    );
    expect([...byPatient.values()].every((of) => of.size === 1)).toBe(true);
    expect(new Set(folds)).toEqual(new Set([0, 1, 2, 3, 4]));
  });

  it('of a patient depend on nobody else, and spread evenly', () => {
    const counts = new Array<number>(5).fill(0);
    for (let i = 0; i < 2000; i += 1) counts[patientFold(`patient ${i}`, 5, 'site')]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(330);
    expect(patientFold('patient 1', 5, 'site')).toBe(patientFold('patient 1', 5, 'site'));
  });
});

describe('siteFormulary', () => {
  it('counts a drug once a visit and orders by use, then by name', () => {
    const visit = (...names: string[]): SiteVisit => ({
      id: names.join(),
      patient: names.join(),
      context: EMPTY,
      drugs: names.map(drug),
    });
    expect(siteFormulary([visit('b', 'b', 'a'), visit('a', 'b', 'c'), visit('c', 'c')], 2)).toEqual([
      'a',
      'b',
      'c',
    ]);
  });
});
