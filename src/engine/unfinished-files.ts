/**
 * Remembers in the encrypted database which files are being written outside the profile under another name, so that what a
 * kill left of one is removed at the next opening or the next export. Removes nothing that this database did not begin.
 */

import { lstat, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { actorName } from './access/actor.ts';
import { errorCode } from './publish.ts';
import { readSetting, writeSetting } from './store/accounts.ts';
import { appendAudit } from './store/audit.ts';
import type { WritableDb } from './store/handle.ts';

/** Told of a draft before it is made, and once it has its name or is gone. */
export interface DraftBook {
  begin(draft: string): void | Promise<void>;
  end(draft: string): void | Promise<void>;
}

const SETTING = 'unfinished-files';
const Drafts = z.array(z.string().min(1));
/** Those on a stick that never comes back are forgotten one day. */
const MOST = 200;
/** As write-whole.ts names them. */
const DRAFT_NAME = /\.draft-[0-9a-f]{12}$/;

/** Of this process, which alone has the database open. */
const underWay = new Set<string>();

export function draftBook(db: WritableDb): DraftBook {
  return {
    begin: async (draft) => {
      await removeLeftDrafts(db);
      underWay.add(draft);
      change(db, (drafts) => [...drafts, draft].slice(-MOST));
    },
    end: (draft) => {
      underWay.delete(draft);
      try {
        forget(db, draft);
      } catch {
        // The file is as it should be; that its draft is gone is found the next time.
      }
    },
  };
}

/** What could not be removed, e.g. on a disk that is not there now, is tried again the next time. */
export async function removeLeftDrafts(db: WritableDb): Promise<void> {
  for (const draft of read(db).filter((one) => !underWay.has(one))) {
    const found = await look(draft);
    if (found === 'unknown') continue;
    if (found === 'ours') {
      try {
        await rm(draft);
      } catch {
        continue;
      }
    }
    db.transaction(() => {
      forget(db, draft);
      if (found === 'ours')
        appendAudit(db, {
          actor: actorName(),
          action: 'file.draft-removed',
          subject: 'file',
          content: { file: basename(draft).replace(DRAFT_NAME, '') },
        });
    });
  }
}

async function look(draft: string): Promise<'ours' | 'gone' | 'unknown'> {
  try {
    const stat = await lstat(draft);
    // Whatever else has taken the name is somebody else's.
    return stat.isFile() && DRAFT_NAME.test(draft) ? 'ours' : 'gone';
  } catch (thrown) {
    if (errorCode(thrown) !== 'ENOENT') return 'unknown';
    return await lstat(dirname(draft)).then(
      () => 'gone',
      () => 'unknown',
    );
  }
}

function read(db: WritableDb): string[] {
  return readSetting(db, SETTING, Drafts) ?? [];
}

function forget(db: WritableDb, draft: string): void {
  change(db, (drafts) => drafts.filter((one) => one !== draft));
}

function change(db: WritableDb, to: (drafts: readonly string[]) => readonly string[]): void {
  db.transaction(() => writeSetting(db, SETTING, to(read(db))));
}
