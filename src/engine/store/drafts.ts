/** Keeps forms that were typed and not saved, as they are, until they are saved or discarded. Checks nothing in them. */

import type { Draft } from '../../shared/editing.ts';
import { editorForm } from '../form-schema.ts';
import type { ReadableDb, WritableDb } from './handle.ts';

interface DraftRow {
  readonly id: string;
  readonly label: string;
  readonly content: string;
  readonly saved_at: string;
}

/** Stores a draft, in place of an earlier one of the same form. */
export function putDraft(db: WritableDb, { id, label, form, savedAt }: Draft): void {
  db.run(
    `INSERT INTO drafts (id, label, content, saved_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET label = excluded.label, content = excluded.content, saved_at = excluded.saved_at`,
    id,
    label,
    JSON.stringify(form),
    savedAt,
  );
}

/** @returns false when there was none */
export function discardDraft(db: WritableDb, id: string): boolean {
  return db.run('DELETE FROM drafts WHERE id = ?', id).changes > 0;
}

/** Latest first. A draft that this version cannot read is left where it is and not listed. */
export function listDrafts(db: ReadableDb): Draft[] {
  return db
    .all<DraftRow>('SELECT id, label, content, saved_at FROM drafts ORDER BY saved_at DESC, id')
    .flatMap(({ id, label, content, saved_at }) => {
      const form = editorForm.safeParse(JSON.parse(content));
      return form.success ? [{ id, label, form: form.data, savedAt: saved_at }] : [];
    });
}
