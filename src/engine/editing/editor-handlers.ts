/** The handlers of the editor: patients, visits, drafts, type-ahead. Parse, then ask edit-records.ts and the store. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CodeTitle } from '../../shared/domain.ts';
import type { EngineApi } from '../../shared/contract.ts';
import { archivePatient, merge, savePatient, saveVisit, type Editing } from './edit-records.ts';
import { FlameError } from '../../shared/errors.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { appendAudit } from '../store/audit.ts';
import { discardDraft, listDrafts, putDraft } from '../store/drafts.ts';
import { findLikelySame } from '../store/patient-changes.ts';
import { findPatient, patientSummary } from '../store/patients.ts';
import { readVisitDetail, titlesOf } from './visit-detail.ts';
import type { Workspace } from '../workspace.ts';

type EditorMethod =
  | 'patients.save'
  | 'patients.duplicates'
  | 'patients.archive'
  | 'patients.merge'
  | 'visits.save'
  | 'drafts.list'
  | 'drafts.put'
  | 'drafts.discard'
  | 'codes.search'
  | 'codes.lists';

export function editorHandlers(
  workspace: Workspace,
  actor: () => string,
): Pick<Handlers<EngineApi>, EditorMethod> {
  const editing = (): Editing => ({
    db: workspace.db,
    knowledge: workspace.knowledgeOrNull,
    titles: titlesOf(workspace.knowledgeOrNull),
    actor: actor(),
    drafter: workspace.session.drafter,
    now: new Date(),
  });

  return {
    'patients.save': (params) => savePatient(editing(), parseParameters('patients.save', params).patient),

    'patients.duplicates': (params) => {
      const { id, name, recordNumber } = parseParameters('patients.duplicates', params);
      const { db, titles } = editing();
      const demo = findPatient(db, id)?.demo ?? false;
      return findLikelySame(db, { id, name, sourceId: recordNumber, demo }).map((found) => ({
        summary: patientSummary(db, found.id, titles),
        same: found.same,
      }));
    },

    'patients.archive': (params) => {
      const { patientId, archived } = parseParameters('patients.archive', params);
      archivePatient(editing(), patientId, archived);
      return {};
    },

    'patients.merge': (params) => {
      const { from, into } = parseParameters('patients.merge', params);
      return merge(editing(), from, into);
    },

    'visits.save': (params) => {
      const { visit } = parseParameters('visits.save', params);
      const { id } = saveVisit(editing(), visit);
      return readVisitDetail(workspace.db, workspace.knowledgeOrNull, id);
    },

    'drafts.list': (params) => {
      parseParameters('drafts.list', params);
      return listDrafts(workspace.db, workspace.session.drafter);
    },

    'drafts.put': (params) => {
      const { label, form, account } = parseParameters('drafts.put', params);
      if (account !== undefined && account !== workspace.session.presentId)
        throw new FlameError('SESSION_LOCKED');
      const savedAt = new Date().toISOString();
      putDraft(workspace.db, workspace.session.drafter, { id: form.id, label, form, savedAt });
      return { savedAt };
    },

    'drafts.discard': (params) => {
      const { id } = parseParameters('drafts.discard', params);
      const { db, session } = workspace;
      const { drafter } = session;
      db.transaction(() => {
        const draft = listDrafts(db, drafter).find((one) => one.id === id);
        if (!discardDraft(db, drafter, id)) return;
        const patient = draft?.form.kind === 'visit' ? draft.form.patientId : id;
        const content = { patient, kind: draft?.form.kind ?? 'unreadable', label: draft?.label ?? '' };
        appendAudit(db, { actor: actor(), action: 'draft.discarded', subject: id, content });
      });
      return {};
    },

    'codes.search': async (params) => {
      const { system, text, limit } = parseParameters('codes.search', params);
      const { codes } = workspace.knowledge;
      await codes.prepareSearch(system, nextTurn); // Drafts are stored meanwhile.
      return codes.search(text, system, limit);
    },

    'codes.lists': (params) => {
      parseParameters('codes.lists', params);
      const { specialty, chronic } = workspace.knowledge.codes.codebook();
      return {
        // The visit format writes specialties without leading zeros.
        specialties: choices(specialty).map(({ code, title }) => ({ code: String(Number(code)), title })),
        chronic: choices(chronic),
      };
    },
  };
}

/** By title, "other" at the end. */
function choices(codebook: Readonly<Record<string, string>>): CodeTitle[] {
  const rank = (title: string): string => (title.startsWith('Other') ? `1${title}` : `0${title}`);
  return Object.entries(codebook)
    .map(([code, title]) => ({ code, title }))
    .sort((a, b) => (rank(a.title) < rank(b.title) ? -1 : 1));
}
