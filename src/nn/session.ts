/**
 * The only door to ONNX Runtime: opens models on the first provider that works, says which and why, and runs them.
 * It hands out host tensors only: reading a tensor that lies on a device through getData() would abort the process.
 *
 * `run` blocks the calling thread in native code for as long as the graph takes (onnxruntime-node 1.30 has no
 * asynchronous run), although it returns a promise. Anything long belongs in a process or worker of its own.
 */
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { type DType, type HostTensor, type NumericArray } from './dtype.ts';
import { NnError } from './errors.ts';

export type Provider = 'cpu' | 'webgpu' | 'cuda' | 'dml' | 'coreml';

export interface SessionOptions {
  /** Tried in this order, then the CPU; default: the CPU alone. */
  readonly providers?: readonly Provider[];
  /** Refuse rather than fall back to the CPU, when none of `providers` opens and when one fails in use. */
  readonly strict?: boolean;
  /** Hears that a device did not open or failed in use, and that the CPU took over, in ONNX Runtime's words. */
  readonly onDeviceLost?: (provider: Provider, reason: string) => void;
  /** Threads inside one operator; default: all this process may use, at most 8. */
  readonly threads?: number;
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Folder from which initializers with an external location are memory-mapped. */
  readonly externalFolder?: string;
  /** Use external weights where they are mapped instead of copying them into a faster order. */
  readonly keepMapped?: boolean;
  /** Compute what depends on weights alone at each run instead of once, e.g. 16-bit weights widened: less memory. */
  readonly foldConstants?: boolean;
  /** Writes ONNX Runtime's profile to files starting like this. */
  readonly profilePrefix?: string;
}

export interface ProviderAttempt {
  readonly provider: Provider;
  readonly opened: boolean;
  /** Why it did not open, in ONNX Runtime's words; empty when it did. */
  readonly reason: string;
}

export type Feeds = Readonly<Record<string, HostTensor>>;
/** Outputs to compute: a host tensor receives the data in place, null asks for a fresh one. */
export type Targets = Readonly<Record<string, HostTensor | null>>;

const MAX_DEFAULT_THREADS = 8;

// Everything that ONNX Runtime logs as an error it also throws; the exception carries it to where it can be shown.
ort.env.logLevel = 'fatal';

function creationOptions(provider: Provider, options: SessionOptions): ort.InferenceSession.SessionOptions {
  const threads = options.threads ?? Math.min(MAX_DEFAULT_THREADS, availableParallelism());
  const external = options.externalFolder;
  return {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential', // parallel was measured at half the speed
    graphOptimizationLevel: options.optimization ?? 'all',
    enableMemPattern: false, // 40 % less memory at the same speed
    logSeverityLevel: 3,
    ...(options.profilePrefix === undefined
      ? {}
      : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
    extra: {
      // Would turn the transposes of matrix-ops.ts's columnProducts back into the slower product.
      optimization: {
        disable_specified_optimizers: `GemmTransposeFusion${options.foldConstants === false ? ';ConstantFolding' : ''}`,
      },
      session: {
        intra_op: { allow_spinning: '0' }, // spinning threads lose a third when another process is busy
        ...(options.keepMapped ? { disable_prepacking: '1' } : {}),
        ...(external === undefined ? {} : { model_external_initializers_file_folder_path: external }),
      },
    },
  };
}

/**
 * Opens a model. Providers are tried one by one because ONNX Runtime itself rejects a whole list when one is missing.
 * Throws `provider-unavailable` with every reason when none opens.
 */
export async function openSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const asked: readonly Provider[] = options.providers ?? ['cpu'];
  const order = options.strict || asked.includes('cpu') ? asked : [...asked, 'cpu' as const];
  const attempts: ProviderAttempt[] = [];
  for (const provider of order) {
    try {
      const session = await ort.InferenceSession.create(model, creationOptions(provider, options));
      attempts.push({ provider, opened: true, reason: '' });
      const [failed] = attempts;
      if (provider === 'cpu' && failed && !failed.opened)
        options.onDeviceLost?.(failed.provider, failed.reason);
      const spare = provider === 'cpu' || options.strict ? null : { model, options };
      return new Session(session, provider, attempts, spare);
    } catch (error) {
      attempts.push({ provider, opened: false, reason: messageOf(error) });
    }
  }
  const reasons = attempts.map(({ provider, reason }) => `${provider}: ${reason}`).join('; ');
  throw new NnError('provider-unavailable', reasons);
}

/** Host tensors keep their native handle: a training step feeds hundreds of them unchanged. */
const handles = new WeakMap<HostTensor, ort.Tensor>();

function handleOf(tensor: HostTensor): ort.Tensor {
  let handle = handles.get(tensor);
  if (!handle) {
    const { dtype } = tensor;
    if (dtype === 'bfloat16') throw new NnError('shape-mismatch', 'bfloat16 lives in weight files only');
    handle = new ort.Tensor(dtype, tensor.data as Float32Array, tensor.shape);
    handles.set(tensor, handle);
  }
  return handle;
}

/** What `toHost` needs to know of a native tensor; ort.Tensor fits. */
export interface NativeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly location: string;
  readonly data: unknown;
}

/** A native output as a host tensor. Throws `tensor-not-on-cpu` instead of touching device memory. */
export function toHost(name: string, value: NativeTensor): HostTensor {
  if (value.location !== 'cpu' && value.location !== 'none')
    throw new NnError('tensor-not-on-cpu', `output ${name} lies in ${value.location}`);
  return { dtype: value.type as DType, shape: [...value.dims], data: value.data as NumericArray };
}

/** What a session on a device needs to go on without it. */
interface Spare {
  readonly model: Uint8Array;
  readonly options: SessionOptions;
}

export class Session {
  private readonly tried: ProviderAttempt[];
  private session: ort.InferenceSession;
  private current: Provider;
  private spare: Spare | null;
  /** The move to the CPU, while it is under way. */
  private moving: Promise<void> | null = null;

  constructor(
    session: ort.InferenceSession,
    provider: Provider,
    attempts: ProviderAttempt[],
    spare: Spare | null = null,
  ) {
    this.session = session;
    this.current = provider;
    this.tried = attempts;
    this.spare = spare;
  }

  /** Where it runs now: what opened, or the CPU once a device failed. */
  get provider(): Provider {
    return this.current;
  }

  /** Every provider tried, in order, with the reason of each failure: show it where the user can see it. */
  get attempts(): readonly ProviderAttempt[] {
    return this.tried;
  }

  get inputNames(): readonly string[] {
    return this.session.inputNames;
  }

  get outputNames(): readonly string[] {
    return this.session.outputNames;
  }

  /**
   * Computes the outputs named by `targets`, by default all of them. A feed may also be a target: see train-step.ts.
   * When a device fails (out of memory, lost, driver error), the same feeds are run on the CPU, once and for all calls
   * to come; no output was written before, so nothing is lost.
   */
  async run(feeds: Feeds, targets?: Targets): Promise<Record<string, HostTensor>> {
    const wanted = targets ?? Object.fromEntries(this.outputNames.map((name) => [name, null]));
    const session = this.session;
    try {
      return await this.runOn(session, feeds, wanted);
    } catch (error) {
      if (session === this.session) {
        if (!this.spare) throw error;
        this.moving ??= this.moveToCpu(this.spare, messageOf(error));
      }
      await this.moving;
      return this.runOn(this.session, feeds, wanted);
    }
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  private async runOn(
    session: ort.InferenceSession,
    feeds: Feeds,
    wanted: Targets,
  ): Promise<Record<string, HostTensor>> {
    // A device may fail half way through copying its outputs: they go where they belong once all are there.
    const inPlace = this.current === 'cpu';
    const inputs: Record<string, ort.Tensor> = {};
    for (const [name, tensor] of Object.entries(feeds)) inputs[name] = handleOf(tensor);
    const fetches: Record<string, ort.Tensor | null> = {};
    for (const [name, tensor] of Object.entries(wanted))
      fetches[name] = tensor && inPlace ? handleOf(tensor) : null;

    const outputs = await session.run(inputs, fetches);
    const results: Record<string, HostTensor> = {};
    for (const [name, target] of Object.entries(wanted)) {
      if (target && inPlace) results[name] = target;
      else results[name] = toHost(name, outputs[name]!);
    }
    if (inPlace) return results;
    for (const [name, target] of Object.entries(wanted)) {
      if (!target) continue;
      (target.data as Float32Array).set(results[name]!.data as Float32Array);
      results[name] = target;
    }
    return results;
  }

  private async moveToCpu({ model, options }: Spare, reason: string): Promise<void> {
    const lost = this.session;
    const provider = this.current;
    this.session = await ort.InferenceSession.create(model, creationOptions('cpu', options));
    this.current = 'cpu';
    this.spare = null;
    this.tried.push({ provider, opened: false, reason }, { provider: 'cpu', opened: true, reason: '' });
    options.onDeviceLost?.(provider, reason);
    await lost.release().catch(() => undefined); // what was lost may not be there to be released
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
