/** The checks from an imported visit to the answer at the port: facts are stored, read back and used. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findingsWithin, type Finding } from '../../src/shared/findings.ts';
import { asId, type DrugId, type VisitId } from '../../src/shared/ids.ts';
import { importRecords, startEngine, TestFolders, type TestEngine } from './engine.ts';

const folders = new TestFolders();
let app: TestEngine;
let visits: ReadonlyMap<string, VisitId>;
const ids = (...names: string[]): DrugId[] => names.map((name) => asId<DrugId>(name));

const RECORDS = [
  {
    visit: 'kidney',
    patient: 'p1',
    name: 'Kidney Case',
    date: '2024-05-02',
    age: 71,
    sex: 'F',
    dx_system: 'ICD-10-CM',
    dx: ['J45.909', 'E11.9'],
    allergies: ['penicillin'],
    current: ['metformin'],
    creatinine: 2.6,
    weight: 64,
  },
  {
    visit: 'young',
    patient: 'p2',
    name: 'Young Case',
    date: '2024-05-02',
    age: 29,
    sex: 'F',
    pregnancy: 'pregnant',
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

async function check(patient: string, ...names: string[]): Promise<readonly Finding[]> {
  const report = await app.engine.call('visits.check', {
    visitId: visits.get(patient)!,
    drugs: ids(...names),
  });
  expect(report.knowledgeVersion).toMatch(/^\d{4}\.\d{2}-/);
  return report.findings;
}

describe('visits.check', () => {
  it('joins the stored facts of the visit with the list', async () => {
    const findings = await check('Kidney Case', 'propranolol', 'amoxicillin');
    const found = findings.flatMap((f) =>
      f.state === 'found' ? [`${f.check} ${f.severity} ${f.drugs.join(' + ')}`] : [],
    );
    expect(found).toEqual(
      expect.arrayContaining([
        'allergies 4 amoxicillin',
        'renal-function 4 metformin',
        'contraindications 3 propranolol',
      ]),
    );
  });

  it('asks once for all that can appear, and cuts', async () => {
    const all = await check('Kidney Case', 'propranolol', 'amoxicillin', 'ibuprofen', 'lisinopril');
    expect(findingsWithin(all, ids('metformin', 'ibuprofen'))).toEqual(
      await check('Kidney Case', 'ibuprofen'),
    );
  });

  it('knows a recorded pregnancy', async () => {
    const findings = await check('Young Case', 'lisinopril');
    expect(findings).toMatchObject([
      { check: 'pregnancy', severity: 3, because: 'Recorded pregnancy' },
      { check: 'contraindications', missing: 'diagnoses' },
      { check: 'renal-function', missing: 'creatinine' },
    ]);
  });

  it('refuses a visit that is not stored, and 201 drugs', async () => {
    const call = (visitId: VisitId, drugs: DrugId[]) => app.engine.call('visits.check', { visitId, drugs });
    await expect(call(asId<VisitId>('none'), [])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const many = Array.from({ length: 201 }, (_, i) => asId<DrugId>(`drug ${i}`));
    await expect(call(visits.get('Young Case')!, many)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
