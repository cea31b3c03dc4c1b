/** The English texts, complete, one file a feature. Every other language is measured against this object. Holds no logic. */

import { ERROR_WORDING } from '../../shared/errors.ts';
import { PROBLEM_WORDING } from '../../shared/problem-words.ts';
import about from './en/about.json';
import accounts from './en/accounts.json';
import audit from './en/audit.json';
import alternatives from './en/alternatives.json';
import backups from './en/backups.json';
import common from './en/common.json';
import data from './en/data.json';
import decision from './en/decision.json';
import editor from './en/editor.json';
import exporting from './en/exporting.json';
import findings from './en/findings.json';
import graph from './en/graph.json';
import help from './en/help.json';
import hooks from './en/hooks.json';
import importing from './en/importing.json';
import interactions from './en/interactions.json';
import keyStore from './en/keyStore.json';
import models from './en/models.json';
import notes from './en/notes.json';
import overview from './en/overview.json';
import patients from './en/patients.json';
import people from './en/people.json';
import probability from './en/probability.json';
import reasons from './en/reasons.json';
import recommend from './en/recommend.json';
import settings from './en/settings.json';
import severity from './en/severity.json';
import shell from './en/shell.json';
import siteTable from './en/siteTable.json';
import start from './en/start.json';
import tour from './en/tour.json';
import training from './en/training.json';
import visit from './en/visit.json';
import worklist from './en/worklist.json';

export const english = {
  about,
  accounts,
  alternatives,
  audit,
  backups,
  common,
  data,
  decision,
  editor,
  errors: ERROR_WORDING,
  exporting,
  findings,
  graph,
  help,
  hooks,
  importing,
  interactions,
  keyStore,
  models,
  notes,
  overview,
  patients,
  people,
  probability,
  problems: PROBLEM_WORDING,
  reasons,
  recommend,
  settings,
  severity,
  shell,
  siteTable,
  start,
  tour,
  training,
  visit,
  worklist,
} as const;
