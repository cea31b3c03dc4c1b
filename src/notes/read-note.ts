/**
 * Reads a free-text note into entries to confirm: current medications, allergies, diagnoses, each with its place and what the
 * note says of it. Proposes only; stores nothing, applies nothing, and reads no note by a model.
 */

import type { Codes } from '../knowledge/codes.ts';
import { readAllergyEntry } from '../knowledge/allergies.ts';
import type { Drugs } from '../knowledge/drugs.ts';
import { nameKey } from '../knowledge/names.ts';
import type { MentionStatus, NoteMention, NoteReading } from '../shared/notes-api.ts';
import { findDrugs, type DrugWords } from './medication-mentions.ts';
import { ProblemLexicon } from './problem-mentions.ts';
import { type NoteSentence, readSentences, type Span } from './sections.ts';
import { statusOf } from './status.ts';
import { tokensOf } from './tokens.ts';

const NO_ALLERGIES =
  /\b(?:nkda|nka|no known (?:drug |medication |medicine |food )?(?:allergies|allergy|allergens)|no (?:drug |medication )?allergies|denies (?:any )?(?:drug |medication )?allergies|allergies\s*:?\s*(?:none|no|nil|denies))\b/i;
/** What makes a drug name an allergy outside its section. */
const ALLERGIC_BEFORE =
  /\b(?:allerg(?:ic|y|ies)(?: reaction)?(?: to)?|intoleran(?:t|ce)(?: to| of)?|anaphyla(?:xis|ctic(?: reaction)?)(?: to| from| with)?|hives (?:from|with|to)|rash (?:from|with|to|after)|angioedema (?:from|with|to)|adverse reaction to|sensitiv(?:e|ity) to)\s*:?\s*(?:[\w-]+\s*(?:,|and|or|&|\/)\s*)*(?:the |a |an )?$/i;
const ALLERGIC_AFTER = /^\s*(?:drug )?(?:allerg(?:y|ies|ic)|intoleran(?:t|ce)|anaphylaxis|sensitivity)\b/i;
const NOT_ALLERGIC = /\b(?:no|not|denies|without|never)\b[^.;]{0,25}\ballerg\w*\b[^.;]*$/i;
/** A reaction named right after the words: `PCN - hives`, `phenytoin -> DRESS`. */
const REACTION_AFTER =
  /^\s*(?:-+>?|–|→|:|\()\s*(?:\w+\s)?(?:hives|urticaria|rash|anaphyla\w+|angioedema|sjs|stevens|dress|(?:lip |facial |tongue |throat )?swelling|itching|pruritus|bronchospasm|red man|flushing|tendon rupture)\b/i;
/** What people are allergic to and no drug table holds. */
const NO_DRUGS =
  /\b(?:peanuts?|tree nuts?|nuts|shellfish|shrimp|fish|eggs?|milk|soy|wheat|latex|adhesive(?: tape)?|tape|(?:iodinated |iodine |iv )?contrast(?: dye)?|bee stings?|wasp stings?|bee venom|pollen|dust(?: mites?)?|(?:cat|dog|pet) dander|strawberries|kiwi|bananas?|avocado|nickel)\b/gi;
/**
 * ICD-10-CM categories that last once they are there, chosen for reading histories: what stands under "past medical history" of
 * these is the patient's still. Two of three people who annotated notes for this read it so (docs/decisions/0027).
 */
const CHRONIC =
  /^(?:B18|B20|D57|D66|E0[36]|E1[0-3]|E28|E66|E78|E84|F0[1-3]|F20|F25|F3[1-3]|F4[1-3]|F84|F9[05]|G20|G30|G35|G4[037]|G6[0-2]|G70|H40|I1[0-3]|I25(?!2)|I27|I42|I48|I50|I7[03]|J30|J33|J4[2-57]|J84|K21|K5[018]|K70|K74|K90|L20|L40|M0[56]|M1[0-9]|M32|M79|M8[01]|N18|N40|N80)/;
/** Words of an allergy to a class that no drug is called: `sulfa`, `PCN`. */
const LONGEST_CLASS = 3;

/** Firmer statements of one thing first. */
const FIRMNESS: readonly MentionStatus[] = [
  'present',
  'stopped',
  'planned',
  'past',
  'possible',
  'negated',
  'family',
];

export class NoteReader {
  readonly #drugs: Drugs;
  readonly #codes: Codes;
  #lexicon: ProblemLexicon | null = null;

  constructor(knowledge: { readonly drugs: Drugs; readonly codes: Codes }) {
    this.#drugs = knowledge.drugs;
    this.#codes = knowledge.codes;
  }

  read(note: string): NoteReading {
    this.#lexicon ??= new ProblemLexicon(this.#codes);
    const mentions: NoteMention[] = [];
    for (const sentence of readSentences(note)) mentions.push(...this.#readSentence(note, sentence));
    return { mentions: firmest(mentions), noKnownAllergies: NO_ALLERGIES.test(note) };
  }

  #readSentence(note: string, { from, to, section }: NoteSentence): NoteMention[] {
    const text = note.slice(from, to);
    const sentence = { from, to };
    const problems = section === 'allergies' ? [] : this.#lexicon!.find(text, from);
    // Of words that overlap the longer ones count: "vitamin D deficiency" is no vitamin D.
    const drugs = findDrugs(
      this.#drugs,
      text,
      from,
      section === 'medications' || section === 'allergies',
    ).filter((drug) => !problems.some((problem) => overlap(problem, drug) && length(problem) > length(drug)));
    const allergies = this.#allergies(text, from, section, drugs);
    const taken = new Set(allergies.map((one) => one.from));
    return [
      ...allergies.map(({ from: at, to: end, entry }): NoteMention => ({
        kind: 'allergy',
        from: at,
        to: end,
        sentence,
        section,
        status: 'present',
        cue: null,
        entry,
      })),
      ...drugs
        .filter((drug) => !taken.has(drug.from) && section !== 'allergies')
        .map((drug): NoteMention => ({
          kind: 'medication',
          from: drug.from,
          to: drug.to,
          sentence,
          section,
          ...statusOf(text, drug.from - from, drug.to - from, section, 'medication'),
          drugs: drug.drugs.map((id) => this.#drugs.name(id)),
          directions: drug.directions,
        })),
      ...problems.flatMap((problem): NoteMention[] => {
        const [diagnosis, ...others] = problem.diagnoses;
        if (!diagnosis || drugs.some((drug) => overlap(problem, drug))) return [];
        const { from: at, to: end } = problem;
        const status = statusOf(
          text,
          at - from,
          end - from,
          section,
          'problem',
          CHRONIC.test(diagnosis.code),
        );
        return [{ kind: 'problem', from: at, to: end, sentence, section, ...status, diagnosis, others }];
      }),
    ].sort((a, b) => a.from - b.from);
  }

  #allergies(
    text: string,
    offset: number,
    section: NoteSentence['section'],
    drugs: readonly DrugWords[],
  ): { readonly from: number; readonly to: number; readonly entry: string }[] {
    if (NO_ALLERGIES.test(text)) return [];
    const isAllergy = (from: number, to: number): boolean => {
      const before = text.slice(0, from);
      if (NOT_ALLERGIC.test(before)) return false;
      const after = text.slice(to);
      return (
        section === 'allergies' ||
        ALLERGIC_BEFORE.test(before) ||
        ALLERGIC_AFTER.test(after) ||
        REACTION_AFTER.test(after)
      );
    };
    const found = drugs
      .filter(
        ({ from, to }) =>
          isAllergy(from - offset, to - offset) && !this.#isClass(text.slice(from - offset, to - offset)),
      )
      .map(({ from, to, drugs: named }) => ({
        from,
        to,
        entry: named.map((id) => this.#drugs.name(id).name).join(' / '),
      }));
    for (const { 0: words, index: at } of text.matchAll(NO_DRUGS))
      if (isAllergy(at, at + words.length))
        found.push({ from: offset + at, to: offset + at + words.length, entry: words });
    const tokens = tokensOf(text);
    for (let at = 0; at < tokens.length; at += 1) {
      for (let words = Math.min(LONGEST_CLASS, tokens.length - at); words > 0; words -= 1) {
        const [from, to] = [tokens[at]!.from, tokens[at + words - 1]!.to];
        if (found.some((one) => overlap(one, { from: offset + from, to: offset + to }))) continue;
        if (!this.#isClass(text.slice(from, to)) || !isAllergy(from, to)) continue;
        found.push({ from: offset + from, to: offset + to, entry: text.slice(from, to) });
        break;
      }
    }
    return found;
  }

  /** True when the words name a whole class that allergies are written for: `sulfa` is no single drug. */
  #isClass(words: string): boolean {
    const key = nameKey(words);
    return readAllergyEntry(this.#drugs, words).classes.some(({ allergyClass }) =>
      allergyClass.words.includes(key),
    );
  }
}

const overlap = (one: Span, other: Span): boolean => one.from < other.to && other.from < one.to;
const length = ({ from, to }: Span): number => to - from;

/** What a mention is of, whatever words it has. */
function subjectOf(mention: NoteMention): string {
  if (mention.kind === 'problem') return `problem ${mention.diagnosis.code}`;
  if (mention.kind === 'allergy') return `allergy ${nameKey(mention.entry)}`;
  return `medication ${mention.drugs
    .map(({ id }) => id)
    .toSorted()
    .join()}`;
}

/** One mention for each subject: the firmest, then the one with directions, then the first. */
function firmest(mentions: readonly NoteMention[]): NoteMention[] {
  const best = new Map<string, NoteMention>();
  for (const mention of mentions) {
    const subject = subjectOf(mention);
    const known = best.get(subject);
    if (!known || rank(mention) > rank(known)) best.set(subject, mention);
  }
  return [...best.values()].sort((a, b) => a.from - b.from);
}

/**
 * A drug that is stopped or never taken is so although it is named elsewhere as well: of the statements of one drug, that it
 * was stopped or is denied outweighs that it is listed. For problems the firmer statement counts.
 */
function rank(mention: NoteMention): number {
  const firmness = FIRMNESS.length - FIRMNESS.indexOf(mention.status);
  if (mention.kind !== 'medication') return firmness * 2;
  const outweighs = mention.status === 'stopped' || mention.status === 'negated' ? 10 : 0;
  const stated = Object.values(mention.directions).some((part) => part !== '') ? 1 : 0;
  return outweighs + firmness * 2 + stated;
}
