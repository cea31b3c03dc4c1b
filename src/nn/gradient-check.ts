/** Compares a graph's gradients with central differences of its loss. For tests: it runs the graph twice per scalar. */
import { type FloatType, type HostTensor, floatsOf, hostTensor, sizeOf } from './dtype.ts';
import type { Tensor } from './graph.ts';
import { mul } from './ops.ts';
import { Random } from './random.ts';
import { type SessionOptions, openSession } from './session.ts';
import { sumAll } from './shape-ops.ts';
import { type BuildObjective, LOSS, buildGradients, gradientName, stateNames } from './train-step.ts';
import { type Batch, batchFeeds } from './trainer.ts';

export interface GradientCheck {
  readonly batch?: Batch;
  readonly floatType?: FloatType;
  /** Half the distance of the two losses; default 1e-5, which suits float64. */
  readonly step?: number;
  /** Scalars to try per parameter, drawn at random when there are more; default all. */
  readonly points?: number;
  readonly seed?: number;
  readonly session?: SessionOptions;
  /** Where to stand; by default at the initial values of `seed`. */
  readonly parameters?: ReadonlyMap<string, HostTensor>;
}

export interface GradientReport {
  readonly loss: number;
  /** ‖difference‖ / max(√(‖analytic‖² + ‖numeric‖²), ‖whole gradient‖/1000) of the worst parameter. */
  readonly worst: number;
  readonly worstName: string;
  readonly checked: number;
}

export interface Gradients {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Float32Array | Float64Array>;
}

interface Opened {
  readonly names: readonly string[];
  readonly parameters: ReadonlyMap<string, HostTensor>;
  readonly lossNow: () => Promise<number>;
  readonly analytic: () => Promise<Gradients>;
  readonly close: () => Promise<void>;
}

async function open(build: BuildObjective, options: GradientCheck): Promise<Opened> {
  const { batch = {}, floatType = 'float64', seed = 1 } = options;
  const train = buildGradients(build, floatType);
  const session = await openSession(train.graph.toModel(), options.session);
  const feeds = batchFeeds(train, batch);
  const parameters = new Map<string, HostTensor>();
  for (const { name, shape, initialize } of train.declarations) {
    // Through float32, so that both precisions start from the same numbers.
    const values = Float32Array.from(initialize(Random.for(seed, name), sizeOf(shape)));
    const tensor = options.parameters?.get(name) ?? hostTensor(floatType, shape, values);
    parameters.set(name, tensor);
    feeds[stateNames(name).parameter] = tensor;
  }
  const names = train.declarations.filter(({ frozen }) => !frozen).map(({ name }) => name);
  return {
    names,
    parameters,
    lossNow: async () => Number((await session.run(feeds, { [LOSS]: null }))[LOSS]!.data[0]),
    analytic: async () => {
      const outputs = await session.run(feeds);
      const found = names.map((name) => [name, floatsOf(outputs[gradientName(name)]!)] as const);
      return { loss: Number(outputs[LOSS]!.data[0]), gradients: new Map(found) };
    },
    close: () => session.close(),
  };
}

/** Loss and analytic gradients at the initial parameters of `seed`. */
export async function analyticGradients(
  build: BuildObjective,
  options: GradientCheck = {},
): Promise<Gradients> {
  const opened = await open(build, options);
  const result = await opened.analytic();
  await opened.close();
  return result;
}

/** Central differences against analytic gradients, parameter by parameter. */
export async function checkGradients(
  build: BuildObjective,
  options: GradientCheck = {},
): Promise<GradientReport> {
  const { step = 1e-5, points = Infinity, seed = 1 } = options;
  const opened = await open(build, options);
  const { loss, gradients } = await opened.analytic();
  const random = Random.for(seed, 'points');
  // A gradient that vanishes (a key's bias shifts all scores alike) is held against the size of all gradients.
  let whole = 0;
  for (const d of gradients.values()) for (const value of d) whole += value * value;
  let [worst, worstName, checked] = [0, '', 0];
  for (const name of opened.names) {
    const data = floatsOf(opened.parameters.get(name)!);
    const places = random
      .shuffle(Int32Array.from({ length: data.length }, (_, i) => i))
      .subarray(0, Math.min(points, data.length));
    let [difference, scale] = [0, 0];
    for (const i of places) {
      const held = data[i]!;
      data[i] = held + step;
      const above = await opened.lossNow();
      data[i] = held - step;
      const below = await opened.lossNow();
      data[i] = held;
      const numeric = (above - below) / (2 * step);
      const analytic = gradients.get(name)![i]!;
      difference += (numeric - analytic) ** 2;
      scale += numeric ** 2 + analytic ** 2;
      checked++;
    }
    const error = Math.sqrt(difference / Math.max(scale, whole * 1e-6));
    if (!(error <= worst)) [worst, worstName] = [error, name];
  }
  await opened.close();
  return { loss, worst, worstName, checked };
}

/** A scalar that weighs every element of y differently, so that no two gradient errors cancel. */
export function weighted(y: Tensor, seed = 17): Tensor {
  const random = new Random(seed);
  const weights = Array.from({ length: sizeOf(y.shape) }, () => random.normal());
  return sumAll(mul(y, y.graph.constant(weights, y.dtype, y.shape)));
}

/** ‖a − b‖ / ‖b‖ over all parameters together. */
export function relativeDifference(a: Gradients, b: Gradients): number {
  let [difference, scale] = [0, 0];
  for (const [name, expected] of b.gradients) {
    const got = a.gradients.get(name)!;
    expected.forEach((value, i) => {
      difference += (got[i]! - value) ** 2;
      scale += value ** 2;
    });
  }
  return Math.sqrt(difference / scale);
}
