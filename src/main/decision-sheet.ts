/**
 * Prints the decision sheet that the page holds, or saves it as a PDF where the user says, and has it written into the
 * audit log. The page names a decision and learns a file name; it chooses no path and no printer.
 */

import { app, ipcMain, type BrowserWindow } from 'electron';
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { BridgeReply, ReleasedSheet, SheetWish } from '../shared/bridge.ts';
import { CHANNELS } from '../shared/channels.ts';
import { FlameError, toWireError } from '../shared/errors.ts';
import { asId, type DecisionId } from '../shared/ids.ts';
import { localDate } from '../shared/local-date.ts';
import type { EngineHost } from './engine-host.ts';
import { pickSavePath } from './save-file.ts';
import { isOwnPage } from './security.ts';

/** Countries that print on Letter; the others use A4 (CLDR supplemental data, paperSize). */
const LETTER = ['BZ', 'CA', 'CL', 'CO', 'CR', 'GT', 'MX', 'NI', 'PA', 'PH', 'PR', 'SV', 'US', 'VE'];
/** Inches. */
const MARGINS = { top: 0.5, bottom: 0.5, left: 0.6, right: 0.6 };
/** What Chromium says when the user closes the print dialog. */
const CLOSED = /cancel/i;

export function serveDecisionSheet(host: EngineHost, window: BrowserWindow): void {
  ipcMain.handle(CHANNELS.releaseSheet, async (event, wish: unknown): Promise<BridgeReply> => {
    try {
      if (!isOwnPage(event.senderFrame))
        throw new FlameError('METHOD_UNKNOWN', { method: CHANNELS.releaseSheet });
      const { decisionId, as } = readWish(wish);
      const value =
        as === 'pdf' ? await savePdf(host, window, decisionId) : await print(host, window, decisionId);
      return { ok: true, value };
    } catch (thrown) {
      return { ok: false, error: toWireError(thrown) };
    }
  });
}

async function savePdf(
  host: EngineHost,
  window: BrowserWindow,
  decisionId: DecisionId,
): Promise<ReleasedSheet | null> {
  // Neither the suggested name nor the document's title says whose decision it is.
  const path = await pickSavePath(
    window,
    'pdf',
    `flame-decision-${localDate(new Date())}-${decisionId.slice(0, 8)}.pdf`,
  );
  if (path === null) return null;
  const pdf = await window.webContents.printToPDF({
    pageSize: paperSize(),
    margins: MARGINS,
    printBackground: true,
    generateTaggedPDF: true,
  });
  // Written down before it is written: a file may be missing that the log names, never the other way round.
  const sha256 = createHash('sha256').update(pdf).digest('hex');
  await host.shell.call('decisions.released', { decisionId, as: 'pdf', sha256 });
  await host.shell.call('files.write', { path, bytes: pdf });
  return { name: basename(path) };
}

async function print(
  host: EngineHost,
  window: BrowserWindow,
  decisionId: DecisionId,
): Promise<ReleasedSheet | null> {
  const failure = await new Promise<string | null>((resolve) => {
    const options = { printBackground: true, pageSize: paperSize() } as const;
    window.webContents.print(options, (success, reason) => resolve(success ? null : reason));
  });
  if (failure !== null && CLOSED.test(failure)) return null;
  if (failure !== null) throw new FlameError('PRINT_FAILED', { problem: failure });
  await host.shell.call('decisions.released', { decisionId, as: 'print', sha256: null });
  return { name: null };
}

function paperSize(): 'Letter' | 'A4' {
  return LETTER.includes(app.getLocaleCountryCode()) ? 'Letter' : 'A4';
}

function readWish(wish: unknown): SheetWish {
  const { decisionId, as } = (wish ?? {}) as { decisionId?: unknown; as?: unknown };
  if (typeof decisionId !== 'string' || (as !== 'pdf' && as !== 'print'))
    throw new FlameError('INVALID_INPUT', { problem: 'the sheet to print is not described' });
  return { decisionId: asId<DecisionId>(decisionId), as };
}
