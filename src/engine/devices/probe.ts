/**
 * The probe process: tries one provider and says what it showed, then ends. A driver that crashes takes this process with it
 * and nothing else. Under Electron the shell starts it, under Node the engine does; the order comes in the environment.
 */

import { PROBE_VARIABLE, type ProbeAnswer } from '../../shared/probe-process.ts';
import { toWireError } from '../../shared/errors.ts';
import { testProvider, type ParityOrder } from './parity.ts';

const { parentPort } = process as unknown as {
  parentPort: { postMessage(message: unknown): void } | undefined;
};

async function answer(): Promise<ProbeAnswer> {
  try {
    const order = JSON.parse(process.env[PROBE_VARIABLE] ?? 'null') as ParityOrder;
    return { ok: true, report: await testProvider(order) };
  } catch (thrown) {
    return { ok: false, reason: deepest(thrown) };
  }
}

/** What ONNX Runtime said, under what was made of it on the way. */
function deepest(thrown: unknown): string {
  let error = thrown;
  while (error instanceof Error && error.cause !== undefined) error = error.cause;
  return error instanceof Error ? error.message : (toWireError(error).details['problem']?.toString() ?? '');
}

const said = await answer();
if (parentPort) {
  parentPort.postMessage(said);
  setTimeout(() => process.exit(0), 500); // the message is on its way
} else {
  process.send?.(said, () => process.exit(0));
}
