/**
 * The three parts of the engine: the visit database, the knowledge tables, the model. Each opens or fails on its own,
 * and what failed says so to everyone who needs it. Answers no call.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Checker } from '../checks/checker.ts';
import { loadKnowledge, type Knowledge } from '../knowledge/knowledge.ts';
import { withSiteTable } from '../knowledge/site-table.ts';
import type { AppStatus } from '../shared/contract.ts';
import type { EngineOptions } from '../shared/engine-process.ts';
import { FlameError, toWireError, type ErrorCode } from '../shared/errors.ts';
import { AuditHeadKeeper } from './audit/audit-head.ts';
import { noteOpening, type Opening, type RefusedTry } from './audit/audit-opening.ts';
import { backupState } from './backup/backup-settings.ts';
import { completeSearch } from './imports/complete-search.ts';
import { DecisionHabits, HABIT_WINDOW } from './decisions/decision-habits.ts';
import { Devices } from './devices/devices.ts';
import { forkingProber, type Prober } from './devices/prober.ts';
import type { OpenModel } from './models/model.ts';
import { ActiveModel, assertUsable, openActiveModel, openInstalled } from './models/active-model.ts';
import { folderOf, modelFolders, SHIPPED_MODEL, type ModelFolders } from './models/installed.ts';
import { readRing } from './access/key-ring.ts';
import { NO_KEY_STORE, type KeyStore } from './access/key-store.ts';
import { openProfile, profileProtection, protectProfile, type Profile } from './profile.ts';
import type { Recommender } from './decisions/recommend.ts';
import { Session } from './access/session.ts';
import { prove, type Credential, type Proved } from './access/sign-in.ts';
import { SignInPauses } from './access/sign-in-pauses.ts';
import { findAccount } from './store/accounts.ts';
import { latestDecidedVisits } from './store/decided-visits.ts';
import type { WritableDb } from './store/handle.ts';
import { modelInUse, pointToModel } from './store/model-uses.ts';
import { countPatients } from './store/patients.ts';
import { siteTableInUse, type StoredSiteTable } from './store/site-tables.ts';
import { removeLeftDrafts } from './unfinished-files.ts';
import type { ModelId } from '../shared/ids.ts';
import { KEY_STORE_REFUSALS, type KeyStoreRefusal } from '../shared/key-store-api.ts';
import type { ModelUse } from '../shared/models-api.ts';

type Part<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: FlameError };

/** Answers to a try of signing in, which change nothing about the database: it stays locked. */
const SIGN_IN_ANSWERS: ReadonlySet<ErrorCode> = new Set([
  'SIGN_IN_FAILED',
  'SIGN_IN_PAUSED',
  'ACCOUNT_LOCKED',
]);

export class Workspace {
  readonly options: EngineOptions;
  /** Where models run. */
  readonly devices: Devices;
  #profile: Part<Profile>;
  /** The shipped tables. */
  readonly #shipped: Part<Knowledge>;
  /** The tables in use: the shipped ones, with the site's own over them. */
  #knowledge: Part<Knowledge>;
  #siteTable: StoredSiteTable | null = null;
  #checker: { readonly tables: Knowledge; readonly checker: Checker } | null = null;
  #model: Part<ActiveModel>;
  /** Settled when the change of model before is through. */
  #changing: Promise<unknown> = Promise.resolve();
  #habits: { readonly account: string | null; readonly counts: DecisionHabits } | null = null;
  #auditHead: AuditHeadKeeper | null = null;
  /** Wrong passphrases since the start; written down once the database is open. */
  #refused: RefusedTry[] = [];
  /** Where wrong secrets of accounts are counted. */
  readonly pauses: SignInPauses;
  readonly session: Session;
  /** Why the system's key store did not open the database when it was asked to; null otherwise. */
  keyStoreRefusal: KeyStoreRefusal | null;

  private constructor(
    options: EngineOptions,
    devices: Devices,
    profile: Part<Profile>,
    knowledge: Part<Knowledge>,
    model: Part<ActiveModel>,
  ) {
    this.options = options;
    this.devices = devices;
    this.#profile = profile;
    this.#shipped = knowledge;
    this.#knowledge = knowledge;
    this.#model = model;
    this.pauses = new SignInPauses(options.profile);
    this.session = new Session(this);
    this.keyStoreRefusal = refusalOf(profile);
  }

  /** Opens what can be opened; fails never. */
  static async open(
    options: EngineOptions,
    prober: Prober = forkingProber(),
    keyStore: KeyStore = NO_KEY_STORE,
  ): Promise<Workspace> {
    const devices = new Devices({
      profile: options.profile,
      pack: folderOf(modelFolders(options), SHIPPED_MODEL),
      knowledge: join(options.resources, 'knowledge'),
      prober,
    });
    const knowledge = await attempt('knowledge', () => {
      const tables = loadKnowledge(join(options.resources, 'knowledge'));
      tables.verifyAll();
      return tables;
    });
    const profile = await attempt('store', () => openProfile({ ...profileOptions(options, null), keyStore }));
    // Which model is in use stands in the database; while that is locked, the shipped one is made ready.
    const model = await openChosen(options, devices, knowledge, profile);
    const workspace = new Workspace(options, devices, profile, knowledge, model);
    workspace.#noteOpened('app.opened');
    workspace.#readSiteTable();
    workspace.#countHabits();
    return workspace;
  }

  /** @throws FlameError of the STORE family */
  get db(): WritableDb {
    return valueOf(this.#profile).db;
  }

  /** The tables as shipped, without the site's own. @throws FlameError KNOWLEDGE_CORRUPT */
  get shippedKnowledge(): Knowledge {
    return valueOf(this.#shipped);
  }

  /** The site's own interaction table, when one is in use. @throws what `db` throws */
  get siteTable(): StoredSiteTable | null {
    valueOf(this.#profile);
    return this.#siteTable;
  }

  /** The checks over the tables in use. @throws FlameError KNOWLEDGE_CORRUPT */
  get checker(): Checker {
    const tables = this.knowledge;
    if (this.#checker?.tables !== tables) this.#checker = { tables, checker: new Checker(tables) };
    return this.#checker.checker;
  }

  /** @throws FlameError KNOWLEDGE_CORRUPT */
  get knowledge(): Knowledge {
    return valueOf(this.#knowledge);
  }

  /** The tables where something useful can be said without them. */
  get knowledgeOrNull(): Knowledge | null {
    return this.#knowledge.ok ? this.#knowledge.value : null;
  }

  /** @throws FlameError of the MODEL_PACK family, or KNOWLEDGE_CORRUPT, without which no model runs */
  get model(): OpenModel {
    return valueOf(this.#model).model;
  }

  get modelOrNull(): OpenModel | null {
    return this.#model.ok ? this.#model.value.model : null;
  }

  get recommender(): Recommender {
    return valueOf(this.#model).recommender;
  }

  /** The model in use with its recommender. @throws what `model` throws */
  get active(): ActiveModel {
    return valueOf(this.#model);
  }

  get modelFolders(): ModelFolders {
    return modelFolders(this.options);
  }

  /**
   * Makes an installed model the one in use, from the next recommendation on. It is opened first: what does not open is
   * refused, and nothing changes.
   * @throws FlameError MODEL_GATES_FAILED, MODEL_UNMEASURED, of the MODEL_PACK family, and what `db` and `knowledge` throw
   */
  useModel(id: ModelId, turn: Pick<ModelUse, 'actor' | 'cause'>): Promise<void> {
    return this.#inTurn(async () => {
      const { db, shippedKnowledge, modelFolders: folders } = this;
      assertUsable(folders, id);
      const session = this.devices.session();
      const model = await openInstalled(id, { folders, knowledge: shippedKnowledge, session });
      const { name, version } = model;
      try {
        pointToModel(db, { model: id, name, version }, turn);
      } catch (thrown) {
        await model.close();
        throw thrown;
      }
      await this.#replaceModel({ ok: true, value: new ActiveModel(id, model, this.knowledge, null) });
    });
  }

  /** Opens the model in use once more, e.g. after its files were put back. */
  reopenModel(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#knowledge.ok) return; // Without tables no model runs.
      const opened = await openChosen(this.options, this.devices, this.#shipped, this.#profile);
      if (opened.ok) opened.value.takeTables(this.knowledge);
      await this.#replaceModel(opened);
    });
  }

  /** Tests or chooses devices; when models run elsewhere afterwards, the one in use is opened there. */
  async changeDevice(change: () => void | Promise<void>): Promise<void> {
    const before = this.devices.state();
    await change();
    const { inUse } = this.devices.state();
    if (inUse !== before.inUse || before.reason === 'lost') await this.reopenModel();
  }

  /** Tests the processors unless that was done on this computer as it is. What hinders it is shown where it is asked for. */
  async testDevicesOnce(): Promise<void> {
    if (this.devices.isTested() || !this.#knowledge.ok || !this.#profile.ok) return;
    await this.changeDevice(() => this.devices.test());
  }

  async #replaceModel(next: Part<ActiveModel>): Promise<void> {
    const before = this.#model;
    this.#model = next;
    this.#habits = null;
    this.#countHabits();
    if (before.ok) await before.value.retire();
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  /**
   * The habits of whoever is signed in, counted from the stored decisions they signed; of the clinic, from every decision,
   * where there are no accounts.
   * @throws what `db` and `model` throw
   */
  get habits(): DecisionHabits {
    return this.#habitsNow();
  }

  #habitsNow(): DecisionHabits {
    const { session } = this;
    const account = session.hasAccounts ? (session.ownSignature()?.account ?? '') : null;
    if (this.#habits?.account !== account) this.#habits = { account, counts: this.#countedHabits(account) };
    return this.#habits.counts;
  }

  #countedHabits(account: string | null): DecisionHabits {
    const { db, model, knowledge } = this;
    const habits = new DecisionHabits(model.formulary, (drug) => knowledge.drugs.canonical(drug));
    for (const visit of latestDecidedVisits(db, model, { limit: HABIT_WINDOW, account })) habits.count(visit);
    return habits;
  }

  /** Opens the database of a profile without accounts with its passphrase. */
  async unlock(passphrase: string): Promise<void> {
    if (this.#profile.ok) return;
    const opened = await attempt('store', () => openProfile(profileOptions(this.options, passphrase)));
    // A wrong passphrase is an answer to this call, not a state of the database: it stays locked.
    if (!opened.ok && opened.error.code === 'STORE_KEY_WRONG') {
      this.#refused.push({ at: new Date().toISOString() });
      throw opened.error;
    }
    await this.#opened(opened);
  }

  /**
   * Proves a secret of an account or a code, and opens the database with it unless it is open.
   * @throws FlameError what `prove` throws, and the STORE family
   */
  async openWith(credential: Credential): Promise<Proved> {
    if (this.#profile.ok) return await prove(readRing(this.options.profile), credential, this.pauses);
    const opened = await attempt('store', () =>
      openProfile({ ...profileOptions(this.options, null), credential, pauses: this.pauses }),
    );
    if (!opened.ok && SIGN_IN_ANSWERS.has(opened.error.code)) {
      const account = 'account' in credential.who ? credential.who.account : credential.who.code;
      if (opened.error.code === 'SIGN_IN_FAILED')
        this.#refused.push({ at: new Date().toISOString(), account });
      throw opened.error;
    }
    if (!opened.ok || opened.value.proved === null) {
      await this.#opened(opened);
      return await this.openWith(credential); // Accounts were taken away or opened meanwhile.
    }
    const { db, proved } = opened.value;
    // Removed, but somebody put an old ring of keys back.
    if (proved.entry.kind === 'account' && findAccount(db, proved.entry.id) === null) {
      db.close();
      throw new FlameError('SIGN_IN_FAILED');
    }
    await this.#opened(opened);
    return proved;
  }

  async #opened(opened: Part<Profile>): Promise<void> {
    if (this.#profile.ok) {
      // Another call opened it meanwhile; what this one met was that lock.
      if (opened.ok) opened.value.db.close();
      return;
    }
    this.#profile = opened;
    this.#noteOpened('store.unlocked');
    valueOf(this.#profile);
    this.#readSiteTable();
    if (modelInUse(this.db) === null) this.#countHabits();
    else await this.reopenModel();
  }

  /**
   * Puts another database in place of the open one.
   * @param prepare does all that can fail while the present one stays open; what it returns closes it and opens the other
   */
  exchangeProfile(prepare: (profile: Profile, nativeBinding?: string) => () => Profile): void {
    const exchange = this.withProfile((profile) => prepare(profile, this.options.sqliteBinding ?? undefined));
    this.#auditHead?.stop();
    try {
      this.#profile = { ok: true, value: exchange() };
      this.#auditHead = new AuditHeadKeeper(this.#profile.value);
      this.completeSearch();
    } catch (thrown) {
      this.#profile = failed('store', thrown);
      throw thrown;
    }
  }

  /** A database whose opening cannot be written down is not used. */
  #noteOpened(action: Opening['action']): void {
    if (!this.#profile.ok) return;
    const profile = this.#profile.value;
    try {
      noteOpening(profile, { action, appVersion: this.options.appVersion, refused: this.#refused });
      this.#refused = [];
      this.#auditHead = new AuditHeadKeeper(profile);
      // What cannot be removed now is tried again at the next export.
      void removeLeftDrafts(profile.db).catch(() => undefined);
      this.completeSearch();
    } catch (thrown) {
      profile.db.close();
      this.#profile = failed('store', thrown);
    }
  }

  /**
   * Goes on with the search documents of an import that was cut short, while the database stays open. Whatever hinders it,
   * they stay marked, and every search tells of them.
   */
  completeSearch(): void {
    if (!this.#profile.ok) return;
    const { db } = this.#profile.value;
    const stopped = (): boolean => !this.#profile.ok || this.#profile.value.db !== db;
    void completeSearch(db, stopped).catch(() => undefined);
  }

  /** Lets `work` use the open profile, the head of its audit log brought up to now. @throws what `db` throws */
  withProfile<T>(work: (profile: Profile) => T): T {
    const profile = valueOf(this.#profile);
    this.#auditHead?.flush();
    return work(profile);
  }

  /** Puts a site's table in use, or takes it out with null: what is asked from now on obeys it. */
  takeSiteTable(table: StoredSiteTable | null): void {
    this.#siteTable = table;
    if (!this.#shipped.ok) return;
    const shipped = this.#shipped.value;
    const knowledge = table === null ? shipped : withSiteTable(shipped, table);
    this.#knowledge = { ok: true, value: knowledge };
    if (this.#model.ok) this.#model.value.takeTables(knowledge);
  }

  /** A table that cannot be read fails the tables: lists without it would look as if they had obeyed it. */
  #readSiteTable(): void {
    if (!this.#profile.ok) return;
    try {
      const table = siteTableInUse(this.#profile.value.db);
      if (table !== null) this.takeSiteTable(table);
    } catch (thrown) {
      const failure = failed('knowledge', thrown);
      this.#knowledge = failure;
      this.#model = failure;
    }
  }

  /** Counts ahead of the first recommendation; what hinders it is told to whoever asks for one. */
  #countHabits(): void {
    try {
      this.#habitsNow();
    } catch {
      // A part is missing, and the status says which.
    }
  }

  get isOpen(): boolean {
    return this.#profile.ok;
  }

  async protect(passphrase: string | null): Promise<void> {
    await protectProfile(valueOf(this.#profile), passphrase, this.options.scryptCost);
  }

  status(): AppStatus {
    const locked = !this.#profile.ok && this.#profile.error.code === 'STORE_LOCKED';
    const model = this.modelOrNull;
    const session = this.session.status();
    const hidden = session.accounts && session.account === null;
    return {
      store: this.#profile.ok ? 'open' : locked ? 'locked' : 'failed',
      failures: [
        ...(locked ? [] : failureOf('store', this.#profile)),
        ...failureOf('knowledge', this.#knowledge),
        // Without tables no model is tried: the tables are what failed.
        ...(this.#knowledge.ok ? failureOf('model', this.#model) : []),
      ],
      keyStoreRefusal: locked ? this.keyStoreRefusal : null,
      passphraseSet:
        existsSync(this.options.profile) && profileProtection(this.options.profile) === 'passphrase',
      // Whoever is not signed in learns that there is a database, and nothing of what it holds.
      patientCount: this.#profile.ok && !hidden ? countPatients(this.#profile.value.db) : 0,
      session,
      appVersion: this.options.appVersion,
      knowledgeVersion: this.knowledgeOrNull?.version ?? null,
      model: model?.summary ?? null,
      modelId: this.#model.ok ? this.#model.value.id : null,
      modelFallback: this.#model.ok ? this.#model.value.fallback : null,
      backupFailure: this.#profile.ok && !hidden ? backupState(this.#profile.value.db).failure : null,
    };
  }

  /** Closes the database and the model. Whoever asks afterwards is told that the store is closed. */
  async close(): Promise<void> {
    const profile = this.#profile;
    this.#profile = { ok: false, error: new FlameError('STORE_UNAVAILABLE', { problem: 'it was closed' }) };
    this.#auditHead?.stop();
    if (profile.ok) profile.value.db.close();
    await this.#changing;
    if (this.#model.ok) await this.#model.value.retire();
    this.devices.close();
  }
}

function profileOptions({ profile, sqliteBinding }: EngineOptions, passphrase: string | null) {
  return { folder: profile, passphrase, nativeBinding: sqliteBinding ?? undefined };
}

function refusalOf(profile: Part<Profile>): KeyStoreRefusal | null {
  const reason = profile.ok ? undefined : profile.error.details['keyStore'];
  return KEY_STORE_REFUSALS.find((refusal) => refusal === reason) ?? null;
}

async function openChosen(
  options: EngineOptions,
  devices: Devices,
  knowledge: Part<Knowledge>,
  profile: Part<Profile>,
): Promise<Part<ActiveModel>> {
  if (!knowledge.ok) return knowledge;
  return attempt('model', () => {
    const pointer = profile.ok ? modelInUse(profile.value.db) : null;
    return openActiveModel(pointer, {
      folders: modelFolders(options),
      knowledge: knowledge.value,
      session: devices.session(),
    });
  });
}

async function attempt<Value>(
  part: AppStatus['failures'][number]['part'],
  open: () => Value | Promise<Value>,
): Promise<Part<Value>> {
  try {
    return { ok: true, value: await open() };
  } catch (thrown) {
    return failed(part, thrown);
  }
}

function failed(part: AppStatus['failures'][number]['part'], thrown: unknown): Part<never> {
  if (thrown instanceof FlameError) return { ok: false, error: thrown };
  const problem = `${part}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  return { ok: false, error: new FlameError('INTERNAL', { problem }, { cause: thrown }) };
}

function valueOf<Value>(part: Part<Value>): Value {
  if (part.ok) return part.value;
  throw part.error;
}

function failureOf(
  part: AppStatus['failures'][number]['part'],
  state: Part<unknown>,
): AppStatus['failures'][number][] {
  return state.ok ? [] : [{ part, error: toWireError(state.error) }];
}
