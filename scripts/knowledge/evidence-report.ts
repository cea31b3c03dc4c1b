/** Writes docs/reports/rule-evidence.md: rule by rule, what it was held against and what that said. Checks nothing itself. */

import type { PatientRule } from '../../src/knowledge/patient-rules.ts';
import type { CheckedClassRule } from './class-evidence.ts';
import type { RuleEvidence } from './gather-evidence.ts';
import type { CheckedRule, LabelAnswer, RuleKind } from './rule-evidence.ts';

const TITLES: Readonly<Record<RuleKind, string>> = {
  renal: 'Kidney function',
  age: 'Age',
  pregnancy: 'Pregnancy',
  lactation: 'Lactation',
  crossReactivity: 'Cross-reacting allergies',
};
const TABLES = ['fda-label', 'onc-high', 'ndf-rt', 'onc-low'] as const;

type State = 'agrees' | 'differs' | 'read' | 'secondary' | 'read-differs' | 'memory';

const FOUND: Readonly<Record<State, string>> = {
  agrees: 'label text',
  differs: 'label text, differs',
  read: 'read',
  secondary: 'read at others',
  'read-differs': 'read, differs',
  memory: 'from memory',
};

export function evidenceReport(evidence: RuleEvidence): string {
  const { checked, classRules, file } = evidence;
  const kinds = Object.keys(TITLES) as RuleKind[];
  return (
    [
      '# What the rules were held against',
      '',
      'Made by `npm run compile:knowledge`; do not edit here. The patient rules and the class rules were written from memory of the',
      'labels and guidelines that they cite. This page says, rule by rule and drug by drug, what text they were held against since:',
      'the contraindication sections that the tables hold (the first 600 characters of each), the other interaction tables, and public',
      'copies of the cited sources that were read. The compile fails where a section contradicts a rule and nobody has judged it. **No',
      'pharmacist has reviewed the rules, and what is marked "from memory" was checked against nothing.** What was changed, and why:',
      '[decisions/0028](../decisions/0028-rule-evidence.md).',
      '',
      '| patient rules | rules | rules and drugs | label text agrees | label text differs, judged | copy or agency read | others read | from memory |',
      '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
      ...kinds.map((kind) =>
        summaryRow(
          TITLES[kind],
          checked.filter((one) => one.kind === kind),
          evidence,
        ),
      ),
      summaryRow('all', checked, evidence),
      '',
      classSummary(classRules),
      ...kinds.flatMap((kind) => [
        '',
        `## ${TITLES[kind]}`,
        '',
        '| rule | level | what was found |',
        '| --- | --- | --- |',
        ...checked.filter((one) => one.kind === kind).map((one) => ruleRow(one, evidence)),
      ]),
      '',
      '## Allergy classes',
      '',
      'An allergy to one member excludes the class. Members whose own section names the class:',
      '',
      '| class | members | label text names the class | from memory |',
      '| --- | ---: | --- | --- |',
      ...Object.entries(evidence.patientRules.allergyClasses).map(([title, support]) => {
        const members = evidence.allergyMembers[title] ?? [];
        const named = members.filter((id) => id in support);
        const rest = members.filter((id) => !(id in support));
        return `| ${title} | ${members.length} | ${listed(named)} | ${listed(rest)} |`;
      }),
      '',
      '## Class rules',
      '',
      'Pairs of each rule that another table records, with those that it puts two levels or more apart in brackets; pairs of which a',
      'contraindication section names the other drug or its class; and pairs that stand on the rule alone.',
      '',
      `| rule | level | pairs | ${TABLES.join(' | ')} | label text | rule alone | read |`,
      `| --- | ---: | ---: | ${TABLES.map(() => '---: |').join(' ')} ---: | ---: | --- |`,
      ...classRules.map((one) => classRow(one, evidence)),
      '',
      '## What was read',
      '',
      ...(file.readings.length === 0 ? ['Nothing yet.'] : []),
      ...file.readings.map(
        ({ rules, drugs, verdict, where, kind, on, found }) =>
          `- ${rules.map((id) => `\`${id}\``).join(', ')}${drugs === undefined ? '' : ` (${drugs.join(', ')})`}: ${verdict}. ${found} ${kind}, <${where}>, ${on}.`,
      ),
    ].join('\n') + '\n'
  );
}

function stateOf({ rule, answers }: CheckedRule, drug: string, { file }: RuleEvidence): State {
  const answer = answers.get(drug);
  if (answer?.state === 'agrees' || answer?.state === 'differs') return answer.state;
  const reading = file.readings.find(
    ({ rules, drugs }) => rules.includes(rule.id) && (drugs === undefined || drugs.includes(drug)),
  );
  if (!reading) return 'memory';
  if (reading.verdict === 'differs') return 'read-differs';
  return reading.kind === 'secondary' ? 'secondary' : 'read';
}

function summaryRow(title: string, rules: readonly CheckedRule[], evidence: RuleEvidence): string {
  const states = rules.flatMap((one) => one.rule.drugs.map((drug) => stateOf(one, drug, evidence)));
  const count = (...wanted: State[]): number => states.filter((state) => wanted.includes(state)).length;
  const read = [count('read', 'read-differs'), count('secondary')];
  const counts = [count('agrees'), count('differs'), ...read, count('memory')];
  return `| ${title} | ${rules.length} | ${states.length} | ${counts.join(' | ')} |`;
}

function classSummary(rules: readonly CheckedClassRule[]): string {
  const sum = (of: (one: CheckedClassRule) => number): number =>
    rules.reduce((total, one) => total + of(one), 0);
  const stood = rules.filter(({ pairs, alone }) => alone < pairs).length;
  return (
    `${rules.length} class rules with ${sum(({ pairs }) => pairs)} pairs: ${stood} rules have a pair that another table or a label ` +
    `names too; ${sum(({ pairs, alone }) => pairs - alone)} pairs are named elsewhere, ${sum(({ alone }) => alone)} stand on the rule alone.`
  );
}

function ruleRow(one: CheckedRule, evidence: RuleEvidence): string {
  const { rule, answers } = one;
  const spoken = new Map<string, string[]>();
  const silent = new Map<string, string[]>();
  const put = (map: Map<string, string[]>, key: string, drug: string): unknown =>
    map.set(key, [...(map.get(key) ?? []), drug]);
  for (const drug of rule.drugs) {
    const answer = answers.get(drug)!;
    const said = spokenOf(answer);
    if (said !== null) put(spoken, said, drug);
    if (answer.state !== 'agrees' && answer.state !== 'differs')
      put(silent, silentOf(answer, stateOf(one, drug, evidence)), drug);
  }
  const found = [
    ...[...spoken].map(([said, drugs]) => `${drugs.join(', ')}: ${said}`),
    ...[...silent].map(([why, drugs]) => `${why}: ${drugs.join(', ')}`),
  ];
  return `| \`${rule.id}\` | ${levelOf(rule)} | ${found.map(cell).join('<br>')} |`;
}

function levelOf(rule: PatientRule): string {
  return String(rule.severity);
}

function spokenOf(answer: LabelAnswer): string | null {
  switch (answer.state) {
    case 'agrees':
      return `**agrees**, “${answer.passage}”${answer.because === null ? '' : ` ${answer.because}`}`;
    case 'differs':
      return `**differs**, “${answer.passage}” ${answer.because}`;
    case 'other':
      return `another matter, “${answer.passage}” ${answer.because}`;
    case 'silent':
    case 'no-section':
      return null;
  }
}

function silentOf(answer: LabelAnswer, state: State): string {
  const why =
    answer.state === 'no-section'
      ? 'no section held'
      : answer.state === 'silent' && answer.cut
        ? 'section held in part, silent'
        : answer.state === 'silent'
          ? 'section silent'
          : 'no more';
  return `*${FOUND[state]}* (${why})`;
}

function classRow(
  { rule, pairs, tables, labelled, alone }: CheckedClassRule,
  evidence: RuleEvidence,
): string {
  const cells = TABLES.map((table) => {
    const count = tables.get(table);
    if (!count) return '';
    return count.apart === 0 ? String(count.pairs) : `${count.pairs} (${count.apart})`;
  });
  const read = rule.id in evidence.classSupport.read ? 'yes' : '';
  return `| \`${rule.id}\` | ${rule.severity} | ${pairs} | ${cells.join(' | ')} | ${labelled || ''} | ${alone || ''} | ${read} |`;
}

function listed(drugs: readonly string[]): string {
  return drugs.length === 0 ? '–' : drugs.join(', ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
