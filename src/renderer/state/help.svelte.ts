/** Whether Help is open, and at which term. Holds no text. */

export const TERMS = [
  'interaction',
  'severity',
  'notCovered',
  'noneRecorded',
  'slider',
  'front',
  'interactionRate',
  'probability',
  'agreement',
  'calibration',
  'formulary',
  'hardRule',
  'override',
  'habits',
  'checks',
  'unreviewed',
] as const;
export type Term = (typeof TERMS)[number];

class Help {
  open = $state(false);
  /** The term that was asked about; null when Help was opened as a whole. */
  term = $state<Term | null>(null);

  show(term: Term | null = null): void {
    this.term = term;
    this.open = true;
  }

  close(): void {
    this.open = false;
  }
}

export const help = new Help();
