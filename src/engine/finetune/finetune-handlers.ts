/** The handlers of local fine-tuning: report, start, watch, compare, promote, reject. Trains nothing in this process. */

import { cpSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ZipFile } from 'yazl';
import { lazy } from '../../knowledge/tables.ts';
import { measuringSeconds } from '../../flame/local/data-report.ts';
import { ADAPTER_FILES, readAdapter, trainingFiles } from '../../flame/local/exchange.ts';
import { readModelPack, SHIPPED_PACK } from '../../flame/model-pack.ts';
import type { EngineApi } from '../../shared/contract.ts';
import { FlameError } from '../../shared/errors.ts';
import type { FinetuneSelection, FinetuneSettings } from '../../shared/finetune.ts';
import type {
  FinetuneApi,
  JobDetail,
  JobEvent,
  JobSummary,
  NamedSideBySide,
} from '../../shared/finetune-api.ts';
import type { JobId } from '../../shared/ids.ts';
import type { TrainingVisits } from '../../shared/trainer-process.ts';
import { driftReport } from './drift.ts';
import { adapterFolder, type FinetuneRunner } from './runner.ts';
import { selectVisits } from './select-visits.ts';
import type { Grants } from '../grants.ts';
import { isInstalled } from '../models/installed.ts';
import { removeModel } from '../models/export-model.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { appendAudit, type AuditEvent } from '../store/audit.ts';
import {
  addEvent,
  changeJob,
  eventsOf,
  getJob,
  insertJob,
  listJobs,
  type NewJob,
  pointsOf,
  type StoredJob,
} from '../store/finetune-jobs.ts';
import { newId } from '../store/ids.ts';
import { modelInUse } from '../store/model-uses.ts';
import { getPatient } from '../store/patients.ts';
import { findVisit } from '../store/visits.ts';
import type { Workspace } from '../workspace.ts';
import { draftBook } from '../unfinished-files.ts';
import { writeWhole } from '../write-whole.ts';

export function finetuneHandlers(
  workspace: Workspace,
  actor: () => string,
  runner: FinetuneRunner,
  grants: Grants,
): Pick<Handlers<EngineApi>, keyof FinetuneApi> {
  const base = lazy(() => readModelPack(join(workspace.options.models, SHIPPED_PACK)));
  const audit = (action: AuditEvent['action'], { id, name }: Pick<StoredJob, 'id' | 'name'>): void =>
    appendAudit(workspace.db, { actor: actor(), action, subject: id, content: { label: name } });
  const select = (selection: FinetuneSelection, settings: FinetuneSettings) =>
    selectVisits(workspace.db, selection, settings, { base: base(), knowledge: workspace.knowledge });
  const usable = async (selection: FinetuneSelection, settings: FinetuneSettings) => {
    const selected = await select(selection, settings);
    const [refusal] = selected.report.refusals;
    if (!refusal) return selected;
    const found = Math.round(refusal.found * 100) / 100;
    const problem = `${refusal.reason} (${found}, the limit is ${refusal.limit})`;
    throw new FlameError('FINETUNE_REFUSED', { problem });
  };
  const queue = (
    job: Omit<NewJob, 'createdAt' | 'createdBy'>,
    visits: TrainingVisits,
    details: JobEvent['details'],
  ): void => {
    const { db, siteTable } = workspace;
    const createdAt = new Date().toISOString();
    db.transaction(() => {
      insertJob(db, { ...job, createdAt, createdBy: actor() }, { visits, siteTable });
      addEvent(db, job.id, 'created', details);
      audit('finetune.started', job);
    });
    runner.wake();
  };
  const summary = (id: JobId): JobSummary => summaryOf(getJob(workspace.db, id), runner);

  return {
    'finetune.report': async (params) => {
      const { selection, settings } = parseParameters('finetune.report', params);
      return (await select(selection, settings)).report;
    },

    'finetune.start': async (params) => {
      const { name, selection, settings } = parseParameters('finetune.start', params);
      const { visits, report } = await usable(selection, settings);
      const id = newId<JobId>();
      queue({ id, name, selection, settings, report }, visits, {});
      return summary(id);
    },

    'finetune.export': async (params) => {
      const { selection, settings, grant } = parseParameters('finetune.export', params);
      const file = grants.path(grant, 'write');
      const { visits: split } = await usable(selection, settings);
      const zip = new ZipFile();
      for (const [name, bytes] of trainingFiles({ base: base(), knowledge: workspace.knowledge, split }))
        zip.addBuffer(Buffer.from(bytes), `flame-training-set/${name}`);
      zip.end();
      const visits = split.train.length + split.validation.length;
      await writeWhole(file, zip.outputStream as AsyncIterable<Uint8Array>, {
        book: draftBook(workspace.db),
        beforePublish: () =>
          appendAudit(workspace.db, {
            actor: actor(),
            action: 'finetune.exported',
            subject: SHIPPED_PACK,
            content: { file: basename(file), visits },
          }),
      });
      grants.used(grant);
      return { visits };
    },

    'finetune.importAdapter': async (params) => {
      const { name, selection, settings, grant } = parseParameters('finetune.importAdapter', params);
      const folder = grants.path(grant, 'read');
      const { rank } = readAdapter(folder, base()).config;
      const { visits, report } = await usable(selection, settings);
      const id = newId<JobId>();
      const own = adapterFolder(workspace.options.profile, id);
      mkdirSync(own, { recursive: true, mode: 0o700 });
      for (const file of ADAPTER_FILES) cpSync(join(folder, file), join(own, file));
      grants.used(grant);
      const estimate = { ...report.estimate, seconds: measuringSeconds(report.parts.heldOut.visits) };
      queue({ id, name, selection, settings, report: { ...report, estimate } }, visits, {
        adapter: `rank ${rank}`,
      });
      return summary(id);
    },

    'finetune.list': (params) => {
      parseParameters('finetune.list', params);
      return {
        jobs: listJobs(workspace.db).map((job) => summaryOf(job, runner)),
        drift: driftReport(workspace.db, workspace.modelOrNull),
      };
    },

    'finetune.get': (params) => {
      const { jobId } = parseParameters('finetune.get', params);
      return detailOf(workspace, getJob(workspace.db, jobId), runner);
    },

    'finetune.hold': (params) => {
      const { jobId, held } = parseParameters('finetune.hold', params);
      getJob(workspace.db, jobId);
      runner.hold(jobId, held);
      return summary(jobId);
    },

    'finetune.cancel': (params) => {
      const { jobId } = parseParameters('finetune.cancel', params);
      runner.cancel(jobId, actor());
      return summary(jobId);
    },

    'finetune.promote': async (params) => {
      const { jobId } = parseParameters('finetune.promote', params);
      const { db } = workspace;
      const job = getJob(db, jobId);
      if (job.model === null || (job.state !== 'evaluated' && job.state !== 'promoted'))
        throw new FlameError('INVALID_INPUT', {
          problem: `a training that is ${job.state} has no model to use`,
        });
      await workspace.useModel(job.model, { actor: actor(), cause: 'used' });
      db.transaction(() => {
        changeJob(db, jobId, { state: 'promoted' });
        addEvent(db, jobId, 'promoted');
        audit('finetune.promoted', job);
      });
      return workspace.status();
    },

    'finetune.reject': (params) => {
      const { jobId } = parseParameters('finetune.reject', params);
      const { db, modelFolders } = workspace;
      const job = getJob(db, jobId);
      if (job.model === null || job.state !== 'evaluated')
        throw new FlameError('INVALID_INPUT', {
          problem: `a training that is ${job.state} cannot be rejected`,
        });
      db.transaction(() => {
        changeJob(db, jobId, { state: 'rejected' });
        addEvent(db, jobId, 'rejected');
        audit('finetune.rejected', job);
        if (isInstalled(modelFolders, job.model!))
          removeModel(modelFolders, job.model!, [workspace.status().modelId, modelInUse(db)?.model ?? null]);
      });
      return summary(jobId);
    },
  };
}

function summaryOf(job: StoredJob, runner: FinetuneRunner): JobSummary {
  const { id, name, createdAt, startedAt, finishedAt, state, selection, settings, error, model } = job;
  const live = runner.live(id);
  const left = Math.max(0, job.report.estimate.seconds - live.seconds);
  return {
    id,
    name,
    createdAt,
    startedAt,
    finishedAt,
    state,
    selection,
    settings,
    waitingFor: job.held && (state === 'queued' || state === 'running') ? 'user' : live.waitingFor,
    point: live.point,
    secondsLeft: state === 'running' || state === 'queued' ? left : null,
    error,
    model,
  };
}

function detailOf(workspace: Workspace, job: StoredJob, runner: FinetuneRunner): JobDetail {
  const { db } = workspace;
  const { result } = job;
  return {
    ...summaryOf(job, runner),
    report: job.report,
    usage: job.usage,
    points: pointsOf(db, job.id),
    log: eventsOf(db, job.id),
    evaluation: result?.evaluation ?? null,
    choices: result?.choices ?? null,
    examples: (result?.examples ?? []).flatMap((example): NamedSideBySide[] => {
      const visit = findVisit(db, example.visitId);
      if (!visit) return [];
      const { drugs } = workspace.knowledge;
      return [
        {
          visitId: example.visitId,
          patient: getPatient(db, visit.patientId).name,
          date: visit.date,
          truth: example.truth.map((drug) => drugs.name(drug)),
          before: example.before.map((drug) => drugs.name(drug)),
          after: example.after.map((drug) => drugs.name(drug)),
        },
      ];
    }),
  };
}
