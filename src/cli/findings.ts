/** Findings of the checks in words for the terminal: severity, what about the patient, label text, source. Looks nothing up. */

import type { Severity } from '../shared/domain.ts';
import type { CheckName, Finding, FoundFinding, MissingFact } from '../shared/findings.ts';
import type { DrugId } from '../shared/ids.ts';
import { wrapped } from './output.ts';
import { supportWords } from './support.ts';

type NameOf = (drug: DrugId) => string;

const LEVEL_WORDS: Readonly<Record<Severity, string>> = {
  4: '4 contraindicated',
  3: '3 avoid',
  2: '2 monitor or adjust',
  1: '1 be aware',
};

const CHECK_NAMES: Readonly<Record<CheckName, string>> = {
  allergies: 'allergies',
  contraindications: 'contraindications of labels',
  pregnancy: 'pregnancy',
  lactation: 'breastfeeding',
  'renal-function': 'kidney function',
  age: 'age',
  interactions: 'interactions',
  'duplicate-therapy': 'duplicate therapy',
};

const MISSING_WORDS: Readonly<Record<MissingFact, string>> = {
  creatinine: 'no creatinine',
  sex: 'no sex',
  'adult-age': 'the formulas are for adults',
  pregnancy: 'pregnancy not recorded',
  lactation: 'breastfeeding not recorded',
  diagnoses: 'no diagnosis',
  'label-end': 'only the beginning of the label section is held',
  'allergy-meaning': 'no drug is known by the entry',
};

export function findingLines(findings: readonly Finding[], nameOf: NameOf): string[] {
  const found = findings.filter((finding) => finding.state === 'found');
  const unknown = findings.filter((finding) => finding.state !== 'found');
  return [
    ...found.flatMap((finding) => ['', ...foundLines(finding, nameOf)]),
    ...(unknown.length > 0 ? ['', 'Not answered, which does not mean safe:'] : []),
    ...unknownLines(unknown, nameOf),
  ];
}

function foundLines(finding: FoundFinding, nameOf: NameOf): string[] {
  const { drugs, severity, check, because, effect, management, mechanism, label, sources } = finding;
  const text =
    label &&
    `${label.text.slice(0, label.from)}**${label.text.slice(label.from, label.to)}**${label.text.slice(label.to)}`;
  return [
    `${drugs.map(nameOf).join(' + ')}: ${LEVEL_WORDS[severity]} (${CHECK_NAMES[check]})`,
    ...(because === '' ? [] : wrapped(`${because}.`, '    ')),
    ...(effect === '' ? [] : wrapped(`What may happen: ${effect}`, '      ')),
    ...(management === '' ? [] : wrapped(`What to do: ${management}`, '      ')),
    ...(mechanism === null ? [] : wrapped(`Why: ${mechanism}`, '      ')),
    ...(text === null ? [] : wrapped(`Label text: ${text}`, '      ')),
    ...sources.flatMap(({ citation, version, reviewed, support }) => [
      ...wrapped(`${citation} (${version})${reviewed ? '' : ' [unreviewed label text]'}`, '      '),
      ...(support ? wrapped(supportWords(support), '      ') : []),
    ]),
  ];
}

/** One line for each check and reason, with all its drugs. */
function unknownLines(unknown: readonly Exclude<Finding, FoundFinding>[], nameOf: NameOf): string[] {
  const groups = new Map<string, string[]>();
  for (const finding of unknown) {
    const reason =
      finding.state === 'failed'
        ? `the check broke off: ${finding.problem}`
        : finding.state === 'not-covered'
          ? 'no table or label section'
          : `${MISSING_WORDS[finding.missing]}${finding.entry === null ? '' : ` "${finding.entry}"`}`;
    const key = `${CHECK_NAMES[finding.check]}: ${reason}`;
    groups.set(key, [...(groups.get(key) ?? []), ...finding.drugs.map(nameOf)]);
  }
  return [...groups].flatMap(([key, drugs]) =>
    wrapped(drugs.length === 0 ? `${key}.` : `${key}. Concerns ${drugs.join(', ')}.`, '  '),
  );
}
