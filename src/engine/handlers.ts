/** One handler for each method of the contract: parse, ask the parts, write the audit log. Holds no rule of its own. */

import { basename, join } from 'node:path';
import { factsOf } from '../checks/facts.ts';
import type { BackupsApi } from '../shared/backup-api.ts';
import type { RescueApi, RescueShellApi } from '../shared/rescue-api.ts';
import type { EngineApi, ShellApi } from '../shared/contract.ts';
import type { KeyStoreApi } from '../shared/key-store-api.ts';
import type { EngineOptions } from '../shared/engine-process.ts';
import type { ImportProgress } from '../shared/import-api.ts';
import { guarded, inCallersName } from './access/access.ts';
import { accountsHandlers, sessionShellHandlers } from './access/accounts-handlers.ts';
import { actorName } from './access/actor.ts';
import { auditHandlers } from './audit/audit-handlers.ts';
import { backupHandlers } from './backup/backup-handlers.ts';
import { rescueHandlers } from './backup/rescue-handlers.ts';
import { BackupService } from './backup/backup-service.ts';
import { decisionHandlers, decisionShellHandlers } from './decisions/decision-handlers.ts';
import { describeDemo, loadDemo } from './imports/demo.ts';
import { devicesHandlers } from './devices/devices-handlers.ts';
import { forkingProber, type Prober } from './devices/prober.ts';
import { exportHandlers } from './exports/export-handlers.ts';
import { editorHandlers } from './editing/editor-handlers.ts';
import { NO_TRAINERS, type TrainerLauncher } from './finetune/launcher.ts';
import { FinetuneRunner } from './finetune/runner.ts';
import { finetuneHandlers } from './finetune/finetune-handlers.ts';
import { graphHandlers } from './decisions/graph-handlers.ts';
import { Grants } from './grants.ts';
import type { ImportOptions } from './imports/import-visits.ts';
import { hasKeptKey, NO_KEY_STORE, type KeyStore } from './access/key-store.ts';
import { keyStoreHandlers } from './access/key-store-handlers.ts';
import { importsHandlers } from './imports/imports-handlers.ts';
import { modelsHandlers } from './models/models-handlers.ts';
import { notesHandlers } from './editing/notes-handlers.ts';
import { overviewHandlers } from './decisions/overview-handlers.ts';
import { parseParameters } from './parameters.ts';
import { reasonsHandlers } from './decisions/reasons-handlers.ts';
import type { CallContext, EngineHandlers, Handlers } from './serve.ts';
import { HookService } from './hooks/hook-service.ts';
import { hooksHandlers } from './hooks/hooks-handlers.ts';
import { siteTableHandlers } from './imports/site-table-handlers.ts';
import { siteMappings } from './store/site-mappings.ts';
import { confirmProtection } from './access/confirm-passphrase.ts';
import { appendAudit, type AuditEvent } from './store/audit.ts';
import { withEarlierVisits } from './store/earlier-visits.ts';
import { isArchived } from './store/patient-changes.ts';
import { demoLoaded, getPatient, listPatients } from './store/patients.ts';
import { saveRecommendation } from './store/recommendations.ts';
import { getVisit, listVisits } from './store/visits.ts';
import { draftBook } from './unfinished-files.ts';
import { writeWhole } from './write-whole.ts';
import { readVisitDetail, titlesOf } from './editing/visit-detail.ts';
import { Workspace } from './workspace.ts';

/** What the engine does through other processes; plain Node starts them itself. */
export interface EngineServices {
  readonly prober?: Prober;
  /** The operating system's; without it, none. */
  readonly keyStore?: KeyStore;
  /** Where training processes come from; without it, jobs wait. */
  readonly trainers?: TrainerLauncher;
  /** When processors that were never tested are; absent: only when asked. */
  readonly testDevicesAfterMs?: number;
}

export async function createHandlers(
  options: EngineOptions,
  { prober = forkingProber(), keyStore = NO_KEY_STORE, testDevicesAfterMs, trainers }: EngineServices = {},
): Promise<EngineHandlers> {
  const workspace = await Workspace.open(options, prober, keyStore);
  if (testDevicesAfterMs !== undefined)
    setTimeout(() => void workspace.testDevicesOnce(), testDevicesAfterMs).unref();
  const runner = new FinetuneRunner(workspace, trainers ?? NO_TRAINERS);
  if (trainers) runner.watch();
  const grants = new Grants();
  const hooks = new HookService(workspace, () => siteMappings(workspace.db));
  await hooks.settle();
  const backups = new BackupService(workspace);
  backups.watch();
  const rescue = rescueHandlers(workspace, backups, grants);
  const { session } = workspace;
  return {
    engine: guarded(
      {
        ...engineHandlers(workspace, grants, hooks, runner),
        ...keyStoreHandlers(workspace, keyStore, actorName),
        ...backupHandlers(workspace, backups, grants, actorName),
        ...rescue.engine,
      },
      session,
    ),
    shell: inCallersName(
      { ...shellHandlers(workspace, grants, hooks, runner, backups), ...rescue.shell },
      session,
    ),
  };
}

function shellHandlers(
  workspace: Workspace,
  grants: Grants,
  hooks: HookService,
  runner: FinetuneRunner,
  backups: BackupService,
): Omit<Handlers<ShellApi>, keyof RescueShellApi> {
  return {
    'files.grant': (params) => {
      const { grant, path, purpose = 'read' } = parseParameters('files.grant', params);
      grants.give(grant, path, purpose);
      return { name: basename(path) };
    },

    'files.write': async (params) => {
      const { path, bytes } = parseParameters('files.write', params);
      await writeWhole(path, [bytes], { book: draftBook(workspace.db) });
      return {};
    },

    ...decisionShellHandlers(workspace, actorName),
    ...sessionShellHandlers(workspace.session),

    'power.changed': (params) => {
      runner.setPower(parseParameters('power.changed', params).onBattery);
      return {};
    },

    'engine.shutdown': async (params) => {
      parseParameters('engine.shutdown', params);
      runner.stop();
      await backups.stop();
      await hooks.close();
      await workspace.close();
      return {};
    },
  };
}

function engineHandlers(
  workspace: Workspace,
  grants: Grants,
  hooks: HookService,
  runner: FinetuneRunner,
): Omit<Handlers<EngineApi>, keyof KeyStoreApi | keyof BackupsApi | keyof RescueApi> {
  const actor = actorName;
  const titles = () => titlesOf(workspace.knowledgeOrNull);
  const checker = () => workspace.checker;
  const demoFolder = join(workspace.options.resources, 'demo');
  const audit = (action: AuditEvent['action'], subject: string, content: AuditEvent['content'] = {}): void =>
    appendAudit(workspace.db, { actor: actor(), action, subject, content });

  const importOptions = (context: CallContext<ImportProgress>): Omit<ImportOptions, 'file'> => {
    const { drugs } = workspace.knowledge; // Drug names cannot be read without the tables: refuse at once.
    return {
      resolveDrugs: (name) => drugs.find(name),
      titles: titles(),
      actor: actor(),
      signal: context.signal,
      onProgress: context.progress,
    };
  };

  return {
    ...editorHandlers(workspace, actor),
    ...graphHandlers(workspace, grants, actor),
    ...reasonsHandlers(workspace, checker),
    ...decisionHandlers(workspace, actor, checker),
    ...auditHandlers(workspace, actor, grants),
    ...overviewHandlers(workspace, actor),
    ...modelsHandlers(workspace, actor, grants),
    ...devicesHandlers(workspace, actor),
    ...notesHandlers(workspace),
    ...exportHandlers(workspace, grants, actor),
    ...hooksHandlers(workspace, hooks, actor),
    ...siteTableHandlers(workspace, grants, actor),
    ...importsHandlers(workspace, actor, grants),
    ...accountsHandlers(workspace, () => runner.isTraining),
    ...finetuneHandlers(workspace, actor, runner, grants),

    'app.status': (params) => {
      parseParameters('app.status', params);
      void hooks.settle(); // The screen asks after each opening of the database.
      return workspace.status();
    },

    'store.unlock': async (params) => {
      await workspace.store.unlock(parseParameters('store.unlock', params).passphrase);
      return workspace.status();
    },

    'store.setPassphrase': async (params) => {
      const { passphrase, present } = parseParameters('store.setPassphrase', params);
      const folder = workspace.options.profile;
      await confirmProtection(workspace.db, folder, actor(), present);
      const kept = hasKeptKey(folder);
      await workspace.store.protect(passphrase);
      if (kept) audit('key-store.switched-off', 'profile', { because: 'passphrase.changed' });
      audit('passphrase.changed', 'profile', { protected: passphrase !== null });
      return workspace.status();
    },

    'demo.describe': (params) => {
      parseParameters('demo.describe', params);
      return describeDemo(demoFolder, demoLoaded(workspace.db));
    },

    'demo.load': async (params, context) => {
      parseParameters('demo.load', params);
      return loadDemo(workspace.db, demoFolder, importOptions(context)).finally(() =>
        workspace.store.completeSearch(),
      );
    },

    'patients.list': (params) => {
      return listPatients(workspace.db, parseParameters('patients.list', params), titles());
    },

    'patients.get': (params) => {
      const { patientId } = parseParameters('patients.get', params);
      const patient = getPatient(workspace.db, patientId);
      audit('patient.viewed', patient.id);
      return {
        patient,
        visits: listVisits(workspace.db, patient.id, titles()),
        archived: isArchived(workspace.db, patient.id),
      };
    },

    'visits.get': (params) => {
      const { visitId } = parseParameters('visits.get', params);
      const detail = readVisitDetail(workspace.db, workspace.knowledgeOrNull, visitId);
      audit('visit.viewed', visitId, { patient: detail.patient.id });
      return detail;
    },

    recommend: async (params) => {
      const { visitId, useHabits = true } = parseParameters('recommend', params);
      const { active, habits, db } = workspace;
      runner.noteWork();
      const visit = withEarlierVisits(db, getVisit(db, visitId));
      const reply = await active.use(({ recommender }) =>
        recommender.recommend(visit, { habits, useHabits }),
      );
      db.transaction(() => {
        saveRecommendation(db, reply);
        audit('recommendation.made', reply.id, {
          visit: visitId,
          model: `${reply.model.name} ${reply.model.version}`,
          knowledge: reply.knowledgeVersion,
          habits: reply.habits.used ? reply.habits.decisions : 0,
        });
      });
      return reply;
    },

    'drugs.search': (params) => {
      const { text, limit } = parseParameters('drugs.search', params);
      const { drugs } = workspace.knowledge;
      const formulary = new Set(workspace.modelOrNull?.formulary.map((drug) => drugs.canonical(drug)));
      return drugs.search(text, limit).map(({ drug, matched }) => ({
        drug: drugs.name(drug.id),
        matched,
        inFormulary: formulary.has(drug.id),
      }));
    },

    'interactions.among': (params) => {
      const { drugs } = parseParameters('interactions.among', params);
      const { interactions } = workspace.knowledge;
      return { interactions: interactions.among(drugs), notCovered: interactions.notCovered(drugs) };
    },

    'visits.check': (params) => {
      const { visitId, drugs } = parseParameters('visits.check', params);
      return checker().check(factsOf(getVisit(workspace.db, visitId)), drugs);
    },
  };
}
