/**
 * Finds drug names in a sentence, brands, synonyms and combinations included, and the directions behind them. Links a name
 * only when a table holds it; corrects no spelling and infers no dose.
 */

import type { Drugs } from '../knowledge/drugs.ts';
import { nameKey } from '../knowledge/names.ts';
import type { Directions } from '../shared/domain.ts';
import type { DrugId } from '../shared/ids.ts';
import { type Token, tokensOf } from './tokens.ts';

export interface DrugWords {
  readonly from: number;
  readonly to: number;
  readonly drugs: readonly DrugId[];
  readonly directions: Directions;
}

/**
 * Abbreviations of drug names as they stand in notes. ISMP's list of error-prone abbreviations (2021) warns of several of
 * them: the reader sees the full name and confirms it.
 */
const ABBREVIATIONS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    asa: ['aspirin'],
    apap: ['acetaminophen'],
    hctz: ['hydrochlorothiazide'],
    mtx: ['methotrexate'],
    ntg: ['nitroglycerin'],
    inh: ['isoniazid'],
    mmf: ['mycophenolate'],
    ptu: ['propylthiouracil'],
    'tmp-smx': ['trimethoprim', 'sulfamethoxazole'],
    'tmp/smx': ['trimethoprim', 'sulfamethoxazole'],
    'smx-tmp': ['trimethoprim', 'sulfamethoxazole'],
    'smx/tmp': ['trimethoprim', 'sulfamethoxazole'],
    kcl: ['potassium chloride'],
    feso4: ['ferrous sulfate'],
    nph: ['insulin isophane'],
  }),
);

/** Words that tables hold as a name of a drug and that mean something else in a note. */
const NOT_DRUGS = new Set(
  (
    'air alcohol water ice salt sugar honey milk egg eggs wheat peanut peanuts latex dust pollen soap oil tea coffee tobacco ' +
    'nicotine cannabis marijuana cocaine heroin oxygen blood plasma saline fluid fluids barium contrast today plan focus one ' +
    'complete advance balance assure boost ensure life care relief control support prime max plus ultra basic select clear ' +
    'total normal protein fiber starch yeast cortisol histamine dopamine serotonin bilirubin creatinine tsh hcg acth ' +
    'tomato corn rice soy cat dog charcoal silver gold copper lead mercury aluminum ' +
    'pain cold sleep calm fever cough gas diet stool stress menopause triad'
  ).split(' '),
);
/** These stand in laboratory results as well: a drug only with a strength, a dose form or in a list of medications. */
const ANALYTES = new Set(
  (
    'potassium sodium calcium magnesium phosphate phosphorus chloride bicarbonate glucose dextrose urea albumin iron ferritin zinc ' +
    'folate vitamin insulin lithium thyroxine testosterone estradiol progesterone cholesterol digoxin phenytoin'
  ).split(' '),
);

/** What says of an analyte's name that it is a drug. */
const TAKEN_BEFORE =
  /\b(?:takes?|taking|on|start(?:ed|ing)?|stop(?:ped|ping)?|held|hold|continued?|given|give|add)\s+$/i;

/** Words in one name at most. */
const LONGEST_NAME = 5;
const SHORTEST_NAME = 4;

const AMOUNT =
  '(?:\\d[\\d.,]*(?:\\s?[-–/]\\s?\\d[\\d.,]*)?\\s?(?:mg|mcg|µg|ug|g|gm|ml|meq|mmol|units?|iu|u|%|puffs?|tabs?|tablets?|caps?|capsules?|drops?|gtts?|sprays?|patch(?:es)?)(?:\\s?/\\s?(?:\\d[\\d.,]*\\s?)?(?:ml|hr?|hour|day|dose|puff|act))?)';
const DOSE = new RegExp(`^[\\s,(]*((?:${AMOUNT}[\\s,]*){1,2})\\)?`, 'i');
const FORM =
  /^[\s,]*(?:(?:extended|delayed|immediate)[- ]release|er|xr|xl|sr|la|cr|ec|dr|odt|tablets?|tabs?|capsules?|caps?|inhaler|hfa|cream|ointment|patch|solution|suspension|syrup|injection|nebs?|gel|drops?)\b\.?/i;
const ROUTE =
  /^[\s,]*(?:by (mouth)|(p\.?o\.?|per os|orally|oral|iv|i\.v\.|im|sc|sq|subq|subcut(?:aneous(?:ly)?)?|sl|sublingual(?:ly)?|pr|rectal(?:ly)?|topical(?:ly)?|inhaled|inh|intranasal(?:ly)?|nasal(?:ly)?|transdermal(?:ly)?|ophthalmic|ou|od|os|vaginal(?:ly)?))(?![\w])/i;
const FREQUENCY =
  /^[\s,]*((?:once|twice|three times|four times|\d+ ?x|\d+ times)(?: (?:a|per|each|every))? ?(?:day|daily|week|weekly|month|monthly|night)|once|every (?:other )?(?:day|morning|evening|night|week|month|\d+(?:\s?[-–]\s?\d+)? ?(?:h|hr|hrs|hours?|days?|weeks?|months?))|q\.?\s?\d+(?:\s?[-–]\s?\d+)?\s?(?:h|hr|hrs|hours?|d|days?|weeks?|wk|months?)|daily|nightly|weekly|monthly|qd|q\.d\.|qday|qam|qpm|qhs|hs|qod|bid|b\.i\.d\.?|tid|t\.i\.d\.?|qid|q\.i\.d\.?|qac|ac|at (?:bedtime|night)|in the (?:morning|evening)|before meals|with meals|prn|p\.r\.n\.?|as needed)(?![\w])(\s*,?\s*(?:prn|p\.r\.n\.?|as needed|at bedtime|with meals|before meals|in the morning))?/i;

/** @param offset of the sentence in the note, added to the places; @param listed it stands in a list of medications */
export function findDrugs(drugs: Drugs, sentence: string, offset: number, listed: boolean): DrugWords[] {
  const tokens = tokensOf(sentence);
  const found: DrugWords[] = [];
  for (let at = 0; at < tokens.length;) {
    const name = longestName(drugs, sentence, tokens, at, listed);
    if (name === null) {
      at += 1;
      continue;
    }
    const to = tokens[at + name.words - 1]!.to;
    const { directions } = readDirections(sentence.slice(to));
    found.push({ from: offset + tokens[at]!.from, to: offset + to, drugs: name.drugs, directions });
    at += name.words;
  }
  return found;
}

function longestName(
  drugs: Drugs,
  sentence: string,
  tokens: readonly Token[],
  at: number,
  listed: boolean,
): { readonly drugs: readonly DrugId[]; readonly words: number } | null {
  for (let words = Math.min(LONGEST_NAME, tokens.length - at); words > 0; words -= 1) {
    const part = tokens.slice(at, at + words);
    // Words of one name stand side by side, with nothing but blanks between them.
    if (part.some(({ to }, i) => i + 1 < words && sentence.slice(to, part[i + 1]!.from).trim() !== ''))
      continue;
    const taken = listed || TAKEN_BEFORE.test(sentence.slice(0, part[0]!.from));
    const found = lookUp(drugs, part, sentence.slice(part.at(-1)!.to), taken);
    if (found !== null) return { drugs: found, words };
  }
  return null;
}

function lookUp(
  drugs: Drugs,
  part: readonly Token[],
  rest: string,
  listed: boolean,
): readonly DrugId[] | null {
  const [first] = part;
  const abbreviated = part.length === 1 ? ABBREVIATIONS.get(first!.word) : undefined;
  if (abbreviated) {
    const known = abbreviated.flatMap((name) => drugs.find(name));
    return known.length > 0 ? known : null;
  }
  const name = part.map(({ word }) => word).join(' ');
  const key = nameKey(name);
  if (key.length < SHORTEST_NAME || /^[\d\s%]+$/.test(key) || NOT_DRUGS.has(key)) return null;
  // A name begins and ends with a word of its own: `mg` and `tablet` are left to the directions.
  if (!drugs.isName(part.length === 1 ? key : name)) return null;
  const found = drugs.find(name);
  if (found.length === 0) return null;
  if (ANALYTES.has(first!.word) && part.length === 1 && !listed && !DOSE.test(rest) && !FORM.test(rest))
    return null;
  return found;
}

/** What stands behind a name: strength, form, route, frequency, in any usual order. */
export function readDirections(rest: string): { readonly directions: Directions } {
  let text = rest;
  let dose = '';
  let route = '';
  let frequency = '';
  for (let part = 0; part < 6; part += 1) {
    const amount = dose === '' ? DOSE.exec(text) : null;
    if (amount) {
      dose = tidy(amount[1]!);
      text = text.slice(amount[0].length);
      continue;
    }
    const form = FORM.exec(text);
    if (form) {
      text = text.slice(form[0].length);
      continue;
    }
    const way = route === '' ? ROUTE.exec(text) : null;
    if (way) {
      route = way[1] === undefined ? tidy(way[2]!) : 'by mouth';
      text = text.slice(way[0].length);
      continue;
    }
    const often = frequency === '' ? FREQUENCY.exec(text) : null;
    if (often) {
      frequency = tidy(often[0]);
      text = text.slice(often[0].length);
      continue;
    }
    break;
  }
  return { directions: { dose, route, frequency } };
}

function tidy(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/^[\s,(]+|[\s,)]+$/g, '');
}
