/** The application around a visit: engine and store status, what is open, and what was left unsaved. Decides nothing clinical. */

import { getContext, setContext } from 'svelte';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { Engine } from '../../shared/bridge.ts';
import { isDamage } from '../../shared/rescue-api.ts';
import {
  NO_ACCOUNTS,
  type AccountForm,
  type CodeKind,
  type SessionStatus,
} from '../../shared/accounts-api.ts';
import type {
  AppStatus,
  EngineState,
  MethodName,
  VisitDetail,
  WireErrorData,
} from '../../shared/contract.ts';
import type { Patient } from '../../shared/domain.ts';
import type { PatientId, VisitId } from '../../shared/ids.ts';
import { mayCall } from '../../shared/roles.ts';
import { DataImport } from './data-import.svelte.ts';
import { DraftList } from './drafts.svelte.ts';
import { HabitChoice } from './habit-choice.svelte.ts';
import type { AnyEditor } from './open-editor.ts';
import { PatientList } from './patients.svelte.ts';
import { problemOf } from './problem.ts';
import { setOf } from './sets.ts';
import { ThemeChoice } from './theme.svelte.ts';
import { VisitImport } from './visit-import.svelte.ts';
import { VisitSession } from './visit-session.svelte.ts';

export type View =
  | { readonly kind: 'home' }
  | { readonly kind: 'accounts' }
  | { readonly kind: 'audit' }
  | { readonly kind: 'backups' }
  | { readonly kind: 'import' }
  | { readonly kind: 'overview' }
  | { readonly kind: 'training' }
  | { readonly kind: 'data' }
  | { readonly kind: 'models' }
  | { readonly kind: 'patient'; readonly patientId: PatientId }
  | { readonly kind: 'visit'; readonly patientId: PatientId; readonly session: VisitSession }
  | { readonly kind: 'editor'; readonly patientId: PatientId; readonly editor: AnyEditor };

export class App {
  readonly engine: Engine;
  readonly theme = new ThemeChoice();
  readonly habits = new HabitChoice();
  readonly patients: PatientList;
  readonly imports: VisitImport;
  readonly dataImport: DataImport;
  readonly drafts: DraftList;
  status = $state.raw<AppStatus | null>(null);
  engineState = $state<EngineState>('starting');
  /** The status itself could not be had. */
  problem = $state.raw<WireErrorData | null>(null);
  view = $state.raw<View>({ kind: 'home' });
  /** Why the editor that was asked for did not open. */
  openProblem = $state.raw<WireErrorData | null>(null);
  /** A code that is on the screen for the one time. */
  shownCode = $state.raw<{ readonly kind: CodeKind; readonly code: string } | null>(null);
  /** Who was signed in last in this window; their screen is kept for them. */
  lastAccount = $state<string | null>(null);
  readonly session: SessionStatus = $derived(this.status?.session ?? NO_ACCOUNTS);
  /** Nobody is signed in: nothing of a patient is on the screen. */
  readonly locked = $derived(this.session.accounts && this.session.account === null);

  /** Visits opened in this window; what was edited in one waits there until it is saved. */
  readonly #sessions = new SvelteMap<VisitId, VisitSession>();
  /** Editors that were left; one whose draft could not be stored yet goes on trying. */
  readonly #left = new SvelteSet<AnyEditor>();
  /** Patients with edits that were not saved. */
  readonly unsaved = $derived(
    setOf(
      [...this.#sessions.values()].flatMap(({ dirty, detail }) =>
        dirty && detail ? [detail.patient.id] : [],
      ),
    ),
  );

  constructor(engine: Engine) {
    this.engine = this.#watched(engine);
    this.patients = new PatientList(this.engine);
    this.dataImport = new DataImport(this.engine, () => this.refresh());
    this.imports = new VisitImport(
      this.engine,
      () => this.refresh(),
      async (picked) => {
        this.openImport();
        await this.dataImport.show(picked);
      },
    );
    this.drafts = new DraftList(this.engine);
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
    const stopLocks = this.engine.onLocked(() => void this.refreshStatus());
    return () => {
      stop();
      stopLocks();
    };
  }

  /** The store's and the model's status, and the patient list with it. */
  async refresh(): Promise<void> {
    try {
      this.take(await this.engine.call('app.status', {}));
      if (this.status?.store === 'open' && this.can('patients.list'))
        await Promise.all([this.patients.refresh(), this.drafts.refresh()]);
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  take(status: AppStatus): void {
    this.#keepFor(status.session);
    this.status = status;
    this.problem = null;
  }

  /** The status alone, e.g. to learn that Flame was locked. */
  async refreshStatus(): Promise<void> {
    try {
      this.take(await this.engine.call('app.status', {}));
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  /** True when whoever is signed in may make this call; what is refused is not offered. */
  can(method: MethodName): boolean {
    return !this.session.accounts || mayCall(method, this.session.account?.roles ?? null);
  }

  async signIn(account: string, passphrase: string): Promise<void> {
    await this.#opening(async () =>
      this.take(await this.engine.call('session.signIn', { account, passphrase })),
    );
    await this.refresh();
  }

  async recover(code: string, account: string, passphrase: string): Promise<void> {
    const { status, recoveryCode } = await this.engine.call('session.recover', { code, account, passphrase });
    this.take(status);
    this.shownCode = { kind: 'recovery', code: recoveryCode };
    await this.refresh();
  }

  async enterForEmergency(code: string, name: string, reason: string): Promise<void> {
    this.take(await this.engine.call('session.emergency', { code, name, reason }));
    await this.refresh();
  }

  /** @param present the passphrase that protects the database now, where one does */
  async setUpAccounts(form: AccountForm, passphrase: string, present?: string): Promise<void> {
    const { status, recoveryCode } = await this.engine.call('accounts.setUp', {
      ...form,
      passphrase,
      present,
    });
    this.shownCode = { kind: 'recovery', code: recoveryCode };
    this.take(status);
  }

  /** What was typed is stored first. */
  async lock(): Promise<void> {
    if (this.view.kind === 'editor') await this.view.editor.drafts.flush();
    this.take(await this.engine.call('session.lock', {}));
  }

  /** A call that finds Flame locked shows the lock. */
  #watched(engine: Engine): Engine {
    const call: Engine['call'] = async (method, params, options) => {
      try {
        return await engine.call(method, params, options);
      } catch (thrown) {
        if (problemOf(thrown).code === 'SESSION_LOCKED' && !this.locked) void this.refreshStatus();
        throw thrown;
      }
    };
    return { ...engine, call };
  }

  /** The screen waits for whoever it belongs to; somebody else starts afresh. */
  #keepFor({ account }: SessionStatus): void {
    if (account === null) return;
    const isOther = this.lastAccount !== null && this.lastAccount !== account.id;
    this.lastAccount = account.id;
    if (!isOther) return;
    // What somebody typed is theirs: it must not be stored in another's name.
    if (this.view.kind === 'editor') void this.view.editor.drafts.stop();
    for (const { drafts } of this.#left) void drafts.stop();
    this.#left.clear();
    this.#sessions.clear();
    this.view = { kind: 'home' };
    this.openProblem = null;
    this.shownCode = null;
    this.patients.clear();
  }

  async unlock(passphrase: string): Promise<void> {
    await this.#opening(async () => this.take(await this.engine.call('store.unlock', { passphrase })));
    await this.refresh();
  }

  /** A database that turns out to be damaged is the status, which has a page of its own. */
  async #opening(open: () => Promise<void>): Promise<void> {
    try {
      await open();
    } catch (thrown) {
      if (isDamage(problemOf(thrown))) await this.refreshStatus();
      throw thrown;
    }
  }

  openPatient(patientId: PatientId): void {
    this.#show({ kind: 'patient', patientId });
  }

  openVisit(patientId: PatientId, visitId: VisitId): void {
    let session = this.#sessions.get(visitId);
    if (!session) {
      session = new VisitSession(this.engine, visitId, this.habits);
      this.#sessions.set(visitId, session);
    }
    this.#show({ kind: 'visit', patientId, session });
    // A visit with work in progress shows what it showed; every other one is read afresh.
    if (session.reply === null) void session.load();
  }

  goHome(): void {
    this.#show({ kind: 'home' });
  }

  openAccounts(): void {
    this.#show({ kind: 'accounts' });
  }

  openAudit(): void {
    this.#show({ kind: 'audit' });
  }

  /** The status tells whether the last backup failed. */
  openBackups(): void {
    this.#show({ kind: 'backups' });
    void this.refreshStatus();
  }

  openImport(): void {
    this.#show({ kind: 'import' });
  }

  openTraining(): void {
    this.#show({ kind: 'training' });
  }

  openOverview(): void {
    this.#show({ kind: 'overview' });
    void this.refreshStatus(); // It tells whether the last backup failed.
  }

  openModels(): void {
    this.#show({ kind: 'models' });
  }

  openData(): void {
    this.#show({ kind: 'data' });
  }

  /** Opens an editor once what it starts from is read; `openProblem` says why it could not be. */
  async openEditor(start: (engine: Engine) => AnyEditor | Promise<AnyEditor>): Promise<void> {
    try {
      const opened = await start(this.#ownDrafts());
      // What was typed in the same form before and is not stored yet is newer than any draft.
      const left = [...this.#left].find(
        ({ form: { id }, drafts }) => id === opened.form.id && drafts.pending,
      );
      const editor = left ?? opened;
      const { form } = editor;
      this.#show({ kind: 'editor', patientId: form.kind === 'visit' ? form.patientId : form.id, editor });
    } catch (thrown) {
      this.openProblem = problemOf(thrown);
    }
  }

  /** Goes on where a saved patient leads. */
  async patientSaved({ id }: Patient): Promise<void> {
    for (const session of this.#sessions.values()) {
      if (session.detail?.patient.id === id) void session.load(); // Visits show the patient's name.
    }
    this.openPatient(id);
    await this.refresh();
  }

  /** Shows a saved visit; a recommendation on its screen is said to be from before. */
  async visitSaved(detail: VisitDetail): Promise<void> {
    this.#sessions.get(detail.visit.id)?.takeChanged(detail);
    this.openVisit(detail.patient.id, detail.visit.id);
    await this.refresh();
  }

  /** Leaves an editor for what it was opened from; its draft is gone. */
  async leaveEditor({ form }: AnyEditor): Promise<void> {
    const { isNew } = form;
    if (form.kind === 'visit' && !isNew) this.openVisit(form.patientId, form.id);
    else if (form.kind === 'visit' || !isNew)
      this.openPatient(form.kind === 'visit' ? form.patientId : form.id);
    else this.goHome();
    await this.drafts.refresh();
  }

  /** Says with each draft who typed it: the page may hear late that somebody else is signed in by now. */
  #ownDrafts(): Engine {
    const { engine } = this;
    const account = this.session.account?.id;
    if (account === undefined) return engine;
    const call: Engine['call'] = (method, params, options) =>
      engine.call(method, method === 'drafts.put' ? Object.assign({}, params, { account }) : params, options);
    return { ...engine, call };
  }

  /** An editor that is left keeps its draft, and the list of drafts shows it. */
  #show(view: View): void {
    const { view: before } = this;
    this.view = view;
    this.openProblem = null;
    if (view.kind === 'editor') this.#left.delete(view.editor);
    if (before.kind !== 'editor') return;
    const { editor } = before;
    this.#left.add(editor);
    void editor.drafts.flush().then(() => {
      if (!editor.drafts.pending) this.#left.delete(editor);
      return this.drafts.refresh();
    });
  }
}

const KEY = Symbol('app');

export function provideApp(app: App): App {
  return setContext(KEY, app);
}

export function useApp(): App {
  return getContext<App>(KEY);
}
