/** What the preload script shows the renderer as `window.flame`, and the typed engine the renderer makes of it. No Electron here. */

import type { EngineApi, EngineState } from './contract.ts';
import { FlameError, type WireError } from './errors.ts';
import type { DecisionId } from './ids.ts';
import type { Preference, Preferences } from './preferences.ts';
import { readError, type CallOptions, type Client } from './rpc.ts';

/*
 * The context bridge copies plain data and wraps functions and promises; it strips errors of everything but their
 * message and cannot carry an AbortSignal. So errors cross as data, and a started call brings its own `cancel`.
 */

export type BridgeReply =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: WireError };

export interface StartedCall {
  /** Always fulfils: a failure is data. */
  readonly reply: Promise<BridgeReply>;
  readonly cancel: () => void;
}

/** Kinds of file that Flame saves. */
export const SAVED_KINDS = ['age', 'csv', 'json', 'jsonl', 'ndjson', 'pdf', 'png', 'svg', 'zip'] as const;
export type SavedKind = (typeof SAVED_KINDS)[number];

/** Kinds of file that Flame reads. */
export const READ_KINDS = [
  'visits',
  'import-folder',
  'mappings',
  'site-table',
  'model',
  'adapter',
  'backup',
  'backup-folder',
  'restore-folder',
] as const;
export type ReadKind = (typeof READ_KINDS)[number];

/** A file that the user picked. The renderer never learns its path; `grant` is what an import or an export takes. */
export interface PickedFile {
  readonly grant: string;
  readonly name: string;
}

/** What the page asks of the shell with the decision sheet that it holds. */
export interface SheetWish {
  readonly decisionId: DecisionId;
  readonly as: 'print' | 'pdf';
}

export interface ReleasedSheet {
  /** The file's name without its folder; null when it was printed. */
  readonly name: string | null;
}

/** The raw bridge. Use it through `connectEngine`. */
export interface FlameBridge {
  readonly start: (method: string, params: unknown, onProgress: (value: unknown) => void) => StartedCall;
  /** Calls back with the present state at once, then with every change; returns a function that stops it. */
  readonly onEngineState: (listener: (state: EngineState) => void) => () => void;
  /** Calls back when the engine locked by itself; returns a function that stops it. */
  readonly onLocked: (listener: () => void) => () => void;
  /** Opens the system's file dialog; null when the user closes it without a choice. */
  readonly pickImportFile: (kind: ReadKind) => Promise<BridgeReply>;
  /** A file or folder that the user dropped on the page, as the page holds it (a DOM `File`). */
  readonly takeDropped: (file: unknown) => Promise<BridgeReply>;
  /** Asks where to save a file that the engine writes; null when the user closes the dialog without a choice. */
  readonly pickSaveFile: (wish: { kind: SavedKind; name: string }) => Promise<BridgeReply>;
  /** Prints the decision sheet or saves it as a PDF; null when the user closes the dialog without a choice. */
  readonly releaseSheet: (wish: SheetWish) => Promise<BridgeReply>;
  /** Starts Flame again with the profile that was restored beside a damaged one, now and from then on. */
  readonly openRestored: () => Promise<BridgeReply>;
  /** As they were when the page was opened. */
  readonly preferences: Preferences;
  readonly remember: (name: Preference, value: string) => void;
}

declare global {
  interface Window {
    readonly flame: FlameBridge;
  }
}

/** The renderer's engine. Every failure of every method is a FlameError. */
export interface Engine {
  /**
   * Settles exactly once. A call made while the engine starts or restarts waits for it; a call under way when the
   * engine dies is rejected with ENGINE_GONE and is not repeated by itself.
   */
  readonly call: Client<EngineApi>['call'];
  readonly onState: (listener: (state: EngineState) => void) => () => void;
  readonly onLocked: (listener: () => void) => () => void;
  readonly pickImportFile: (kind?: ReadKind) => Promise<PickedFile | null>;
  /** @param file a DOM `File` of a drop, the only way in which the page can name a place that nobody picked in a dialog */
  readonly takeDropped: (file: unknown) => Promise<PickedFile>;
  /** @param name the file name that the dialog suggests */
  readonly pickSaveFile: (kind: SavedKind, name: string) => Promise<PickedFile | null>;
  readonly releaseSheet: (wish: SheetWish) => Promise<ReleasedSheet | null>;
  readonly openRestored: () => Promise<void>;
}

export function connectEngine(bridge: FlameBridge): Engine {
  const start = async (
    method: string,
    params: unknown,
    options: CallOptions<unknown> = {},
  ): Promise<unknown> => {
    const { onProgress, signal } = options;
    if (signal?.aborted) throw new FlameError('CANCELLED');
    const call = bridge.start(method, params, (value) => onProgress?.(value));
    signal?.addEventListener('abort', call.cancel);
    try {
      return unwrap(await call.reply);
    } finally {
      signal?.removeEventListener('abort', call.cancel);
    }
  };
  return {
    call: start as Engine['call'],
    onState: (listener) => bridge.onEngineState(listener),
    onLocked: (listener) => bridge.onLocked(listener),
    pickImportFile: async (kind = 'visits') => unwrap(await bridge.pickImportFile(kind)) as PickedFile | null,
    takeDropped: async (file) => unwrap(await bridge.takeDropped(file)) as PickedFile,
    pickSaveFile: async (kind, name) =>
      unwrap(await bridge.pickSaveFile({ kind, name })) as PickedFile | null,
    openRestored: async () => void unwrap(await bridge.openRestored()),
    releaseSheet: async (wish) => unwrap(await bridge.releaseSheet(wish)) as ReleasedSheet | null,
  };
}

function unwrap(reply: BridgeReply): unknown {
  if (reply.ok) return reply.value;
  throw readError(reply.error);
}
