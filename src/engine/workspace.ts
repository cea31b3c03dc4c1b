/**
 * The three parts of the engine together: the visit database, the knowledge tables, the model. Each opens or fails on its own; what
 * one of them changes for the others is done here. Answers no call.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Checker } from '../checks/checker.ts';
import type { Knowledge } from '../knowledge/knowledge.ts';
import type { AppStatus } from '../shared/contract.ts';
import type { EngineOptions } from '../shared/engine-process.ts';
import type { ModelId } from '../shared/ids.ts';
import type { ModelUse } from '../shared/models-api.ts';
import { NO_KEY_STORE, type KeyStore } from './access/key-store.ts';
import { Session } from './access/session.ts';
import { StoreInUse } from './access/store-in-use.ts';
import { backupState } from './backup/backup-settings.ts';
import { DecisionHabits, HABIT_WINDOW } from './decisions/decision-habits.ts';
import type { Recommender } from './decisions/recommend.ts';
import { Devices } from './devices/devices.ts';
import { forkingProber, type Prober } from './devices/prober.ts';
import type { ActiveModel } from './models/active-model.ts';
import { folderOf, modelFolders, SHIPPED_MODEL, type ModelFolders } from './models/installed.ts';
import { ModelInUse } from './models/model-in-use.ts';
import type { OpenModel } from './models/model.ts';
import { failureOf, valueOf } from './parts.ts';
import { profileProtection } from './profile.ts';
import { latestDecidedVisits } from './store/decided-visits.ts';
import type { WritableDb } from './store/handle.ts';
import { modelInUse } from './store/model-uses.ts';
import { countPatients } from './store/patients.ts';
import { siteTableInUse, type StoredSiteTable } from './store/site-tables.ts';
import { TablesInUse } from './tables-in-use.ts';

interface CountedHabits {
  readonly account: string | null;
  readonly model: OpenModel;
  readonly counts: DecisionHabits;
}

export class Workspace {
  readonly options: EngineOptions;
  /** Where models run. */
  readonly devices: Devices;
  readonly store: StoreInUse;
  readonly session: Session;
  readonly #tables: TablesInUse;
  readonly #model: ModelInUse;
  #habits: CountedHabits | null = null;

  private constructor(
    options: EngineOptions,
    parts: { devices: Devices; store: StoreInUse; tables: TablesInUse; model: ModelInUse },
  ) {
    this.options = options;
    this.devices = parts.devices;
    this.store = parts.store;
    this.#tables = parts.tables;
    this.#model = parts.model;
    this.session = new Session(this);
    this.store.whenUnlocked(() => this.#storeUnlocked());
    this.#readSiteTable();
    this.#countHabits();
  }

  /** Opens what can be opened; fails never. */
  static async open(
    options: EngineOptions,
    prober: Prober = forkingProber(),
    keyStore: KeyStore = NO_KEY_STORE,
  ): Promise<Workspace> {
    const folders = modelFolders(options);
    const devices = new Devices({
      profile: options.profile,
      pack: folderOf(folders, SHIPPED_MODEL),
      knowledge: join(options.resources, 'knowledge'),
      prober,
    });
    const tables = await TablesInUse.open(options.resources);
    const store = await StoreInUse.open(options, keyStore);
    // Which model is in use stands in the database; while that is locked, the shipped one is made ready.
    const model = await ModelInUse.open({ folders, devices, store, tables });
    return new Workspace(options, { devices, store, tables, model });
  }

  /** @throws FlameError of the STORE family */
  get db(): WritableDb {
    return valueOf(this.store.part).db;
  }

  /** @throws FlameError KNOWLEDGE_CORRUPT */
  get knowledge(): Knowledge {
    return valueOf(this.#tables.part);
  }

  /** The tables where something useful can be said without them. */
  get knowledgeOrNull(): Knowledge | null {
    return this.#tables.part.ok ? this.#tables.part.value : null;
  }

  /** The tables as shipped, without the site's own. @throws FlameError KNOWLEDGE_CORRUPT */
  get shippedKnowledge(): Knowledge {
    return valueOf(this.#tables.shipped);
  }

  /** The checks over the tables in use. @throws FlameError KNOWLEDGE_CORRUPT */
  get checker(): Checker {
    return this.#tables.checker;
  }

  /** The site's own interaction table, when one is in use. @throws what `db` throws */
  get siteTable(): StoredSiteTable | null {
    valueOf(this.store.part);
    return this.#tables.siteTable;
  }

  /** @throws FlameError of the MODEL_PACK family, or KNOWLEDGE_CORRUPT, without which no model runs */
  get model(): OpenModel {
    return this.active.model;
  }

  get modelOrNull(): OpenModel | null {
    return this.#model.part.ok ? this.#model.part.value.model : null;
  }

  /** @throws what `model` throws */
  get recommender(): Recommender {
    return this.active.recommender;
  }

  /** The model in use with its recommender. @throws what `model` throws */
  get active(): ActiveModel {
    return valueOf(this.#model.part);
  }

  get modelFolders(): ModelFolders {
    return modelFolders(this.options);
  }

  /**
   * The habits of whoever is signed in, counted from the stored decisions they signed; of the clinic, from every decision,
   * where there are no accounts.
   * @throws what `db` and `model` throw
   */
  get habits(): DecisionHabits {
    return this.#countedHabits();
  }

  #countedHabits(): DecisionHabits {
    const { session, db, model, knowledge } = this;
    const account = session.hasAccounts ? (session.ownSignature()?.account ?? '') : null;
    if (this.#habits?.account !== account || this.#habits.model !== model) {
      const counts = new DecisionHabits(model.formulary, (drug) => knowledge.drugs.canonical(drug));
      for (const visit of latestDecidedVisits(db, model, { limit: HABIT_WINDOW, account })) {
        counts.count(visit);
      }
      this.#habits = { account, model, counts };
    }
    return this.#habits.counts;
  }

  /**
   * Makes an installed model the one in use, from the next recommendation on. It is opened first: what does not open is
   * refused, and nothing changes.
   * @throws FlameError MODEL_GATES_FAILED, MODEL_UNMEASURED, of the MODEL_PACK family, and what `db` and `knowledge` throw
   */
  async useModel(id: ModelId, turn: Pick<ModelUse, 'actor' | 'cause'>): Promise<void> {
    await this.#model.use(id, turn);
    this.#countHabits();
  }

  /** Tests or chooses devices; when models run elsewhere afterwards, the one in use is opened there. */
  async changeDevice(change: () => void | Promise<void>): Promise<void> {
    const before = this.devices.state();
    await change();
    const { inUse } = this.devices.state();
    if (inUse !== before.inUse || before.reason === 'lost') await this.#reopenModel();
  }

  /** Tests the processors unless that was done on this computer as it is. What hinders it is shown where it is asked for. */
  async testDevicesOnce(): Promise<void> {
    if (this.devices.isTested() || this.knowledgeOrNull === null || !this.store.isOpen) return;
    await this.changeDevice(() => this.devices.test());
  }

  /** Puts a site's table in use, or takes it out with null: what is asked from now on obeys it. */
  takeSiteTable(table: StoredSiteTable | null): void {
    this.#tables.lay(table);
    const tables = this.knowledgeOrNull;
    if (tables !== null) this.#model.takeTables(tables);
  }

  async #storeUnlocked(): Promise<void> {
    this.#readSiteTable();
    if (modelInUse(this.db) === null) this.#countHabits();
    else await this.#reopenModel();
  }

  async #reopenModel(): Promise<void> {
    await this.#model.reopen();
    this.#countHabits();
  }

  /** A table that cannot be read fails the tables, and the model with them. */
  #readSiteTable(): void {
    const { part } = this.store;
    if (!part.ok) return;
    try {
      const table = siteTableInUse(part.value.db);
      if (table !== null) this.takeSiteTable(table);
    } catch (thrown) {
      this.#tables.fail(thrown);
      void this.#model.fail(thrown);
    }
  }

  /** Counts ahead of the first recommendation; what hinders it is told to whoever asks for one. */
  #countHabits(): void {
    try {
      this.#countedHabits();
    } catch {
      // A part is missing, and the status says which.
    }
  }

  status(): AppStatus {
    const { store } = this;
    const model = this.#model.part;
    const session = this.session.status();
    // Whoever is not signed in learns that there is a database, and nothing of what it holds.
    const shown =
      store.part.ok && !(session.accounts && session.account === null) ? store.part.value.db : null;
    return {
      store: store.isOpen ? 'open' : store.isLocked ? 'locked' : 'failed',
      failures: [
        ...(store.isLocked ? [] : failureOf('store', store.part)),
        ...failureOf('knowledge', this.#tables.part),
        // Without tables no model is tried: the tables are what failed.
        ...(this.#tables.part.ok ? failureOf('model', model) : []),
      ],
      keyStoreRefusal: store.isLocked ? store.keyStoreRefusal : null,
      passphraseSet:
        existsSync(this.options.profile) && profileProtection(this.options.profile) === 'passphrase',
      patientCount: shown === null ? 0 : countPatients(shown),
      session,
      appVersion: this.options.appVersion,
      knowledgeVersion: this.knowledgeOrNull?.version ?? null,
      model: model.ok ? model.value.model.summary : null,
      modelId: model.ok ? model.value.id : null,
      modelFallback: model.ok ? model.value.fallback : null,
      backupFailure: shown === null ? null : backupState(shown).failure,
    };
  }

  /** Closes the database and the model. */
  async close(): Promise<void> {
    this.store.close();
    await this.#model.close();
    this.devices.close();
  }
}
