/** Saves and loads a training run: parameters, AdamW moments, step and random states in one safetensors file. */
import type { HostTensor } from './dtype.ts';
import { NnError } from './errors.ts';
import type { RandomState } from './random.ts';
import { loadSafetensors, saveSafetensors } from './safetensors.ts';
import type { TrainerState } from './trainer.ts';

const FORMAT = 'flame-checkpoint-1';

export interface Checkpoint {
  readonly state: TrainerState;
  /** States of the caller's random streams by name, so that data order and masks go on as well. */
  readonly random: Readonly<Record<string, RandomState>>;
  /** Whatever else the caller must remember (epoch, position, configuration), as JSON. */
  readonly extra: unknown;
}

/** Replaces `path` atomically. */
export function saveCheckpoint(path: string, checkpoint: Checkpoint): void {
  const { state, random, extra } = checkpoint;
  const tensors = new Map<string, HostTensor>();
  for (const [prefix, group] of [
    ['p:', state.parameters],
    ['m:', state.moments],
    ['v:', state.squares],
  ] as const)
    for (const [name, tensor] of group) tensors.set(prefix + name, tensor);
  const metadata = {
    format: FORMAT,
    step: String(state.step),
    random: JSON.stringify(random),
    extra: JSON.stringify(extra ?? null),
  };
  saveSafetensors(path, tensors, { metadata });
}

/** Throws `weights-corrupt` for a damaged file, `weights-mismatch` for one that is no checkpoint. */
export function loadCheckpoint(path: string): Checkpoint {
  const { metadata, tensors } = loadSafetensors(path);
  const step = Number(metadata['step']);
  if (metadata['format'] !== FORMAT) throw new NnError('weights-mismatch', `${path} is no ${FORMAT} file`);
  if (!Number.isSafeInteger(step) || step < 0)
    throw new NnError('weights-corrupt', `step ${String(metadata['step'])}`);
  const group = (prefix: string) =>
    new Map(
      [...tensors].flatMap(([name, tensor]) =>
        name.startsWith(prefix) ? [[name.slice(2), tensor] as const] : [],
      ),
    );
  return {
    state: { step, parameters: group('p:'), moments: group('m:'), squares: group('v:') },
    random: parseRandom(metadata['random']),
    extra: parseJson('extra', metadata['extra']),
  };
}

function parseJson(what: string, text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '') as unknown;
  } catch (cause) {
    throw new NnError('weights-corrupt', `${what} is no JSON`, { cause });
  }
}

function parseRandom(text: string | undefined): Record<string, RandomState> {
  const parsed = parseJson('random', text);
  const states: Record<string, RandomState> = {};
  for (const [name, value] of Object.entries(parsed ?? {})) {
    if (!Array.isArray(value) || value.length !== 4 || !value.every((n) => Number.isInteger(n)))
      throw new NnError('weights-corrupt', `random state ${name}`);
    states[name] = value as unknown as RandomState;
  }
  return states;
}
