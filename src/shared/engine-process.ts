/** What the shell and the engine process say to each other besides calls: options at the start, ports, readiness. */

/** Goes to the engine as JSON in the environment variable OPTIONS_VARIABLE. */
export interface EngineOptions {
  /** Folder of the database and its key; exists, mode 0700. */
  readonly profile: string;
  /** Folder of compiled knowledge and demo data. */
  readonly resources: string;
  /** Folder of model packs. */
  readonly models: string;
  /** A native binary of the database that replaces the package's own; null nearly always. */
  readonly sqliteBinding: string | null;
  readonly appVersion: string;
  /** Built file of the thread that checks copies of the database; absent where the sources run. */
  readonly copyWorker?: string;
  /** What a guess at a passphrase costs, scrypt's N; only tests lower it, and the shell cannot. */
  readonly scryptCost?: number;
}

export const OPTIONS_VARIABLE = 'FLAME_ENGINE_OPTIONS';

/** Shell → engine, with one MessagePort: who sits at its other end, which decides what the port serves. */
export interface PortMessage {
  readonly type: 'port';
  readonly audience: 'renderer' | 'shell';
}

/** Engine → shell: calls will now be answered. */
export interface ReadyMessage {
  readonly type: 'ready';
  readonly milliseconds: number;
}

export function isReadyMessage(message: unknown): message is ReadyMessage {
  return typeof message === 'object' && message !== null && (message as { type?: unknown }).type === 'ready';
}
