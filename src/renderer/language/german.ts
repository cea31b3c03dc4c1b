/** The German texts; what is missing here is shown in English. Holds no logic. */

import about from './de/about.json';
import alternatives from './de/alternatives.json';
import audit from './de/audit.json';
import common from './de/common.json';
import data from './de/data.json';
import decision from './de/decision.json';
import editor from './de/editor.json';
import errors from './de/errors.json';
import exporting from './de/exporting.json';
import findings from './de/findings.json';
import graph from './de/graph.json';
import help from './de/help.json';
import importing from './de/importing.json';
import interactions from './de/interactions.json';
import notes from './de/notes.json';
import overview from './de/overview.json';
import patients from './de/patients.json';
import people from './de/people.json';
import probability from './de/probability.json';
import problems from './de/problems.json';
import reasons from './de/reasons.json';
import recommend from './de/recommend.json';
import settings from './de/settings.json';
import severity from './de/severity.json';
import shell from './de/shell.json';
import siteTable from './de/siteTable.json';
import start from './de/start.json';
import tour from './de/tour.json';
import visit from './de/visit.json';
import worklist from './de/worklist.json';
import type { Translation } from './translation.ts';

export const german: Translation = {
  about,
  alternatives,
  audit,
  common,
  data,
  decision,
  editor,
  errors,
  exporting,
  findings,
  graph,
  help,
  importing,
  interactions,
  notes,
  overview,
  patients,
  people,
  probability,
  problems,
  reasons,
  recommend,
  settings,
  severity,
  shell,
  siteTable,
  start,
  tour,
  visit,
  worklist,
};
