/** Writes a pack's model card and measurements from its manifest and a development report. Measures nothing. */

import { z } from 'zod';
import { protocolSchema } from '../../src/flame/lists/front-schema.ts';
import {
  type PackManifest,
  readManifest,
  updatePackMeasurements,
  writeModelCard,
} from '../../src/flame/model-pack.ts';
import { PARTITIONS } from '../../src/flame/evaluation/subgroups.ts';
import { protocolSentence } from '../../src/shared/recommendation.ts';
import { four, MEASURE_WORDS, summary, table } from './markdown.ts';
import { MEASURES } from './measure.ts';
import { groupTables } from './report.ts';

const interval = z.object({ low: z.number(), high: z.number() });
const estimate = z.object({ mean: z.number(), interval });
const safety = z.object({ ddiRate: z.number(), meanLength: z.number() });

/** The part of a report's JSON that a card is made of. */
export const evidenceSchema = z.object({
  createdAt: z.string(),
  protocol: protocolSchema,
  truth: safety,
  rows: z
    .array(
      z.object({
        name: z.string(),
        seeds: z.number(),
        measures: z.partialRecord(z.enum(MEASURES), estimate.extend({ deviation: z.number() })),
        safety: z.object({ set: safety.nullable(), own: safety.nullable() }),
        calibrationError: z.number().nullable(),
        calibration: z
          .object({
            points: z
              .array(z.object({ predicted: z.number(), observed: z.number(), count: z.number() }))
              .readonly(),
          })
          .nullable(),
      }),
    )
    .readonly(),
  groups: z
    .object({
      row: z.string(),
      values: z
        .array(
          z.object({
            partition: z.enum(PARTITIONS),
            group: z.string(),
            visits: z.number(),
            jaccard: estimate,
            prauc: estimate.nullable(),
            ddiRate: estimate,
            truthDdiRate: z.number(),
          }),
        )
        .readonly(),
    })
    .nullable(),
});
export type Evidence = z.infer<typeof evidenceSchema>;
type EvidenceRow = Evidence['rows'][number];

const SAME_RECIPE = 'the same recipe as this pack, which is trained on later years too';

/**
 * Writes the metrics of `row` into the manifest and CARD.md into the pack.
 * @throws RangeError when the report does not hold the row
 */
export function writeCard(directory: string, evidence: Evidence, row: string): void {
  const found = evidence.rows.find(({ name }) => name === row);
  if (!found) throw new RangeError(`the report holds no row called ${row}`);
  const { protocol } = evidence;
  updatePackMeasurements(directory, {
    metrics: {
      protocol: { ...protocol, split: `${protocol.split}; ${SAME_RECIPE}` },
      seeds: found.seeds,
      values: Object.fromEntries(Object.entries(found.measures).map(([key, { mean }]) => [key, mean])),
    },
  });
  writeModelCard(directory, cardText(readManifest(directory), evidence, found));
}

/** The card as Markdown. */
export function cardText(manifest: PackManifest, evidence: Evidence, shipped: EvidenceRow): string {
  const { name, version, createdAt, training, dataTerms, knowledgeVersion, interactionVersion } = manifest;
  const line = `*${protocolSentence(evidence.protocol)}; ${SAME_RECIPE}.*`;
  return [
    `# Model card: ${name} ${version}`,
    '',
    `Weights of ${createdAt.slice(0, 10)}, measurements of ${evidence.createdAt.slice(0, 10)}. Written by code from the manifest and the development report.`,
    '',
    '## Intended use',
    '',
    'Proposes medications for an office visit to a physician, who decides. Decision support for research and demonstration.',
    '**Not a medical device**; no pharmacist and no regulator has reviewed it. Not for emergencies, not for inpatients, not',
    'without a physician, never for ordering by itself. It checks no dose, laboratory value, pregnancy or renal function.',
    '',
    '## Data and terms',
    '',
    `- Corpus: ${training.corpus}; ${training.split}; ${training.visits.toLocaleString('en-US')} training visits.`,
    `- Formulary: ${training.formularySize} ingredients. Tables: knowledge ${knowledgeVersion}, interactions ${interactionVersion}.`,
    `- Terms: ${dataTerms}`,
    '- Labels are what one clinician wrote, not what was right. Continued drugs are not told from new ones.',
    '',
    '## Accuracy',
    '',
    line,
    '',
    `Mean over seeds ± deviation over seeds, 95 % bootstrap interval over visits. The clinicians’ own lists: DDI rate ${four(evidence.truth.ddiRate)}, mean length ${evidence.truth.meanLength.toFixed(2)}.`,
    '',
    ...accuracyTable(evidence, shipped),
    ...calibrationSection(shipped, line),
    ...frontSection(manifest),
    '## Subgroups',
    '',
    ...(evidence.groups
      ? [line, '', ...groupTables(evidence.groups.row, evidence.groups.values)]
      : ['Not measured.', '']),
    '## Limits',
    '',
    '- Learnt from US office visits; knows no medicine and no guideline since the last training year.',
    '- Visits hold at most three diagnoses and eight drugs and no history: current and previous medications were simulated',
    '  in training, and no number above measures them on real histories.',
    '- Interaction rates are lower bounds: a drug that no table covers never counts.',
    '- Inpatient care and other countries were not seen in training; children are a minority of the visits.',
    '- Agreement is low in absolute terms: clinicians differ, and a visit’s codes say little of the patient.',
    '',
    '## Rebuild',
    '',
    '```sh',
    `npm run train -- --pack ${name} --seed ${manifest.training.settings['seed'] ?? 1}`,
    `npm run report -- --pack models/${name}`,
    '```',
    '',
    `Training took ${trainingTime(manifest)} on ${training.hardware}.`,
    '',
  ].join('\n');
}

function trainingTime({ training, policy }: PackManifest): string {
  const classifier = `${training.seconds.toFixed(0)} s`;
  return policy
    ? `${classifier} for the classifier and ${policy.training.seconds.toFixed(0)} s for the list policy`
    : classifier;
}

function accuracyTable({ rows }: Evidence, shipped: EvidenceRow): string[] {
  const used = MEASURES.filter((measure) => shipped.measures[measure]);
  const others = rows.filter(({ name }) => name === 'logistic regression' || name === 'MLP');
  return [
    table(
      ['measure', shipped.name, ...others.map(({ name }) => name)],
      [
        ...used.map((measure) => [
          MEASURE_WORDS[measure]!,
          ...[shipped, ...others].map((row) => summary(row.measures[measure], row.seeds)),
        ]),
        [
          'DDI rate of the lists',
          ...[shipped, ...others].map(({ safety: { own, set } }) => {
            const lists = own ?? set;
            return lists ? four(lists.ddiRate) : '–';
          }),
        ],
      ],
    ),
    '',
  ];
}

function calibrationSection({ calibration, calibrationError }: EvidenceRow, line: string): string[] {
  if (!calibration || calibrationError === null) return [];
  return [
    '## Calibration',
    '',
    line,
    '',
    `Expected calibration error over all cells of visit and drug ${calibrationError.toFixed(5)}. First seed, by bin of the prediction:`,
    '',
    table(
      ['predicted', 'observed', 'cells'],
      calibration.points.map(({ predicted, observed, count }) => [
        predicted.toFixed(3),
        observed.toFixed(3),
        count.toLocaleString('en-US'),
      ]),
    ),
    '',
  ];
}

function frontSection({ front }: PackManifest): string[] {
  if (!front) return [];
  return [
    '## Accuracy against interactions',
    '',
    `*${protocolSentence(front.protocol)}.*`,
    '',
    'This pack’s own weights at each position of the slider:',
    '',
    table(
      ['α', 'Jaccard', 'DDI rate', 'mean length'],
      front.points.map(({ alpha, jaccard, interactionRate, meanLength }) => [
        alpha.toFixed(1),
        four(jaccard),
        four(interactionRate),
        meanLength.toFixed(2),
      ]),
    ),
    '',
  ];
}
