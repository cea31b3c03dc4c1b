import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FOLD_SALT, FOLDS, MODELS, scoreSite } from '../scripts/sites/cross-validate.ts';
import { siteFormulary } from '../src/flame/site/adapt.ts';
import type { PriorClassifier } from '../src/flame/site/site-model.ts';
import { patientFold, type SiteVisit } from '../src/flame/site/site-visits.ts';
import { syntheticVisits } from '../src/flame/testing/synthetic-visits.ts';
import { nameForms } from '../src/knowledge/drug-name-forms.ts';
import { DrugReader } from '../src/knowledge/drug-reader.ts';
import { readMappingFile } from '../src/engine/imports/mapping-file.ts';
import { siteMappingsOf } from '../src/engine/store/site-mappings.ts';
import { shippedKnowledge } from '../src/knowledge/fixture.ts';
import type { VisitRecord } from '../src/shared/domain.ts';
import { asId, type DrugId } from '../src/shared/ids.ts';
import { parseVisitRecord } from '../src/records/visit-record.ts';

const folder = resolve(import.meta.dirname, '../data/sites');
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
  readonly sites: readonly {
    readonly file: string;
    readonly sha256: string;
    readonly visits: number;
    readonly patients: number;
    readonly withPrevious: number;
  }[];
};

describe.each(manifest.sites)('$file', ({ file, sha256, ...counts }) => {
  const text = gunzipSync(readFileSync(join(folder, file)));
  const records = text
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as VisitRecord);

  it('is what the manifest says', () => {
    expect(createHash('sha256').update(text).digest('hex')).toBe(sha256);
    expect({
      visits: records.length,
      patients: new Set(records.map(({ patient }) => patient)).size,
      withPrevious: records.filter(({ previous }) => previous!.length > 0).length,
    }).toMatchObject({ visits: counts.visits, patients: counts.patients, withPrevious: counts.withPrevious });
  });

  it('is in the visit format, with drugs that the tables know by that very id', () => {
    const { drugs } = shippedKnowledge();
    expect(records.filter((record) => !parseVisitRecord(record).ok)).toEqual([]);
    const names = new Set(records.flatMap((record) => [...record.drugs, ...record.previous!]));
    expect([...names].filter((name) => drugs.get(asId<DrugId>(name))?.id !== name)).toEqual([]);
  });

  it('holds as previous drugs exactly those of another visit of the patient, of no later year', () => {
    const wrong = records.filter(
      (record) =>
        record.previous!.length > 0 &&
        !records.some(
          (other) =>
            other.patient === record.patient &&
            other.visit !== record.visit &&
            other.year <= record.year &&
            other.drugs.join() === record.previous!.join(),
        ),
    );
    expect(wrong).toEqual([]);
  });
});

describe('order names', async () => {
  const { drugs } = shippedKnowledge();
  const { rows } = await readMappingFile(join(folder, 'drug-names.tsv'), drugs, new Date());
  const reader = new DrugReader(drugs, siteMappingsOf(rows));
  const names = { read: (name: string) => reader.read({ name, codes: [] }) };

  it.each([
    ['Metoprolol Succinate XL', ['metoprolol']],
    ['5 ML VIAL : DILTIAZEM HCL 25 MG/5ML IV SOLN', ['diltiazem']],
    ['3 ML  -  IPRATROPIUM-ALBUTEROL 0.5-2.5 (3) MG/3ML IN SOLN', ['ipratropium', 'albuterol']],
    ['ENOXAPARIN 40 MG/0.4 ML SUB-Q SYRINGE .4 ML SYRINGE', ['enoxaparin']],
    ['PRMX NOREPInephrine 4 mg/250 mL NS Drip', ['norepinephrine']],
    ['LASIX', ['furosemide']],
    ['Neutra-Phos', ['potassium phosphate', 'sodium phosphate']],
  ])('%s', (name, drugs) => {
    expect(names.read(name)).toMatchObject({ kind: 'drug', drugs });
  });

  it.each([
    'Bag',
    'Heparin Flush (10 units/ml)',
    '5 ML SYRINGE : HEPARIN SODIUM LOCK FLUSH 10 UNIT/ML IV SOLN',
  ])('%s is no drug', (name) => {
    expect(names.read(name)).toEqual({ kind: 'set-aside' });
  });

  it('guesses nothing for a name that no table holds', () => {
    expect(names.read('Sarna Lotion')).toEqual({ kind: 'unmapped' });
  });

  it('are tried whole first', () => {
    expect(nameForms('Aspirin 81 MG : 1 EACH BOTTLE')[0]).toBe('Aspirin 81 MG : 1 EACH BOTTLE');
  });
});

describe('cross-validation', () => {
  const visits = syntheticVisits(160, 4).map((visit, i): SiteVisit => ({
    ...visit,
    patient: `p${Math.floor(i / 2)}`,
  }));
  const classifier: PriorClassifier = {
    formulary: [asId<DrugId>('aspirin')],
    manifest: { name: 'prior', version: '1' },
    score: (contexts) => Promise.resolve(contexts.map(() => ({ probabilities: Float32Array.of(0.3) }))),
  };
  const formulary = siteFormulary(visits);

  it("predicts a visit alike whatever its own patient's drugs are, and trains on the others'", async () => {
    const patient = visits[0]!.patient;
    const fold = patientFold(patient, FOLDS, FOLD_SALT);
    const changed = visits.map((visit) =>
      visit.patient === patient ? { ...visit, drugs: formulary.slice(-3) } : visit,
    );
    const given = {
      formulary,
      classifier,
      base: null,
      knowledge: shippedKnowledge(),
      parts: ['baselines', 'adapted'] as const,
    };
    const before = await scoreSite({ ...given, visits });
    const after = await scoreSite({ ...given, visits: changed });
    const inFold = visits.flatMap((visit, i) =>
      patientFold(visit.patient, FOLDS, FOLD_SALT) === fold ? [i] : [],
    );
    const outside = visits.flatMap((_, i) => (inFold.includes(i) ? [] : [i]));
    for (const [name] of MODELS.filter(([each]) => before[each].length > 0)) {
      expect(inFold.map((i) => after[name][i])).toEqual(inFold.map((i) => before[name][i]));
      if (name !== 'zero-shot')
        expect(outside.map((i) => after[name][i])).not.toEqual(outside.map((i) => before[name][i]));
    }
  });
});
