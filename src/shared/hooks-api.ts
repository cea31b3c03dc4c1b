/** The on-site service for another system (CDS Hooks) as the screen sees it: off or on, where, and what came back. Types only. */

interface Method<Params, Result> {
  readonly params: Params;
  readonly result: Result;
  readonly progress: never;
}

/** Where it listens unless another port is chosen. */
export const HOOKS_PORT = 8455;

export interface HooksState {
  readonly enabled: boolean;
  readonly port: number;
  readonly hasToken: boolean;
  readonly listening: boolean;
  /** Why it does not listen although it should; null otherwise. */
  readonly problem: string | null;
  /** What the other system's users did with cards. */
  readonly feedback: { readonly accepted: number; readonly overridden: number; readonly answered: number };
}

export interface HooksApi {
  'hooks.get': Method<Record<string, never>, HooksState>;
  /** Switching on without a token is refused. */
  'hooks.set': Method<{ enabled: boolean; port: number }, HooksState>;
  /** Makes a new token in place of the one before. It is shown this once and kept as a hash. */
  'hooks.token': Method<Record<string, never>, { readonly token: string; readonly state: HooksState }>;
}

export const HOOKS_METHODS = {
  'hooks.get': true,
  'hooks.set': true,
  'hooks.token': true,
} as const satisfies Record<keyof HooksApi, true>;
