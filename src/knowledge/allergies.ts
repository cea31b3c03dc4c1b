/**
 * Reads written allergy entries as drugs: ingredients, brands, and the classes whose labels forbid the whole class.
 * Knows no food and no pollen, and says which entries it did not understand.
 */

import type { DrugId } from '../shared/ids.ts';
import type { Drugs } from './drugs.ts';
import { nameKey } from './names.ts';

/** What one entry says: the drugs it names, and the classes that it names or whose members it names. */
export interface AllergyEntry {
  readonly entry: string;
  readonly named: readonly DrugId[];
  /** With the members of each, and then its partners. */
  readonly classes: readonly { readonly allergyClass: AllergyClass; readonly members: readonly DrugId[] }[];
}

export interface AllergyReading {
  readonly excluded: ReadonlyMap<DrugId, string>;
  /** Entries that name no drug and no class: nothing was excluded for them. */
  readonly notUnderstood: readonly string[];
}

/**
 * A class whose members share the contraindication in the labels (section 4, Contraindications): an allergy to one
 * excludes them all. Written for this project; no pharmacist has reviewed it.
 */
export interface AllergyClass {
  readonly title: string;
  /** Keys (nameKey) under which people write the class down. */
  readonly words: readonly string[];
  readonly members: readonly string[];
  /** Ingredients sold only together with a member: excluded with the class, though an allergy to one says nothing of it. */
  readonly partners?: readonly string[];
  readonly citation: string;
}

const list = (text: string): readonly string[] => text.split(',').map((name) => name.trim());

export const ALLERGY_CLASSES: readonly AllergyClass[] = [
  {
    title: 'penicillins',
    words: list('penicillin, penicillins, pcn, pen, penicillin class, aminopenicillin, aminopenicillins'),
    members: list(
      'amoxicillin, ampicillin, carbenicillin, cloxacillin, dicloxacillin, nafcillin, oxacillin, penicillin g, penicillin v, piperacillin, ticarcillin',
    ),
    // Sulbactam and tazobactam come with drugs of other classes as well (durlobactam, ceftolozane).
    partners: list('clavulanic acid'),
    citation:
      'Amoxicillin label, section 4: serious hypersensitivity to amoxicillin or to other beta-lactam antibacterials',
  },
  {
    title: 'cephalosporins',
    words: list('cephalosporin, cephalosporins, cefalosporin, cefalosporins'),
    members: list(
      'cefaclor, cefadroxil, cefazolin, cefdinir, cefditoren pivoxil, cefepime, cefixime, cefoperazone, cefotaxime, cefotetan, cefoxitin, cefpodoxime, cefprozil, ceftaroline fosamil, ceftazidime, ceftibuten, ceftizoxime, ceftriaxone, cefuroxime, cephalexin, cephradine, loracarbef',
    ),
    citation:
      'Cephalexin label, section 4: hypersensitivity to cephalexin or other members of the cephalosporin class',
  },
  {
    title: 'sulfonamide antibacterials',
    words: list(
      'sulfa, sulpha, sulfas, sulfa drugs, sulfa antibiotics, sulfonamide, sulfonamides, sulphonamide, sulphonamides, sulfonamide antibiotics',
    ),
    members: list(
      'mafenide, sulfacetamide, sulfadiazine, sulfadiazine silver, sulfadoxine, sulfamethoxazole, sulfasalazine, sulfisoxazole, sulfisoxazole acetyl',
    ),
    citation:
      'Sulfamethoxazole and trimethoprim label, section 4: hypersensitivity to sulfonamides; sulfasalazine label, section 4',
  },
  {
    title: 'nonsteroidal anti-inflammatory drugs',
    words: list(
      'nsaid, nsaids, nonsteroidal anti inflammatory drug, nonsteroidal anti inflammatory drugs, non steroidal anti inflammatory drugs, nonsteroidals, anti inflammatories',
    ),
    members: list(
      'aspirin, celecoxib, diclofenac, diflunisal, etodolac, fenoprofen, flurbiprofen, ibuprofen, indomethacin, ketoprofen, ketorolac, meclofenamic acid, mefenamic acid, meloxicam, nabumetone, naproxen, oxaprozin, piroxicam, rofecoxib, salsalate, sulindac, tolmetin, valdecoxib',
    ),
    citation:
      'Naproxen label, section 4: asthma, urticaria or other allergic reaction after aspirin or other NSAIDs',
  },
  {
    title: 'macrolides',
    words: list('macrolide, macrolides, macrolide antibiotics'),
    members: list('azithromycin, clarithromycin, dirithromycin, erythromycin, telithromycin'),
    citation:
      'Azithromycin label, section 4: hypersensitivity to azithromycin, erythromycin, any macrolide or ketolide',
  },
  {
    title: 'quinolones',
    words: list('quinolone, quinolones, fluoroquinolone, fluoroquinolones'),
    members: list(
      'ciprofloxacin, gatifloxacin, gemifloxacin, levofloxacin, lomefloxacin, moxifloxacin, norfloxacin, ofloxacin, sparfloxacin, trovafloxacin',
    ),
    citation:
      'Levofloxacin label, section 4: hypersensitivity to levofloxacin or other quinolone antibacterials',
  },
  {
    title: 'tetracyclines',
    words: list('tetracyclines, tetracycline class, tetracycline antibiotics'),
    members: list('demeclocycline, doxycycline, minocycline, oxytetracycline, tetracycline, tigecycline'),
    citation: 'Doxycycline label, section 4: hypersensitivity to any of the tetracyclines',
  },
  {
    title: 'ACE inhibitors',
    words: list('ace inhibitor, ace inhibitors, acei, angiotensin converting enzyme inhibitors'),
    members: list(
      'benazepril, captopril, enalapril, enalaprilat, fosinopril, lisinopril, moexipril, perindopril, quinapril, ramipril, trandolapril',
    ),
    citation: 'Lisinopril label, section 4: angioedema related to previous treatment with an ACE inhibitor',
  },
];

/** `Allergy to penicillins (rash)` → `penicillins`. */
function subjectOf(entry: string): string {
  return entry
    .replace(/\(.*?\)|\[.*?\]/g, ' ')
    .replace(/\b(severe|mild|moderate|known|drug)\b/gi, ' ')
    .replace(/^\s*(allerg(y|ic) to|hypersensitivity to|intolerance (of|to))\b/i, ' ')
    .replace(/\b(allergy|hypersensitivity|intolerance)\s*$/i, ' ')
    .trim();
}

/** The classes with their members as ids, resolved once for each set of tables. */
function classMembers(drugs: Drugs): readonly ResolvedClass[] {
  const idsOf = (names: readonly string[]): DrugId[] =>
    names.flatMap((name) => drugs.find(name)).map((id) => drugs.canonical(id));
  let classes = resolved.get(drugs);
  if (!classes) {
    classes = ALLERGY_CLASSES.map((allergyClass) => ({
      allergyClass,
      members: idsOf([...allergyClass.members, ...(allergyClass.partners ?? [])]),
      partners: new Set(idsOf(allergyClass.partners ?? [])),
    }));
    resolved.set(drugs, classes);
  }
  return classes;
}
type ResolvedClass = AllergyEntry['classes'][number] & { readonly partners: ReadonlySet<DrugId> };
const resolved = new WeakMap<Drugs, readonly ResolvedClass[]>();

/** One entry as drugs and classes; both empty when it names none. */
export function readAllergyEntry(drugs: Drugs, entry: string): AllergyEntry {
  const subject = subjectOf(entry);
  const key = nameKey(subject);
  const named = drugs.find(subject).map((id) => drugs.canonical(id));
  const classes = classMembers(drugs).filter(
    ({ allergyClass, members, partners }) =>
      allergyClass.words.includes(key) || named.some((id) => members.includes(id) && !partners.has(id)),
  );
  return { entry, named, classes };
}

/** Drugs that recorded allergies exclude, each with the entry that excludes it. */
export function readAllergies(drugs: Drugs, entries: readonly string[]): AllergyReading {
  const excluded = new Map<DrugId, string>();
  const notUnderstood: string[] = [];
  for (const entry of entries) {
    const { named, classes } = readAllergyEntry(drugs, entry);
    const all = [...named, ...classes.flatMap(({ members }) => members)];
    if (all.length === 0) notUnderstood.push(entry);
    for (const id of all) if (!excluded.has(id)) excluded.set(id, entry);
  }
  return { excluded, notUnderstood };
}
