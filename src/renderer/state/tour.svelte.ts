/** The tour in three steps: where it stands, and whether it was offered before on this computer. Changes nothing stored. */

import type { App } from './app.svelte.ts';
import { remember, remembered } from './preferences.ts';

export const TOUR_STEPS = ['visit', 'slider', 'decide'] as const;
export type TourStep = (typeof TOUR_STEPS)[number];

class Tour {
  /** Null while no tour runs. */
  step = $state<TourStep | null>(null);
  /** True once it was taken or declined; then it is not offered again. */
  seen = $state(remembered('tour') !== null);

  /** Opens a visit of the demo to take the tour on. @returns false when there is none */
  ready(app: App): Promise<boolean> {
    return openDemoVisit(app);
  }

  begin(): void {
    this.decline();
    this.step = 'visit';
  }

  next(): void {
    this.#move(1);
  }

  back(): void {
    this.#move(-1);
  }

  end(): void {
    this.step = null;
  }

  /** Is not offered again; Help still holds it. */
  decline(): void {
    this.seen = true;
    remember('tour', 'seen');
  }

  #move(by: 1 | -1): void {
    if (this.step !== null) this.step = TOUR_STEPS[TOUR_STEPS.indexOf(this.step) + by] ?? null;
  }
}

export const tour = new Tour();

/** The demo visit on the screen, or one with something to see, best of a patient whose list was not decided on yet. */
async function openDemoVisit(app: App): Promise<boolean> {
  const { view } = app;
  if (view.kind === 'visit' && view.session.detail?.patient.demo && !view.session.showsDecision) return true;
  try {
    const { patients } = await app.engine.call('patients.list', { query: '', limit: 200, offset: 0 });
    const demo = patients.filter(({ patient, lastVisitId }) => patient.demo && lastVisitId !== null);
    // Several diagnoses and a visit before: then there are current medications, and interactions with them.
    const telling = demo.filter(
      ({ visitCount, lastDiagnoses }) => visitCount > 1 && lastDiagnoses.length > 1,
    );
    const [first] = [...telling.filter(({ decided }) => !decided), ...telling, ...demo];
    if (!first?.lastVisitId) return false;
    app.openVisit(first.patient.id, first.lastVisitId);
    return true;
  } catch {
    return false; // The notice of the engine says what is wrong.
  }
}
