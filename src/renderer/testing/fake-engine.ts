/** A small in-memory engine with the renderer's contract, for component tests and for looking at screens. Never part of the app. */

import type { Engine } from '../../shared/bridge.ts';
import type {
  AppStatus,
  DrugMatch,
  EngineApi,
  EngineState,
  MethodName,
  ParamsOf,
  ProgressOf,
  ResultOf,
} from '../../shared/contract.ts';
import type { Decision, DecisionInput } from '../../shared/decision.ts';
import type { Draft } from '../../shared/editing.ts';
import { FlameError } from '../../shared/errors.ts';
import { findingsWithin } from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { ImportReport } from '../../shared/import-api.ts';
import { interactionsWithin } from '../../shared/interactions.ts';
import { applyEdits, selectGridPoint } from '../../shared/recommendation.ts';
import type { CallOptions } from '../../shared/rpc.ts';
import { FINDINGS } from './example-findings.ts';
import { alternativesTo, reasonsFor } from './example-reasons.ts';
import { DATA_REPORT, DRIFT, JOB, JOB_DETAIL } from './example-training.ts';
import * as fixtures from './fixtures.ts';

type Handlers = {
  [Name in MethodName]: (
    params: ParamsOf<EngineApi, Name>,
    options: CallOptions<ProgressOf<EngineApi, Name>>,
  ) => ResultOf<EngineApi, Name> | Promise<ResultOf<EngineApi, Name>>;
};

export interface FakeEngine extends Engine {
  /** Every call made, in order. */
  readonly calls: { readonly method: MethodName; readonly params: unknown }[];
  /** Replaces answers; a test that wants a failure throws a FlameError. */
  readonly handlers: Handlers;
  say(state: EngineState): void;
}

const SEARCHABLE = [
  'amiodarone',
  'digoxin',
  'ibuprofen',
  'naproxen',
  'omeprazole',
  'warfarin',
  'co-enzyme q10',
];
const REPORT: ImportReport = {
  file: 'demo',
  format: 'visits',
  dryRun: false,
  linesRead: 52,
  tables: [{ name: 'visits', rows: 52, used: true }],
  patientsCreated: 40,
  visitsCreated: 52,
  visitsSkipped: 0,
  refused: [],
  refusedCount: 0,
  leftOut: [],
  drugs: {
    mentions: 120,
    mapped: 120,
    throughSite: 0,
    throughCode: 0,
    setAside: 0,
    unmapped: 0,
    nameless: 0,
  },
  unresolvedDrugs: [],
  ambiguousDrugs: [],
  unknownCodes: [],
  unmappedConditions: [],
};

export function fakeEngine(initial: Partial<AppStatus> = {}): FakeEngine {
  let status: AppStatus = { ...fixtures.STATUS, ...initial };
  const decisions: Decision[] = [];
  const drafts = new Map<string, Draft>();
  const listeners = new Set<(state: EngineState) => void>();
  let state: EngineState = 'ready';
  const calls: FakeEngine['calls'] = [];

  const handlers: Handlers = {
    'app.status': () => status,
    'store.unlock': ({ passphrase }) => {
      if (passphrase !== 'right') throw new FlameError('STORE_KEY_WRONG');
      status = { ...status, store: 'open' };
      return status;
    },
    'store.setPassphrase': ({ passphrase }) => (status = { ...status, passphraseSet: passphrase !== null }),
    'keyStore.get': () => fixtures.KEY_STORE,
    'keyStore.switchOn': () => ({ ...fixtures.KEY_STORE, on: true }),
    'keyStore.switchOff': () => fixtures.KEY_STORE,
    'accounts.setUp': () => ({ status, recoveryCode: fixtures.ACCESS_CODE }),
    'accounts.list': () => fixtures.ACCOUNT_LIST,
    'accounts.add': () => fixtures.ACCOUNT_LIST,
    'accounts.change': () => fixtures.ACCOUNT_LIST,
    'accounts.resetPassphrase': () => fixtures.ACCOUNT_LIST,
    'accounts.remove': () => fixtures.ACCOUNT_LIST,
    'accounts.unlock': () => fixtures.ACCOUNT_LIST,
    'accounts.newCode': () => ({ code: fixtures.ACCESS_CODE }),
    'accounts.lockAfter': () => fixtures.ACCOUNT_LIST,
    'accounts.rekey': () => status,
    'accounts.changePassphrase': () => status,
    'backups.get': () => fixtures.BACKUPS,
    'backups.set': ({ hour, keep }) => ({ ...fixtures.BACKUPS, hour, keep }),
    'backups.setFolder': () => fixtures.BACKUPS,
    'backups.make': () => fixtures.BACKUPS,
    'backups.verify': () => fixtures.BACKUPS,
    'backups.openers': () => ({ file: fixtures.BACKUP_PREVIEW.file, people: ['Ada Lindqvist'] }),
    'backups.preview': ({ secret }) => {
      if (secret.secret !== 'right') throw new FlameError('SIGN_IN_FAILED');
      return fixtures.BACKUP_PREVIEW;
    },
    'rescue.backups': () => ({ backups: [], folderProblem: null }),
    'rescue.openers': () => ({ file: fixtures.BACKUP_PREVIEW.file, people: ['Ada Lindqvist'] }),
    'rescue.preview': () => fixtures.BACKUP_PREVIEW,
    'rescue.restore': () => ({ folder: '/media/flame-restored', counts: fixtures.BACKUP_PREVIEW.counts }),
    'backups.restore': () => ({ folder: '/media/flame-restored', counts: fixtures.BACKUP_PREVIEW.counts }),
    'session.signIn': ({ passphrase }) => {
      if (passphrase !== 'right') throw new FlameError('SIGN_IN_FAILED');
      status = { ...status, store: 'open', session: fixtures.SIGNED_IN };
      return status;
    },
    'session.lock': () => (status = { ...status, session: { ...status.session, account: null } }),
    'session.confirm': () => ({}),
    'session.recover': () => ({ status, recoveryCode: fixtures.ACCESS_CODE }),
    'session.emergency': () => status,
    'demo.describe': () => fixtures.DEMO,
    'demo.load': async (_params, { onProgress }) => {
      onProgress?.({ linesRead: 26, visitsStored: 26, fraction: 0.5, secondsLeft: 1 });
      await Promise.resolve();
      status = { ...status, patientCount: fixtures.PATIENTS.length };
      return REPORT;
    },
    'patients.list': ({ query, limit, offset }) => {
      const found = fixtures.PATIENTS.filter(({ patient, lastDiagnoses }) =>
        `${patient.name} ${lastDiagnoses.join(' ')}`.toLowerCase().includes(query.toLowerCase()),
      );
      return { total: found.length, patients: found.slice(offset, offset + limit), waiting: 0 };
    },
    'patients.get': () => ({ patient: fixtures.PATIENT, visits: fixtures.VISITS, archived: false }),
    'patients.save': ({ patient: { recordNumber, ...patient } }) => ({
      ...patient,
      sourceId: recordNumber,
      demo: false,
    }),
    'patients.duplicates': () => [],
    'patients.archive': () => ({}),
    'patients.merge': () => fixtures.PATIENT,
    'visits.get': () => ({ ...fixtures.DETAIL, decisions: [...decisions] }),
    'visits.save': () => ({ ...fixtures.DETAIL, decisions: [...decisions] }),
    'exports.count': () => ({ patients: 2, visits: 3, decisions: 1 }),
    'exports.write': () => fixtures.EXPORT_REPORT,
    'hooks.get': () => fixtures.HOOKS,
    'hooks.set': ({ enabled, port }) => ({ ...fixtures.HOOKS, enabled, port }),
    'hooks.token': () => ({ token: 'token', state: { ...fixtures.HOOKS, hasToken: true } }),
    'siteTable.get': () => ({ table: null }),
    'siteTable.preview': () => fixtures.SITE_TABLE_PREVIEW,
    'siteTable.import': ({ sha256 }) => ({ ...fixtures.SITE_TABLE, sha256 }),
    'siteTable.remove': () => ({}),
    'visits.import': ({ dryRun = false }) => ({ ...REPORT, dryRun }),
    'imports.unfinished': () => [],
    'imports.resume': () => REPORT,
    'imports.forget': () => ({}),
    'imports.inspect': () => ({ name: 'visits.jsonl', format: 'visits', files: 1, bytes: 1000, columns: [] }),
    'mappings.list': () => [],
    'mappings.put': ({ kind, written, targets }) => ({
      kind,
      written,
      targets,
      names: targets.map((target) => fixtures.drug(target)),
      changedAt: '2026-11-22T10:05:00Z',
    }),
    'mappings.remove': () => ({}),
    'mappings.import': () => ({ stored: 0, refused: [] }),
    'mappings.export': () => ({ rows: 0 }),
    'drafts.list': () => [...drafts.values()],
    'drafts.put': ({ label, form }) => {
      const savedAt = '2026-11-22T10:05:00Z';
      drafts.set(form.id, { id: form.id, label, form, savedAt });
      return { savedAt };
    },
    'drafts.discard': ({ id }) => {
      drafts.delete(id);
      return {};
    },
    'codes.search': ({ text }) => [{ code: 'I10', title: `Essential hypertension for ${text}` }],
    'codes.lists': () => ({
      specialties: [{ code: '2', title: 'Internal medicine' }],
      chronic: [{ code: 'HTN', title: 'Hypertension' }],
    }),
    recommend: () => fixtures.RECOMMENDATION,
    'recommend.explain': ({ drug }) => reasonsFor(drug),
    'recommend.alternatives': ({ pair: [drug] }) => [alternativesTo(drug)],
    'drugs.search': ({ text }) =>
      SEARCHABLE.filter((name) => name.includes(text.toLowerCase())).map((name): DrugMatch => ({
        drug: fixtures.drug(name),
        matched: null,
        inFormulary: name !== 'co-enzyme q10',
      })),
    'graph.export': () => ({}),
    'interactions.among': ({ drugs }) => ({
      interactions: interactionsWithin(fixtures.INTERACTIONS, drugs),
      notCovered: drugs.filter((drug) => drug === 'co-enzyme q10'),
    }),
    'visits.check': ({ drugs }) => ({
      findings: findingsWithin(FINDINGS, [...drugs, fixtures.drugId('warfarin')]),
      knowledgeVersion: 'flame-2026.11',
    }),
    'worklist.get': () => ({
      date: '2026-11-22',
      today: { total: 0, visits: [] },
      undecided: { total: 0, visits: [] },
      recent: [],
    }),
    'overview.get': () => ({
      decisions: 0,
      leftOut: 0,
      period: 'month',
      periods: [],
      interactionRates: 0,
      drugs: [],
      severities: [],
      overrides: [],
      alerts: { proposed: 0, final: 0, findings: 0, decisionsWith: 0 },
    }),
    'hooks.feedback': () => ({
      enabled: false,
      answered: 0,
      cards: 0,
      accepted: 0,
      overridden: 0,
      period: 'month',
      periods: [],
      reasons: [],
    }),
    'audit.open': () => ({ actors: ['ada'] }),
    'audit.list': () => ({ total: 0, entries: [] }),
    'audit.verify': () => ({
      entries: 0,
      broken: null,
      lastHash: null,
      head: 'matches',
      mismatches: [],
      changedDecisions: [],
    }),
    'audit.export': () => ({ entries: 0 }),
    'decisions.save': (input) => {
      const decision = decide(input);
      decisions.unshift(decision);
      return decision;
    },
    'decisions.basis': () => ({ recommendation: fixtures.RECOMMENDATION }),
    'decisions.seal': () => ({ sha256: 'c0ffee', intact: true }),
    'decisions.signer': () => ({ signature: decisions[0]?.signature ?? null }),
    'notes.read': () => ({ mentions: [], noKnownAllergies: false }),
    'models.list': () => fixtures.MODELS,
    'models.use': () => status,
    'models.rollBack': () => status,
    'models.details': () => fixtures.MODEL_DETAILS,
    'models.verify': () => ({ at: '2026-11-22T10:05:00Z', files: 3, bytes: 17_585_000, problem: null }),
    'models.import': () => ({ model: fixtures.MODEL_DETAILS.model, memory: 200e6 }),
    'models.export': () => ({ bytes: 17_585_000 }),
    'models.remove': () => fixtures.MODELS,
    'devices.list': () => fixtures.DEVICES,
    'devices.test': () => fixtures.DEVICES,
    'devices.choose': () => fixtures.DEVICES,
    'finetune.report': () => DATA_REPORT,
    'finetune.start': () => JOB,
    'finetune.export': () => ({ visits: 240 }),
    'finetune.importAdapter': () => JOB,
    'finetune.list': () => ({ jobs: [JOB], drift: DRIFT }),
    'finetune.get': () => JOB_DETAIL,
    'finetune.hold': ({ held }) => ({ ...JOB, waitingFor: held ? 'user' : null }),
    'finetune.cancel': () => ({ ...JOB, state: 'cancelled' }),
    'finetune.promote': () => status,
    'finetune.reject': () => ({ ...JOB, state: 'rejected' }),
  };

  return {
    calls,
    handlers,
    async call(method, params, options = {}) {
      calls.push({ method, params });
      await Promise.resolve();
      if (state !== 'ready') throw new FlameError('ENGINE_GONE');
      return handlers[method](params, options);
    },
    onState(listener) {
      listeners.add(listener);
      listener(state);
      return () => listeners.delete(listener);
    },
    onLocked: () => () => undefined,
    openRestored: () => Promise.resolve(),
    takeDropped: () => Promise.resolve({ grant: 'g', name: 'clinic.zip' }),
    pickImportFile: () => Promise.resolve({ grant: 'g', name: 'visits.jsonl' }),
    releaseSheet: ({ as }) => Promise.resolve({ name: as === 'pdf' ? 'decision.pdf' : null }),
    pickSaveFile: (_kind, name) => Promise.resolve({ grant: 's', name }),
    say(next) {
      state = next;
      for (const listener of listeners) listener(next);
    },
  };
}

function decide(input: DecisionInput): Decision {
  const { grid, model, knowledgeVersion, interactions } = fixtures.RECOMMENDATION;
  const proposed = selectGridPoint(grid, input.alpha).list;
  const ids = (words: readonly { readonly drug: DrugId }[]): DrugId[] => words.map(({ drug }) => drug);
  const final = applyEdits(proposed, ids(input.chosen), ids(input.rejected));
  const words = new Map(input.chosen.map((word) => [word.drug, word]));
  const { findingOverrides: _, ...kept } = input;
  return {
    ...kept,
    savedAt: '2026-11-22T10:05:00Z',
    model,
    knowledgeVersion,
    proposed: proposed.map((id) => fixtures.drug(id)),
    final: final.map((id) => fixtures.drug(id)),
    added: final.filter((drug) => !proposed.includes(drug)),
    removed: proposed.filter((drug) => !final.includes(drug)),
    interactions: interactionsWithin(interactions, [...final, fixtures.drugId('warfarin')]),
    chosen: final.map((drug) => words.get(drug)!),
    rejected: input.rejected.map((word) => ({ ...word, name: word.drug })),
    findings: [],
    version: 1,
  };
}
