/**
 * Reads back what Flame's own FHIR export says beyond the standard: that an Encounter is a whole record, its exact age,
 * setting, notes and codes of Flame's own. Anything that is not as Flame writes it counts as absent, never as an error.
 */

import { z } from 'zod';
import { LAST_MONTH, OLDEST } from '../../../shared/check-input.ts';
import type { Lactation, Setting } from '../../../shared/domain.ts';
import { COMPLETE_RECORD, DRUG_SYSTEM, FLAME, SYSTEMS } from '../../fhir-export/terms.ts';
import { referenced, type Concept, type Resource } from './resources.ts';

/** An Encounter to which nothing is added that does not name it. */
export interface OwnEncounter {
  readonly visit: string | null;
  readonly age: number | null;
  readonly ageMonths: number | null;
  readonly setting: Setting | null;
  readonly lactation: Lactation | null;
  readonly notes: string;
  /** Resources of the allergies that were known at the visit. */
  readonly allergies: readonly string[];
  readonly specialty: string | null;
  readonly reasons: readonly string[];
  /** Nothing was prescribed yet. */
  readonly open: boolean;
}

const LONGEST_NOTE = 200_000;
const extension = z.looseObject({ url: z.string(), valueReference: z.unknown().optional() });
const FIELDS = {
  'age-in-years': z.int().min(0).max(OLDEST),
  'age-in-months': z.int().min(0).max(LAST_MONTH),
  setting: z.enum(['office', 'inpatient', 'intensive-care', 'emergency', 'unknown']),
  lactation: z.enum(['lactating', 'not-lactating']),
  notes: z.string().max(LONGEST_NOTE),
  [COMPLETE_RECORD]: z.literal(true),
} as const;
const reference = z.object({ reference: z.string().max(2000) });

/** Null for an Encounter that Flame did not write, or not as a whole record. */
export function ownEncounter(encounter: Resource<'Encounter'>): OwnEncounter | null {
  const extensions = listOf(encounter.extension, extension);
  const valueOf = <Name extends keyof typeof FIELDS>(name: Name): z.infer<(typeof FIELDS)[Name]> | null => {
    const found = extensions.find(({ url }) => url === `${FLAME}/StructureDefinition/${name}`);
    const value = Object.entries(found ?? {}).find(([field]) => field.startsWith('value'))?.[1];
    const parsed = FIELDS[name].safeParse(value);
    return parsed.success ? (parsed.data as z.infer<(typeof FIELDS)[Name]>) : null;
  };
  if (valueOf(COMPLETE_RECORD) !== true) return null;
  return {
    visit: ownIdentifier(encounter.identifier, 'visit'),
    age: valueOf('age-in-years'),
    ageMonths: valueOf('age-in-months'),
    setting: valueOf('setting'),
    lactation: valueOf('lactation'),
    notes: valueOf('notes') ?? '',
    allergies: extensions
      .filter(({ url }) => url === `${FLAME}/StructureDefinition/allergy`)
      .flatMap(({ valueReference }) => {
        const parsed = reference.safeParse(valueReference);
        return parsed.success ? (referenced(parsed.data) ?? []) : [];
      }),
    specialty: ownCodes(encounter.serviceType, 'NAMCS-SPECIALTY')[0] ?? null,
    reasons: (encounter.reasonCode ?? []).flatMap((concept) => ownCodes(concept, 'NAMCS-REASON')),
    open: encounter.status === 'in-progress',
  };
}

/** The identifier under which the visit or patient was imported or made. */
export function ownIdentifier(identifiers: unknown, of: 'visit' | 'patient'): string | null {
  const shape = z.object({
    system: z.literal(`${FLAME}/identifier/${of}`),
    value: z.string().min(1).max(300),
  });
  return listOf(identifiers, shape)[0]?.value ?? null;
}

/** Codes of a system of Flame's own. */
export function ownCodes(concept: Concept | undefined, system: keyof typeof SYSTEMS): string[] {
  return codedIn(concept, SYSTEMS[system]);
}

/** The ingredient that Flame's tables call so; it says more than words or a RxNorm concept that several share. */
export function ownIngredient(concept: Concept): string | null {
  return codedIn(concept, DRUG_SYSTEM)[0] ?? null;
}

function codedIn(concept: Concept | undefined, address: string): string[] {
  return (concept?.coding ?? []).flatMap(({ system, code }) => (system === address && code ? [code] : []));
}

function listOf<Item extends z.ZodType>(value: unknown, item: Item): z.infer<Item>[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    const parsed = item.safeParse(one);
    return parsed.success ? [parsed.data] : [];
  });
}
