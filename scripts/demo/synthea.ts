/** Synthea FHIR R4 bundles of data/demo/synthea → visits, by the rules of data/demo/README.md. No general FHIR reader. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import type { Setting, Sex, VisitRecord } from '../../src/shared/domain.ts';
import { readList, readTable, unique } from './tables.ts';

/** Encounters before this year are too long ago to show. */
const FIRST_YEAR = 2010;

const concept = z.object({
  coding: z.array(z.object({ code: z.string(), display: z.string() })).min(1),
  text: z.string(),
});
const reference = z.object({ reference: z.string() });
const resource = z.discriminatedUnion('resourceType', [
  z.object({
    resourceType: z.literal('Patient'),
    id: z.string(),
    name: z.array(z.object({ family: z.string(), given: z.array(z.string()) })),
    gender: z.enum(['male', 'female']),
    birthDate: z.string(),
  }),
  z.object({
    resourceType: z.literal('Encounter'),
    id: z.string(),
    class: z.object({ code: z.enum(['AMB', 'EMER', 'IMP']) }),
    type: z.array(concept),
    period: z.object({ start: z.string() }),
  }),
  z.object({
    resourceType: z.literal('Condition'),
    code: concept,
    encounter: reference,
    onsetDateTime: z.string(),
    abatementDateTime: z.string().optional(),
  }),
  z.object({
    resourceType: z.literal('MedicationRequest'),
    status: z.string(),
    medicationCodeableConcept: concept,
    encounter: reference,
    authoredOn: z.string(),
  }),
  z.object({ resourceType: z.literal('AllergyIntolerance'), code: concept, recordedDate: z.string() }),
]);
type Resource = z.infer<typeof resource>;
type Of<Type extends Resource['resourceType']> = Extract<Resource, { resourceType: Type }>;

const KNOWN = new Set(['Patient', 'Encounter', 'Condition', 'MedicationRequest', 'AllergyIntolerance']);
const bundle = z.object({
  entry: z.array(z.object({ resource: z.looseObject({ resourceType: z.string() }) })),
});

const SETTINGS: Readonly<Record<Of<'Encounter'>['class']['code'], Setting>> = {
  AMB: 'office',
  EMER: 'emergency',
  IMP: 'inpatient',
};

interface Maps {
  readonly conditions: ReadonlyMap<string, { readonly code: string; readonly chronic: string }>;
  readonly drugs: ReadonlyMap<string, readonly string[]>;
}

export function compileSynthea(folder: string): VisitRecord[] {
  const maps: Maps = {
    conditions: new Map(
      readTable(join(folder, 'snomed-to-icd10cm.tsv')).map((row) => [
        row['snomed']!,
        { code: row['icd10cm']!, chronic: row['chronic']! },
      ]),
    ),
    drugs: new Map(
      readTable(join(folder, 'rxnorm-to-ingredients.tsv')).map((row) => [
        row['rxnorm']!,
        readList(row['ingredients']!),
      ]),
    ),
  };
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json.gz'))
    .sort()
    .flatMap((name) => visitsOf(readBundle(join(folder, name)), maps));
}

function readBundle(path: string): Resource[] {
  const { entry } = bundle.parse(JSON.parse(gunzipSync(readFileSync(path)).toString('utf8')));
  return entry
    .filter((item) => KNOWN.has(item.resource.resourceType))
    .map((item) => resource.parse(item.resource));
}

function visitsOf(resources: readonly Resource[], maps: Maps): VisitRecord[] {
  const all = <Type extends Resource['resourceType']>(type: Type): Of<Type>[] =>
    resources.filter((item): item is Of<Type> => item.resourceType === type);
  const [patient] = all('Patient');
  if (!patient) throw new Error('a bundle without a patient');
  const conditions = all('Condition').map((item) => ({ item, map: lookUp(maps.conditions, item.code) }));
  const requests = all('MedicationRequest').map((item) => ({
    item,
    ingredients: lookUp(maps.drugs, item.medicationCodeableConcept),
  }));
  const records: VisitRecord[] = [];
  let previous: readonly string[] = [];
  const encounters = all('Encounter').sort((a, b) => (a.period.start < b.period.start ? -1 : 1));
  for (const encounter of encounters) {
    const start = encounter.period.start;
    const here = ({ encounter: { reference: target } }: { encounter: { reference: string } }): boolean =>
      target === `urn:uuid:${encounter.id}`;
    const active = conditions.filter(
      ({ item, map }) =>
        map.code !== '' &&
        (here(item) ||
          (item.onsetDateTime < start &&
            (item.abatementDateTime === undefined || item.abatementDateTime > start))),
    );
    const ordered = requests.filter(({ item }) => here(item));
    const news = ordered.length > 0 || active.some(({ item }) => here(item));
    const isLast = encounter === encounters.findLast(({ class: { code } }) => code === 'AMB');
    if (Number(start.slice(0, 4)) < FIRST_YEAR || active.length === 0 || !(news || isLast)) continue;
    const current = unique(
      requests
        .filter(({ item }) => item.status === 'active' && item.authoredOn < start && !here(item))
        .flatMap(({ ingredients }) => ingredients),
    );
    const drugs = unique(ordered.flatMap(({ ingredients }) => ingredients)).filter(
      (drug) => !current.includes(drug),
    );
    records.push({
      visit: `synthea-${encounter.id}`,
      patient: `synthea-${patient.id}`,
      name: nameOf(patient),
      date: start.slice(0, 10),
      year: Number(start.slice(0, 4)),
      age: ageAt(patient.birthDate, start),
      sex: ({ male: 'M', female: 'F' } as const satisfies Record<string, Sex>)[patient.gender],
      setting: SETTINGS[encounter.class.code],
      reasons: [],
      dx_system: 'ICD-10-CM',
      dx: unique(byNews(active, here).map(({ map }) => map.code)),
      chronic: unique(active.map(({ map }) => map.chronic).filter((flag) => flag !== '')),
      procedures: [],
      allergies: all('AllergyIntolerance')
        .filter((allergy) => allergy.recordedDate <= start)
        .map((allergy) => allergy.code.text),
      current,
      previous,
      drugs,
      notes: `Synthetic patient. ${encounter.type[0]?.text ?? 'Encounter'}.`,
    });
    previous = drugs.length > 0 ? drugs : previous;
  }
  return records;
}

/** What the encounter is about comes first, then what was there before. */
function byNews<T extends { item: Of<'Condition'> }>(
  active: readonly T[],
  here: (item: Of<'Condition'>) => boolean,
): T[] {
  return [...active.filter(({ item }) => here(item)), ...active.filter(({ item }) => !here(item))];
}

function lookUp<Value>(map: ReadonlyMap<string, Value>, { coding, text }: z.infer<typeof concept>): Value {
  const value = map.get(coding[0]!.code);
  if (value === undefined) throw new Error(`no row for ${coding[0]!.code} (${text})`);
  return value;
}

/** Synthea marks its names with digits (`Patria148 Schimmel440`); they are left out for reading. */
function nameOf(patient: Of<'Patient'>): string {
  const [name] = patient.name;
  return `${name?.given[0] ?? ''} ${name?.family ?? ''}`.replace(/\d+/g, '').trim();
}

function ageAt(birthDate: string, date: string): number {
  const years = Number(date.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return date.slice(5, 10) < birthDate.slice(5, 10) ? years - 1 : years;
}
