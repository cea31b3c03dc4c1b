/** Killed while a release or an export is imported, in every format that goes through the scratch file: what is stored, and what the audit log has of it. */

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { noteOpening } from '../../src/engine/audit/audit-opening.ts';
import { noteInterruptedRuns } from '../../src/engine/imports/import-audit.ts';
import { openProfile } from '../../src/engine/profile.ts';
import { auditOf, listAudit } from '../../src/engine/store/audit.ts';
import type { ReadableDb, WritableDb } from '../../src/engine/store/handle.ts';
import { countPatients } from '../../src/engine/store/patients.ts';
import { temporaryFolder } from '../../src/engine/store/testing.ts';
import { countVisits } from '../../src/engine/store/visits.ts';
import { startChild } from './children.ts';
import { expectSearchable, expectSound, kill, LONG, sayKills } from './killing.ts';

const TOTAL = 2000;
const root = temporaryFolder();
afterAll(() => {
  root.remove();
  sayKills();
});

type Rows = (index: number) => string;

/** One patient and one visit for each number; the table's first line, then one line a number. */
const csv = (head: string, row: Rows): string =>
  [head, ...Array.from({ length: TOTAL }, (_, index) => row(index))].join('\n');
const ndjson = (resourceType: string, make: (index: number) => object): string =>
  Array.from({ length: TOTAL }, (_, index) => JSON.stringify({ resourceType, ...make(index) })).join('\n');
const subject = (index: number) => ({ reference: `Patient/p${index}` });

const SOURCES: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  fhir: {
    'Patient.ndjson': () =>
      ndjson('Patient', (index) => ({ id: `p${index}`, gender: 'female', birthDate: '1950-01-01' })),
    'Encounter.ndjson': () =>
      ndjson('Encounter', (index) => ({
        id: `e${index}`,
        status: 'finished',
        class: { code: 'AMB' },
        subject: subject(index),
        period: { start: '2020-03-01T10:00:00Z' },
      })),
    'Condition.ndjson': () =>
      ndjson('Condition', (index) => ({
        id: `c${index}`,
        subject: subject(index),
        encounter: { reference: `Encounter/e${index}` },
        code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'I10' }] },
      })),
  },
  'mimic-iii': {
    'PATIENTS.csv': () => csv('SUBJECT_ID,GENDER,DOB', (index) => `${index},F,2100-01-01 00:00:00`),
    'ADMISSIONS.csv': () =>
      csv('SUBJECT_ID,HADM_ID,ADMITTIME', (index) => `${index},${index},2150-02-03 04:05:06`),
    'DIAGNOSES_ICD.csv': () =>
      csv('SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE', (index) => `${index},${index},1,25000`),
    'PROCEDURES_ICD.csv': () =>
      csv('SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE', (index) => `${index},${index},1,9955`),
    'PRESCRIPTIONS.csv': () =>
      csv(
        'SUBJECT_ID,HADM_ID,DRUG_TYPE,DRUG,NDC',
        (index) => `${index},${index},MAIN,Furosemide,00517570425`,
      ),
  },
  'mimic-iv': {
    'patients.csv': () =>
      csv(
        'subject_id,gender,anchor_age,anchor_year,anchor_year_group',
        (index) => `${index},F,50,2150,2014 - 2016`,
      ),
    'admissions.csv': () =>
      csv('subject_id,hadm_id,admittime', (index) => `${index},${index},2150-02-03 04:05:06`),
    'diagnoses_icd.csv': () =>
      csv('subject_id,hadm_id,seq_num,icd_code,icd_version', (index) => `${index},${index},1,I10,10`),
    'procedures_icd.csv': () =>
      csv('subject_id,hadm_id,seq_num,icd_code,icd_version', (index) => `${index},${index},1,9955,9`),
    'prescriptions.csv': () =>
      csv('subject_id,hadm_id,drug_type,drug,ndc', (index) => `${index},${index},MAIN,Furosemide,0`),
  },
  eicu: {
    'patient.csv': () =>
      csv(
        'patientunitstayid,patienthealthsystemstayid,gender,age,hospitalid,hospitaldischargeyear,unitvisitnumber,uniquepid,admissionheight,admissionweight',
        (index) => `${index},${index},Female,50,59,2014,1,p${index},157.5,46.5`,
      ),
    'diagnosis.csv': () =>
      csv(
        'diagnosisid,patientunitstayid,diagnosisoffset,icd9code,diagnosispriority',
        (index) => `${index},${index},1,"401.9, I10",Primary`,
      ),
    'medication.csv': () =>
      csv(
        'medicationid,patientunitstayid,drugordercancelled,drugname,drughiclseqno',
        (index) => `${index},${index},No,WARFARIN SODIUM 5 MG PO TABS,2812`,
      ),
    'allergy.csv': () =>
      csv('allergyid,patientunitstayid,allergyname', (index) => `${index},${index},penicillins`),
  },
  csv: {
    'visits.csv': () =>
      csv(
        'visit,patient,date,birth_date,sex,dx_system,dx,drugs',
        (index) => `v${index},p${index},2024-03-05,1957-04-01,F,ICD-10-CM,I10,warfarin`,
      ),
  },
};

/** No visit is stored of which the log does not know who began to import it. */
function expectAudited(db: ReadableDb): void {
  const starts = auditOf(db, 'visits.import-started');
  expect(starts.length > 0).toBe(countVisits(db) > 0);
  for (const { actor, content } of starts)
    expect([actor, content['import'], content['fingerprint']]).toEqual([
      'test',
      expect.any(String),
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ]);
}

/** The next start writes down how many there are, once. */
function expectCounted(db: WritableDb): void {
  const count = (): number => listAudit(db).length;
  const before = count();
  noteInterruptedRuns(db, 'again');
  expect(count()).toBe(before);
  const imports = listAudit(db).filter(({ action }) => action.startsWith('visits.import'));
  expect(imports.at(-1)?.action).not.toBe('visits.import-started');
  // The last entry of each import counts all its parts; one that came after another was through stored nothing.
  const counts = new Map(imports.map(({ content }) => [content['import'], Number(content['visitsCreated'])]));
  expect([...counts.values()].reduce((sum, visits) => sum + visits, 0)).toBe(countVisits(db));
}

/** In the short form FHIR, which has files of its own kind, is killed thrice and every table twice. */
const KILLS: Readonly<Record<string, number>> = { fhir: 3 };

test.each(Object.keys(SOURCES))(
  'killed while importing %s: whole batches stay, no scratch file does, and the repeat completes it',
  { timeout: 300_000 * LONG },
  async (format) => {
    const source = join(root.path, format);
    mkdirSync(source);
    const files = Object.entries(SOURCES[format]!);
    for (const [name, text] of files) writeFileSync(join(source, name), text());
    const picked = format === 'csv' ? join(source, files[0]![0]) : source;
    const rounds = KILLS[format] ?? 2;
    for (let turn = 0; turn < LONG; turn++) {
      const folder = join(root.path, `${format}-${turn}`);
      (await openProfile({ folder })).db.close();
      let least = 0;
      for (let round = 0; round <= rounds; round++) {
        const child = startChild('import', [folder, picked]);
        if (round < rounds) {
          await child.until(() => true).catch(() => null); // It reads.
          await kill(`${format} import`, child, 400);
        } else {
          await child.ended;
          expect(child.said.at(-1)).toMatchObject({ code: 'none', refused: 0 });
        }
        const stored = Math.max(0, ...child.said.map(({ visitsStored }) => Number(visitsStored ?? 0)));
        const profile = await openProfile({ folder });
        const { db } = profile;
        expectAudited(db);
        noteOpening(profile, { action: 'app.opened', appVersion: 'test', refused: [] });
        expectCounted(db);
        expect(countVisits(db)).toBeGreaterThanOrEqual(Math.min(TOTAL, Math.max(least, stored)));
        expect(countPatients(db)).toBe(countVisits(db));
        least = countVisits(db);
        expectSound(db);
        if (round === rounds) expectSearchable(db);
        db.close();
        expect(readdirSync(folder).filter((name) => name.endsWith('.scratch'))).toEqual([]);
      }
      expect(least).toBe(TOTAL);
    }
  },
);
