import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readVisitFile } from '../../flame/corpus.ts';
import { withEarlierVisits as ofFile } from '../../flame/site/patient-history.ts';
import { siteVisit } from '../../flame/site/site-visits.ts';
import type { Visit } from '../../shared/domain.ts';
import { asId, type DrugId, type PatientId, type VisitId } from '../../shared/ids.ts';
import { saveDecision } from './decisions.ts';
import { earlierVisitsOf, withEarlierVisits, type NamedPatient } from './earlier-visits.ts';
import type { WritableDb } from './handle.ts';
import { mergePatients } from './patient-changes.ts';
import { insertPatient } from './patients.ts';
import { saveRecommendation } from './recommendations.ts';
import {
  noTitles,
  sampleDecision,
  samplePatient,
  sampleRecommendation,
  sampleVisit,
  withStore,
} from './testing.ts';
import { getVisit, insertVisits } from './visits.ts';

const ids = (...names: string[]): DrugId[] => names.map((name) => asId<DrugId>(name));

function stored(db: WritableDb, patient: PatientId, change: Partial<Visit>): VisitId {
  const visit = sampleVisit(patient, change);
  insertVisits(db, [{ visit, demo: false }], noTitles);
  return visit.id;
}

function sign(db: WritableDb, visit: VisitId, ...drugs: string[]): void {
  const recommendation = sampleRecommendation(visit);
  saveRecommendation(db, recommendation);
  const final = ids(...drugs).map((id) => ({ id, name: id, drugClass: null }));
  saveDecision(db, sampleDecision(recommendation, { final }), 'local');
}

test('days before, newest first: what was signed, or else recorded; nothing of the day itself, later, or others', async () => {
  await withStore(({ db }) => {
    const [own, other] = [samplePatient(), samplePatient()];
    for (const patient of [own, other]) insertPatient(db, patient);
    const at = (date: string, prescribed: Visit['prescribed'], change: Partial<Visit> = {}): VisitId =>
      stored(db, own.id, { date, prescribed, ...change });
    at('2020-01-01', ids('aspirin', 'digoxin'));
    const signed = at('2020-03-01', ids('aspirin'));
    sign(db, signed, 'metformin');
    sign(db, signed, 'metoprolol', 'furosemide');
    sign(db, at('2020-02-01', null), 'warfarin');
    at('2020-02-02', null);
    at('2020-02-03', []);
    at('2020-02-04', ids('lisinopril'), { dateKnown: false });
    const asked = at('2020-03-31', ids('zinc'));
    sign(db, asked, 'zinc');
    at('2020-03-31', ids('iron'));
    at('2020-04-01', ids('iron'));
    stored(db, other.id, { date: '2020-03-30', prescribed: ids('iron') });

    const { context } = withEarlierVisits(db, getVisit(db, asked));
    expect(context.earlierVisits).toEqual([
      { drugs: ids('metoprolol', 'furosemide'), daysAgo: 30 },
      { drugs: ids('warfarin'), daysAgo: 59 },
      { drugs: ids('aspirin', 'digoxin'), daysAgo: 90 },
    ]);
    const undated = at('2021-01-01', ids('zinc'), { dateKnown: false });
    expect(withEarlierVisits(db, getVisit(db, undated)).context.earlierVisits).toEqual([]);
  });
});

test('a patient of another system is the one stored under that identifier, unless sex or age speak against it', async () => {
  await withStore(({ db }) => {
    const person = samplePatient({ sourceId: 'fhir-7', sex: 'F', birthYear: 1960 });
    const same = samplePatient({ sourceId: 'fhir-8', sex: 'F', birthYear: 1960 });
    for (const patient of [person, same]) insertPatient(db, patient);
    stored(db, person.id, { date: '2020-01-01', prescribed: ids('aspirin') });
    stored(db, same.id, { date: '2020-01-11', prescribed: ids('zinc') });
    const named = { sourceId: 'fhir-7', sex: 'F', birthYear: 1960 } as const;
    const aspirin = { drugs: ids('aspirin'), daysAgo: 31 };
    const past = (change: Partial<NamedPatient>, date = '2020-02-01') =>
      earlierVisitsOf(db, { ...named, ...change }, date);
    expect(past({})).toEqual([aspirin]);
    expect(past({ birthYear: 1961, sex: 'unknown' })).toEqual([aspirin]);
    expect([past({ birthYear: 1962 }), past({ sex: 'M' }), past({ sourceId: 'fhir-9' })]).toEqual([
      [],
      [],
      [],
    ]);
    expect(past({}, '2020-01-01')).toEqual([]);
    mergePatients(db, same.id, person.id);
    const both = [{ drugs: ids('zinc'), daysAgo: 21 }, aspirin];
    expect([past({}), past({ sourceId: 'fhir-8' })]).toEqual([both, both]);
  });
});

test('a site’s file and the same visits in the store give a model the same earlier visits', async () => {
  const path = resolve(import.meta.dirname, '../../../data/sites/mimic-iv-demo.jsonl.gz');
  const visits: (ReturnType<typeof siteVisit> & { date: string | null })[] = [];
  for await (const record of readVisitFile(path))
    visits.push({ ...siteVisit(record), date: record.date ?? null });
  await withStore(({ db }) => {
    const patients = new Map(visits.map(({ patient }) => [patient, samplePatient({ sourceId: patient })]));
    for (const patient of patients.values()) insertPatient(db, patient);
    const given = new Map<string, VisitId>();
    for (const { id, patient, date, drugs } of visits)
      given.set(id, stored(db, patients.get(patient)!.id, { date: date!, prescribed: drugs }));
    let most = 0;
    for (const { id, context } of ofFile(visits)) {
      const fromStore = withEarlierVisits(db, getVisit(db, given.get(id)!)).context.earlierVisits!;
      expect(fromStore).toEqual(context.earlierVisits);
      most = Math.max(most, fromStore.length);
    }
    expect(most).toBe(10);
  });
});
