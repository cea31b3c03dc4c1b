/**
 * Writes the search documents that an import left for later, a few at a time so that other calls are answered between.
 * What is interrupted is found again by its marks, whenever the database is opened next. Decides nothing about the documents.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ImportReport } from '../../shared/import-api.ts';
import { STORING, type ProgressTeller } from './import-progress.ts';
import type { WritableDb } from '../store/handle.ts';
import { countWaiting, indexWaiting, lastWaiting } from '../store/search.ts';

/** Documents a transaction. */
const SLICE = 250;

/**
 * Goes once through the patients that wait at this moment; those that an import marks meanwhile wait for its own end.
 * @param stopped asked between slices; what is left stays marked
 * @param tell hears the share that is done
 * @throws FlameError of the STORE family
 */
export async function completeSearch(
  db: WritableDb,
  stopped: () => boolean = () => false,
  tell: (share: number) => void = () => undefined,
): Promise<void> {
  const last = lastWaiting(db);
  if (last === null) return;
  const waiting = countWaiting(db);
  let after = 0;
  for (let done = 0; !stopped(); done += SLICE) {
    tell(Math.min(1, done / waiting));
    const reached = indexWaiting(db, after, last, SLICE);
    if (reached === null) return;
    after = reached;
    await nextTurn();
  }
}

/** The end of an import that stored something and was not cancelled: its share of the work is what storing left. */
export async function makeSearchable(
  db: WritableDb,
  { dryRun, linesRead, visitsCreated }: ImportReport,
  { stopped, progress }: { readonly stopped: () => boolean; readonly progress: ProgressTeller },
): Promise<void> {
  if (dryRun || stopped()) return;
  await completeSearch(db, stopped, (share) =>
    progress.tell(linesRead, visitsCreated, STORING + (1 - STORING) * share),
  );
}
