/** Writes the class rules as a page that a pharmacist can read and correct. Resolves nothing itself. */

import type { ResolvedRule } from './rules.ts';

const LEVELS = {
  4: 'contraindicated',
  3: 'avoid combination',
  2: 'monitor or adjust',
  1: 'be aware',
} as const;

export function rulesDocument(rules: readonly ResolvedRule[]): string {
  const lines = [
    '# Class rules',
    '',
    'Made by `npm run compile:knowledge` from `data/knowledge/class-rules` and `data/knowledge/drug-sets.json`; do not edit',
    'here. Each rule names two lists of drugs; every pair across them is recorded at the severity of the rule. The lists are',
    'printed as they were resolved. **No pharmacist has reviewed these rules.** See knowledge.md for the scale.',
    '',
    `${rules.length} rules.`,
  ];
  for (const level of [4, 3, 2, 1] as const) {
    lines.push('', `## ${level}: ${LEVELS[level]}`);
    for (const rule of rules.filter(({ severity }) => severity === level)) lines.push('', ...ruleLines(rule));
  }
  return lines.join('\n') + '\n';
}

function ruleLines(rule: ResolvedRule): string[] {
  const except = rule.exceptPairs.map((pair) => pair.join(' + ')).join('; ');
  return [
    `### ${rule.title}`,
    '',
    `\`${rule.id}\`, version ${rule.version}`,
    '',
    `- ${rule.b ? 'One side' : 'Any two of'}: ${rule.a.join(', ')}`,
    ...(rule.b ? [`- Other side: ${rule.b.join(', ')}`] : []),
    ...(except === '' ? [] : [`- Not these pairs: ${except}`]),
    `- Mechanism: ${rule.mechanism}`,
    `- What may happen: ${rule.effect}`,
    `- What to do: ${rule.management}`,
    `- Cited: ${rule.citations.join('. ')}.`,
  ];
}
