/** `flame note`: what a free-text note names, with what it says of each. Stores nothing and proposes no treatment. */

import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { NoteReader } from '../../notes/read-note.ts';
import { LONGEST_NOTE } from '../../shared/editing.ts';
import { FlameError } from '../../shared/errors.ts';
import type { NoteMention } from '../../shared/notes-api.ts';
import { table, writeJson, writeLines } from '../output.ts';
import { openKnowledge } from '../setup.ts';

export function noteCommand(): Command {
  return new Command('note')
    .description('find medications, allergies and diagnoses in a note, with what it says of each')
    .argument('<file>', 'a text file; - reads standard input')
    .option('--json', 'one JSON document on standard output')
    .action((file: string, { json }: { readonly json?: boolean }) => {
      const text = readText(file);
      const reading = new NoteReader(openKnowledge()).read(text);
      if (json) {
        writeJson(reading);
        return;
      }
      const rows = reading.mentions.map((mention) => [
        mention.status,
        mention.kind,
        subjectOf(mention),
        `“${text.slice(mention.from, mention.to)}”`,
      ]);
      writeLines([
        ...(rows.length === 0 ? ['Nothing was found.'] : table(rows)),
        ...(reading.noKnownAllergies ? ['The note says that no allergies are known.'] : []),
      ]);
    });
}

/** @throws FlameError FILE_NOT_READABLE, INVALID_INPUT */
function readText(file: string): string {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new FlameError('FILE_NOT_READABLE', { file }, { cause });
  }
  if (text.length > LONGEST_NOTE)
    throw new FlameError('INVALID_INPUT', { problem: `the note has more than ${LONGEST_NOTE} characters` });
  return text;
}

function subjectOf(mention: NoteMention): string {
  switch (mention.kind) {
    case 'medication': {
      const { dose, route, frequency } = mention.directions;
      return [mention.drugs.map(({ name }) => name).join(' + '), dose, route, frequency]
        .filter((part) => part !== '')
        .join(' ');
    }
    case 'allergy':
      return mention.entry;
    case 'problem':
      return `${mention.diagnosis.code} ${mention.diagnosis.title ?? ''}`.trim();
  }
}
