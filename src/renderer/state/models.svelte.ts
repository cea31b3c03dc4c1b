/** Installed models and processors on the screen: what there is, what is under way, what came of it. Judges nothing. */

import type { Engine, PickedFile } from '../../shared/bridge.ts';
import type { AppStatus, WireErrorData } from '../../shared/contract.ts';
import type { DeviceChoice, DevicesState, ProviderName } from '../../shared/devices-api.ts';
import type { ModelId } from '../../shared/ids.ts';
import type {
  ImportedModel,
  InstalledModel,
  ModelDetails,
  ModelImportProgress,
  ModelIntegrity,
  ModelsState,
} from '../../shared/models-api.ts';
import { problemOf } from './problem.ts';

export class ModelsView {
  state = $state.raw<ModelsState | null>(null);
  details = $state.raw<ModelDetails | null>(null);
  integrity = $state.raw<{ readonly model: ModelId; readonly found: ModelIntegrity } | null>(null);
  devices = $state.raw<DevicesState | null>(null);
  busy = $state(false);
  problem = $state.raw<WireErrorData | null>(null);
  importing = $state.raw<ModelImportProgress | null>(null);
  imported = $state.raw<ImportedModel | null>(null);
  exported = $state.raw<{ readonly name: string; readonly file: string } | null>(null);
  /** The processor that is being tested. */
  testing = $state<ProviderName | null>(null);
  readonly #engine: Engine;
  readonly #take: (status: AppStatus) => void;

  /** @param take hears of the status after another model was taken into use */
  constructor(engine: Engine, take: (status: AppStatus) => void) {
    this.#engine = engine;
    this.#take = take;
  }

  async load(): Promise<void> {
    await this.#work(async () => {
      this.state = await this.#engine.call('models.list', {});
      this.devices = await this.#engine.call('devices.list', {});
    });
  }

  use(model: ModelId): Promise<void> {
    return this.#change(() => this.#engine.call('models.use', { model }));
  }

  rollBack(): Promise<void> {
    return this.#change(() => this.#engine.call('models.rollBack', {}));
  }

  async show(model: ModelId): Promise<void> {
    if (this.details?.model.id === model) {
      this.details = null;
      return;
    }
    await this.#work(async () => {
      this.details = await this.#engine.call('models.details', { model });
    });
  }

  verify(model: ModelId): Promise<void> {
    return this.#work(async () => {
      this.integrity = { model, found: await this.#engine.call('models.verify', { model }) };
    });
  }

  /** Lets the user pick an archive; does nothing when none is picked. */
  importPicked(): Promise<void> {
    return this.#import(() => this.#engine.pickImportFile('model'));
  }

  /** @param file what was dropped on the page */
  importDropped(file: unknown): Promise<void> {
    return this.#import(() => this.#engine.takeDropped(file));
  }

  exportModel({ id, name, version }: InstalledModel): Promise<void> {
    return this.#work(async () => {
      const picked = await this.#engine.pickSaveFile('zip', `${name} ${version}.zip`);
      if (picked === null) return;
      await this.#engine.call('models.export', { model: id, grant: picked.grant });
      this.exported = { name, file: picked.name };
    });
  }

  remove(model: ModelId): Promise<void> {
    return this.#work(async () => {
      this.state = await this.#engine.call('models.remove', { model });
      this.details = null;
    });
  }

  testDevices(): Promise<void> {
    return this.#work(async () => {
      try {
        this.devices = await this.#engine.call(
          'devices.test',
          {},
          { onProgress: ({ provider }) => (this.testing = provider) },
        );
      } finally {
        this.testing = null;
      }
    });
  }

  chooseDevice(choice: DeviceChoice): Promise<void> {
    return this.#work(async () => {
      this.devices = await this.#engine.call('devices.choose', { choice });
    });
  }

  #import(pick: () => Promise<PickedFile | null>): Promise<void> {
    return this.#work(async () => {
      const picked = await pick();
      if (picked === null) return;
      try {
        this.imported = await this.#engine.call(
          'models.import',
          { grant: picked.grant },
          { onProgress: (progress) => (this.importing = progress) },
        );
        this.state = await this.#engine.call('models.list', {});
      } finally {
        this.importing = null;
      }
    });
  }

  #change(change: () => Promise<AppStatus>): Promise<void> {
    return this.#work(async () => {
      this.#take(await change());
      this.state = await this.#engine.call('models.list', {});
    });
  }

  async #work(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = null;
    this.imported = null;
    this.exported = null;
    try {
      await work();
    } catch (thrown) {
      this.problem = problemOf(thrown);
    } finally {
      this.busy = false;
    }
  }
}
