/** Compares what is found in notes with what a reader said should be found. Chooses nothing and changes no rule. */

import { z } from 'zod';
import { nameKey } from '../knowledge/names.ts';
import type { MentionStatus, NoteMention } from '../shared/notes-api.ts';
import type { NoteReader } from './read-note.ts';

const STATUSES = [
  'present',
  'past',
  'stopped',
  'planned',
  'possible',
  'family',
  'negated',
] as const satisfies readonly MentionStatus[];

export const noteCases = z.object({
  about: z.string(),
  cases: z.array(
    z.object({
      note: z.string(),
      expect: z.array(z.tuple([z.enum(['medication', 'allergy', 'problem']), z.enum(STATUSES), z.string()])),
    }),
  ),
});
export type NoteCase = z.infer<typeof noteCases>['cases'][number];

export interface Counts {
  readonly expected: number;
  readonly found: number;
  readonly right: number;
}

export interface NotesMeasured {
  /** Kind and subject agree, whatever is said of it. */
  readonly linked: Counts;
  /** The same and the status agrees. */
  readonly read: Counts;
  /** What is offered to be entered: present, and diagnoses written as history. */
  readonly offered: Counts;
  /** One line a difference: the case, what was missed or found besides. */
  readonly differences: readonly string[];
}

type Entry = readonly [kind: NoteMention['kind'], status: MentionStatus, subject: string];

export function entryOf(mention: NoteMention): Entry {
  switch (mention.kind) {
    case 'medication':
      return [
        mention.kind,
        mention.status,
        mention.drugs
          .map(({ id }) => id)
          .toSorted()
          .join(),
      ];
    case 'allergy':
      return [mention.kind, mention.status, nameKey(mention.entry)];
    case 'problem':
      return [mention.kind, mention.status, mention.diagnosis.code.slice(0, 3)];
  }
}

export function measureNotes(reader: NoteReader, cases: readonly NoteCase[]): NotesMeasured {
  const differences: string[] = [];
  const sums = { linked: empty(), read: empty(), offered: empty() };
  cases.forEach(({ note }, number) => {
    const found = reader.read(note).mentions.map(entryOf);
    const expect = cases[number]!.expect.map((entry): Entry => asNamed(reader, entry));
    add(sums.linked, expect.map(subject), found.map(subject));
    add(sums.read, expect.map(whole), found.map(whole));
    add(sums.offered, expect.filter(isOffered).map(whole), found.filter(isOffered).map(whole));
    const [wanted, got] = [new Set(expect.map(whole)), new Set(found.map(whole))];
    for (const one of wanted) if (!got.has(one)) differences.push(`case ${number + 1} missed: ${one}`);
    for (const one of got) if (!wanted.has(one)) differences.push(`case ${number + 1} found: ${one}`);
  });
  return { ...sums, differences };
}

/** An allergy is written as in the note, and read as the drug that the tables know by that name. */
function asNamed(reader: NoteReader, [kind, status, what]: Entry): Entry {
  if (kind !== 'allergy') return [kind, status, what];
  const [known] = reader.read(`Allergies: ${what}`).mentions;
  return [kind, status, known?.kind === 'allergy' ? nameKey(known.entry) : nameKey(what)];
}

const subject = ([kind, , what]: Entry): string => `${kind} ${what}`;
const whole = ([kind, status, what]: Entry): string => `${kind} ${status} ${what}`;
const isOffered = ([kind, status]: Entry): boolean =>
  status === 'present' || (kind === 'problem' && status === 'past');

function empty(): { expected: number; found: number; right: number } {
  return { expected: 0, found: 0, right: 0 };
}

function add(sum: ReturnType<typeof empty>, expected: readonly string[], found: readonly string[]): void {
  const [wanted, got] = [new Set(expected), new Set(found)];
  sum.expected += wanted.size;
  sum.found += got.size;
  for (const one of got) if (wanted.has(one)) sum.right += 1;
}
