/** Compiles drug ids, shown names, the name index and pharmacologic classes. Decides no interaction. */

import { z } from 'zod';
import { nameKey } from '../../src/knowledge/names.ts';
import { byCodeUnit, readJson, readTsv, type Row, type TableWriter } from './tables.ts';

const namesSchema = z.object({
  about: z.string(),
  rename: z.record(z.string(), z.string()),
  add: z.record(z.string(), z.string()),
  merge: z.record(z.string(), z.array(z.string()).min(1)),
  usName: z.record(z.string(), z.string()),
  interactsAs: z.record(z.string(), z.string()),
  synonyms: z.record(z.string(), z.array(z.string()).min(1)),
});

const classFileSchema = z.object({
  about: z.string(),
  classes: z.record(z.string(), z.array(z.string())),
  preferred: z.record(z.string(), z.string()),
});

export interface DrugEntry {
  readonly id: string;
  readonly name: string;
  readonly rxcui: string;
  readonly unii: string;
}

export interface DrugClass {
  readonly kind: 'EPC' | 'Flame' | 'MeSH' | 'ChEBI';
  readonly title: string;
  readonly members: readonly string[];
  /** Members that this project added to a class of the FDA's. */
  readonly assigned: readonly string[];
}

export interface DrugTables {
  readonly drugs: ReadonlyMap<string, DrugEntry>;
  /** The drugs that a name of a source table stands for; empty when the table's name is unknown. */
  readonly resolve: (tableName: string) => readonly string[];
  /** Variant → base whose pairs also hold for the variant. */
  readonly interactsAs: ReadonlyMap<string, string>;
  readonly classes: readonly DrugClass[];
  /** Every corpus drug with the visits it occurs in. */
  readonly corpus: ReadonlyMap<string, number>;
}

const CLASS_KIND: Readonly<Record<string, DrugClass['kind']>> = { FDA: 'EPC', MeSH: 'MeSH', CHEBI: 'ChEBI' };

/** Reads ids, merges and classes. @throws Error naming the first correction that points to no drug */
export function readDrugs(directory: string): DrugTables {
  const names = namesSchema.parse(readJson(directory, 'names.json'));
  const drugs = new Map<string, DrugEntry>();
  for (const row of readTsv(directory, 'ingredients.tsv.gz')) {
    const tableName = row['ingredient']!;
    if (tableName in names.merge) continue;
    const id = names.rename[tableName] ?? tableName;
    drugs.set(id, { id, name: names.usName[id] ?? id, rxcui: row['rxcui']!, unii: row['unii']! });
  }
  for (const id of Object.keys(names.add))
    drugs.set(id, { id, name: names.usName[id] ?? id, rxcui: '', unii: '' });

  const resolve = (tableName: string): readonly string[] => {
    const merged = names.merge[tableName];
    if (merged) return merged;
    const id = names.rename[tableName] ?? tableName;
    return drugs.has(id) ? [id] : [];
  };
  const known = (id: string, where: string): void => {
    if (!drugs.has(id)) throw new Error(`names.json, ${where}: no drug is called "${id}"`);
  };
  for (const [from, to] of Object.entries(names.merge)) for (const id of to) known(id, `merge of ${from}`);
  for (const id of Object.keys(names.usName)) known(id, 'usName');
  for (const pair of Object.entries(names.interactsAs)) for (const id of pair) known(id, 'interactsAs');
  for (const [from, to] of Object.entries(names.synonyms)) for (const id of to) known(id, `synonym ${from}`);

  const corpus = new Map<string, number>();
  for (const row of readTsv(directory, 'corpus_drugs.tsv')) {
    for (const id of resolve(row['drug']!)) corpus.set(id, (corpus.get(id) ?? 0) + Number(row['visits']));
  }
  return {
    drugs,
    resolve,
    interactsAs: new Map(Object.entries(names.interactsAs)),
    classes: readClasses(directory, resolve, drugs),
    corpus,
  };
}

function readClasses(
  directory: string,
  resolve: DrugTables['resolve'],
  drugs: ReadonlyMap<string, DrugEntry>,
): DrugClass[] {
  const members = new Map<string, Set<string>>();
  const add = (kind: string, title: string, id: string): void => {
    const key = `${kind}\t${title}`;
    members.set(key, (members.get(key) ?? new Set()).add(id));
  };
  for (const row of readTsv(directory, 'drug_classes.tsv.gz')) {
    const kind = CLASS_KIND[row['source']!];
    const wanted = row['source'] !== 'FDA' || row['type'] === 'EPC';
    if (kind && wanted) for (const id of resolve(row['ingredient']!)) add(kind, row['class']!, id);
  }
  const own = classFileSchema.parse(readJson(directory, 'classes.json'));
  const assigned = new Map<string, string[]>();
  for (const [title, ids] of Object.entries(own.classes)) {
    const kind = members.has(`EPC\t${title}`) ? 'EPC' : 'Flame';
    for (const id of ids) {
      if (!drugs.has(id)) throw new Error(`classes.json, ${title}: no drug is called "${id}"`);
      if (kind === 'EPC' && members.get(`EPC\t${title}`)!.has(id)) continue;
      add(kind, title, id);
      if (kind === 'EPC') assigned.set(title, [...(assigned.get(title) ?? []), id]);
    }
  }
  return [...members]
    .map(([key, ids]) => {
      const [kind, title] = key.split('\t') as [DrugClass['kind'], string];
      const added = kind === 'EPC' ? (assigned.get(title) ?? []) : [];
      return { kind, title, members: [...ids].sort(byCodeUnit), assigned: added.sort(byCodeUnit) };
    })
    .sort((a, b) => byCodeUnit(a.kind, b.kind) || byCodeUnit(a.title, b.title));
}

/** Classes that say little in a list of drugs; never shown as a drug's class. */
const VAGUE = new Set([
  'Cardiovascular Agents', 'Central Nervous System Agents', 'Protective Agents', 'Enzyme Inhibitors',
  'Anti-Infective Agents', 'Pharmaceutic Aids', 'Sensory System Agents', 'Dermatologic Agents',
  'Radioactive Diagnostic Agent', 'Peripheral Nervous System Agents', 'Gastrointestinal Agents', 'prodrug',
  'human metabolite', 'plant metabolite', 'metabolite', 'xenobiotic', 'environmental contaminant', 'drug allergen',
]); // prettier-ignore

/**
 * The class shown with each drug: a written preference, else the FDA class with the most members, else the project's own
 * class, else the narrowest MeSH action, else the narrowest ChEBI role.
 */
export function shownClasses(directory: string, tables: DrugTables): ReadonlyMap<string, string> {
  const { preferred } = classFileSchema.parse(readJson(directory, 'classes.json'));
  const best = new Map<string, { rank: number; size: number; title: string }>();
  const rank = { EPC: 0, Flame: 1, MeSH: 2, ChEBI: 3 } as const;
  for (const group of tables.classes) {
    if (VAGUE.has(group.title)) continue;
    const broadFirst = group.kind === 'EPC' || group.kind === 'Flame';
    const size = broadFirst ? -group.members.length : group.members.length;
    for (const id of group.members) {
      const held = best.get(id);
      const here = { rank: rank[group.kind], size, title: group.title };
      if (!held || here.rank < held.rank || (here.rank === held.rank && here.size < held.size))
        best.set(id, here);
    }
  }
  const shown = new Map([...best].map(([id, { title }]) => [id, title]));
  for (const [id, title] of Object.entries(preferred)) {
    if (!tables.drugs.has(id)) throw new Error(`classes.json, preferred: no drug is called "${id}"`);
    shown.set(id, title);
  }
  return shown;
}

/** Kinds of names from the most to the least trusted: the first to claim a key keeps it. */
const KINDS = ['ingredient', 'us', 'retired', 'entry', 'synonym', 'brand', 'table-synonym'] as const;

/** Writes drugs.tsv.gz, names.tsv.gz, classes.tsv.gz. @param covered ids that occur in an interaction table or rule */
export function writeDrugs(
  directory: string,
  tables: DrugTables,
  covered: ReadonlySet<string>,
  writer: TableWriter,
): void {
  const shown = shownClasses(directory, tables);
  const ids = [...tables.drugs.keys()].sort(byCodeUnit);
  const position = new Map(ids.map((id, index) => [id, index]));
  writer.tsv(
    'drugs.tsv.gz',
    ['id', 'name', 'class', 'rxcui', 'unii', 'covered', 'visits'],
    ids.map((id) => {
      const drug = tables.drugs.get(id)!;
      const name = drug.name === id ? '' : drug.name;
      const visits = tables.corpus.get(id);
      return [
        id,
        name,
        shown.get(id) ?? '',
        drug.rxcui,
        drug.unii,
        covered.has(id) ? '1' : '',
        String(visits ?? ''),
      ];
    }),
    ['drugcentral', 'flame', 'namcs'],
  );
  writer.tsv(
    'classes.tsv.gz',
    ['kind', 'title', 'members', 'assigned'],
    tables.classes.map(({ kind, title, members, assigned }) => [
      kind,
      title,
      members.map((id) => position.get(id)!).join(' '),
      assigned.map((id) => position.get(id)!).join(' '),
    ]),
    ['fda-classes', 'mesh', 'chebi', 'flame'],
  );
  const rows = nameRows(directory, tables).map(({ kind, name, drugs }) => [
    String(KINDS.indexOf(kind)),
    name,
    drugs.map((id) => position.get(id)!).join(' '),
  ]);
  writer.tsv('names.tsv.gz', ['kind', 'name', 'drugs'], rows, [
    'drugcentral',
    'drugs-at-fda',
    'namcs',
    'flame',
  ]);
}

interface NameRow {
  readonly kind: (typeof KINDS)[number];
  readonly name: string;
  readonly drugs: readonly string[];
}

/** Every name besides the ids themselves, one row a key, ids and US names left out where they say the same. */
function nameRows(directory: string, tables: DrugTables): NameRow[] {
  const corrections = namesSchema.parse(readJson(directory, 'names.json'));
  const several = (row: Row, column: string): string[] => [
    ...new Set(row[column]!.split('|').flatMap((name) => [...tables.resolve(name)])),
  ];
  const all: NameRow[] = [];
  const add = (kind: NameRow['kind'], name: string, drugs: readonly string[]): void => {
    if (drugs.length > 0 && nameKey(name) !== '')
      all.push({ kind, name, drugs: [...new Set(drugs)].sort(byCodeUnit) });
  };
  for (const id of tables.drugs.keys()) add('ingredient', id, [id]);
  for (const { id, name } of tables.drugs.values()) if (name !== id) add('us', name, [id]);
  for (const [name, drugs] of Object.entries(corrections.merge)) add('retired', name, drugs);
  for (const [name, id] of Object.entries(corrections.rename)) add('retired', name, [id]);
  for (const [name, drugs] of Object.entries(corrections.synonyms)) add('synonym', name, drugs);
  for (const row of readTsv(directory, 'namcs_drug_entries.tsv.gz'))
    add('entry', row['entry']!, several(row, 'ingredients'));
  for (const row of readTsv(directory, 'brand_map.tsv.gz'))
    add('brand', row['brand']!, several(row, 'ingredients'));
  for (const row of readTsv(directory, 'synonyms.tsv.gz'))
    add('table-synonym', row['name']!, several(row, 'ingredient'));

  all.sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || byCodeUnit(a.name, b.name));
  const taken = new Map<string, NameRow>();
  for (const row of all) {
    const key = nameKey(row.name);
    if (!taken.has(key)) taken.set(key, row);
  }
  return [...taken.values()].filter((row) => row.kind !== 'ingredient');
}
