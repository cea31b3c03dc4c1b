/** The form of one visit: its type-aheads, its lists, and the kidney function that follows from it. Recommends nothing. */

import type { Engine } from '../../shared/bridge.ts';
import type { FieldProblem } from '../../shared/check-input.ts';
import type { DrugMatch, SearchedSystem, VisitDetail } from '../../shared/contract.ts';
import type { CodeTitle, Patient } from '../../shared/domain.ts';
import type { VisitForm } from '../../shared/editing.ts';
import { ageFromBirthYear, readDate, readVisitForm, typedYears } from '../../shared/read-form.ts';
import { estimatedGfr } from '../../shared/renal-function.ts';
import { Editor, type EditorStart } from './editor.svelte.ts';
import { NoteReadingState } from './note-reading.svelte.ts';
import { Suggestions } from './suggestions.svelte.ts';
import { today } from './today.ts';

export interface VisitEditorStart extends EditorStart<VisitForm> {
  readonly patient: Patient;
  /** The date of the stored visit; null for a new one. */
  readonly storedDate: string | null;
  /** The date of the visit that a new one started from. */
  readonly carriedFrom?: string | null;
  /** Decisions that were saved for the stored visit. */
  readonly decisionCount?: number;
}

interface CodeLists {
  readonly specialties: readonly CodeTitle[];
  readonly chronic: readonly CodeTitle[];
}

const LIMIT = 10;

export class VisitEditor extends Editor<VisitForm> {
  readonly kind = 'visit';
  readonly patient: Patient;
  readonly carriedFrom: string | null;
  readonly decisionCount: number;
  readonly noteReading: NoteReadingState;
  readonly #storedDate: string | null;
  lists = $state.raw<CodeLists>({ specialties: [], chronic: [] });
  readonly diagnosisSearch = this.#codeSearch('ICD-10-CM');
  readonly reasonSearch = this.#codeSearch('NAMCS-REASON');
  readonly procedureSearch = this.#codeSearch('ICD-9-PROC');
  readonly medicationSearch = new Suggestions<DrugMatch>((text) => this.#drugs(text));
  readonly allergySearch = new Suggestions<DrugMatch>((text) => this.#drugs(text));

  readonly #read = $derived.by(() => {
    const { birthYear, sex } = this.patient;
    return readVisitForm(this.form, { birthYear, sex, today: today(), storedDate: this.#storedDate });
  });
  /** What the age is when none is typed; null when it does not follow. */
  readonly derivedAge = $derived.by(() =>
    ageFromBirthYear(readDate(this.form.date).date, this.patient.birthYear),
  );
  /** mL/min per 1.73 m²; null when creatinine, age or sex is missing, or for a child. */
  readonly gfr = $derived.by(() => {
    const age = typedYears(this.form.age) ?? this.derivedAge;
    const creatinine = Number(this.form.measurements.creatinine.replace(',', '.'));
    const usable = Number.isFinite(creatinine) && creatinine > 0;
    return estimatedGfr({ creatinine: usable ? creatinine : null, age, sex: this.patient.sex });
  });

  constructor(engine: Engine, start: VisitEditorStart) {
    super(engine, start);
    this.patient = start.patient;
    this.noteReading = new NoteReadingState(engine);
    this.#storedDate = start.storedDate;
    this.carriedFrom = start.carriedFrom ?? null;
    this.decisionCount = start.decisionCount ?? 0;
    void this.#prepare();
  }

  get label(): string {
    return this.patient.name;
  }

  get problems(): readonly FieldProblem[] {
    return this.#read.problems;
  }

  /** @returns the stored visit, or null when something stands in the way (see `problems` and `problem`) */
  async save(): Promise<VisitDetail | null> {
    this.attempted = true;
    const { input } = this.#read;
    if (input === null) return null;
    return await this.during(() => this.engine.call('visits.save', { visit: input }));
  }

  /** The short lists; then the search of diagnoses, whose first answer takes longest, before anybody types. */
  async #prepare(): Promise<void> {
    try {
      this.lists = await this.engine.call('codes.lists', {});
      await this.engine.call('codes.search', { system: 'ICD-10-CM', text: 'hypertension', limit: 1 });
    } catch {
      // Without tables the lists stay empty and each search says what is wrong.
    }
  }

  #codeSearch(system: SearchedSystem): Suggestions<CodeTitle> {
    return new Suggestions((text) =>
      this.engine.call('codes.search', { system, text: text.slice(0, 200), limit: LIMIT }),
    );
  }

  #drugs(text: string): Promise<readonly DrugMatch[]> {
    return this.engine.call('drugs.search', { text: text.slice(0, 200), limit: LIMIT });
  }
}
