/**
 * The FHIR resources that another system sends with a question → one visit of today, through the readers of the importer.
 * What cannot be read is told; looks nothing up at the other system.
 */

import { randomUUID } from 'node:crypto';
import type { DrugReader } from '../../../knowledge/drug-reader.ts';
import { ImportLog } from '../../import-log.ts';
import { mapVisits, type MappedVisit } from '../map-visits.ts';
import type { Fact, SourceContext } from '../source.ts';
import { drugIn, factOf } from './facts.ts';
import { whyNotSo } from './negated.ts';
import { isResourceType, readResource, referenced, type Concept } from './resources.ts';
import { visitsOfPatient } from './visits.ts';

export interface PrefetchContext {
  readonly drugs: DrugReader;
  readonly conditionCodes: SourceContext['conditionCodes'];
  /** ISO time of the question. */
  readonly now: string;
}

export interface ReadPrefetch {
  /** Null when the patient cannot be read; `problems` says why. */
  readonly visit: MappedVisit | null;
  readonly problems: readonly string[];
}

const FILE = 'prefetch';
/** Resources read at most. */
const MOST = 5000;
/** What has no date was there before. */
const LONG_AGO = '1900-01-01';

/** @param resources of one patient, Bundles unpacked */
export function readPrefetch(
  resources: readonly unknown[],
  { drugs, conditionCodes, now }: PrefetchContext,
): ReadPrefetch {
  const log = new ImportLog();
  const stored = new Map<string, string>();
  const problems: string[] = [];
  const read = resources.slice(0, MOST).flatMap((value, index) => {
    const { resourceType: type, id } = (value ?? {}) as { resourceType?: unknown; id?: unknown };
    // The visit is the one of now: earlier encounters say nothing that the other resources do not.
    if (typeof type !== 'string' || !isResourceType(type) || type === 'Encounter') return [];
    const parsed = readResource(type, value as object);
    if (!parsed.ok) {
      problems.push(parsed.problem);
      return [];
    }
    const key = typeof id === 'string' ? id : `${type}-${index}`;
    if (type === 'Medication') {
      const { code } = parsed.resource as { code?: Concept };
      if (code && whyNotSo(type, value as object) === null)
        stored.set(`Medication/${key}`, JSON.stringify(drugIn(code)));
      return [];
    }
    const fact = factOf(type, value as object, parsed.resource, { file: FILE, line: index, key }, log);
    return fact === null ? [] : [atNow(fact)];
  });
  const encounter = randomUUID();
  const context: SourceContext = {
    log,
    drugs,
    conditionCodes,
    staging: {
      add: () => undefined,
      put: (key, value) => void stored.set(key, value),
      get: (key) => stored.get(key) ?? null,
    },
    open: () => {
      throw new TypeError('a prefetch is no file');
    },
  };
  const facts: Fact[] = [
    ...read.map((fact) => withEncounter(fact, encounter)),
    encounterFact(encounter, now),
  ];
  const visits = visitsOfPatient(patientOf(resources), facts, context);
  const [visit] = mapVisits(visits, context);
  const { refused } = log.report();
  return { visit: visit ?? null, problems: [...problems, ...refused.map(({ problem }) => problem)] };
}

/** Every resource of a prefetch, with Bundles unpacked. */
export function resourcesIn(prefetch: Readonly<Record<string, unknown>>): unknown[] {
  return Object.values(prefetch).flatMap((value) => {
    const { resourceType, entry } = (value ?? {}) as { resourceType?: unknown; entry?: unknown };
    if (resourceType !== 'Bundle') return [value];
    if (!Array.isArray(entry)) return [];
    return entry.map((one: unknown) => (one as { resource?: unknown } | null)?.resource);
  });
}

function patientOf(resources: readonly unknown[]): string {
  const patient = resources.find(
    (one) => (one as { resourceType?: unknown } | null)?.resourceType === 'Patient',
  );
  const { id } = (patient ?? {}) as { id?: unknown };
  return (typeof id === 'string' ? referenced({ reference: id }) : null) ?? 'patient';
}

function encounterFact(key: string, now: string): Fact {
  return ['Encounter', key, 'AMB', now, now, '', FILE, 0];
}

/** Problems, requests and statements stand for the patient, not for the encounter at which they were written down. */
function atNow(fact: Fact): Fact {
  const [kind, ...rest] = fact;
  if (kind === 'Condition') return [kind, null, ...rest.slice(1)];
  if (kind === 'Request' || kind === 'Statement')
    return [kind, null, rest[1], rest[2] ?? LONG_AGO, ...rest.slice(3)];
  return fact;
}

/** What was measured counts as known at the visit; the latest value wins. */
function withEncounter(fact: Fact, encounter: string): Fact {
  return fact[0] === 'Observation' ? [fact[0], encounter, ...fact.slice(2)] : fact;
}
