/** The form of one patient, new or stored, with those who may be the same person. Merges nobody by itself. */

import type { Engine } from '../../shared/bridge.ts';
import type { DuplicatePatient } from '../../shared/contract.ts';
import type { Patient } from '../../shared/domain.ts';
import type { PatientForm } from '../../shared/editing.ts';
import { problem, type FieldProblem } from '../../shared/check-input.ts';
import { asId, type PatientId } from '../../shared/ids.ts';
import { t } from '../language/language.svelte.ts';
import { today } from './today.ts';
import { readPatientForm } from '../../shared/read-form.ts';
import { Editor, type EditorStart } from './editor.svelte.ts';

const DEBOUNCE_MS = 300;

export class PatientEditor extends Editor<PatientForm> {
  readonly kind = 'patient';
  duplicates = $state.raw<readonly DuplicatePatient[]>([]);
  /** The names that the physician said belong to different people. */
  #told = $state<string | null>(null);
  readonly #read = $derived(readPatientForm(this.form, today()));
  readonly sameNumber = $derived(this.duplicates.filter(({ same }) => same === 'record-number'));
  readonly sameName = $derived(this.duplicates.filter(({ same }) => same === 'name'));
  /** True while somebody of this name is stored and nobody said that it is another person. */
  readonly undecided = $derived(this.sameName.length > 0 && this.#told !== this.form.name);
  #question = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(engine: Engine, start: EditorStart<PatientForm>) {
    super(engine, start);
    if (start.form.name !== '') void this.#askDuplicates();
  }

  get label(): string {
    return this.form.name.trim() === '' ? t('patients:newPatient') : this.form.name.trim();
  }

  get problems(): readonly FieldProblem[] {
    const [owner] = this.sameNumber;
    if (owner === undefined || this.form.recordNumber.trim() === '') return this.#read.problems;
    return [...this.#read.problems, problem('recordNumber', 'taken', { name: owner.summary.patient.name })];
  }

  override change(change: Partial<PatientForm>, what: string, options: { typed?: boolean } = {}): void {
    super.change(change, what, options);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#askDuplicates(), DEBOUNCE_MS);
  }

  sayDifferentPerson(different: boolean): void {
    this.#told = different ? this.form.name : null;
  }

  /** @returns the patient, or null when something stands in the way (see `problems`, `undecided`, `problem`) */
  async save(): Promise<Patient | null> {
    this.attempted = true;
    clearTimeout(this.#timer);
    const { form } = this;
    const { input } = this.#read;
    if (input === null) return null;
    await this.#askDuplicates();
    // What was typed while duplicates were looked up was not meant by this save; the form stays open with it.
    if (this.form !== form || this.problems.length > 0 || this.undecided) return null;
    return await this.during(() => this.engine.call('patients.save', { patient: input }));
  }

  async #askDuplicates(): Promise<void> {
    const question = ++this.#question;
    const { id, name, recordNumber } = this.form;
    const number = recordNumber.trim().slice(0, 1000);
    try {
      const found = await this.engine.call('patients.duplicates', {
        id,
        name: name.trim().slice(0, 1000),
        recordNumber: number === '' ? null : number,
      });
      if (question === this.#question) this.duplicates = found;
    } catch {
      // Nothing is said of duplicates then; the engine refuses a number that is taken when it saves.
      if (question === this.#question) this.duplicates = [];
    }
  }
}

export function newPatientForm(): PatientForm {
  return {
    kind: 'patient',
    id: asId<PatientId>(crypto.randomUUID()),
    isNew: true,
    name: '',
    recordNumber: '',
    sex: 'unknown',
    birthYear: '',
  };
}

export function formOfPatient(patient: Patient): PatientForm {
  return {
    kind: 'patient',
    id: patient.id,
    isNew: false,
    name: patient.name,
    recordNumber: patient.sourceId ?? '',
    sex: patient.sex,
    birthYear: patient.birthYear === null ? '' : String(patient.birthYear),
  };
}
