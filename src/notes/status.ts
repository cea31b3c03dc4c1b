/**
 * What a sentence says of a mention in it: that it holds, is denied, is another's, is past, is only possible, is planned
 * or was stopped. The triggers are those of NegEx (Chapman et al. 2001, J Biomed Inform 34:301–310) and ConText (Harkema et
 * al. 2009, J Biomed Inform 42:839–851), cut to what these notes need and widened by what is said of medications.
 * Decides nothing without a trigger or a section.
 */

import type { MentionStatus, NoteSection } from '../shared/notes-api.ts';

interface Trigger {
  readonly status: MentionStatus;
  readonly words: RegExp;
  /** `before` acts on what follows it, `after` on what precedes it. */
  readonly place: 'before' | 'after';
  /** Acts on one kind of mention only. */
  readonly of?: 'medication' | 'problem';
}

const trigger = (
  status: MentionStatus,
  place: Trigger['place'],
  words: string,
  of?: Trigger['of'],
): Trigger => ({
  status,
  place,
  words: new RegExp(`(?<![\\w-])(?:${words})(?![\\w-])`, 'gi'),
  ...(of === undefined ? {} : { of }),
});

/** Phrases that hold a trigger's words and mean something else; they are blanked out first. */
const PSEUDO =
  /\b(?:no (?:change|increase|further|significant change|longer interval)|not only|not necessarily|without (?:difficulty|complications?|incident)|gram[- ]negative|no doubt|not ruled out|cannot be (?:excluded|ruled out)|past due|possible side effects?)\b/gi;

const TRIGGERS: readonly Trigger[] = [
  trigger(
    'family',
    'before',
    "family (?:medical )?history(?: is)?(?: positive| significant| notable)?(?: of| for)?|family hx(?: of)?|fh(?: of)?|fhx(?: of)?|(?:his|her|their|the|patient'?s|maternal|paternal|a|an)?\\s?(?:mother|father|mom|dad|brother|sister|sibling|siblings|parents?|grand(?:mother|father|parents?)|aunt|uncle|cousin|son|daughter)(?:'s)?|maternal|paternal",
    'problem',
  ),
  trigger(
    'family',
    'after',
    'in (?:his|her|their|the) (?:mother|father|brother|sister|family|parents|siblings?)',
    'problem',
  ),
  trigger(
    'stopped',
    'before',
    "no longer (?:taking|takes|on|uses|using)|(?:was |were |been )?taken off(?: of)?|off of|off|came off|stopped(?: taking| using)?|stop|stopping|discontinued?|discontinuing|d/c(?:'?d|ed)?|dc'?d|held|hold|holding|self-discontinued|previously (?:on|took|taking|treated with)|formerly on|used to (?:take|be on)|was on|had been on|(?:completed|finished)(?: a)?(?: \\w+[- ]?\\w*)? course of|completed|switched from|changed from|switched(?! to)|previous trials?|prev(?:ious)? trials?|in place of|instead of|could not tolerate|did not tolerate|failed",
    'medication',
  ),
  trigger(
    'stopped',
    'after',
    "(?:was|were|has been|have been|is|are)?\\s?(?:stopped|discontinued|d/c'?d|dc'?d|held|hold|on hold|completed|finished|no longer needed)|in the past|years ago|last year|(?:-+>|→)(?=\\s*[a-z])",
    'medication',
  ),
  trigger(
    'planned',
    'before',
    '(?:will |to |and |please |plan to |recommend |would )?(?:start|begin|initiate|add|trial of|try|prescribe|give|load with)|starting|gave|given|new|(?:-+>|→)|rx|prescribed|switched? \\S+ (?:-+>|→|to)|will be started on|plan(?: is)?(?: to start| for)?|consider(?:ing)?|recommend(?:ed|s)?|switch(?:ed)? to|change to|prescription for|rx for|discussed|offer(?:ed)?|if (?:needed|not improving|no better)',
    'medication',
  ),
  trigger(
    'planned',
    'after',
    '(?:to|will) be (?:started|added|considered)|(?:was |were )?(?:started|initiated|given|ordered|sent|prescribed|chewed)|new|begin|gtt|drip|infusion|bolus|load(?:ed|ing)?|x ?\\d+ ?(?:d|days?|wks?|weeks?)|#\\d+|at discharge today',
    'medication',
  ),
  trigger(
    'negated',
    'before',
    "no|not|denies|denied|denying|deny|without|w/o|negative for|neg for|free of|never (?:had|took|taken|been on|used)|absence of|no (?:known )?(?:history|hx|h/o|evidence|sign|signs|complaints?|prior history) (?:of|for)|rul(?:ed|es) out(?: for)?|does not (?:take|have|use)|doesn't (?:take|have|use)|did not (?:take|have)|is not (?:on|taking)|not (?:on|taking|currently on)|declin(?:es|ed)|refus(?:es|ed)|avoid(?:s|ing|ed)?|contraindicated",
  ),
  trigger(
    'negated',
    'after',
    '(?:was|were|is|are|has been|have been)? ?(?:ruled out|excluded|absent)|: ?(?:no|none|denied|denies|negative)|- ?(?:no|none|denied|negative)|negative|denied|not seen|not taking|contraindicated',
  ),
  trigger(
    'possible',
    'before',
    'possible|possibly|probable|probably|likely|suspect(?:ed|s)?|suspicion (?:of|for)|suspicious for|concern(?:ing|ed)? (?:for|about)|rule out|r/o|questionable|query|differential(?: diagnosis)?(?: includes?)?|ddx|versus|vs\\.?|may have|might have|could be|may be|evaluat(?:e|ion) for|work-?up (?:of|for)|worried about|at risk (?:of|for)|risk (?:of|for)|risk factors? for|prevent(?:ion of)?|prophylaxis (?:for|of|against)|screen(?:ing|ed)? for|if|return (?:if|for)|unlikely|not certain (?:if|whether)',
    'problem',
  ),
  trigger(
    'possible',
    'after',
    'is (?:possible|suspected|likely|unlikely)|unlikely|suspected|cannot be excluded|prophylaxis|ppx|screening|vs\\.?|versus|risk',
    'problem',
  ),
  trigger(
    'past',
    'before',
    '(?:past |prior |remote |distant |known |personal )?(?:history|hx) of|hx|h/o|s/p|status[- ]post|past|prior|previous(?:ly)?|remote|childhood|in (?:19|20)\\d\\d (?:had|with|was diagnosed with)|recovered from|treated for',
    'problem',
  ),
  trigger(
    'past',
    'after',
    '(?:has |have |now |since )?resolved|outgrown|treated(?! with)|(?:19[5-9]|20[0-4])\\d(?! ?(?:iu|units|mg|mcg))|in (?:19|20)\\d\\d|in (?:childhood|remission|the past)|as a child|(?:many |several |\\d+ )?(?:years|months) ago|in remission|s/p [\\w-]+',
    'problem',
  ),
];

/** What ends a disease that lasts; a year or a "history of" does not. */
const OVER = /resolved|outgrown|remission|child|in the past|recovered|^past$|remote|distant/i;

/** Where a trigger's reach ends (ConText's termination terms), besides the end of the sentence. */
const TERMINATION =
  /\b(?:but|however|nevertheless|yet|though|although|still|except|apart from|aside from|secondary to|due to|because|since|which|who|whose|presents?|presenting|shows?|showed|showing|reveal(?:s|ed)|demonstrat(?:es|ed)|reports?|reported|complains?|continues?|currently|now|takes?|taking|is on|remains on|started on|was started on|(?:patient|pt|he|she|they) (?:has|have|is|was|had))\b|[;:]/gi;

/** A medication mention's "not" and "no" reach only so far: `no relief, takes naproxen` is no denial. Tokens. */
const REACH = 9;

export interface StatusReading {
  readonly status: MentionStatus;
  readonly cue: string | null;
}

/**
 * @param sentence its text
 * @param from place of the mention in it; @param to its end, exclusive
 * @param isChronic the mention is of a disease that lasts
 */
export function statusOf(
  sentence: string,
  from: number,
  to: number,
  section: NoteSection,
  kind: 'medication' | 'problem',
  isChronic = false,
): StatusReading {
  const text = sentence.replace(PSEUDO, (phrase) => '·'.repeat(phrase.length));
  const before = text.slice(0, from);
  const after = text.slice(to);
  for (const { status, words, place, of } of TRIGGERS) {
    if (of !== undefined && of !== kind) continue;
    const cue = place === 'before' ? lastBefore(before, words, status) : firstAfter(after, words);
    if (cue === null || (status === 'past' && isChronic && !OVER.test(cue))) continue;
    return { status, cue };
  }
  if (kind === 'problem' && /^\s*\?/.test(after)) return { status: 'possible', cue: '?' };
  if (kind === 'problem' && /\?\s*$/.test(before)) return { status: 'possible', cue: '?' };
  return { status: bySection(section, kind, before, isChronic), cue: null };
}

/** @param isChronic a disease that lasts is present although it is listed as history */
function bySection(
  section: NoteSection,
  kind: 'medication' | 'problem',
  before: string,
  isChronic: boolean,
): MentionStatus {
  if (section === 'family' && kind === 'problem') return 'family';
  if (section === 'history' && kind === 'problem') return isChronic ? 'present' : 'past';
  if (section === 'plan' && kind === 'medication')
    return /\b(?:continu\w*|cont|resume\w*|refill\w*|increase\w*|decrease\w*|reduce\w*|keep\w*|stable on|on|remains? on|taper\w*|titrate\w*|change\w* in)\b/i.test(
      before,
    )
      ? 'present'
      : 'planned';
  return 'present';
}

/** The nearest trigger before the mention that nothing ends in between. */
function lastBefore(before: string, words: RegExp, status: MentionStatus): string | null {
  let found: string | null = null;
  for (const match of before.matchAll(words)) {
    // `Stop: ibuprofen` is one statement; `metformin (hold), aspirin` are two.
    const between = before.slice(match.index + match[0].length).replace(/^\s*:/, '');
    if (status === 'stopped' && /-+>|→|\bto\b/.test(between)) continue; // `switched lisinopril to losartan`
    if (/^(?:without|w\/o)$/i.test(match[0]) && between.includes(',')) continue;
    if (/^[^(]*\)/.test(between) || isEnded(between) || tokens(between) > reachOf(status)) continue;
    found = match[0];
  }
  return found === null ? null : found.trim();
}

/** Another's illness and a denied list run on through the whole sentence; the other triggers act nearby. */
function reachOf(status: MentionStatus): number {
  return status === 'family' || status === 'negated' ? 30 : REACH;
}

function firstAfter(after: string, words: RegExp): string | null {
  for (const match of after.matchAll(words)) {
    const between = after.slice(0, match.index);
    // `Zosyn x 3 days, completed`: a comma may stand right before the words, not between other ones.
    if (/,\s*\S/.test(between) || isEnded(between) || tokens(between) > 5) return null;
    return match[0].trim();
  }
  return null;
}

function isEnded(between: string): boolean {
  TERMINATION.lastIndex = 0;
  return TERMINATION.test(between);
}

function tokens(text: string): number {
  return text.trim() === '' ? 0 : text.trim().split(/\s+/).length;
}
