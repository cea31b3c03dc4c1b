/** What each profile of local fine-tuning trains and for how long. Data only; docs/decisions/0023 tells what was tried. */

import type { FinetuneProfile } from '../../shared/finetune.ts';
import type { LoraKind } from '../../nn/lora.ts';
import { DRUG_BIAS, FREE_DRUG_WEIGHT, FREE_FEATURE_WEIGHT, memberPrefix } from '../classifier/network.ts';

export interface AdapterSettings {
  /** 0: every weight is trained. */
  readonly rank: number;
  readonly alpha: number;
  /** Modules as PEFT names them. */
  readonly targets: readonly string[];
  readonly rows: number;
  readonly epochs: number;
  /** Most steps of one member, whatever the epochs: large sites need fewer looks at each visit. */
  readonly maxSteps: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly tokenDropout: number;
  /** Looks at the validation visits, spread evenly over the epochs, without a better one before training stops. */
  readonly patience: number;
}

/** With no round the list policy stays as the pack has it. */
export interface PolicySettings {
  readonly supervisedSteps: number;
  readonly rows: number;
  readonly supervisedRate: number;
  readonly rounds: number;
  readonly visits: number;
  readonly group: number;
  readonly updateRows: number;
  readonly reinforcedRate: number;
  readonly klWeight: number;
}

export interface ProfileSettings {
  readonly adapter: AdapterSettings;
  readonly policy: PolicySettings;
}

const HEAD = ['drugs'];
const LAYERS = ['gate_proj', 'up_proj', 'down_proj'];
const FEATURES = ['features'];

const STANDARD: ProfileSettings = {
  adapter: {
    rank: 8,
    alpha: 16,
    targets: [...LAYERS, ...HEAD],
    rows: 32,
    epochs: 60,
    maxSteps: 600,
    learningRate: 3e-3,
    weightDecay: 0.01,
    tokenDropout: 0.15,
    patience: 3,
  },
  policy: {
    supervisedSteps: 120,
    rows: 64,
    supervisedRate: 2e-4,
    rounds: 24,
    visits: 32,
    group: 8,
    updateRows: 128,
    reinforcedRate: 1e-4,
    klWeight: 0.02,
  },
};

export const PROFILE_SETTINGS: Readonly<Record<FinetuneProfile, ProfileSettings>> = {
  quick: {
    adapter: { ...STANDARD.adapter, rank: 4, alpha: 8, targets: HEAD, epochs: 20, maxSteps: 200 },
    policy: { ...STANDARD.policy, supervisedSteps: 0, rounds: 0 },
  },
  standard: STANDARD,
  thorough: {
    adapter: {
      ...STANDARD.adapter,
      rank: 32,
      alpha: 64,
      targets: [...FEATURES, ...LAYERS, ...HEAD],
      epochs: 90,
      maxSteps: 1800,
      learningRate: 1e-3,
    },
    policy: { ...STANDARD.policy, supervisedSteps: 240, rounds: 60 },
  },
  full: {
    adapter: { ...STANDARD.adapter, rank: 0, alpha: 1, targets: [], learningRate: 3e-4 },
    policy: STANDARD.policy,
  },
};

/** How a weight of π_cls is adapted; null: not at all. The name is that of one member's network. */
export function kindOfTarget(targets: readonly string[]): (name: string) => LoraKind | null {
  return (name) => {
    const module = name
      .replace(/\.weight$/, '')
      .split('.')
      .at(-1)!;
    if (!name.endsWith('.weight') || !targets.includes(module)) return null;
    if (name === FREE_FEATURE_WEIGHT) return 'embedding';
    return name === FREE_DRUG_WEIGHT || module.endsWith('_proj') ? 'linear' : null;
  };
}

/** Beside the factors, the bias of each drug is trained: how often a site uses it. */
export const trainsWithFactors = (name: string): boolean => name === DRUG_BIAS;

/** The names of a member's tensors inside a whole adapter. */
export function memberNames<Value>(own: ReadonlyMap<string, Value>, member: number): [string, Value][] {
  return [...own].map(([name, value]) => [memberPrefix(member) + name, value]);
}
