/** The on-site service for another system (CDS Hooks) as the screen sees it: off or on, where, and what came back. Types only. */

import type { OverrideReason } from './decision.ts';
import type { Overview } from './overview.ts';

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

/** What came back on cards, by when it was said. A record system that reports nothing leaves it unknown, not zero. */
export interface HookFeedbackFigures {
  /** The service is switched on. */
  readonly enabled: boolean;
  /** Answers given in the time, and the cards in them. */
  readonly answered: number;
  readonly cards: number;
  readonly accepted: number;
  readonly overridden: number;
  readonly period: Overview['period'];
  /** In order, without a gap; empty when nothing was answered or reported. */
  readonly periods: readonly {
    /** First local day, ISO date. */
    readonly start: string;
    readonly cards: number;
    readonly accepted: number;
    readonly overridden: number;
  }[];
  /** Of overridden cards, most frequent first. `own`: a code that is none of those that the cards offer. */
  readonly reasons: readonly { readonly reason: OverrideReason | 'own' | 'none'; readonly count: number }[];
}

export interface HooksApi {
  'hooks.get': Method<Record<string, never>, HooksState>;
  /** Local days, both included; null leaves that end open. */
  'hooks.feedback': Method<{ from: string | null; to: string | null }, HookFeedbackFigures>;
  /** Switching on without a token is refused. */
  'hooks.set': Method<{ enabled: boolean; port: number }, HooksState>;
  /** Makes a new token in place of the one before. It is shown this once and kept as a hash. */
  'hooks.token': Method<Record<string, never>, { readonly token: string; readonly state: HooksState }>;
}

export const HOOKS_METHODS = {
  'hooks.get': true,
  'hooks.feedback': true,
  'hooks.set': true,
  'hooks.token': true,
} as const satisfies Record<keyof HooksApi, true>;
