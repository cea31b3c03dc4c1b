/**
 * One order to the training process: opens tables and pack, fine-tunes, reports. Never opens a database; visits come with the
 * order and stay in memory.
 */

import { setPriority } from 'node:os';
import { Gate } from '../flame/local/control.ts';
import { importAdapter } from '../flame/local/exchange.ts';
import { finetune } from '../flame/local/finetune.ts';
import { TrainingDevice } from '../flame/local/training-device.ts';
import { readModelPack } from '../flame/model-pack.ts';
import { loadKnowledge } from '../knowledge/knowledge.ts';
import { withSiteTable } from '../knowledge/site-table.ts';
import { toWireError } from '../shared/errors.ts';
import type { Evaluation, JobUsage, TrainingPoint } from '../shared/finetune.ts';
import type { FromTrainer, ToTrainer, TrainingOrder } from '../shared/trainer-process.ts';

/** As low as a process may ask for without being starved: everything that the physician waits for comes first. */
const PRIORITY = 15;

/** Answers the orders of one line. @param send to the engine */
export class TrainingLine {
  readonly #send: (message: FromTrainer) => void;
  readonly #gate = new Gate();
  #busy = false;

  constructor(send: (message: FromTrainer) => void) {
    this.#send = send;
  }

  hear(message: ToTrainer): void {
    if (message.kind === 'pause') this.#gate.pause(message.paused);
    else if (message.kind === 'cancel') this.#gate.cancel();
    else if (!this.#busy) {
      this.#busy = true;
      void this.#train(message.order);
    }
  }

  async #train(order: TrainingOrder): Promise<void> {
    const started = performance.now();
    const usage = (): JobUsage => ({
      seconds: (performance.now() - started) / 1000,
      memory: process.resourceUsage().maxRSS * 1024,
    });
    try {
      lowerPriority();
      const { job, name, settings, visits, siteTable } = order;
      const shipped = loadKnowledge(order.knowledge);
      const common = {
        base: readModelPack(order.base),
        knowledge: siteTable ? withSiteTable(shipped, siteTable) : shipped,
        modelFolder: order.model,
        control: this.#gate,
      };
      const device = new TrainingDevice(order.provider, (provider, reason) =>
        this.#send({ kind: 'device-lost', provider, reason }),
      );
      const onPoint = (point: TrainingPoint): void => this.#send({ kind: 'point', point });
      const { manifest, examples, choices } =
        order.adapter === null
          ? await finetune(
              { job, name, settings, split: visits },
              { ...common, workFolder: order.work, device, onPoint },
            )
          : {
              ...(await importAdapter(order.adapter, {
                ...common,
                ...{ job, name, settings, split: visits },
                onProgress: (step, steps) => onPoint({ stage: 'evaluating', step, steps, values: {} }),
              })),
              choices: null,
            };
      const evaluation = manifest.evaluation as Evaluation;
      this.#send({
        kind: 'done',
        result: { version: manifest.version, evaluation, examples, choices },
        usage: usage(),
      });
    } catch (thrown) {
      this.#send({ kind: 'failed', error: toWireError(thrown), usage: usage() });
    }
  }
}

function lowerPriority(): void {
  try {
    setPriority(PRIORITY);
  } catch {
    // Some systems refuse it; training then only competes more.
  }
}
