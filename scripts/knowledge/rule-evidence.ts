/**
 * Holds every patient rule against the contraindication sections of the tables, drug by drug: what the text says on the
 * rule's matter, whether it agrees, and what was decided where it reads otherwise. Changes no rule.
 */

import { z } from 'zod';
import { ALLERGY_CLASSES } from '../../src/knowledge/allergies.ts';
import type {
  AgeRule,
  CrossReactivityRule,
  PatientRule,
  PatientRules,
  RenalRule,
} from '../../src/knowledge/patient-rules.ts';
import { isCutOff } from '../../src/knowledge/texts.ts';
import type { SourceSupport } from '../../src/shared/domain.ts';
import { readJson } from './tables.ts';

const judgementSchema = z.strictObject({
  rule: z.string(),
  drugs: z.array(z.string()).min(1),
  /** `agrees`, `differs`: the label speaks otherwise and the rule stays, see `because`; `other`: not the rule's matter. */
  verdict: z.enum(['agrees', 'differs', 'other']),
  /** Words of the label text that were judged; the judgement falls with them. Absent where the text is silent. */
  passage: z.string().min(4).optional(),
  because: z.string().min(10),
});

const readingSchema = z.strictObject({
  rules: z.array(z.string()).min(1),
  /** Drugs of the rule that the text speaks of; all of them by default. */
  drugs: z.array(z.string()).optional(),
  verdict: z.enum(['agrees', 'differs']),
  /** What was read: address of the public copy. */
  where: z.string().min(8),
  kind: z.enum(['label', 'guideline', 'agency', 'secondary']),
  /** ISO date of the reading. */
  on: z.iso.date(),
  /** What stands there, in our words. */
  found: z.string().min(10),
});

const fileSchema = z.strictObject({
  about: z.string(),
  version: z.string(),
  judgements: z.array(judgementSchema),
  /** By class rule, as regular expressions: how sections of one side's drugs name the other side as a class. */
  classWords: z.record(
    z.string(),
    z.strictObject({ inA: z.string().optional(), inB: z.string().optional() }),
  ),
  readings: z.array(readingSchema),
  /** Sections that the source table files under a drug that they do not speak of. */
  misfiled: z.array(z.strictObject({ drug: z.string(), begins: z.string().min(8), because: z.string() })),
});

export type Judgement = z.infer<typeof judgementSchema>;
export type Reading = z.infer<typeof readingSchema>;
export type EvidenceFile = z.infer<typeof fileSchema>;

/** What the label text says of one rule and one drug. */
export type LabelAnswer =
  /** No section is held. */
  | { readonly state: 'no-section' }
  /** The sections held do not name the matter; `cut` where one of them ends early. */
  | { readonly state: 'silent'; readonly cut: boolean }
  /** What they say has another matter. */
  | { readonly state: 'other'; readonly passage: string; readonly because: string }
  | { readonly state: 'agrees'; readonly passage: string; readonly because: string | null }
  | { readonly state: 'differs'; readonly passage: string; readonly because: string };

export interface CheckedRule {
  readonly rule: PatientRule;
  readonly kind: RuleKind;
  readonly answers: ReadonlyMap<string, LabelAnswer>;
}

const KINDS = ['renal', 'age', 'pregnancy', 'lactation', 'crossReactivity'] as const;
export type RuleKind = (typeof KINDS)[number];

/** How sections name what a kind of rule is about. */
const MATTER: Readonly<Record<Exclude<RuleKind, 'crossReactivity'>, RegExp>> = {
  renal: /\b(?:renal|kidney|creatinine|anuri[ac]|dialysis|e?GFR)\b/i,
  age: /\b(?:pa?ediatric|child(?:ren)?(?![- ]Pugh)|infants?|neonates?|newborns?|elderly|(?:years?|months?) (?:of age|old))\b/i,
  pregnancy: /\b(?:pregnan\w*|child-?\s?bearing|fetal|fetus)\b/i,
  lactation: /\b(?:nursing|breast-?\s?feed\w*|lactat\w*)\b/i,
};
/** How sections name an allergy class, by its title in allergies.ts. */
const ALLERGY_MATTER: Readonly<Record<string, RegExp>> = {
  penicillins: /\b(?:penicillins?|(?:beta|β)-?\s?lactams?)\b|β-lactam/i,
  cephalosporins: /\b(?:cephalosporins?|beta-?\s?lactams?)\b|β-lactam/i,
  'sulfonamide antibacterials': /\bsulfonamides?\b/i,
  'nonsteroidal anti-inflammatory drugs': /\b(?:aspirin|NSAIDs?|non-?\s?steroidal)\b/i,
  macrolides: /\b(?:macrolides?|ketolides?)\b/i,
  quinolones: /\bquinolones?\b|fluoroquinolone/i,
  tetracyclines: /\btetracyclines\b|tetracycline(?:-class| class)/i,
  'ACE inhibitors': /\bACE inhibitors?\b|angiotensin[- ]converting/i,
};

export function readEvidence(directory: string): EvidenceFile {
  return fileSchema.parse(readJson(directory, 'rule-evidence.json'));
}

/**
 * @param sections contraindication sections by drug, as compiled
 * @throws Error naming every rule that label text contradicts and nobody judged, and every judgement whose words are gone
 */
export function checkPatientRules(
  rules: PatientRules,
  sections: ReadonlyMap<string, readonly string[]>,
  { judgements }: EvidenceFile,
): CheckedRule[] {
  const problems: string[] = [];
  const used = new Set<string>();
  const checked = KINDS.flatMap((kind) =>
    rules[kind].map((rule): CheckedRule => {
      const answers = new Map<string, LabelAnswer>();
      for (const drug of rule.drugs) {
        const judgement = judgements.find(({ rule: id, drugs }) => id === rule.id && drugs.includes(drug));
        if (judgement) used.add(`${rule.id} ${drug}`);
        const answer = answerFor(kind, rule, sections.get(drug) ?? [], judgement);
        if (typeof answer === 'string') problems.push(`${rule.id}, ${drug}: ${answer}`);
        else answers.set(drug, answer);
      }
      return { rule, kind, answers };
    }),
  );
  for (const { rule, drugs } of judgements) {
    for (const drug of drugs) {
      if (!used.has(`${rule} ${drug}`)) problems.push(`${rule}, ${drug}: judged, but there is no such rule`);
    }
  }
  if (problems.length > 0) throw new Error(`rule-evidence.json:\n${problems.join('\n')}`);
  return checked;
}

/** The answer, or what has to be judged first. */
function answerFor(
  kind: RuleKind,
  rule: PatientRule,
  texts: readonly string[],
  judgement: Judgement | undefined,
): LabelAnswer | string {
  const passages = texts.flatMap((text) => passagesOf(text, matterOf(kind, rule)));
  if (judgement) return judged(judgement, texts);
  if (texts.length === 0) return { state: 'no-section' };
  if (passages.length === 0) {
    const cut = texts.some(isCutOff);
    // A rule that calls a drug contraindicated has to find its matter in a section that is held whole.
    if (rule.severity === 4 && !cut) return 'contraindicated by the rule, and the whole section is silent';
    return { state: 'silent', cut };
  }
  const agreeing = bestOf(passages.filter((passage) => agreesByItself(kind, rule, passage)));
  if (rule.severity === 4 && agreeing !== undefined)
    return { state: 'agrees', passage: agreeing, because: null };
  return `to be judged: ${passages.map((passage) => `“${passage}”`).join(' ')}`;
}

function judged({ verdict, passage, because }: Judgement, texts: readonly string[]): LabelAnswer | string {
  if (passage === undefined) {
    return verdict === 'agrees'
      ? 'agreement needs the words that agree'
      : { state: verdict, passage: '', because };
  }
  const text = texts.find((one) => one.includes(passage));
  if (text === undefined) return `no label text holds “${passage}” any more`;
  return { state: verdict, passage: sentenceWith(text, passage), because };
}

/** The matter is named, and where the rule has a number, the same number. */
function agreesByItself(kind: RuleKind, rule: PatientRule, passage: string): boolean {
  if (kind === 'renal') {
    const { below } = rule as RenalRule;
    const number = new RegExp(`(?<![\\d.])${below}(?![\\d.])\\s*mL`, 'i');
    return (
      number.test(passage) ||
      (below === 30 && /\bsevere renal (?:impairment|dysfunction|disease)/i.test(passage))
    );
  }
  if (kind === 'age') {
    const { maxAge } = rule as AgeRule;
    if (maxAge === null) return false;
    return agesIn(passage).includes(maxAge + 1);
  }
  return true;
}

const NUMBERS = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];

/** Ages in years that a passage names; `24 months` are 2 years. */
function agesIn(passage: string): number[] {
  const numeral = `\\d+|${NUMBERS.join('|')}`;
  return [...passage.matchAll(new RegExp(`\\b(${numeral})[\\s-]+(years?|months?)`, 'gi'))].map(
    ([, count = '', unit = '']) => {
      const spelt = NUMBERS.indexOf(count.toLowerCase());
      const number = spelt >= 0 ? spelt : Number(count);
      return unit.toLowerCase().startsWith('month') ? number / 12 : number;
    },
  );
}

/** The sentences or list items of a section that name a matter, cut around its name, without cross-references. */
export function passagesOf(text: string, matter: RegExp): string[] {
  return sentences(text).flatMap((sentence) => {
    const at = matter.exec(sentence);
    return at === null ? [] : [around(sentence, at.index, at[0].length)];
  });
}

/** What an allergy class's own members say of the class; empty for a member whose sections do not name it. */
export function allergyClassSupport(
  members: (name: string) => readonly string[],
  sections: ReadonlyMap<string, readonly string[]>,
): Readonly<Record<string, Readonly<Record<string, SourceSupport>>>> {
  return Object.fromEntries(
    ALLERGY_CLASSES.map(({ title, members: names }) => {
      const matter = ALLERGY_MATTER[title]!;
      const supported = names.flatMap(members).flatMap((id) => {
        const passages = (sections.get(id) ?? []).flatMap((text) => passagesOf(text, matter));
        const words = bestOf(passages.filter((passage) => ALLERGIC.test(passage)));
        return words === undefined ? [] : [[id, { state: 'label', words }] as const];
      });
      return [title, Object.fromEntries(supported)];
    }),
  );
}

const ALLERGIC = /hypersensitiv|allerg|asthma|urticaria|angioedema|reaction/i;

function matterOf(kind: RuleKind, rule: PatientRule): RegExp {
  return kind === 'crossReactivity'
    ? ALLERGY_MATTER[(rule as CrossReactivityRule).allergyClass]!
    : MATTER[kind];
}

/** The passage that forbids most plainly. */
function bestOf(passages: readonly string[]): string | undefined {
  return passages.find((passage) => /contraindicat|should not|do not use/i.test(passage)) ?? passages[0];
}

function sentenceWith(text: string, words: string): string {
  const sentence = sentences(text).find((one) => one.includes(words));
  return sentence === undefined ? words : around(sentence, sentence.indexOf(words), words.length);
}

function sentences(text: string): string[] {
  return text
    .replace(/[[(]\s*see\b[^\])]*[\])]?/gi, ' ')
    .split(/(?<=[.;•])\s+|\s•\s*/)
    .map((part) =>
      part
        .replaceAll(/\s+/g, ' ')
        .replaceAll(/\s+([.,;])/g, '$1')
        .trim(),
    )
    .filter((part) => part.length > 3);
}

/** Shown of a passage on each side of what it is quoted for. */
const CONTEXT = 130;

function around(sentence: string, at: number, length: number): string {
  const start = at <= CONTEXT ? 0 : sentence.indexOf(' ', at - CONTEXT) + 1;
  const end = at + length + CONTEXT;
  const stop =
    end >= sentence.length ? sentence.length : Math.max(sentence.lastIndexOf(' ', end), at + length);
  return `${start > 0 ? '… ' : ''}${sentence.slice(start, stop)}${stop < sentence.length ? ' …' : ''}`;
}

/** What a finding by the rule may say of its source, by drug; drugs that nothing was read for are left out. */
export function supportOf(
  { rule, answers }: CheckedRule,
  readings: readonly Reading[],
): Readonly<Record<string, SourceSupport>> {
  const support: Record<string, SourceSupport> = {};
  for (const drug of rule.drugs) {
    const answer = answers.get(drug);
    const reading = readings.find(
      ({ rules, drugs }) => rules.includes(rule.id) && (drugs === undefined || drugs.includes(drug)),
    );
    if (answer?.state === 'agrees') support[drug] = { state: 'label', words: answer.passage };
    else if (answer?.state === 'differs') {
      const read = reading?.verdict === 'agrees' ? ` ${readingWords(reading).words}` : '';
      support[drug] = { state: 'label-differs', words: `“${answer.passage}” ${answer.because}${read}` };
    } else if (reading) support[drug] = readingWords(reading);
  }
  return support;
}

export function readingWords({ verdict, kind, where, on, found }: Reading): SourceSupport {
  const agrees = kind === 'secondary' ? 'secondary' : 'read';
  return { state: verdict === 'agrees' ? agrees : 'read-differs', words: `${found} (${where}, ${on})` };
}
