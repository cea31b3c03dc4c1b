/**
 * Whether a resource says that something is so. What was planned, refused, not done, refuted, ruled out or entered in error is no
 * drug and no diagnosis of the patient. A status that is not known here counts as none of those that are so.
 */

import type { Concept, ResourceType } from './resources.ts';

/** Statuses under which a resource tells what was or is; R5's beside those of R4. */
const SO = {
  Encounter: [
    ...['arrived', 'triaged', 'in-progress', 'onleave', 'finished', 'unknown'],
    ...['on-hold', 'discharged', 'completed', 'discontinued'],
  ],
  Procedure: ['in-progress', 'on-hold', 'stopped', 'completed', 'unknown'],
  Medication: ['active', 'inactive', 'unknown'],
  MedicationRequest: ['active', 'on-hold', 'completed', 'stopped', 'ended', 'unknown'],
  MedicationStatement: ['active', 'completed', 'on-hold'],
  MedicationAdministration: ['completed', 'in-progress', 'on-hold', 'stopped'],
  Observation: ['registered', 'preliminary', 'final', 'amended', 'corrected', 'unknown'],
} as const satisfies Partial<Record<ResourceType, readonly string[]>>;
const ORDERED = ['order', 'original-order', 'reflex-order', 'filler-order', 'instance-order'];
/** Flags of R4 and of the versions before it. */
const NEGATIONS = ['doNotPerform', 'notDone', 'notGiven', 'wasNotGiven', 'wasNotTaken', 'notPerformed'];
/** HL7 condition-ver-status, and what systems write beside it or in words. */
const REFUTED = new Set(['entered-in-error', 'refuted', 'ruled-out', 'excluded', 'negated', 'error']);
const OVER = new Set(['inactive', 'resolved', 'remission']);
/** https://simplifier.net/packages/de.basisprofil.r4: the certainty of a German diagnosis, part of its code. */
const GERMAN_CERTAINTY = 'http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit';

/** Why a resource does not count; null when it does. Without a status or an intent it does. */
export function whyNotSo(type: ResourceType, value: object): string | null {
  const { status, intent, taken } = value as { status?: unknown; intent?: unknown; taken?: unknown };
  if (type in SO && typeof status === 'string') {
    const so: readonly string[] = SO[type as keyof typeof SO];
    if (!so.includes(plain(status))) return `${type} with status ${status.slice(0, 40)}`;
  }
  if (type === 'MedicationRequest' && typeof intent === 'string' && !ORDERED.includes(plain(intent)))
    return `MedicationRequest with intent ${intent.slice(0, 40)}`;
  // FHIR STU3: y, n, unk, na
  if (type === 'MedicationStatement' && typeof taken === 'string' && plain(taken) !== 'y')
    return `MedicationStatement of a drug that is not known to be taken`;
  const flags = value as Readonly<Record<string, unknown>>;
  const negated = NEGATIONS.some((flag) => (flags[flag] ?? false) !== false);
  return negated ? `${type} that says not to do or not done` : null;
}

/**
 * What a resource holds that could turn its meaning round and that Flame does not know (https://hl7.org/fhir/R4/extensibility.html):
 * null when there is nothing of the kind.
 */
export function unknownModifier(value: object): string | null {
  const { modifierExtension } = value as { modifierExtension?: unknown };
  if (modifierExtension === undefined || modifierExtension === null) return null;
  const list: readonly unknown[] = Array.isArray(modifierExtension) ? modifierExtension : [modifierExtension];
  if (list.length === 0) return null;
  const { url } = (list[0] ?? {}) as { url?: unknown };
  const named = typeof url === 'string' ? url.slice(0, 120) : 'without an address';
  return `modifierExtension ${named} is not known, and may say the opposite`;
}

/** Said to be wrong or ruled out, in any of its codings or in words. */
export function isRefuted(verification: Concept | undefined, code?: Concept): boolean {
  return statusesOf(verification).some((one) => REFUTED.has(one)) || germanCertainties(code).includes('A');
}

/** One of several diagnoses that exclude each other. */
export function isDifferential(verification: Concept | undefined): boolean {
  return statusesOf(verification).includes('differential');
}

export function isOver(clinical: Concept | undefined, code?: Concept): boolean {
  return statusesOf(clinical).some((one) => OVER.has(one)) || germanCertainties(code).includes('Z');
}

function statusesOf(concept: Concept | undefined): string[] {
  const { coding = [], text } = concept ?? {};
  return [...coding.flatMap(({ code, display }) => [code, display]), text].flatMap((one) =>
    one === undefined ? [] : [plain(one)],
  );
}

/** A: ruled out, V: suspected, Z: state after, G: certain. */
function germanCertainties(code: Concept | undefined): string[] {
  return (code?.coding ?? []).flatMap(({ extension }) =>
    (Array.isArray(extension) ? (extension as readonly unknown[]) : []).flatMap((one) => {
      const { url, valueCoding } = (one ?? {}) as { url?: unknown; valueCoding?: { code?: unknown } };
      return url === GERMAN_CERTAINTY && typeof valueCoding?.code === 'string' ? [valueCoding.code] : [];
    }),
  );
}

/** `Entered in Error` → `entered-in-error` */
function plain(status: string): string {
  return status
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-');
}
