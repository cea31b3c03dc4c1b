/** The handlers of local fine-tuning: report, start, watch, compare, promote, reject. Trains nothing in this process. */

import { join } from 'node:path';
import { lazy } from '../knowledge/tables.ts';
import { readModelPack, SHIPPED_PACK } from '../flame/model-pack.ts';
import type { EngineApi } from '../shared/contract.ts';
import { FlameError } from '../shared/errors.ts';
import type { FinetuneSelection, FinetuneSettings } from '../shared/finetune.ts';
import type { FinetuneApi, JobDetail, JobSummary, NamedSideBySide } from '../shared/finetune-api.ts';
import type { JobId } from '../shared/ids.ts';
import { driftReport } from './finetune/drift.ts';
import type { FinetuneRunner } from './finetune/runner.ts';
import { selectVisits } from './finetune/select-visits.ts';
import { isInstalled } from './models/installed.ts';
import { removeModel } from './models/export-model.ts';
import { parseParameters } from './parameters.ts';
import type { Handlers } from './serve.ts';
import { appendAudit, type AuditEvent } from './store/audit.ts';
import {
  addEvent,
  changeJob,
  eventsOf,
  getJob,
  insertJob,
  listJobs,
  pointsOf,
  type StoredJob,
} from './store/finetune-jobs.ts';
import { newId } from './store/ids.ts';
import { modelInUse } from './store/model-uses.ts';
import { getPatient } from './store/patients.ts';
import { findVisit } from './store/visits.ts';
import type { Workspace } from './workspace.ts';

export function finetuneHandlers(
  workspace: Workspace,
  actor: () => string,
  runner: FinetuneRunner,
): Pick<Handlers<EngineApi>, keyof FinetuneApi> {
  const base = lazy(() => readModelPack(join(workspace.options.models, SHIPPED_PACK)));
  const audit = (action: AuditEvent['action'], { id, name }: Pick<StoredJob, 'id' | 'name'>): void =>
    appendAudit(workspace.db, { actor: actor(), action, subject: id, content: { label: name } });
  const select = (selection: FinetuneSelection, settings: FinetuneSettings) =>
    selectVisits(workspace.db, selection, settings, { base: base(), knowledge: workspace.knowledge });
  const summary = (id: JobId): JobSummary => summaryOf(getJob(workspace.db, id), runner);

  return {
    'finetune.report': async (params) => {
      const { selection, settings } = parseParameters('finetune.report', params);
      return (await select(selection, settings)).report;
    },

    'finetune.start': async (params) => {
      const { name, selection, settings } = parseParameters('finetune.start', params);
      const { visits, report } = await select(selection, settings);
      const [refusal] = report.refusals;
      if (refusal) {
        const found = Math.round(refusal.found * 100) / 100;
        const problem = `${refusal.reason} (${found}, the limit is ${refusal.limit})`;
        throw new FlameError('FINETUNE_REFUSED', { problem });
      }
      const id = newId<JobId>();
      const { db } = workspace;
      const createdAt = new Date().toISOString();
      db.transaction(() => {
        insertJob(
          db,
          { id, name, createdAt, createdBy: actor(), selection, settings, report },
          {
            visits,
            siteTable: workspace.siteTable,
          },
        );
        addEvent(db, id, 'created');
        audit('finetune.started', { id, name });
      });
      runner.wake();
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
