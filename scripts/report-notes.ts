/** `npm run report:notes`: how much of hand-written notes is found and read rightly. Writes docs/reports/notes.md. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { type Counts, measureNotes, noteCases } from '../src/notes/measure.ts';
import { NoteReader } from '../src/notes/read-note.ts';

const ROOT = join(import.meta.dirname, '..');
const FILES = ['development', 'development-2', 'unseen'];

const knowledge = loadKnowledge(join(ROOT, 'resources/knowledge'));
const reader = new NoteReader(knowledge);
const lines = [
  '# Reading notes',
  '',
  `Written by \`npm run report:notes\`. Rules of src/notes, tables ${knowledge.version}. _Linked_: kind and drug, allergy or ICD-10-CM`,
  'category agree. _Read_: what is said of it (present, past, stopped, planned, possible, family, negated) agrees too. _Offered_: what',
  'the editor would offer to enter.',
];
for (const name of FILES) {
  const file = join(ROOT, `data/notes/${name}.json`);
  if (!existsSync(file)) continue;
  const { about, cases } = noteCases.parse(JSON.parse(readFileSync(file, 'utf8')));
  const { differences, ...measured } = measureNotes(reader, cases);
  lines.push('', `## data/notes/${name}.json, ${cases.length} notes`, '', about, '');
  lines.push('| | expected | found | right | precision | recall |', '| --- | --- | --- | --- | --- | --- |');
  for (const [what, counts] of Object.entries(measured)) lines.push(row(what, counts));
  lines.push('', ...differences.map((difference) => `- ${difference}`));
}
writeFileSync(join(ROOT, 'docs/reports/notes.md'), `${lines.join('\n')}\n`);

function row(what: string, { expected, found, right }: Counts): string {
  const share = (of: number): string => (of === 0 ? '–' : (right / of).toFixed(3));
  return `| ${what} | ${expected} | ${found} | ${right} | ${share(found)} | ${share(expected)} |`;
}
