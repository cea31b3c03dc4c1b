/** `flame recommend`: the engine's recommendation for one visit in a file, shown along the slider. Stores nothing. */

import { Command } from 'commander';
import { Recommender } from '../../engine/decisions/recommend.ts';
import { SHIPPED_PACK } from '../../flame/model-pack.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { EVALUATION_SEVERITY, type Interaction } from '../../shared/domain.ts';
import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import { interactionsWithin } from '../../shared/interactions.ts';
import type {
  Exclusion,
  GridPoint,
  Recommendation,
  RecommendationWarning,
} from '../../shared/recommendation.ts';
import { interactionLines } from '../interactions.ts';
import { openNamed } from '../open-model.ts';
import { counted, percent, table, writeJson, writeLines } from '../output.ts';
import { openKnowledgeWith, SITE_TABLE_OPTION } from '../setup.ts';
import { readVisitWithHistory, type VisitFile } from '../visit-file.ts';

interface Options {
  readonly json?: boolean;
  readonly pack: string;
  readonly siteTable?: string;
  readonly visitId?: string;
}

export function recommendCommand(): Command {
  return new Command('recommend')
    .description('propose medications for one visit, for every position between accuracy and safety')
    .argument(
      '<visit.json>',
      'one visit in the visit format, without drugs, or a line for each visit of the patient; `-` reads standard input',
    )
    .option('--visit-id <visit>', 'the visit that is meant, where the file holds several')
    .option(...SITE_TABLE_OPTION)
    .option('--json', 'one JSON document on standard output')
    .option('--pack <name>', 'model in the models folder, of any kind', SHIPPED_PACK)
    .action(async (path: string, { json, pack, siteTable, visitId }: Options) => {
      const knowledge = await openKnowledgeWith(siteTable);
      const visit = readVisitWithHistory(path, knowledge, visitId);
      const model = await openNamed(pack, knowledge);
      try {
        const id = asId<VisitId>(visit.record.visit);
        const reply = await new Recommender(knowledge, model).recommend({ id, ...visit.content });
        const notes = [
          ...(model.summary.metrics.length === 0
            ? [`${model.name} was never measured: how good its lists are is not known.`]
            : []),
          ...notesOf(visit),
        ];
        if (json) writeJson({ ...reply, notes });
        else writeLines(linesOf(knowledge, visit, reply, notes));
      } finally {
        await model.close();
      }
    });
}

/** What the file said and the recommendation did not use. */
function notesOf({ record, content }: VisitFile): string[] {
  const notes: string[] = [];
  if ((record.drugs ?? []).length > 0) {
    notes.push('The file holds the drugs of this visit; they were ignored.');
  }
  const earlier = content.context.earlierVisits?.length ?? 0;
  if (earlier > 0)
    notes.push(
      `${counted(earlier, 'earlier visit')} of this patient with medications: a model trained on a site’s visits looks back on them.`,
    );
  const taken = new Set([...(record.current ?? []), ...(record.previous ?? [])]);
  const unresolved = [...new Set(content.unresolved)].filter((name) => taken.has(name));
  if (unresolved.length > 0) {
    notes.push(
      `No ingredient, brand or synonym is called ${unresolved.join(', ')}: not used and not checked.`,
    );
  }
  return notes;
}

function linesOf(
  knowledge: Knowledge,
  { record }: VisitFile,
  reply: Recommendation,
  notes: readonly string[],
): string[] {
  const name = (drug: DrugId): string => knowledge.drugs.name(drug).name;
  const probability = new Map(
    reply.candidates.map((candidate) => [candidate.drug.id, candidate.probability]),
  );
  const current = reply.currentMedications.map(({ id }) => id);
  const listed = [...new Set(reply.grid.flatMap(({ list }) => list))];
  const pairs = interactionsWithin(reply.interactions, [...listed, ...current]).filter(
    ({ a, b }) => listed.includes(a) || listed.includes(b),
  );
  const excluded = reply.candidates.filter(({ exclusions }) => exclusions.length > 0);
  return [
    `Visit ${record.visit}: ${record.age} years, ${record.sex}, ${record.setting ?? 'office'}`,
    `Model ${reply.model.name} ${reply.model.version}, tables ${reply.knowledgeVersion}`,
    ...(current.length > 0 ? [`Taken already: ${current.map(name).join(', ')}`] : []),
    '',
    ...table([
      ['slider', 'pairs', 'expected Jaccard', 'proposed'],
      ...ranges(reply.grid).map(({ from, to, point }) => [
        from === to ? from.toFixed(1) : `${from.toFixed(1)}–${to.toFixed(1)}`,
        String(point.interactionCount),
        point.expectedJaccard.toFixed(3),
        point.list.map((drug) => `${name(drug)} ${percent(probability.get(drug) ?? 0)}`).join(', ') ||
          'nothing',
      ]),
    ]),
    `(slider: 0 accuracy, 1 safety; pairs of severity ${EVALUATION_SEVERITY} or above, current medications included)`,
    ...section('Interactions of the proposed drugs', [
      ...pairs.filter(isShown).flatMap((pair) => interactionLines(knowledge, pair)),
      ...minorLines(pairs.filter((pair) => !isShown(pair)).length),
    ]),
    ...section(
      'Never proposed for this visit',
      excluded.map(
        ({ drug, exclusions }) =>
          `${drug.name}: ${exclusions.map((e) => exclusionWords(e, name)).join('; ')}`,
      ),
    ),
    ...section('Note', [...reply.warnings.map((warning) => warningWords(warning, name)), ...notes]),
    '',
    'Flame supports a decision, it never makes one. Not a medical device.',
  ];
}

function isShown({ severity }: Interaction): boolean {
  return severity >= EVALUATION_SEVERITY;
}

function minorLines(count: number): string[] {
  return count === 0 ? [] : [`${counted(count, 'pair')} of severity 1, be aware (--json holds them)`];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];
}

/** Neighbouring slider positions with the same list as one row. */
function ranges(grid: readonly GridPoint[]): { from: number; to: number; point: GridPoint }[] {
  const rows: { from: number; to: number; point: GridPoint }[] = [];
  for (const point of grid) {
    const last = rows.at(-1);
    if (last && last.point.list.join() === point.list.join()) last.to = point.alpha;
    else rows.push({ from: point.alpha, to: point.alpha, point });
  }
  return rows;
}

function exclusionWords(exclusion: Exclusion, name: (drug: DrugId) => string): string {
  switch (exclusion.kind) {
    case 'allergy':
      return `recorded allergy: ${exclusion.allergy}`;
    case 'already-taken':
      return 'taken already';
    case 'duplicate-class':
      return `duplicates ${name(exclusion.with)} (${exclusion.drugClass})`;
    case 'contraindicated-pair':
      return `contraindicated with ${name(exclusion.with)}`;
    case 'patient-rule':
      return `contraindicated for this patient: ${exclusion.because}. ${exclusion.effect} (${exclusion.source})`;
  }
}

const OUTSIDE = {
  inpatient: 'The model learned from office visits; this is not one.',
  paediatric:
    'One in nine training visits was a child’s: read the proposals with reserve and dose for the child.',
  'no-diagnosis': 'The visit holds no diagnosis: the proposals rest on the other entries only.',
} as const;

function warningWords(warning: RecommendationWarning, name: (drug: DrugId) => string): string {
  switch (warning.kind) {
    case 'unknown-codes':
      return `Unknown to the model and not used: ${warning.codes.join(', ')}.`;
    case 'current-medication-outside-formulary':
      return `The model does not know ${warning.drugs.map(name).join(', ')}; interactions are checked all the same.`;
    case 'not-covered':
      return `No interaction table covers ${warning.drugs.map(name).join(', ')}: not checked, which does not mean safe.`;
    case 'allergy-not-understood':
      return `No drug is known for the allergy entry ${warning.entries.join(', ')}: nothing was excluded for it.`;
    case 'outside-training-population':
      return OUTSIDE[warning.reason];
    case 'note-read': {
      const { read, characters } = warning;
      if (read === 0)
        return 'There was no room for the note beside the rest of the visit: the model did not read it.';
      const extent =
        read === characters ? 'the note' : `the first ${read} of ${characters} characters of the note`;
      return `The model read ${extent}. Not measured: the visits that it learnt from held no notes.`;
    }
  }
}
