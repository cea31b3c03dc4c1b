/** Answers the calls about notes. What is found is returned and forgotten: the text is not stored and not logged. */

import { lazy } from '../../knowledge/tables.ts';
import { NoteReader } from '../../notes/read-note.ts';
import type { NotesApi } from '../../shared/notes-api.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import type { Workspace } from '../workspace.ts';

export function notesHandlers(workspace: Pick<Workspace, 'knowledge'>): Handlers<NotesApi> {
  const reader = lazy(() => new NoteReader(workspace.knowledge));
  return {
    'notes.read': (params) => reader().read(parseParameters('notes.read', params).text),
  };
}
