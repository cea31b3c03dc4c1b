import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { VisitRecord } from '../shared/domain.ts';
import { asId, type DrugId } from '../shared/ids.ts';
import {
  contextOf,
  countFormulary,
  isValidationClinician,
  labelledVisit,
  readLabelledVisits,
  splitCorpus,
} from './corpus.ts';
import { syntheticVisits } from './testing/synthetic-visits.ts';

const record: VisitRecord = {
  visit: 'v1',
  year: 2001,
  clinician: 'c1',
  age: 40,
  sex: 'F',
  specialty: '1',
  reasons: ['12250'],
  dx_system: 'ICD-9-CM',
  dx: ['4019'],
  chronic: [],
  procedures: [],
  drugs: ['lisinopril', 'aspirin'],
};

const shared = (a: ReadonlySet<string>, b: ReadonlySet<string>): string[] =>
  [...a].filter((one) => b.has(one));

describe('contexts', () => {
  it('never carry the drugs of the visit', () => {
    expect(JSON.stringify(contextOf(record))).not.toContain('lisinopril');
    expect(contextOf({ ...record, current: ['aspirin'] }).currentMedications).toEqual(['aspirin']);
  });
});

describe('split', () => {
  const visits = syntheticVisits(4000);
  const split = splitCorpus(visits, { trainYears: [1995, 2008], testYear: 2009, formularyMinimum: 50 });

  it('shares no visit, and no clinician between training and validation', () => {
    const ids = [split.train, split.validation, split.test].map((part) => new Set(part.map(({ id }) => id)));
    expect(shared(ids[0]!, ids[1]!)).toEqual([]);
    expect(shared(ids[0]!, ids[2]!)).toEqual([]);
    expect(shared(ids[1]!, ids[2]!)).toEqual([]);
    const clinicians = [split.train, split.validation].map(
      (part) => new Set(part.map((visit) => visit.clinician)),
    );
    expect(shared(clinicians[0]!, clinicians[1]!)).toEqual([]);
  });

  it('keeps the test year out of training and validation', () => {
    for (const part of [split.train, split.validation])
      expect(part.every(({ year }) => year <= 2008)).toBe(true);
    expect(split.test.length).toBeGreaterThan(0);
    expect(split.test.every(({ year }) => year === 2009)).toBe(true);
  });

  it('counts the formulary on training visits only', () => {
    const usable = visits.filter(({ drugs, year, clinician }) => {
      return drugs.length >= 2 && year <= 2008 && !isValidationClinician(clinician);
    });
    expect(split.formulary).toEqual(countFormulary(usable, 50));
  });

  it('keeps visits with two formulary drugs and something to reason from', () => {
    for (const visit of [...split.train, ...split.validation, ...split.test]) {
      expect(visit.drugs.length).toBeGreaterThanOrEqual(2);
      expect(visit.drugs.every((drug) => split.formulary.includes(drug))).toBe(true);
      expect(visit.context.diagnoses.length + visit.context.chronic.length).toBeGreaterThan(0);
    }
  });

  it('supplements training with the other visits of training clinicians and years, and with nothing else', () => {
    const rare = asId<DrugId>('rare drug');
    const more = visits.map((visit, i) =>
      i % 120 === 0 ? { ...visit, drugs: [...visit.drugs, rare] } : visit,
    );
    const options = { trainYears: [1995, 2007], testYear: 2008, formularyMinimum: 50 } as const;
    const { train, supplement, auxiliary, formulary } = splitCorpus(more, {
      ...options,
      auxiliaryMinimum: 10,
    });
    expect(formulary).not.toContain(rare);
    expect(auxiliary).toEqual([rare]);
    const ofTraining = more.filter(
      ({ year, clinician }) => year <= 2007 && !isValidationClinician(clinician),
    );
    const ids = [...train, ...supplement].map(({ id }) => id);
    expect(ids.toSorted()).toEqual(ofTraining.map(({ id }) => id).toSorted());
    expect(supplement.length).toBeGreaterThan(0);
    expect(supplement.every(({ drugs }) => drugs.length < 2)).toBe(true);
    const original = new Map(more.map((visit) => [visit.id, visit.drugs]));
    for (const { id, drugs, otherDrugs } of [...train, ...supplement])
      expect([...drugs, ...otherDrugs!].toSorted()).toEqual([...original.get(id)!].toSorted());
    expect(splitCorpus(more, { ...options, auxiliaryMinimum: 1000 }).auxiliary).toEqual([]);
  });
});

describe('visit files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flame-corpus-'));

  it('reads plain and gzip alike', async () => {
    const text = `${JSON.stringify(record)}\n\n${JSON.stringify({ ...record, visit: 'v2' })}\n`;
    writeFileSync(join(directory, 'a.jsonl'), text);
    writeFileSync(join(directory, 'a.jsonl.gz'), gzipSync(text));
    const plain = await readLabelledVisits(join(directory, 'a.jsonl'));
    expect(plain.map(({ id }) => id)).toEqual(['v1', 'v2']);
    expect(await readLabelledVisits(join(directory, 'a.jsonl.gz'))).toEqual(plain);
    expect(plain[0]).toEqual(labelledVisit(record));
  });

  it('names the line that is no JSON, and the file that is not there', async () => {
    writeFileSync(join(directory, 'bad.jsonl'), `${JSON.stringify(record)}\n{"visit":\n`);
    await expect(readLabelledVisits(join(directory, 'bad.jsonl'))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(readLabelledVisits(join(directory, 'none.jsonl'))).rejects.toMatchObject({
      code: 'FILE_NOT_READABLE',
    });
  });
});
