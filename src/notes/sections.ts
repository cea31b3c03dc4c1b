/** Splits a note into sections by their headings, and sections into sentences. Knows no drug and no diagnosis. */

import type { NoteSection } from '../shared/notes-api.ts';

export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface NoteSentence extends Span {
  readonly section: NoteSection;
}

/**
 * Headings as they stand in notes, lower case, after SecTag's terminology (Denny et al. 2008, AMIA Annu Symp Proc 156–160),
 * cut to what changes how a mention is read.
 */
const HEADINGS: Readonly<Record<Exclude<NoteSection, 'other'>, readonly string[]>> = {
  history: [
    'past medical history',
    'past history',
    'medical history',
    'past surgical history',
    'surgical history',
    'past medical and surgical history',
    'pmh',
    'pmhx',
    'psh',
    'pshx',
    'pmh/psh',
  ],
  family: ['family history', 'family medical history', 'fh', 'fhx', 'fam hx'],
  medications: [
    'medications',
    'medication list',
    'current medications',
    'current meds',
    'home medications',
    'home meds',
    'meds',
    'medications on admission',
    'admission medications',
    'meds on admission',
    'outpatient medications',
    'medications prior to admission',
    'prior to admission medications',
    'active medications',
    'regular medications',
  ],
  allergies: [
    'allergies',
    'allergy',
    'drug allergies',
    'medication allergies',
    'allergies/intolerances',
    'allergies and intolerances',
    'allergies and adverse reactions',
    'adverse reactions',
    'adverse drug reactions',
    'all',
  ],
  problems: [
    'problem list',
    'problems',
    'active problems',
    'diagnoses',
    'diagnosis',
    'assessment',
    'impression',
    'discharge diagnoses',
    'discharge diagnosis',
    'admission diagnosis',
    'dx',
  ],
  plan: [
    'plan',
    'assessment and plan',
    'assessment & plan',
    'assessment/plan',
    'a/p',
    'a&p',
    'recommendations',
    'treatment plan',
    'discharge instructions',
  ],
  results: [
    'labs',
    'laboratory',
    'laboratory data',
    'lab results',
    'results',
    'laboratory results',
    'imaging',
    'studies',
    'data',
  ],
};
/** Headings that end a section and say nothing more of what they hold. */
const OTHER_HEADINGS = [
  'chief complaint',
  'cc',
  'reason for visit',
  'history of present illness',
  'history of presenting illness',
  'present illness',
  'hpi',
  'subjective',
  'objective',
  'social history',
  'sh',
  'shx',
  'review of systems',
  'ros',
  'physical exam',
  'physical examination',
  'exam',
  'examination',
  'pe',
  'vitals',
  'vital signs',
  'hospital course',
  'interval history',
  'procedures',
  'immunizations',
  'follow up',
  'follow-up',
  'disposition',
  'notes',
  'comments',
];

const SECTIONS = new Map<string, NoteSection>([
  ...Object.entries(HEADINGS).flatMap(([section, words]) =>
    words.map((word) => [word, section as NoteSection] as const),
  ),
  ...OTHER_HEADINGS.map((word) => [word, 'other'] as const),
]);
/** A heading of up to this many characters is looked up; a longer line is text. */
const LONGEST_HEADING = 45;
/** These read as headings with a colon only: alone on a line or in running text they are words of their own. */
const NEEDS_COLON = new Set([
  'all',
  'allergy',
  'data',
  'pe',
  'sh',
  'cc',
  'notes',
  'comments',
  'results',
  'exam',
  'dx',
]);

/** Words whose stop ends no sentence. */
const ABBREVIATED =
  /(?:^|[\s(])(?:dr|mr|mrs|ms|vs|approx|no|pt|hx|dx|tx|rx|st|b\.i\.d|t\.i\.d|q\.i\.d|q\.d|p\.o|p\.r\.n|i\.v|e\.g|i\.e|a\.m|p\.m|tab|cap|q\.\d+\s?h)$/i;

/** The sentences and list lines of a note, in order, each with the section that it stands in. */
export function readSentences(note: string): NoteSentence[] {
  const sentences: NoteSentence[] = [];
  let section: NoteSection = 'other';
  let from = 0;
  for (const line of note.split(/\r\n|\r|\n/)) {
    const to = from + line.length;
    const heading = headingOf(line);
    if (heading) section = heading.section;
    const start = from + (heading?.length ?? 0);
    for (const { from: first, to: last } of sentencesOf(note, start, to))
      sentences.push({ from: first, to: last, section });
    // The line break may have one or two characters.
    from = to + (note.startsWith('\r\n', to) ? 2 : 1);
  }
  return sentences;
}

/** The section that a line opens and the length of its heading, or null. `PMH: asthma` opens one and goes on. */
function headingOf(line: string): { readonly section: NoteSection; readonly length: number } | null {
  const [indent = ''] = /^[\s#*_\-–•\d.)]*/.exec(line) ?? [];
  const rest = line.slice(indent.length);
  const colon = rest.slice(0, LONGEST_HEADING + 1).search(/[:：]/);
  const words = (text: string): string =>
    text.replace(/[*_#]/g, '').trim().toLowerCase().replace(/\s+/g, ' ');
  if (colon > 0) {
    const section = SECTIONS.get(words(rest.slice(0, colon)));
    return section === undefined ? null : { section, length: indent.length + colon + 1 };
  }
  const alone = words(rest);
  const section = NEEDS_COLON.has(alone) ? undefined : SECTIONS.get(alone);
  return section === undefined ? null : { section, length: line.length };
}

function sentencesOf(note: string, start: number, end: number): Span[] {
  const found: Span[] = [];
  let from = start;
  const push = (to: number): void => {
    const text = note.slice(from, to);
    const lead = text.length - text.trimStart().length;
    if (text.trim() !== '') found.push({ from: from + lead, to: from + text.trimEnd().length });
    from = to;
  };
  for (let at = start; at < end; at += 1) {
    const character = note[at]!;
    if (character === ';' || character === '!') push(at + 1);
    else if (character === '?' && /\s/.test(note[at + 1] ?? ' ') && at > from) push(at + 1);
    else if (character === '.' && endsSentence(note, from, at)) push(at + 1);
  }
  push(end);
  return found;
}

function endsSentence(note: string, from: number, at: number): boolean {
  const next = note[at + 1];
  if (next !== undefined && !/\s/.test(next)) return false; // 2.5, b.i.d
  return !ABBREVIATED.test(note.slice(from, at));
}
