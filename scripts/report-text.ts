/**
 * `npm run report:text`: calibrates a text model on one half of the validation clinicians' visits, measures it on the other
 * half beside a compact pack, with latency and memory, and writes both into the model's manifest and a report. Looks at no
 * test year.
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openKnowledge, PATHS } from '../src/cli/setup.ts';
import { Classifier } from '../src/flame/classifier/classifier.ts';
import { type LabelledVisit, readLabelledVisits, splitCorpus } from '../src/flame/corpus.ts';
import { type DecodingProblem } from '../src/flame/lists/decoding.ts';
import { type ListMetrics, listMetrics } from '../src/flame/evaluation/evaluate-visits.ts';
import { decodingPairs, recordedPairs } from '../src/flame/lists/formulary-pairs.ts';
import {
  bootstrapMean,
  type Interval,
  mean,
  rankingPerVisit,
  rowOf,
  type ScoreTable,
  setPerVisit,
} from '../src/flame/evaluation/metrics.ts';
import { readModelPack, SHIPPED_PACK } from '../src/flame/model-pack.ts';
import { ListPolicy } from '../src/flame/policy/list-policy.ts';
import { expectedJaccardLists } from '../src/flame/lists/set-rules.ts';
import { fitCalibration } from '../src/flame/text/calibrate.ts';
import { priorLogits } from '../src/flame/text/corpus.ts';
import { readTextPack, updateTextMeasurements } from '../src/flame/text/pack.ts';
import { TextModel } from '../src/flame/text/text-model.ts';
import { hardware } from '../src/flame/train-pack.ts';
import { Random } from '../src/nn/random.ts';
import { EVALUATION_SEVERITY } from '../src/shared/domain.ts';
import type { DrugId } from '../src/shared/ids.ts';
import type { GridPoint } from '../src/shared/recommendation.ts';

const { values } = parseArgs({
  options: {
    pack: { type: 'string', default: join(PATHS.models, 'flame-text-small') },
    corpus: { type: 'string', default: PATHS.corpus },
    calibrate: { type: 'string', default: '200' },
    measure: { type: 'string', default: '400' },
    lists: { type: 'string', default: '120' },
    out: { type: 'string', default: join(PATHS.root, 'docs/reports/text-backbone.json') },
  },
});
/** The years that the small backbone learns from; its validation clinicians are theirs. */
const YEARS = [1995, 2008] as const;
const ALPHAS = [0, 0.5, 1] as const;
const knowledge = openKnowledge();
const directory = resolve(values.pack);

/** What both kinds of model do with a visit. */
interface Measured {
  readonly formulary: readonly DrugId[];
  readonly score: (visit: LabelledVisit) => Promise<ArrayLike<number>>;
  readonly lists: (visit: LabelledVisit, problem: DecodingProblem) => Promise<GridPoint[]>;
}
type Row = {
  readonly prauc: number;
  readonly praucInterval: Interval;
  readonly rPrecision: number;
  readonly expectedJaccard: ListMetrics;
  readonly written: Readonly<Record<string, ListMetrics>>;
  readonly truthDdiRate: number;
  readonly scoreMilliseconds: number;
  readonly listsMilliseconds: number;
};

async function scored(
  { formulary, score }: Measured,
  visits: readonly LabelledVisit[],
): Promise<{ scores: ScoreTable; milliseconds: number }> {
  const table = new Float32Array(visits.length * formulary.length);
  const times: number[] = [];
  for (const [at, visit] of visits.entries()) {
    const started = performance.now();
    table.set(await score(visit), at * formulary.length);
    times.push(performance.now() - started);
    if (at % 50 === 0) process.stderr.write(`scored ${at} of ${visits.length}\n`);
  }
  return {
    scores: { visits: visits.length, drugs: formulary.length, values: table },
    milliseconds: median(times),
  };
}

async function measure(model: Measured, visits: readonly LabelledVisit[], listed: number): Promise<Row> {
  const { formulary } = model;
  const labels = new Map(formulary.map((drug, label) => [drug, label]));
  const truth = visits.map(({ drugs }) => drugs.flatMap((drug) => labels.get(drug) ?? []));
  const { scores, milliseconds } = await scored(model, visits);
  const recorded = recordedPairs(formulary, knowledge);
  const ranking = rankingPerVisit(scores, truth);
  const pairs = decodingPairs(formulary, knowledge);
  const times: number[] = [];
  const points: GridPoint[][] = [];
  for (const [at, visit] of visits.slice(0, listed).entries()) {
    const started = performance.now();
    points.push(await model.lists(visit, { drugs: formulary, probabilities: rowOf(scores, at), pairs }));
    times.push(performance.now() - started);
    if (at % 20 === 0) process.stderr.write(`lists ${at} of ${listed}\n`);
  }
  const written = ALPHAS.map((alpha) => {
    const chosen = points.map((grid) =>
      grid.find((point) => point.alpha === alpha)!.list.map((drug) => labels.get(drug)!),
    );
    return [String(alpha), listMetrics(chosen, truth.slice(0, listed), recorded)] as const;
  });
  return {
    prauc: mean(ranking.averagePrecision),
    praucInterval: bootstrapMean(ranking.averagePrecision),
    rPrecision: mean(ranking.rPrecision),
    expectedJaccard: listMetrics(expectedJaccardLists(scores), truth, recorded),
    written: Object.fromEntries(written),
    truthDdiRate: listMetrics(truth, truth, recorded).ddiRate,
    scoreMilliseconds: milliseconds,
    listsMilliseconds: median(times),
  };
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
}

const { validation } = splitCorpus(await readLabelledVisits(resolve(values.corpus)), { trainYears: YEARS });
const order = Random.for(1, 'report').shuffle(Uint32Array.from(validation, (_, i) => i));
const drawn = Array.from(
  order.subarray(0, Number(values.calibrate) + Number(values.measure)),
  (at) => validation[at]!,
);
const [known, unseen] = [drawn.slice(0, Number(values.calibrate)), drawn.slice(Number(values.calibrate))];

let pack = readTextPack(directory);
const open = (): Promise<TextModel> => TextModel.open(pack, { knowledge, session: { threads: 1 } });
updateTextMeasurements(directory, { calibration: { slope: 1, intercept: 0 } });
pack = readTextPack(directory);
let text = await open();
const memory = text.memory;
const score = async ({ context }: LabelledVisit) => (await text.score(context)).probabilities;
const labels = new Map(pack.vocabulary.formulary.map((drug, label) => [drug, label]));
const before = await scored({ formulary: text.formulary, score, lists: () => Promise.resolve([]) }, known);
const calibration = fitCalibration(
  before.scores,
  known.map(({ drugs }) => drugs.map((drug) => labels.get(drug)!)),
  priorLogits(pack.vocabulary.drugUses, pack.vocabulary.visits),
);
updateTextMeasurements(directory, { calibration });
process.stderr.write(`calibration ${JSON.stringify(calibration)}\n`);
await text.close();
pack = readTextPack(directory);
text = await open();
const small = await measure(
  {
    formulary: text.formulary,
    score,
    lists: ({ context }, problem) => text.lists(context, problem),
  },
  unseen,
  Number(values.lists),
);
const compactPack = readModelPack(join(PATHS.models, SHIPPED_PACK));
const classifier = await Classifier.of(compactPack, knowledge);
const policy = await ListPolicy.of(compactPack, knowledge, { threads: 1 });
const compact = await measure(
  {
    formulary: classifier.formulary,
    score: async ({ context }) => (await classifier.score([context]))[0]!.probabilities,
    lists: ({ context }, problem) => policy!.lists(problem, classifier.encode(context)),
  },
  unseen,
  Number(values.lists),
);
const shares = pack.vocabulary.drugUses.map((uses) => uses / pack.vocabulary.visits);
const byFrequency: ScoreTable = {
  visits: unseen.length,
  drugs: shares.length,
  values: Float32Array.from(unseen.flatMap(() => shares)),
};
const prescribed = unseen.map(({ drugs }) => drugs.map((drug) => labels.get(drug)!));
const frequency = {
  prauc: mean(rankingPerVisit(byFrequency, prescribed).averagePrecision),
  rPrecision: mean(rankingPerVisit(byFrequency, prescribed).rPrecision),
  expectedJaccard: { jaccard: mean(setPerVisit(expectedJaccardLists(byFrequency), prescribed).jaccard) },
};
const protocol = {
  corpus: `NAMCS, ${basename(values.corpus)}`,
  split: `visits of validation clinicians, ${YEARS.join('–')}: ${known.length} to calibrate, ${unseen.length} others measured, ${values.lists} of them with lists`,
  formularySize: text.formulary.length,
  interactionTable: knowledge.interactionVersion,
  severityCut: EVALUATION_SEVERITY,
};
updateTextMeasurements(directory, {
  metrics: {
    protocol,
    seeds: 1,
    values: {
      prauc: small.prauc,
      jaccardOwn: small.expectedJaccard.jaccard,
      f1Own: small.expectedJaccard.f1,
    },
  },
});
const report = {
  protocol,
  hardware: hardware(1),
  load: loadavg(),
  textModel: pack.manifest.version,
  parameters: [...pack.checkpoint.shapes.values()].reduce((n, s) => n + s.reduce((a, d) => a * d, 1), 0),
  calibration,
  constraint: text.constraint,
  memory: { estimate: memory },
  rows: { text: small, compact, frequency },
};
writeFileSync(values.out, `${JSON.stringify(report, null, 1)}\n`);
process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
await text.close();
await policy!.close();
await classifier.close();
