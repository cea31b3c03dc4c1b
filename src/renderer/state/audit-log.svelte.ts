/** The audit log on the screen: filter, pages, verification, export. Words nothing and writes no entry itself. */

import {
  NO_AUDIT_FILTER,
  type AuditEntryView,
  type AuditFilter,
  type AuditVerification,
} from '../../shared/audit.ts';
import type { Engine } from '../../shared/bridge.ts';
import type { PatientSummary, WireErrorData } from '../../shared/contract.ts';
import type { Patient } from '../../shared/domain.ts';
import { problemOf } from './problem.ts';
import { Suggestions } from './suggestions.svelte.ts';
import { today } from './today.ts';

const PAGE_SIZE = 100;
const SUGGESTED = 8;

export class AuditLog {
  filter = $state.raw<AuditFilter>(NO_AUDIT_FILTER);
  /** The patient that the filter names. */
  patient = $state.raw<Patient | null>(null);
  actors = $state.raw<readonly string[]>([]);
  rows = $state.raw<readonly AuditEntryView[]>([]);
  total = $state<number | null>(null);
  loading = $state(false);
  problem = $state.raw<WireErrorData | null>(null);

  verification = $state.raw<AuditVerification | null>(null);
  /** How far a verification is; null while none runs. */
  verifying = $state.raw<{ checked: number; total: number } | null>(null);

  exporting = $state<number | null>(null);
  exported = $state.raw<{ file: string; entries: number } | null>(null);

  readonly hasMore = $derived(this.total !== null && this.rows.length < this.total);
  readonly patientSearch: Suggestions<PatientSummary>;
  readonly #engine: Engine;
  #question = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.patientSearch = new Suggestions(async (query) => {
      const { patients } = await engine.call('patients.list', { query, limit: SUGGESTED, offset: 0 });
      return patients;
    });
  }

  /** Opens the log, which is written down in it. */
  async open(): Promise<void> {
    try {
      this.actors = (await this.#engine.call('audit.open', {})).actors;
    } catch (thrown) {
      this.problem = problemOf(thrown);
      return;
    }
    await this.#ask(null);
  }

  async change(change: Partial<Omit<AuditFilter, 'patientId'>>): Promise<void> {
    this.filter = { ...this.filter, ...change };
    await this.#ask(null);
  }

  async choosePatient(patient: Patient | null): Promise<void> {
    this.patient = patient;
    this.filter = { ...this.filter, patientId: patient?.id ?? null };
    await this.#ask(null);
  }

  async reset(): Promise<void> {
    this.filter = NO_AUDIT_FILTER;
    this.patient = null;
    await this.#ask(null);
  }

  more(): Promise<void> {
    return this.#ask(this.rows.at(-1)?.sequence ?? null);
  }

  async verify(): Promise<void> {
    this.verification = null;
    this.verifying = { checked: 0, total: 0 };
    try {
      const onProgress = (progress: { checked: number; total: number }) => (this.verifying = progress);
      this.verification = await this.#engine.call('audit.verify', {}, { onProgress });
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    } finally {
      this.verifying = null;
    }
  }

  /** Lets the user pick a place and has what the filter lets through written there. */
  async export(format: 'csv' | 'jsonl'): Promise<void> {
    this.exported = null;
    try {
      const picked = await this.#engine.pickSaveFile(format, `flame-audit-${today()}.${format}`);
      if (picked === null) return;
      this.exporting = 0;
      const { entries } = await this.#engine.call(
        'audit.export',
        { filter: this.filter, format, grant: picked.grant },
        { onProgress: ({ written }) => (this.exporting = written) },
      );
      this.exported = { file: picked.name, entries };
      this.problem = null;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    } finally {
      this.exporting = null;
    }
  }

  async #ask(before: number | null): Promise<void> {
    const question = ++this.#question;
    this.loading = true;
    this.exported = null;
    try {
      const { filter } = this;
      const page = await this.#engine.call('audit.list', { filter, before, limit: PAGE_SIZE });
      if (question !== this.#question) return;
      this.rows = before === null ? page.entries : [...this.rows, ...page.entries];
      this.total = page.total;
      this.problem = null;
    } catch (thrown) {
      if (question === this.#question) this.problem = problemOf(thrown);
    } finally {
      if (question === this.#question) this.loading = false;
    }
  }
}
