/** A data report and a finished training, for component tests and for looking at screens. No patient's. */

import { DEFAULT_SETTINGS, type DataReport } from '../../shared/finetune.ts';
import type { DriftReport, JobDetail, JobSummary } from '../../shared/finetune-api.ts';
import { asId, type JobId } from '../../shared/ids.ts';

const part = { visits: 120, patients: 80, first: '2024-01-02', last: '2026-05-30' };
export const DATA_REPORT: DataReport = {
  parts: { train: part, validation: part, heldOut: part },
  leftOut: { noDrugs: 3, noProblem: 1 },
  withHistory: 40,
  meanLength: 4.2,
  drugs: 90,
  knownDrugs: 80,
  coverage: 0.9,
  newDrugs: [],
  rareDrugs: 10,
  drugShift: 0.3,
  codeShift: 0.2,
  shifts: [],
  commonestList: 0.05,
  contraindicated: 0.01,
  refusals: [],
  estimate: { seconds: 200, memory: 900e6 },
};

export const JOB: JobSummary = {
  id: asId<JobId>('0193a2b0-0000-7000-8000-000000000001'),
  name: 'Ward 3',
  createdAt: '2026-11-22T10:00:00Z',
  startedAt: '2026-11-22T10:00:01Z',
  finishedAt: null,
  state: 'running',
  selection: { source: 'both', from: null, to: null, demo: false },
  settings: DEFAULT_SETTINGS,
  waitingFor: null,
  point: { stage: 'adapter', step: 40, steps: 120, values: { loss: 20 } },
  secondsLeft: 100,
  error: null,
  model: null,
};

export const JOB_DETAIL: JobDetail = {
  ...JOB,
  report: DATA_REPORT,
  usage: null,
  points: [],
  log: [{ at: '2026-11-22T10:00:01Z', event: 'started', details: { attempt: 1 } }],
  evaluation: null,
  choices: null,
  examples: [],
};

export const DRIFT: DriftReport = { windows: [], alert: null, size: 20 };
