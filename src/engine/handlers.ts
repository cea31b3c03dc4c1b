/** Placeholder until the real handlers land: every method of the contract, none of them does anything yet. */

import { ENGINE_METHODS, type EngineApi } from '../shared/contract.ts';
import type { EngineOptions } from '../shared/engine-process.ts';
import { FlameError } from '../shared/errors.ts';
import type { EngineHandlers, Handlers } from './serve.ts';

export function createHandlers(options: EngineOptions): EngineHandlers {
  const notYet = (): never => {
    throw new FlameError('INTERNAL', { problem: 'not built yet' });
  };
  const engine = Object.fromEntries(Object.keys(ENGINE_METHODS).map((name) => [name, notYet]));
  return {
    engine: {
      ...(engine as unknown as Handlers<EngineApi>),
      'app.status': () => ({
        store: 'open',
        failures: [],
        passphraseSet: false,
        patientCount: 0,
        appVersion: options.appVersion,
        knowledgeVersion: null,
        model: null,
      }),
    },
    shell: { 'files.grant': notYet, 'engine.shutdown': () => ({}) },
  };
}
