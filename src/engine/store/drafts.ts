/**
 * Keeps forms that were typed and not saved, as they are, until they are saved or discarded. Each belongs to the account
 * that typed it; one of nobody (NOBODYS) is everybody's. Checks nothing in them.
 */

import type { Draft } from '../../shared/editing.ts';
import { editorForm } from '../editing/form-schema.ts';
import type { ReadableDb, WritableDb } from './handle.ts';

/** The owner of what was typed without accounts, during emergency access, or by an account that was removed. */
export const NOBODYS = '';

interface DraftRow {
  readonly id: string;
  readonly label: string;
  readonly content: string;
  readonly saved_at: string;
}

/** Stores a draft, in place of the owner's earlier one of the same form; one of nobody becomes the owner's. */
export function putDraft(db: WritableDb, owner: string, { id, label, form, savedAt }: Draft): void {
  db.transaction(() => {
    db.run(
      `INSERT INTO drafts (id, label, content, saved_at, account) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id, account)
       DO UPDATE SET label = excluded.label, content = excluded.content, saved_at = excluded.saved_at`,
      id,
      label,
      JSON.stringify(form),
      savedAt,
      owner,
    );
    if (owner !== NOBODYS) db.run("DELETE FROM drafts WHERE id = ? AND account = ''", id);
  });
}

/**
 * Removes the owner's draft of a form, and one of nobody. What another account typed stays theirs.
 * @returns false when there was none
 */
export function discardDraft(db: WritableDb, owner: string, id: string): boolean {
  return db.run("DELETE FROM drafts WHERE id = ? AND account IN (?, '')", id, owner).changes > 0;
}

/** The owner's and nobody's, latest first. A draft that this version cannot read is left where it is and not listed. */
export function listDrafts(db: ReadableDb, owner: string): Draft[] {
  return db
    .all<DraftRow>(
      "SELECT id, label, content, saved_at FROM drafts WHERE account IN (?, '') ORDER BY saved_at DESC, id",
      owner,
    )
    .flatMap(({ id, label, content, saved_at }) => {
      const form = editorForm.safeParse(JSON.parse(content));
      return form.success ? [{ id, label, form: form.data, savedAt: saved_at }] : [];
    });
}

/** What nobody owns becomes the first account's: whoever sets accounts up sat at the keyboard before. */
export function giveDrafts(db: WritableDb, owner: string): void {
  db.run("UPDATE drafts SET account = ? WHERE account = ''", owner);
}

/**
 * What a removed account typed is everybody's, so that nothing typed about a patient is out of reach. Of two drafts of one
 * form the later stays.
 */
export function freeDrafts(db: WritableDb, owner: string): void {
  db.run(
    `DELETE FROM drafts WHERE account = '' AND EXISTS (
       SELECT 1 FROM drafts own WHERE own.id = drafts.id AND own.account = ? AND own.saved_at >= drafts.saved_at)`,
    owner,
  );
  db.run("UPDATE OR IGNORE drafts SET account = '' WHERE account = ?", owner);
  db.run('DELETE FROM drafts WHERE account = ?', owner);
}
