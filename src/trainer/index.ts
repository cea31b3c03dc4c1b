/**
 * The training process: one line to the engine, one order. It ends when the line does, so that it never outlives the app.
 * Under Electron the line is a port that the shell hands over; under Node it is the channel to the parent.
 */

import type { FromTrainer, ToTrainer } from '../shared/trainer-process.ts';
import type { EmitterPort } from '../shared/transports.ts';
import { TrainingLine } from './train.ts';

interface ParentPort {
  on(event: 'message', listener: (event: { ports: readonly EmitterPort[] }) => void): unknown;
}

const { parentPort } = process as unknown as { parentPort: ParentPort | undefined };
if (parentPort) {
  parentPort.on('message', ({ ports: [port] }) => {
    if (!port) return;
    const line = new TrainingLine((message: FromTrainer) => port.postMessage(message));
    port.on('message', ({ data }) => line.hear(data as ToTrainer));
    port.on('close', () => process.exit(0));
    port.start();
  });
} else {
  const line = new TrainingLine((message) => process.send?.(message));
  process.on('message', (message) => line.hear(message as ToTrainer));
  process.on('disconnect', () => process.exit(0));
}
