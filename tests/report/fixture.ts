/** A tiny measured report: four drugs, six visits, two models with scores and one with lists and a front. */

import { COUNTED } from '../../scripts/evaluation/runs.ts';
import { compareFronts, measureFronts } from '../../scripts/evaluation/fronts.ts';
import { measureGroups } from '../../scripts/evaluation/groups.ts';
import { compareRows, measureSeed, type RowResult, summarise } from '../../scripts/evaluation/measure.ts';
import type { DevelopmentReport } from '../../scripts/evaluation/report.ts';
import {
  compareTasks,
  measureTask,
  type TaskCases,
  type TaskModel,
  type TaskResult,
} from '../../scripts/evaluation/tasks.ts';
import { ALPHA_GRID } from '../../src/flame/lists/decoding.ts';
import { type DrugLists, safetyOf, type ScoreTable } from '../../src/flame/evaluation/metrics.ts';
import type { PairMatrix } from '../../src/flame/lists/pair-matrix.ts';
import type { VisitGroups } from '../../src/flame/evaluation/subgroups.ts';
import { hideOne } from '../../src/flame/tasks/completion.ts';
import { foreignDrugs, insertErrors } from '../../src/flame/tasks/error-finding.ts';

export const TRUTH: DrugLists = [
  [0, 1],
  [0, 1],
  [2, 3],
  [2, 3],
  [0, 3],
  [1, 2],
];
/** Drugs 0 and 1 interact, severity 3. */
export const PAIRS: PairMatrix = {
  size: 4,
  levels: Uint8Array.from([0, 3, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
};
export const GROUPS: readonly VisitGroups[] = TRUTH.map((_, visit) => ({
  age: visit < 4 ? '18–44 years' : '75 years and over',
  sex: visit % 2 === 0 ? 'women and girls' : 'men and boys',
  specialty: 'Internal medicine',
  listLength: '2 drugs',
}));

/** The truth with probability `right`, the rest with 0.1. */
export function scoresWith(right: number): ScoreTable {
  const values = new Float32Array(TRUTH.length * 4).fill(0.1);
  TRUTH.forEach((list, visit) => {
    for (const drug of list) values[visit * 4 + drug] = right;
  });
  return { visits: TRUTH.length, drugs: 4, values };
}

function rowWith(name: string, right: number): RowResult {
  const scores = { validation: scoresWith(right), test: scoresWith(right) };
  const truth = { validation: TRUTH, test: TRUTH };
  return summarise(
    name,
    `knows the truth with ${right}`,
    [measureSeed({ scores, lists: null }, truth, PAIRS)],
    [COUNTED],
  );
}

/** Lists that hold the truth up to α = 0.5, and its first drug alone beyond. */
export const FRONT_LISTS: readonly DrugLists[] = ALPHA_GRID.map((alpha) =>
  alpha <= 0.5 ? TRUTH : TRUTH.map((list) => list.slice(0, 1)),
);
/** Worse lists on the same slider: the first drug alone up to α = 0.5, and then nothing. */
export const WORSE_LISTS: readonly DrugLists[] = ALPHA_GRID.map((alpha) =>
  TRUTH.map((list) => (alpha <= 0.5 ? [...list.slice(0, 1), list[0] === 0 ? 1 : 0] : [])),
);

const CASES: TaskCases = {
  completion: hideOne(TRUTH, 1),
  extras: insertErrors(
    TRUTH,
    TRUTH.map(() => [0, 1, 2, 3]),
    1,
  ),
  foreign: insertErrors(TRUTH, foreignDrugs(TRUTH, [1, 1, 1, 1], 1), 1),
};
/** Knows every list. */
const KNOWING: TaskModel = {
  complete: () => scoresWith(0.9),
  removal: ({ lists, visits }) =>
    Float64Array.from(
      lists.flatMap((list, i) => list.map((drug) => (TRUTH[visits[i]!]!.includes(drug) ? 0 : 1))),
    ),
};
/** Answers the same to every error question, and completes nothing. */
const BLIND: TaskModel = { complete: () => null, removal: ({ starts }) => new Float64Array(starts.at(-1)!) };

async function tinyTasks(): Promise<NonNullable<DevelopmentReport['tasks']>> {
  const row = (name: string, model: TaskModel): Promise<TaskResult> =>
    measureTask({ name: `tasks: ${name}`, note: name, seeds: [1] }, () => model, CASES);
  const rows = [await row('knowing', KNOWING), await row('blind', BLIND)] as const;
  return {
    rows,
    comparisons: [{ title: 'knowing against blind', values: compareTasks(...rows) }],
    completionCases: CASES.completion.hidden.length,
    extraCases: CASES.extras.lists.length,
    foreignCases: CASES.foreign.lists.length,
  };
}

export async function tinyReport(): Promise<DevelopmentReport> {
  const [weak, strong] = [rowWith('MLP', 0.05), rowWith('π_cls', 0.9)];
  const lists = summarise(
    'π_cls + penalised decoding',
    'lists alone',
    [measureSeed({ scores: null, lists: FRONT_LISTS[0]! }, { validation: TRUTH, test: TRUTH }, PAIRS)],
    [{ seconds: 12, parameters: 3456, hardware: 'a machine' }],
  );
  const fronts = [
    measureFronts('π_cls + penalised decoding', [FRONT_LISTS, FRONT_LISTS], TRUTH, PAIRS),
    measureFronts('MLP + penalised decoding', [WORSE_LISTS], TRUTH, PAIRS),
  ] as const;
  return {
    title: 'Tiny test',
    createdAt: '2026-11-23T00:00:00.000Z',
    command: 'npm run report',
    hardware: 'a machine',
    corpusSha256: 'c0ffee',
    caution: 'Made up.',
    protocol: {
      corpus: 'made-up visits',
      split: 'no split',
      formularySize: 4,
      interactionTable: 'made-up',
      severityCut: 2,
    },
    visits: { train: 1, validation: 6, test: 6 },
    rows: [weak, strong, lists],
    comparisons: [
      { title: 'π_cls against MLP', values: compareRows(strong, weak) },
      { title: 'decoded against MLP', values: compareRows(lists, weak) },
    ],
    truth: safetyOf(TRUTH, PAIRS),
    fronts,
    frontComparisons: [compareFronts(...fronts)],
    tasks: await tinyTasks(),
    groups: { row: lists.name, values: measureGroups(lists, GROUPS, TRUTH, PAIRS) },
    later: null,
  };
}
