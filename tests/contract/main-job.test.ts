import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProfile } from '../../src/engine/profile.ts';
import { listAudit, verifyAudit } from '../../src/engine/store/audit.ts';
import type { ImportProgress, ImportReport } from '../../src/shared/import-api.ts';
import { NO_USE, type DecisionInput } from '../../src/shared/decision.ts';
import { asId, type DrugId, type VisitId } from '../../src/shared/ids.ts';
import { selectGridPoint, type Recommendation } from '../../src/shared/recommendation.ts';
import { signedInput } from './deciding.ts';
import { startEngine, TestFolders, type TestEngine } from './engine.ts';

const drug = (name: string): DrugId => asId<DrugId>(name);
const folders = new TestFolders();
let app: TestEngine;

beforeAll(async () => {
  app = await startEngine(folders);
});
afterAll(async () => {
  await app.stop();
  folders.remove();
});

async function demoVisit(query: string): Promise<VisitId> {
  const { patients } = await app.engine.call('patients.list', { query, limit: 5, offset: 0 });
  expect(patients).toHaveLength(1);
  return patients[0]!.lastVisitId!;
}

describe('the main job, over real ports', () => {
  it('starts empty and whole', async () => {
    const status = await app.engine.call('app.status', {});
    expect(status).toMatchObject({ store: 'open', failures: [], passphraseSet: false, patientCount: 0 });
    expect(status.model?.formularySize).toBeGreaterThan(300);
    expect(status.model?.front?.points.length).toBeGreaterThan(1);
    expect(status.knowledgeVersion).not.toBeNull();
  });

  it('describes the demo patients with their terms, and loads them only when asked', async () => {
    const before = await app.engine.call('demo.describe', {});
    expect(before.loaded).toBe(false);
    expect(before.sources.map(({ licence }) => licence)).toEqual(['Apache-2.0', 'Apache-2.0', 'ODbL-1.0']);
    const progress: ImportProgress[] = [];
    const report = await app.engine.call('demo.load', {}, { onProgress: (value) => progress.push(value) });
    expect(report).toMatchObject({
      patientsCreated: before.patients,
      visitsCreated: before.visits,
      refusedCount: 0,
      unresolvedDrugs: [],
      unknownCodes: [],
    });
    expect(progress.at(-1)).toMatchObject({ visitsStored: before.visits, fraction: 1 });
    expect((await app.engine.call('demo.describe', {})).loaded).toBe(true);
    const again = await app.engine.call('demo.load', {});
    expect(again).toMatchObject({ visitsCreated: 0, visitsSkipped: before.visits });
    const { total, patients } = await app.engine.call('patients.list', { query: '', limit: 100, offset: 0 });
    expect(total).toBe(before.patients);
    expect(patients.every(({ patient }) => patient.demo)).toBe(true);
  });

  it('shows a visit with every title', async () => {
    const visitId = await demoVisit('Okafor');
    const detail = await app.engine.call('visits.get', { visitId });
    expect(detail.titles.diagnoses.map(({ title }) => title)).not.toContain(null);
    expect(detail.titles.reasons.map(({ title }) => title)).toContain('Painful urination');
    expect(detail.titles.specialty?.title).toBe('General/family practice');
    expect(detail.currentMedications.map(({ id }) => id)).toContain('warfarin');
    expect(detail).toMatchObject({ prescribed: null, decisions: [] });
    const { visits } = await app.engine.call('patients.get', { patientId: detail.patient.id });
    expect(visits).toHaveLength(2);
  });

  it('recommends for every demo visit, never more pairs toward safety', async () => {
    const { patients } = await app.engine.call('patients.list', { query: '', limit: 100, offset: 0 });
    for (const { patient } of patients) {
      const { visits } = await app.engine.call('patients.get', { patientId: patient.id });
      for (const { id } of visits) {
        const reply = await app.engine.call('recommend', { visitId: id });
        const counts = reply.grid.map(({ interactionCount }) => interactionCount);
        expect(counts).toEqual([...counts].sort((a, b) => b - a));
        expect(counts.at(-1)).toBe(0);
        expect(reply.grid[0]!.list.length).toBeGreaterThan(0);
      }
    }
  });

  it('finds drugs by brand and by misspelling', async () => {
    const [coumadin] = await app.engine.call('drugs.search', { text: 'coumdin', limit: 3 });
    expect(coumadin).toMatchObject({ drug: { id: 'warfarin' }, inFormulary: true });
    expect(coumadin?.matched?.toLowerCase()).toBe('coumadin');
  });

  it('saves a decision with its reasons, and shows it again after a restart', async () => {
    const visitId = await demoVisit('Keller');
    const reply = await app.engine.call('recommend', { visitId });
    const added = [drug('sildenafil')];
    const whole = await signedInput(app, reply, { alpha: 0.5, added });
    expect(whole.overrides).toContainEqual(expect.objectContaining({ a: 'nitroglycerin', b: 'sildenafil' }));

    const without = { ...whole, overrides: whole.overrides.filter(({ b }) => b !== 'sildenafil') };
    await expect(app.engine.call('decisions.save', without)).rejects.toMatchObject({
      code: 'OVERRIDE_REASON_REQUIRED',
      details: { severity: 4 },
    });
    const decision = await app.engine.call('decisions.save', whole);
    expect(decision.proposed.map(({ id }) => id)).toEqual(selectGridPoint(reply.grid, 0.5).list);
    expect(decision.final.map(({ id }) => id)).toContain('sildenafil');
    expect(decision.interactions.length).toBeGreaterThan(0);
    expect(await app.engine.call('decisions.save', whole)).toEqual(decision); // repeated, as after a lost answer

    await app.stop();
    app = await startEngine(folders);
    const detail = await app.engine.call('visits.get', { visitId });
    expect(detail.decisions).toEqual([decision]);
    const { patients } = await app.engine.call('patients.list', { query: 'Keller', limit: 1, offset: 0 });
    expect(patients[0]?.decided).toBe(true);
  });

  it('refuses a stale recommendation, an unknown drug and an unknown visit', async () => {
    const visitId = await demoVisit('Novak');
    const old = await app.engine.call('recommend', { visitId });
    const fresh = await app.engine.call('recommend', { visitId });
    const input = (reply: Recommendation): Promise<DecisionInput> => signedInput(app, reply, { alpha: 1 });
    const signed = await input(fresh);
    await expect(app.engine.call('decisions.save', await input(old))).rejects.toMatchObject({
      code: 'RECOMMENDATION_STALE',
    });
    const other = { ...signed, visitId: await demoVisit('Okafor') };
    await expect(app.engine.call('decisions.save', other)).rejects.toMatchObject({
      code: 'RECOMMENDATION_STALE',
    });
    const misspelt = { drug: drug('metforminn'), verdict: 'added', use: NO_USE } as const;
    const typo = { ...signed, chosen: [...signed.chosen, misspelt] };
    await expect(app.engine.call('decisions.save', typo)).rejects.toMatchObject({ code: 'DRUG_UNKNOWN' });
    await expect(app.engine.call('recommend', { visitId: asId<VisitId>('nobody') })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(app.engine.call('recommend', {} as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('imports a picked file by its grant, with every refused line named', async () => {
    const file = join(folders.base, 'visits.jsonl');
    const visit = {
      visit: 'a1',
      date: '2024-05-01',
      age: 70,
      sex: 'F',
      dx_system: 'ICD-10-CM',
      dx: ['I10', 'ZZ99'],
    };
    writeFileSync(
      file,
      [
        JSON.stringify({ ...visit, current: ['Coumadin', 'notadrug'] }),
        '{"visit": ',
        JSON.stringify({ ...visit, visit: 'a2', age: 'seventy' }),
        JSON.stringify({ ...visit, visit: 'a3', sex: 'M' }),
      ].join('\n'),
    );
    await expect(app.engine.call('visits.import', { grant: 'never given' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(await app.shell.call('files.grant', { grant: 'g1', path: file })).toEqual({
      name: 'visits.jsonl',
    });
    const report: ImportReport = await app.engine.call('visits.import', { grant: 'g1' });
    expect(report).toMatchObject({ visitsCreated: 2, refusedCount: 2 });
    expect(report.refused.map(({ line }) => line)).toEqual([2, 3]);
    expect(report.unresolvedDrugs).toEqual([{ name: 'notadrug', kind: 'name', count: 1 }]);
    expect(report.unknownCodes).toEqual([{ code: 'ZZ99', count: 2 }]);

    const { patients } = await app.engine.call('patients.list', { query: 'a1', limit: 5, offset: 0 });
    const reply = await app.engine.call('recommend', { visitId: patients[0]!.lastVisitId! });
    expect(reply.currentMedications.map(({ id }) => id)).toEqual(['warfarin']);
    expect(reply.warnings).toContainEqual({ kind: 'unknown-codes', codes: ['ZZ99'] });
  });

  it('keeps the two ports apart', async () => {
    await expect(app.engine.call('files.grant' as never, {})).rejects.toMatchObject({
      code: 'METHOD_UNKNOWN',
    });
    await expect(app.shell.call('recommend' as never, {})).rejects.toMatchObject({
      code: 'METHOD_UNKNOWN',
    });
  });

  it('locks with a passphrase, and opens with the right one only', async () => {
    expect(await app.engine.call('store.setPassphrase', { passphrase: 'correct horse' })).toMatchObject({
      passphraseSet: true,
    });
    await app.stop();
    app = await startEngine(folders);
    expect(await app.engine.call('app.status', {})).toMatchObject({ store: 'locked', failures: [] });
    await expect(app.engine.call('patients.list', { query: '', limit: 1, offset: 0 })).rejects.toMatchObject({
      code: 'STORE_LOCKED',
    });
    await expect(app.engine.call('store.unlock', { passphrase: 'wrong' })).rejects.toMatchObject({
      code: 'STORE_KEY_WRONG',
    });
    expect(await app.engine.call('store.unlock', { passphrase: 'correct horse' })).toMatchObject({
      store: 'open',
    });
    for (const [present, code] of [
      [undefined, 'STORE_LOCKED'],
      ['correct donkey', 'STORE_KEY_WRONG'],
    ] as const)
      await expect(
        app.engine.call('store.setPassphrase', { passphrase: null, present }),
      ).rejects.toMatchObject({ code });
    expect(
      await app.engine.call('store.setPassphrase', { passphrase: null, present: 'correct horse' }),
    ).toMatchObject({ passphraseSet: false });
  });

  it('has written down who saw, was told and decided what', async () => {
    await app.stop();
    const { db } = await openProfile({ folder: folders.profile });
    const actions = new Set(listAudit(db).map(({ action }) => action));
    expect(verifyAudit(db).broken).toBeNull();
    db.close();
    app = await startEngine(folders);
    expect([...actions].sort()).toEqual([
      'app.opened',
      'decision.saved',
      'demo.load-started',
      'demo.loaded',
      'passphrase.changed',
      'patient.viewed',
      'recommendation.made',
      'store.unlock-failed',
      'store.unlocked',
      'visit.viewed',
      'visits.import-started',
      'visits.imported',
    ]);
  });
});
