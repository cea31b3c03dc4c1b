/** A device that really fails: a buffer beyond what WebGPU can hold, on SwiftShader, in a process of its own. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { softwareVulkan } from '../../tests/software-vulkan.ts';

const vulkan = softwareVulkan();
const run = promisify(execFile);

/** Fills `rows` × 1,000 numbers from one and takes their largest, twice, in the way that trainers and recommend() run. */
const program = (rows: number, strict: boolean): string => `
  import { Graph } from '${import.meta.dirname}/graph.ts';
  import { expand } from '${import.meta.dirname}/shape-ops.ts';
  import { lastMaximum, reduceMean } from '${import.meta.dirname}/ops.ts';
  import { openSession } from '${import.meta.dirname}/session.ts';
  const g = new Graph();
  const x = g.input('x', 'float', [1, 1]);
  g.output(g.untaped(() => reduceMean(lastMaximum(expand(x, [${rows}, 1000])), [0, 1])), 'y');
  const lost = [];
  const session = await openSession(g.toModel(), {
    providers: ['webgpu'], strict: ${strict}, onDeviceLost: (provider) => lost.push(provider),
  });
  const opened = session.provider;
  const target = { dtype: 'float32', shape: [1, 1], data: new Float32Array([-1]) };
  const answers = [];
  for (const value of [7, 8]) {
    const feed = { dtype: 'float32', shape: [1, 1], data: new Float32Array([value]) };
    try {
      await session.run({ x: feed }, { y: target });
      answers.push(target.data[0]);
    } catch (error) { answers.push('refused, target untouched: ' + (target.data[0] === -1)); }
  }
  console.log(JSON.stringify({ opened, now: session.provider, lost, answers, tried: session.attempts.map((a) => [a.provider, a.opened]) }));
`;

async function ran(rows: number, strict = false): Promise<unknown> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program(rows, strict)], {
    env: { ...process.env, ...vulkan },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

it.skipIf(vulkan === null)(
  'a call on a device that fails is answered by the CPU, and so are all after it',
  async () => {
    expect(await ran(10)).toMatchObject({ opened: 'webgpu', now: 'webgpu', lost: [], answers: [7, 8] });
    expect(await ran(270_000)).toEqual({
      opened: 'webgpu',
      now: 'cpu',
      lost: ['webgpu'],
      answers: [7, 8],
      tried: [
        ['webgpu', true],
        ['webgpu', false],
        ['cpu', true],
      ],
    });
    expect(await ran(270_000, true)).toMatchObject({
      now: 'webgpu',
      lost: [],
      answers: ['refused, target untouched: true', 'refused, target untouched: true'],
    });
  },
);
