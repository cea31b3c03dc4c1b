import { describe, expect, test } from 'vitest';
import { withStore } from '../../src/engine/store/testing.ts';
import { makeDataset, type DatasetRules, type DatasetVisit } from '../../src/engine/imports/dataset.ts';
import { mappingCsv, readMappingFile } from '../../src/engine/imports/mapping-file.ts';
import { siteMappingsOf } from '../../src/engine/store/site-mappings.ts';
import { shippedKnowledge } from '../../src/knowledge/fixture.ts';
import { ndcKey } from '../../src/knowledge/drug-reader.ts';
import { detectSource } from '../../src/records/sources/detect.ts';
import { join } from 'node:path';
import { folderOf, importInto, MIMIC, storedVisits } from './importing.ts';

const eicu = {
  'patient.csv':
    'patientunitstayid,patienthealthsystemstayid,gender,age,hospitalid,hospitaldischargeyear,unitvisitnumber,uniquepid,admissionheight,admissionweight\n' +
    '11,1,Female,> 89,59,2014,1,002-1,157.5,46.5\n12,1,Female,> 89,59,2014,2,002-1,1575,46\n13,2,Male,,59,2014,1,002-2,,\n',
  'diagnosis.csv':
    'diagnosisid,patientunitstayid,diagnosisoffset,icd9code,diagnosispriority\n1,11,9,"401.9, I10",Other\n2,11,5,"780.09, R41.82",Primary\n3,12,1,,Other\n4,99,1,"401.9, I10",Other\n',
  'medication.csv':
    'medicationid,patientunitstayid,drugordercancelled,drugname,drughiclseqno\n1,11,No,WARFARIN SODIUM 5 MG PO TABS,2812\n2,12,No,,2812\n3,12,Yes,ASPIRIN,1\n4,12,No,,77\n',
  'allergy.csv': 'allergyid,patientunitstayid,allergyname\n1,12,penicillins\n',
};

test('eICU: unit stays, the drugs of nameless rows by their code, the stay before as the past', async () => {
  await withStore(async (profile) => {
    const report = await importInto(profile, folderOf(profile, 'eicu', eicu));
    expect(report).toMatchObject({
      format: 'eicu',
      visitsCreated: 2,
      patientsCreated: 1,
      drugs: { mentions: 3, mapped: 2, throughCode: 1, nameless: 1 },
    });
    expect(report.refused).toEqual([
      { file: 'patient.csv', line: 4, problem: 'age or hospitaldischargeyear is no number' },
    ]);
    expect(report.unresolvedDrugs).toEqual([{ name: '77', kind: 'hicl', count: 1 }]);
    expect(storedVisits(profile)).toMatchObject([
      {
        source_id: 'eicu-11',
        age: 90,
        diagnoses: '["ICD-9-CM 78009","ICD-9-CM 4019"]',
        drugs: '["prescribed warfarin"]',
        measured: '["height 157.5","weight 46.5"]',
      },
      {
        source_id: 'eicu-12',
        drugs: '["prescribed warfarin","previous warfarin"]',
        allergies: '["penicillins"]',
        unmapped: '["HICL 77"]',
        measured: '["weight 46.0"]',
      },
    ]);
  });
});

describe('a CSV of the site', () => {
  const text =
    'Enc;MRN;Seen;Born;Sex;ICD;Meds;NDC\n"e1";m1;2024-03-05;1957-04-01;w;E11.9|I10;"Glucophage";\ne1;m1;2024-03-05;1957-04-01;w;;;0002-8215-01\ne2;m1;05.03.2024;1957-04-01;w;;;\n';
  const columns = {
    visit: 'Enc',
    patient: 'MRN',
    date: 'Seen',
    birth_date: 'Born',
    sex: 'sex',
    dx: 'ICD',
    drugs: 'Meds',
    drugs_ndc: 'NDC',
  };

  test('is read by the columns that are named; several rows make one visit; a date in another form is refused', async () => {
    await withStore(async (profile) => {
      const file = join(
        folderOf(profile, 'csv', {
          'clinic.csv': text
            .replace(';NDC\n', ';NDC;dx_system\n')
            .replace(/;\n/g, ';;ICD-10-CM\n')
            .replace('01\n', '01;ICD-10-CM\n'),
        }),
        'clinic.csv',
      );
      const site = siteMappingsOf([{ kind: 'ndc', written: '00002821501', targets: ['insulin human'] }]);
      const report = await importInto(profile, file, { settings: { columns }, site });
      expect(report).toMatchObject({
        format: 'csv',
        visitsCreated: 1,
        linesRead: 3,
        drugs: { mentions: 2, mapped: 2 },
      });
      expect(report.refused).toEqual([
        { file: 'clinic.csv', line: 4, problem: 'date is not written YYYY-MM-DD: 05.03.2024' },
      ]);
      expect(storedVisits(profile)).toMatchObject([
        {
          source_id: 'csv-e1',
          patient: 'csv-m1',
          age: 66,
          sex: 'F',
          date: '2024-03-05',
          diagnoses: '["ICD-10-CM E119","ICD-10-CM I10"]',
          drugs: '["prescribed insulin human","prescribed metformin"]',
        },
      ]);
      await expect(
        importInto(profile, file, { settings: { columns: { ...columns, dx: 'Codes' } } }),
      ).rejects.toMatchObject({
        details: { problem: expect.stringMatching(/^clinic.csv has no column codes; its/) as string },
      });
    });
  });
});

test('the mapping table goes out as CSV and comes back, with what cannot be used named by its line', async () => {
  await withStore(async (profile) => {
    const { drugs } = shippedKnowledge();
    const rows = [
      { kind: 'name' as const, written: '=House, "mixture"', targets: ['ibuprofen', 'aspirin'] },
      { kind: 'ndc' as const, written: '0002-8215-01', targets: [] },
      { kind: 'snomed' as const, written: '38341003', targets: ['I10'] },
    ];
    const folder = folderOf(profile, 'tables', {
      'a.csv': mappingCsv(rows),
      'b.csv': 'written,kind,targets\nx,name,nothing known\ny,brand,aspirin\n,name,aspirin\nz,snomed,???\n',
    });
    const back = await readMappingFile(join(folder, 'a.csv'), drugs, new Date());
    expect(back.refused).toEqual([]);
    expect(back.rows.map(({ kind, written, targets }) => ({ kind, written, targets }))).toEqual(rows);
    const wrong = await readMappingFile(join(folder, 'b.csv'), drugs, new Date());
    expect(wrong.rows).toEqual([]);
    expect(wrong.refused.map(({ line }) => line)).toEqual([2, 3, 4, 5]);
  });
});

test('an NDC is the same however it is written', () => {
  for (const written of ['00517570425', '517570425', '0517-5704-25', '00517-5704-25'])
    expect(ndcKey(written)).toBe('00517570425');
});

describe('a dataset', () => {
  const make = async (rules: Partial<DatasetRules>, firstDay = false, files?: Record<string, string>) =>
    withStore(async (profile) => {
      const visits: DatasetVisit[] = [];
      const run = {
        source: await detectSource(files ? folderOf(profile, 'mimic', files) : MIMIC),
        drugs: shippedKnowledge().drugs,
        site: siteMappingsOf([]),
        scratch: profile.folder,
        settings: { firstDay },
      };
      const report = await makeDataset(
        run,
        { minVisits: 1, require: ['dx', 'drugs'], topDiagnoses: null, topDrugs: null, ...rules },
        (some) => void visits.push(...some),
      );
      return { visits, report };
    });

  test('holds patients with enough visits, each with what is asked for', async () => {
    const all = await make({});
    const two = await make({ minVisits: 2, require: ['dx', 'procedures', 'drugs'] });
    expect(all.report).toMatchObject({ visits: 13, patients: 6, leftOut: { unusable: 1, fewVisits: 0 } });
    const patients = new Set(two.visits.map(({ patient }) => patient));
    const byPatient = [...patients].map((one) => two.visits.filter(({ patient }) => patient === one));
    expect(byPatient.every((list) => list.length >= 2)).toBe(true);
    expect(
      two.visits.every(({ dx, procedures, drugs }) => dx.length * procedures.length * drugs.length > 0),
    ).toBe(true);
    for (const list of byPatient) {
      expect(list[0]!.previous).toEqual([]);
      for (const [at, visit] of list.entries())
        if (at > 0) expect(visit.previous).toEqual(list[at - 1]!.drugs);
    }
  });

  test('of the first day holds the drugs ordered on the day of admission, whatever the hour', async () => {
    const files = {
      'PATIENTS.csv': 'SUBJECT_ID,GENDER,DOB\n1,F,2100-01-01 00:00:00\n',
      'ADMISSIONS.csv': 'SUBJECT_ID,HADM_ID,ADMITTIME\n1,11,2150-01-01 23:30:00\n1,12,2150-06-01 08:00:00\n',
      'DIAGNOSES_ICD.csv': 'SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE\n1,11,1,4019\n1,12,1,4019\n',
      'PROCEDURES_ICD.csv': 'SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE\n1,11,1,9955\n1,12,1,9955\n',
      'PRESCRIPTIONS.csv': `SUBJECT_ID,HADM_ID,STARTDATE,DRUG_TYPE,DRUG,NDC
1,11,2150-01-01 00:00:00,MAIN,Furosemide,
1,11,2150-01-02 00:00:00,MAIN,Warfarin,
1,12,2150-06-02 00:00:00,MAIN,Metoprolol Tartrate,
`,
    };
    const listed = ({ visits }: { visits: DatasetVisit[] }) => visits.map(({ drugs }) => drugs);
    expect(listed(await make({}, false, files))).toEqual([['furosemide', 'warfarin'], ['metoprolol']]);
    expect(listed(await make({}, true, files))).toEqual([['furosemide']]);
  });

  test('keeps only the most frequent codes and drugs where that is asked for', async () => {
    const { visits, report } = await make({ topDiagnoses: 20, topDrugs: 15 });
    expect(new Set(visits.flatMap(({ drugs }) => drugs)).size).toBe(15);
    expect(new Set(visits.flatMap(({ dx }) => dx)).size).toBeLessThanOrEqual(20);
    expect(report).toMatchObject({ drugs: 15, diagnosisCodes: 20, visits: visits.length });
  });
});
