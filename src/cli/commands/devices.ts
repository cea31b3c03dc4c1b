/** `flame devices`: where models run on this computer, what each processor showed, and a test of all of them anew. */

import { Command } from 'commander';
import type { DeviceOutcome, DeviceReason, DeviceResult, DevicesState } from '../../shared/devices-api.ts';
import { PROVIDERS, type DeviceChoice } from '../../shared/devices-api.ts';
import { FlameError } from '../../shared/errors.ts';
import { ProgressLine, table, writeJson, writeLines } from '../output.ts';
import { profileFolder, PROFILE_OPTION, withProfileEngine } from '../profile-engine.ts';
import { interruptible } from '../setup.ts';

interface Options {
  readonly json?: boolean;
  readonly profile?: string;
}

const OUTCOME: Readonly<Record<DeviceOutcome, string>> = {
  same: 'same answers',
  different: 'other answers',
  unavailable: 'not available',
  crashed: 'its driver crashed',
  'too-slow': 'not done in time',
};

const REASON: Readonly<Record<DeviceReason, string>> = {
  'not-tested': 'the others were not tested yet',
  fastest: 'the fastest with the same answers',
  'only-one': 'no other gave the same answers',
  chosen: 'chosen by a person',
  'chosen-unusable': 'the one that was chosen did not pass its test',
  lost: 'the device failed in use',
  'ended-abruptly': 'Flame twice ended without warning while the device was in use',
};

export function devicesCommand(): Command {
  const devices = new Command('devices')
    .description('where models run: list, test, bench, use')
    .exitOverride();
  const command = (name: string, description: string): Command =>
    devices
      .command(name)
      .description(description)
      .option(...PROFILE_OPTION)
      .option('--json', 'one JSON document on standard output');
  command('list', 'what was found, and what is in use and why').action((options: Options) =>
    show(options, false),
  );
  command(
    'test',
    'try every processor in a process of its own and compare its answers with the CPU’s',
  ).action((options: Options) => show(options, true));
  command('bench', 'the same, as a table of speeds').action((options: Options) => show(options, true));
  command('use', 'choose a processor, or `automatic`')
    .argument('<processor>', `automatic, ${PROVIDERS.join(', ')}`)
    .action(async (named: string, options: Options) => {
      const choice = (['automatic', ...PROVIDERS] as const).find((one) => one === named);
      if (choice === undefined)
        throw new FlameError('INVALID_INPUT', { problem: `there is no processor called ${named}` });
      await show(options, false, choice);
    });
  return devices;
}

async function show(options: Options, test: boolean, choice?: DeviceChoice): Promise<void> {
  const line = new ProgressLine();
  const state = await withProfileEngine(profileFolder(options.profile), async (engine) => {
    if (choice !== undefined) return engine.call('devices.choose', { choice });
    if (!test) return engine.call('devices.list', {});
    const onProgress = ({ provider }: { provider: string }): void => line.show(`testing ${provider}`);
    return engine.call('devices.test', {}, { onProgress, signal: interruptible() });
  }).finally(() => line.end());
  if (options.json) writeJson(state);
  else writeLines(linesOf(state));
}

function linesOf(state: DevicesState): string[] {
  const { choice, inUse, reason, detail, testedAt, current, results, cudaLibraries } = state;
  const number = (value: number | null, digits: number): string =>
    value === null ? '' : value.toFixed(digits);
  const error = ({ probabilityError, logitError, gradientError }: DeviceResult): string =>
    probabilityError === null
      ? ''
      : [probabilityError, logitError, gradientError].map((one) => one?.toExponential(1) ?? '–').join(' / ');
  return [
    `Models run on ${inUse}: ${REASON[reason]}${detail === '' ? '' : ` (${detail})`}. Choice: ${choice}.`,
    testedAt === null
      ? 'Not tested yet: flame devices test'
      : `Tested ${testedAt}${current ? '' : '; driver, model or Flame changed since'}.`,
    ...(results.length === 0
      ? []
      : [
          '',
          ...table([
            [
              'processor',
              'result',
              'score ms',
              'list ms',
              'training visits/s',
              'error of probability / logit / gradient',
              '',
            ],
            ...results.map((result) => [
              result.provider,
              OUTCOME[result.outcome],
              number(result.scoreMs, 1),
              number(result.listMs, 1),
              number(result.trainingRows, 0),
              error(result),
              result.reason,
            ]),
          ]),
        ]),
    ...(cudaLibraries.length === 0
      ? []
      : [
          '',
          'CUDA needs:',
          ...cudaLibraries.map(({ name, folder }) => `  ${name}: ${folder ?? 'not found'}`),
        ]),
  ];
}
