/** Typed example data for component tests and for looking at the screens without an engine. Never part of the app. */

import { NO_ACCOUNTS, type AccountList, type SessionStatus } from '../../shared/accounts-api.ts';
import type {
  AppStatus,
  DemoDescription,
  PatientSummary,
  VisitDetail,
  VisitSummary,
} from '../../shared/contract.ts';
import {
  NOT_RECORDED,
  type DrugName,
  type Interaction,
  type Patient,
  type Severity,
} from '../../shared/domain.ts';
import {
  asId,
  type DrugId,
  type ModelId,
  type PatientId,
  type RecommendationId,
  type VisitId,
} from '../../shared/ids.ts';
import type { DevicesState } from '../../shared/devices-api.ts';
import type { ModelDetails, ModelsState } from '../../shared/models-api.ts';
import type { KeyStoreStatus } from '../../shared/key-store-api.ts';
import { interactionsWithin } from '../../shared/interactions.ts';
import type { ExportReport } from '../../shared/export-api.ts';
import { DEFAULT_RETENTION, type BackupPreview, type BackupsState } from '../../shared/backup-api.ts';
import type { HooksState } from '../../shared/hooks-api.ts';
import type { SiteTablePreview, SiteTableSummary } from '../../shared/site-table-api.ts';
import {
  multiplyOdds,
  NO_HABITS,
  type Candidate,
  type FrontPoint,
  type GridPoint,
  type Protocol,
  type Recommendation,
} from '../../shared/recommendation.ts';

export const drugId = (name: string): DrugId => asId<DrugId>(name);

const CLASSES: Readonly<Record<string, string>> = {
  lisinopril: 'Angiotensin converting enzyme inhibitor',
  spironolactone: 'Aldosterone antagonist',
  warfarin: 'Vitamin K antagonist',
  metoprolol: 'beta-Adrenergic blocker',
  furosemide: 'Loop diuretic',
  atorvastatin: 'HMG-CoA reductase inhibitor',
  naproxen: 'Nonsteroidal anti-inflammatory drug',
  amiodarone: 'Antiarrhythmic',
  digoxin: 'Cardiac glycoside',
  metformin: 'Biguanide',
  ibuprofen: 'Nonsteroidal anti-inflammatory drug',
  omeprazole: 'Proton pump inhibitor',
  amoxicillin: 'Penicillin-class antibacterial',
  'co-enzyme q10': 'Supplement',
};

export function drug(name: string): DrugName {
  return { id: drugId(name), name, drugClass: CLASSES[name] ?? null };
}

function pair(a: string, b: string, severity: Severity, effect: string, management: string): Interaction {
  const [first = '', second = ''] = [a, b].toSorted();
  return {
    a: drugId(first),
    b: drugId(second),
    severity,
    disputed: false,
    sources: [
      {
        source: 'rule:example',
        severity,
        nativeSeverity: 'written for Flame',
        effect,
        mechanism: 'Example mechanism of the fixture.',
        management,
        citation: 'Example citation, section 7',
        reviewed: true,
      },
    ],
  };
}

export const INTERACTIONS: readonly Interaction[] = [
  pair('spironolactone', 'lisinopril', 2, 'Hyperkalaemia', 'Check potassium within a week.'),
  pair('warfarin', 'naproxen', 3, 'Bleeding', 'Use paracetamol instead.'),
  pair(
    'warfarin',
    'amiodarone',
    3,
    'Bleeding; INR rises over weeks',
    'Reduce warfarin by a third; check INR weekly.',
  ),
  pair('digoxin', 'amiodarone', 3, 'Digoxin toxicity', 'Halve digoxin; check the level.'),
  pair('warfarin', 'ibuprofen', 3, 'Bleeding', 'Use paracetamol instead.'),
  pair(
    'lisinopril',
    'naproxen',
    2,
    'Worse renal function, less effect',
    'Check creatinine and blood pressure.',
  ),
  pair('furosemide', 'naproxen', 1, 'Less diuresis', 'Watch weight.'),
  pair('furosemide', 'digoxin', 2, 'Hypokalaemia raises digoxin effect', 'Check potassium.'),
  pair('metoprolol', 'amiodarone', 2, 'Bradycardia', 'Check heart rate and ECG.'),
];

const PROBABILITIES: readonly (readonly [string, number])[] = [
  ['furosemide', 0.71],
  ['lisinopril', 0.58],
  ['metoprolol', 0.46],
  ['spironolactone', 0.34],
  ['naproxen', 0.22],
  ['digoxin', 0.19],
  ['atorvastatin', 0.17],
  ['omeprazole', 0.08],
  ['co-enzyme q10', 0.06],
];

const EXCLUDED: readonly Candidate[] = [
  {
    drug: drug('amoxicillin'),
    probability: 0.12,
    habitFactor: 1,
    exclusions: [{ kind: 'allergy', allergy: 'penicillin' }],
  },
  { drug: drug('warfarin'), probability: 0.31, habitFactor: 1, exclusions: [{ kind: 'already-taken' }] },
];

export const CANDIDATES: readonly Candidate[] = [
  ...PROBABILITIES.map(([name, probability]) => ({
    drug: drug(name),
    probability,
    habitFactor: 1,
    exclusions: [],
  })),
  ...EXCLUDED,
].toSorted((x, y) => y.probability - x.probability);

const LISTS: readonly (readonly string[])[] = [
  ['furosemide', 'lisinopril', 'metoprolol', 'spironolactone', 'naproxen'],
  ['furosemide', 'lisinopril', 'metoprolol', 'spironolactone', 'atorvastatin'],
  ['furosemide', 'lisinopril', 'metoprolol', 'atorvastatin'],
];
const STEPS_PER_LIST = [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];

export const GRID: readonly GridPoint[] = STEPS_PER_LIST.map((which, index) => {
  const list = (LISTS[which] ?? []).map(drugId);
  const current = new Set([drugId('warfarin')]);
  const pairs = interactionsWithin(INTERACTIONS, [...list, ...current], 2);
  return {
    alpha: index / 10,
    list,
    steps: list.map((id) => ({
      action: 'add',
      drug: id,
      probability: CANDIDATES.find((candidate) => candidate.drug.id === id)?.probability ?? 0,
      expectedJaccardChange: 0.08,
      interactionChange: 0,
    })),
    interactionCount: pairs.length,
    expectedJaccard: [0.31, 0.29, 0.28][which] ?? 0,
  };
});

const FRONT: readonly FrontPoint[] = Array.from({ length: 11 }, (_, i) => ({
  alpha: i / 10,
  jaccard: 0.178 - 0.00035 * i * i,
  interactionRate: 0.024 * Math.exp(-i / 2.2),
  meanLength: 4.1 - i * 0.06,
}));
const PROTOCOL: Protocol = {
  corpus: 'NAMCS 1995–2008',
  split: 'validation clinicians',
  formularySize: 351,
  interactionTable: 'flame-2026.11',
  severityCut: 2,
};

export const PATIENT: Patient = {
  id: asId<PatientId>('p1'),
  name: 'Demo 0412',
  sourceId: '0412',
  sex: 'F',
  birthYear: 1938,
  demo: true,
};
export const VISIT_ID = asId<VisitId>('v1');

export const RECOMMENDATION: Recommendation = {
  id: asId<RecommendationId>('r1'),
  visitId: VISIT_ID,
  createdAt: '2026-11-22T10:00:00Z',
  model: { name: 'cls-namcs', version: '1' },
  knowledgeVersion: 'flame-2026.11',
  contextHash: 'x',
  currentMedications: [drug('warfarin')],
  candidates: CANDIDATES,
  scores: Object.fromEntries(CANDIDATES.map((candidate) => [candidate.drug.id, candidate.probability])),
  habits: NO_HABITS,
  allergens: [],
  grid: GRID,
  interactions: INTERACTIONS,
  notCovered: [drugId('co-enzyme q10')],
  warnings: [{ kind: 'allergy-not-understood', entries: ['shellfish'] }],
  front: { points: FRONT, protocol: PROTOCOL },
};

/** The same visit at a clinic whose twelve decisions held furosemide half as often as expected and naproxen twice. */
export function withHabits(reply: Recommendation = RECOMMENDATION): Recommendation {
  const factors: Readonly<Record<string, number>> = { furosemide: 0.5, naproxen: 2.1, amiodarone: 3 };
  return {
    ...reply,
    habits: { decisions: 12, used: true, factors },
    candidates: reply.candidates.map((candidate) => {
      const habitFactor = factors[candidate.drug.id] ?? 1;
      return { ...candidate, habitFactor, probability: multiplyOdds(candidate.probability, habitFactor) };
    }),
  };
}

export const DETAIL: VisitDetail = {
  patient: PATIENT,
  visit: {
    id: VISIT_ID,
    patientId: PATIENT.id,
    sourceId: 'namcs-2009-1',
    date: '2009-03-14',
    dateKnown: true,
    context: {
      year: 2009,
      age: 71,
      sex: 'F',
      setting: 'office',
      specialty: '2',
      reasons: ['14150'],
      diagnoses: [
        { system: 'ICD-9-CM', code: '4280' },
        { system: 'ICD-9-CM', code: '42731' },
      ],
      chronic: ['HTN'],
      procedures: ['8952'],
      currentMedications: [drugId('warfarin')],
      previousMedications: [drugId('furosemide')],
    },
    allergies: ['penicillin', 'shellfish'],
    notes: 'Short of breath on stairs for two weeks, ankles swollen in the evening. No chest pain.',
    prescribed: [drugId('furosemide'), drugId('digoxin')],
    unmapped: [],
    ...NOT_RECORDED,
  },
  titles: {
    diagnoses: [
      { system: 'ICD-9-CM', code: '4280', title: 'Congestive heart failure, unspecified' },
      { system: 'ICD-9-CM', code: '42731', title: 'Atrial fibrillation' },
    ],
    reasons: [{ code: '14150', title: 'Shortness of breath' }],
    chronic: [{ code: 'HTN', title: 'Hypertension' }],
    procedures: [{ code: '8952', title: 'Electrocardiogram' }],
    specialty: { code: '2', title: 'Internal medicine' },
  },
  currentMedications: [drug('warfarin')],
  previousMedications: [drug('furosemide')],
  prescribed: [drug('furosemide'), drug('digoxin')],
  decisions: [],
  outdated: [],
  changedAt: null,
};

const OTHERS: readonly (readonly [string, 'F' | 'M', number, string, readonly string[]])[] = [
  ['Demo 0098', 'M', 1951, '2009-01-01', ['Type II diabetes mellitus', 'Essential hypertension']],
  ['Demo 1203', 'F', 1982, '2009-01-01', ['Migraine, unspecified']],
  ['Demo 2210', 'M', 1944, '2009-01-01', ['Chronic airway obstruction, not elsewhere classified']],
  ['Demo 3377', 'F', 1967, '2009-01-01', ['Depressive disorder', 'Hypothyroidism']],
];

export const PATIENTS: readonly PatientSummary[] = [
  {
    patient: PATIENT,
    visitCount: 2,
    lastVisitDate: '2009-03-14',
    lastVisitId: VISIT_ID,
    lastDiagnoses: ['Congestive heart failure, unspecified', 'Atrial fibrillation'],
    decided: false,
  },
  ...OTHERS.map(([name, sex, birthYear, date, lastDiagnoses], index) => ({
    patient: { ...PATIENT, id: asId<PatientId>(`p${index + 2}`), name, sex, birthYear },
    visitCount: 1,
    lastVisitDate: date,
    lastVisitId: asId<VisitId>(`v${index + 2}`),
    lastDiagnoses,
    decided: index === 1,
  })),
];

export const VISITS: readonly VisitSummary[] = [
  {
    id: VISIT_ID,
    date: '2009-03-14',
    dateKnown: true,
    diagnoses: ['Congestive heart failure, unspecified', 'Atrial fibrillation'],
    prescribedCount: 2,
    decisionCount: 0,
  },
  {
    id: asId<VisitId>('v0'),
    date: '2008-09-02',
    dateKnown: true,
    diagnoses: ['Atrial fibrillation'],
    prescribedCount: 3,
    decisionCount: 0,
  },
];

export const KEY_STORE: KeyStoreStatus = { on: false, refusal: 'not-real', store: null };

const SHIPPED = asId<ModelId>('shipped/cls-namcs');

export const STATUS: AppStatus = {
  store: 'open',
  failures: [],
  passphraseSet: false,
  keyStoreRefusal: null,
  session: NO_ACCOUNTS,
  patientCount: PATIENTS.length,
  appVersion: '0.1.0',
  knowledgeVersion: 'flame-2026.11',
  model: {
    name: 'cls-namcs',
    version: '1',
    formularySize: 351,
    trainedOn: 'NAMCS 1995–2008, 131,000 office visits',
    listsWritten: 'by a list policy, reinforced by expected step credit',
    dataTerms: 'US Government work; statistical reporting and analysis only.',
    metrics: [
      { name: 'Jaccard', value: 0.178, protocol: 'NAMCS 2009; 351 drugs; expected-Jaccard set' },
      { name: 'PRAUC', value: 0.316, protocol: 'NAMCS 2009; 351 drugs' },
    ],
    front: { points: FRONT, protocol: PROTOCOL },
  },
  modelId: SHIPPED,
  modelFallback: null,
  backupFailure: null,
};

export const BACKUPS: BackupsState = {
  needsSecret: false,
  folder: '/media/backups',
  hour: 20,
  keep: DEFAULT_RETENTION,
  nextAt: '2026-11-28T19:00:00.000Z',
  running: false,
  lastSuccessAt: '2026-11-27T19:00:00.000Z',
  failure: null,
  folderProblem: null,
  backups: [
    {
      name: 'flame-backup-20261127T190000Z-1a2b3c4d.flamebackup',
      at: '2026-11-27T19:00:00.000Z',
      size: 12_345_678,
      kind: 'own',
      madeBy: 'backup schedule',
      counts: { patients: 812, visits: 2345, decisions: 120 },
      newestVisit: { date: '2026-11-27', dateKnown: true },
      checked: { at: '2026-11-27T19:00:00.000Z', sound: true },
    },
    {
      name: 'flame-backup-20261101T190000Z-1a2b3c4d.flamebackup',
      at: '2026-11-01T19:00:00.000Z',
      size: 12_000_000,
      kind: 'earlier-key',
      madeBy: null,
      counts: null,
      newestVisit: null,
      checked: null,
    },
  ],
};

export const BACKUP_PREVIEW: BackupPreview = {
  file: BACKUPS.backups[0]!.name,
  madeAt: '2026-11-27T19:00:00.000Z',
  madeBy: 'backup schedule',
  appVersion: '0.1.0',
  schema: 17,
  auditEntries: 4321,
  counts: { patients: 812, visits: 2345, decisions: 120 },
  newestVisit: { date: '2026-11-27', dateKnown: true },
};

export const MODELS: ModelsState = {
  models: [
    {
      id: SHIPPED,
      origin: 'shipped',
      name: 'cls-namcs',
      version: '1',
      format: 'flame-model-pack-1',
      base: null,
      createdAt: '2026-11-20T10:00:00Z',
      bytes: 17_585_000,
      summary: STATUS.model,
      problem: null,
    },
  ],
  active: SHIPPED,
  previous: null,
  history: [],
};

export const EXPORT_REPORT: ExportReport = {
  file: 'flame-records.json',
  patients: 2,
  visits: 3,
  decisions: 1,
  records: 31,
  bytes: 20_480,
  sha256: 'cd'.repeat(32),
  encrypted: false,
};

export const HOOKS: HooksState = {
  enabled: false,
  port: 8455,
  hasToken: false,
  listening: false,
  problem: null,
  feedback: { accepted: 0, overridden: 0, answered: 0 },
};

export const SITE_TABLE: SiteTableSummary = {
  name: 'house-list.csv',
  sha256: 'ab'.repeat(32),
  importedAt: '2026-11-22T10:05:00Z',
  importedBy: 'steward',
  rows: 3,
  pairs: 3,
  unresolvedRows: 1,
};

export const SITE_TABLE_PREVIEW: SiteTablePreview = {
  name: 'house-list.csv',
  sha256: 'ab'.repeat(32),
  rowsRead: 5,
  rowsUsed: 3,
  refused: { count: 1, shown: [{ line: 4, problem: 'severity is empty' }] },
  unresolved: { count: 1, shown: [{ name: 'Wundermittel', count: 1 }] },
  pairs: 3,
  added: {
    count: 1,
    shown: [{ a: drug('omeprazole'), b: drug('metformin'), before: 0, after: 2, stated: 2, reason: null }],
  },
  raised: {
    count: 1,
    shown: [{ a: drug('warfarin'), b: drug('naproxen'), before: 3, after: 4, stated: 4, reason: null }],
  },
  lowered: {
    count: 1,
    shown: [
      {
        a: drug('lisinopril'),
        b: drug('spironolactone'),
        before: 2,
        after: 1,
        stated: 1,
        reason: 'Potassium is measured at every visit here.',
      },
    ],
  },
  below: { count: 0, shown: [] },
  unchanged: 0,
};

export const MODEL_DETAILS: ModelDetails = {
  model: MODELS.models[0]!,
  card: '# Model card\n\nProposes **medications**.\n\n| metric | value |\n| --- | --- |\n| Jaccard | 0.18 |\n',
  provenance: [{ what: 'visits', value: '141649' }],
  files: [{ file: 'model.safetensors', bytes: 17_585_000, sha256: 'ab'.repeat(32) }],
  memory: 270e6,
};

export const DEVICES: DevicesState = {
  choice: 'automatic',
  inUse: 'cpu',
  reason: 'only-one',
  detail: '',
  testedAt: '2026-11-22T10:05:00Z',
  current: true,
  results: [
    {
      provider: 'cpu',
      outcome: 'same',
      reason: '',
      probabilityError: 0,
      logitError: 0,
      gradientError: 0,
      scoreMs: 3.1,
      listMs: 8.4,
      trainingRows: 32_000,
      openMs: 1900,
    },
    {
      provider: 'webgpu',
      outcome: 'unavailable',
      reason: 'Failed to get a WebGPU adapter: No supported adapters',
      probabilityError: null,
      logitError: null,
      gradientError: null,
      scoreMs: null,
      listMs: null,
      trainingRows: null,
      openMs: null,
    },
  ],
  cudaLibraries: [{ name: 'libcudart.so', folder: null }],
};

export const DEMO: DemoDescription = {
  patients: 40,
  visits: 52,
  loaded: false,
  sources: [
    {
      name: 'National Ambulatory Medical Care Survey 2009',
      licence: 'US Government work',
      terms: 'Statistical reporting and analysis only; no attempt to identify persons.',
    },
    { name: 'MIMIC-IV Clinical Database Demo 2.2', licence: 'ODbL 1.0', terms: 'Attribution, share-alike.' },
  ],
};

export const ACCESS_CODE = '0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ';

export const SIGNED_IN: SessionStatus = {
  accounts: true,
  people: [
    { id: 'ada', name: 'Ada Example' },
    { id: 'ben', name: 'Ben Example' },
  ],
  account: {
    id: 'ada',
    name: 'Ada Example',
    title: 'MD, internal medicine',
    roles: ['clinician', 'administrator'],
    mustChange: false,
  },
  emergency: null,
  emergencyCode: true,
};

export const ACCOUNT_LIST: AccountList = {
  accounts: [],
  emergencies: [],
  recoveryCodeMade: '2026-11-22T10:05:00Z',
  emergencyCodeMade: null,
  lockAfterMinutes: 10,
};
