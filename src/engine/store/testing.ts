/** Fixtures for tests of the store and of what stands on it: temporary profiles and made-up records. Ships nowhere. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_USE, type Decision } from '../../shared/decision.ts';
import { NO_MEASUREMENTS, type Patient, type Visit } from '../../shared/domain.ts';
import { asId, type DecisionId, type DrugId, type PatientId, type VisitId } from '../../shared/ids.ts';
import type { RecommendationId } from '../../shared/ids.ts';
import type { Recommendation } from '../../shared/recommendation.ts';
import { openProfile, type Profile } from '../profile.ts';
import type { WritableDb } from './handle.ts';
import { newId } from './ids.ts';
import type { Titles } from './search.ts';
import { insertVisits } from './visits.ts';

export const noTitles: Titles = { titleOf: () => null };

export function temporaryFolder(): { readonly path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'flame-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs `work` on an empty store in a folder of its own, then removes both. */
export async function withStore<T>(work: (profile: Profile) => T | Promise<T>): Promise<T> {
  const folder = temporaryFolder();
  try {
    const profile = await openProfile({ folder: join(folder.path, 'profile') });
    try {
      return await work(profile);
    } finally {
      profile.db.close();
    }
  } finally {
    folder.remove();
  }
}

export function samplePatient(change: Partial<Patient> = {}): Patient {
  return {
    id: newId<PatientId>(),
    name: 'Zoë Müller-Ångström',
    sourceId: null,
    sex: 'F',
    birthYear: 1950,
    demo: false,
    ...change,
  };
}

export function sampleVisit(patientId: PatientId, change: Partial<Visit> = {}): Visit {
  return {
    id: newId<VisitId>(),
    patientId,
    sourceId: null,
    date: '2009-03-01',
    dateKnown: true,
    context: {
      year: 2009,
      age: 59,
      sex: 'F',
      setting: 'office',
      specialty: '1',
      reasons: ['22050'],
      diagnoses: [
        { system: 'ICD-9-CM', code: '25000' },
        { system: 'ICD-10-CM', code: 'I10' },
      ],
      chronic: ['DIABETES'],
      procedures: ['8609'],
      currentMedications: [asId<DrugId>('warfarin')],
      previousMedications: [asId<DrugId>('digoxin')],
    },
    ageMonths: null,
    allergies: ['penicillin'],
    notes: 'Felt dizzy in the morning.',
    prescribed: [asId<DrugId>('metformin')],
    unmapped: ['H1N1 INFLUENZA VACCINE'],
    pregnancy: 'not-pregnant',
    lactation: 'unknown',
    measurements: { ...NO_MEASUREMENTS, creatinine: 1.1, weight: 70.5, systolic: 142, diastolic: 88 },
    medicationUse: [
      { drug: asId<DrugId>('warfarin'), dose: '5 mg', route: 'by mouth', frequency: 'once a day' },
    ],
    ...change,
  };
}

/** A small reply with one interacting pair, of the shape that recommend() gives. */
export function sampleRecommendation(visitId: VisitId): Recommendation {
  const warfarin = { id: asId<DrugId>('warfarin'), name: 'warfarin', drugClass: 'vitamin K antagonist' };
  const amiodarone = { id: asId<DrugId>('amiodarone'), name: 'amiodarone', drugClass: null };
  return {
    id: newId<RecommendationId>(),
    visitId,
    createdAt: '2026-01-02T03:04:05.678Z',
    model: { name: 'cls', version: '1' },
    knowledgeVersion: 'k1',
    contextHash: 'c0ffee',
    currentMedications: [warfarin],
    scores: { amiodarone: 0.25, metoprolol: 0.125 },
    habits: { decisions: 3, used: true, factors: { amiodarone: 2, metoprolol: 0.5 } },
    allergens: [{ drug: asId<DrugId>('amoxicillin'), allergy: 'penicillin' }],
    candidates: [
      {
        drug: amiodarone,
        probability: 0.4,
        habitFactor: 2,
        exclusions: [{ kind: 'contraindicated-pair', with: warfarin.id }],
      },
    ],
    grid: [
      {
        alpha: 0,
        list: [amiodarone.id],
        steps: [
          {
            action: 'add',
            drug: amiodarone.id,
            probability: 0.4,
            expectedJaccardChange: 0.1,
            interactionChange: 1,
          },
        ],
        interactionCount: 1,
        expectedJaccard: 0.1,
      },
      { alpha: 1, list: [], steps: [], interactionCount: 0, expectedJaccard: 0 },
    ],
    interactions: [
      {
        a: amiodarone.id,
        b: warfarin.id,
        severity: 3,
        disputed: false,
        sources: [
          {
            source: 'ndf-rt',
            severity: 3,
            nativeSeverity: 'Critical',
            effect: 'bleeding',
            citation: 'NDF-RT 2014',
            reviewed: true,
          },
        ],
      },
    ],
    notCovered: [],
    warnings: [
      { kind: 'unknown-codes', codes: ['XXX'] },
      { kind: 'outside-training-population', reason: 'inpatient' },
    ],
    front: null,
  };
}

/** A signed decision that accepts the proposal with its interacting pair, for a reason, and rejects digoxin. */
export function sampleDecision(recommendation: Recommendation, change: Partial<Decision> = {}): Decision {
  const proposed = recommendation.candidates.map(({ drug }) => drug);
  const final = change.final ?? proposed;
  return {
    id: newId<DecisionId>(),
    visitId: recommendation.visitId,
    recommendationId: recommendation.id,
    savedAt: '2026-01-02T03:05:00.000Z',
    alpha: 0.5,
    model: recommendation.model,
    knowledgeVersion: recommendation.knowledgeVersion,
    proposed,
    final,
    added: [],
    removed: [asId<DrugId>('digoxin')],
    overrides: recommendation.interactions.map(({ a, b, severity }) => ({
      a,
      b,
      severity,
      reason: 'will-monitor',
      note: 'INR weekly',
    })),
    interactions: recommendation.interactions,
    comment: 'agreed with the patient',
    chosen: final.map(({ id }) => ({ drug: id, verdict: 'accepted', use: NO_USE })),
    rejected: [{ drug: asId<DrugId>('digoxin'), name: 'digoxin', reason: 'interaction', note: '' }],
    findings: [],
    signature: { name: 'Ada Example', role: 'MD' },
    version: 1,
    amendment: null,
    ...change,
  };
}

/** A stored visit of a new patient. */
export function storedVisit(db: WritableDb): VisitId {
  const newPatient = samplePatient();
  const visit = sampleVisit(newPatient.id);
  insertVisits(db, [{ visit, newPatient, demo: false }], noTitles);
  return visit.id;
}
