/** The application around a visit: engine and store status, what is open, and what was left unsaved. Decides nothing clinical. */

import { getContext, setContext } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import type { Engine } from '../../shared/bridge.ts';
import type { AppStatus, EngineState, WireErrorData } from '../../shared/contract.ts';
import type { PatientId, VisitId } from '../../shared/ids.ts';
import { HabitChoice } from './habit-choice.svelte.ts';
import { PatientList } from './patients.svelte.ts';
import { problemOf } from './problem.ts';
import { setOf } from './sets.ts';
import { ThemeChoice } from './theme.svelte.ts';
import { VisitImport } from './visit-import.svelte.ts';
import { VisitSession } from './visit-session.svelte.ts';

export type View =
  | { readonly kind: 'home' }
  | { readonly kind: 'patient'; readonly patientId: PatientId }
  | { readonly kind: 'visit'; readonly patientId: PatientId; readonly session: VisitSession };

export class App {
  readonly engine: Engine;
  readonly theme = new ThemeChoice();
  readonly habits = new HabitChoice();
  readonly patients: PatientList;
  readonly imports: VisitImport;
  status = $state.raw<AppStatus | null>(null);
  engineState = $state<EngineState>('starting');
  /** The status itself could not be had. */
  problem = $state.raw<WireErrorData | null>(null);
  view = $state.raw<View>({ kind: 'home' });

  /** Visits opened in this window; what was edited in one waits there until it is saved. */
  readonly #sessions = new SvelteMap<VisitId, VisitSession>();
  /** Patients with edits that were not saved. */
  readonly unsaved = $derived(
    setOf(
      [...this.#sessions.values()].flatMap(({ dirty, detail }) =>
        dirty && detail ? [detail.patient.id] : [],
      ),
    ),
  );

  constructor(engine: Engine) {
    this.engine = engine;
    this.patients = new PatientList(engine);
    this.imports = new VisitImport(engine, () => this.refresh());
  }

  /** Follows the engine's state and asks for the status whenever it becomes ready. @returns a function that stops it */
  connect(): () => void {
    let asked = false;
    const stop = this.engine.onState((state) => {
      const came = state === 'ready' && (this.engineState !== 'ready' || !asked);
      this.engineState = state;
      if (came) {
        asked = true;
        void this.refresh();
      }
    });
    return stop;
  }

  /** The store's and the model's status, and the patient list with it. */
  async refresh(): Promise<void> {
    try {
      this.take(await this.engine.call('app.status', {}));
      if (this.status?.store === 'open') await this.patients.refresh();
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  take(status: AppStatus): void {
    this.status = status;
    this.problem = null;
  }

  async unlock(passphrase: string): Promise<void> {
    this.take(await this.engine.call('store.unlock', { passphrase }));
    await this.refresh();
  }

  openPatient(patientId: PatientId): void {
    this.view = { kind: 'patient', patientId };
  }

  openVisit(patientId: PatientId, visitId: VisitId): void {
    let session = this.#sessions.get(visitId);
    if (!session) {
      session = new VisitSession(this.engine, visitId, this.habits);
      this.#sessions.set(visitId, session);
    }
    this.view = { kind: 'visit', patientId, session };
    // A visit with work in progress shows what it showed; every other one is read afresh.
    if (session.reply === null) void session.load();
  }

  goHome(): void {
    this.view = { kind: 'home' };
  }
}

const KEY = Symbol('app');

export function provideApp(app: App): App {
  return setContext(KEY, app);
}

export function useApp(): App {
  return getContext<App>(KEY);
}
