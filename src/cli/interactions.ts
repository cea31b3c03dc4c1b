/** Interactions in words for the terminal: the pair, its severity, every source. Looks nothing up. */

import type { Knowledge } from '../knowledge/knowledge.ts';
import type { Interaction, InteractionSource, Severity } from '../shared/domain.ts';
import type { DrugId } from '../shared/ids.ts';
import { wrapped } from './output.ts';
import { supportWords } from './support.ts';

export const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  4: 'contraindicated',
  3: 'avoid the combination',
  2: 'monitor or adjust',
  1: 'be aware',
};

export function severityWords(severity: Severity): string {
  return `${severity} ${SEVERITY_WORDS[severity]}`;
}

export function interactionLines({ drugs }: Pick<Knowledge, 'drugs'>, pair: Interaction): string[] {
  const name = (drug: DrugId): string => drugs.name(drug).name;
  return [
    `${name(pair.a)} + ${name(pair.b)}: ${severityWords(pair.severity)}${pair.disputed ? ' (sources disagree)' : ''}`,
    ...pair.sources.flatMap(sourceLines),
  ];
}

function sourceLines(source: InteractionSource): string[] {
  const { effect, mechanism, management, support } = source;
  const marks = [
    source.reviewed ? '' : 'unreviewed label text',
    source.recordedFor === undefined ? '' : `recorded for ${source.recordedFor}`,
    source.setAside === undefined ? '' : `does not count: ${source.setAside}`,
  ].filter((mark) => mark !== '');
  const head = `${source.source}, ${source.nativeSeverity} (${source.severity})`;
  return [
    ...wrapped(`${head}${marks.length > 0 ? ` [${marks.join('; ')}]` : ''}. ${source.citation}`, '    '),
    ...(effect === undefined ? [] : wrapped(`What may happen: ${effect}`, '      ')),
    ...(mechanism === undefined ? [] : wrapped(`Why: ${mechanism}`, '      ')),
    ...(management === undefined ? [] : wrapped(`What to do: ${management}`, '      ')),
    ...(support === undefined ? [] : wrapped(supportWords(support), '      ')),
  ];
}
