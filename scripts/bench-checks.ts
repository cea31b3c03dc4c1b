/**
 * Times every check over lists of 30 drugs for patients with many facts, warm, and the first call of a fresh checker.
 * `npm run bench:checks [-- --rounds 300]`. Prints with the goal beside; asserts nothing.
 */

import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ALL_CHECKS, Checker } from '../src/checks/checker.ts';
import type { PatientFacts } from '../src/checks/facts.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { CHECKS, type CheckName } from '../src/shared/findings.ts';
import type { DrugId } from '../src/shared/ids.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '300' } } });
const GOAL = 20;
const LIST = 30;
const knowledge = loadKnowledge(join(resolve(import.meta.dirname, '..'), 'resources/knowledge'));
const often = knowledge.drugs.all
  .toSorted((a, b) => b.visits - a.visits)
  .slice(0, 300)
  .map(({ id }) => id);

const facts: PatientFacts = {
  age: 78,
  ageMonths: null,
  sex: 'F',
  pregnancy: 'unknown',
  lactation: 'unknown',
  creatinine: 1.9,
  weight: 62,
  diagnoses: ['I10', 'E119', 'I509', 'J449', 'J4520', 'N184', 'G40909', 'K7030', 'I4891', 'F0390'].map(
    (code) => ({
      system: 'ICD-10-CM',
      code,
    }),
  ),
  chronic: ['HTN', 'CHF'],
  allergies: ['penicillin', 'sulfa', 'codeine'],
  currentMedications: [],
};

/** Another list each round: a window over the 300 most used drugs, in steps that meet every drug. */
function listOf(round: number): DrugId[] {
  return Array.from({ length: LIST }, (_, i) => often[(round * 37 + i * 7) % often.length]!);
}

function time(run: () => unknown): number {
  const started = performance.now();
  run();
  return performance.now() - started;
}

const rounds = Number(values.rounds);
const checker = new Checker(knowledge);
const first = time(() => checker.check(facts, listOf(0)));
const whole: number[] = [];
const lookUp: number[] = [];
const before = process.cpuUsage();
// In turns, so that a busy machine disturbs both alike.
for (let round = 0; round < rounds; round += 1) {
  const list = listOf(round);
  whole.push(time(() => checker.check(facts, list)));
  lookUp.push(time(() => knowledge.interactions.among(list)));
}
const { user, system } = process.cpuUsage(before);
const at = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(share * times.length))]!;

console.log(
  `${rounds} lists of ${LIST} drugs, 10 diagnoses, 3 allergies; ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}, load average ${loadavg()[0]!.toFixed(1)}`,
);
console.log(`first call ${first.toFixed(1)} ms (reads tables)`);
console.log(
  `p50 ${at(whole, 0.5).toFixed(2)} ms, p95 ${at(whole, 0.95).toFixed(2)} ms, max ${at(whole, 1).toFixed(2)} ms; goal ${GOAL} ms, p95 / goal ${(at(whole, 0.95) / GOAL).toFixed(2)}`,
);
console.log(
  `all checks / looking up the pairs alone: ${(at(whole, 0.5) / at(lookUp, 0.5)).toFixed(1)} at p50; processor time of both ${((user + system) / 1000 / rounds).toFixed(2)} ms a round`,
);
for (const name of CHECKS) {
  const alone = new Checker(knowledge, { ...nothing(), [name]: ALL_CHECKS[name] });
  alone.check(facts, listOf(0));
  const times = Array.from({ length: rounds }, (_, round) => time(() => alone.check(facts, listOf(round))));
  console.log(`  ${name.padEnd(18)} ${at(times, 0.5).toFixed(2)} ms at p50`);
}

function nothing(): Record<CheckName, () => () => []> {
  return Object.fromEntries(CHECKS.map((name) => [name, () => () => []])) as unknown as Record<
    CheckName,
    () => () => []
  >;
}
