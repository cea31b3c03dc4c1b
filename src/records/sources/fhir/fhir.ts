/**
 * FHIR R4 Bundles and NDJSON bulk exports → visits, one an Encounter. Resources may stand in any order and any file; what
 * cannot be used is refused or left out with its reason, and the rest goes on.
 */

import type { JsonValue } from '../../json-values.ts';
import { readJsonValues } from '../../json-values.ts';
import type { Fact, SourceContext, SourceFile, SourceVisit, VisitSource } from '../source.ts';
import { drugIn, factOf, type Place } from './facts.ts';
import { whyNotSo } from './negated.ts';
import { isResourceType, readResource, referenced, type ResourceType } from './resources.ts';
import { visitsOfPatient } from './visits.ts';

export interface FhirFile extends SourceFile {
  /** One resource a line; otherwise a Bundle, or one resource. */
  readonly ndjson: boolean;
}

export class FhirSource implements VisitSource {
  readonly format = 'fhir';
  readonly #files: readonly FhirFile[];

  constructor(files: readonly FhirFile[]) {
    this.#files = files;
  }

  async *stage(context: SourceContext): AsyncGenerator<void> {
    for (const file of this.#files) {
      for await (const values of readJsonValues(context.open(file), file.ndjson)) {
        for (const value of values) this.#file(value, file.name, context);
        yield;
      }
    }
  }

  visitsOf(patient: string, facts: readonly Fact[], context: SourceContext): SourceVisit[] {
    return visitsOfPatient(patient, facts, context);
  }

  #file(read: JsonValue, file: string, { log, staging }: SourceContext): void {
    const { line, value, fullUrl, problem, note } = read;
    if (note !== undefined) {
      log.leaveOut(note);
      return;
    }
    if (problem !== undefined) {
      log.row('unreadable', false);
      log.refuse(line, problem, file);
      return;
    }
    const { resourceType: type, id } = (value ?? {}) as { resourceType?: unknown; id?: unknown };
    if (typeof type !== 'string' || typeof value !== 'object' || value === null) {
      log.row('unreadable', false);
      log.refuse(line, 'is no FHIR resource: it has no resourceType', file);
      return;
    }
    const known = isResourceType(type);
    log.row(/^[A-Za-z]{1,60}$/.test(type) ? type : 'unreadable', known);
    if (!known) return;
    const key = referenced({ reference: fullUrl ?? (typeof id === 'string' ? id : undefined) });
    if (key === null) {
      log.refuse(line, `${type}: has neither an id nor a fullUrl`, file);
      return;
    }
    this.#take(type, value, { file, line, key }, { log, staging });
  }

  #take(
    type: ResourceType,
    value: object,
    place: Place,
    { log, staging }: Pick<SourceContext, 'log' | 'staging'>,
  ): void {
    const { file, line, key } = place;
    if (type === 'Medication') {
      const read = readResource(type, value);
      const why = whyNotSo(type, value);
      if (why !== null) log.leaveOut(why);
      else if (!read.ok) log.refuse(line, withId(read.problem, place), file);
      else if (read.resource.code)
        staging.put(`Medication/${key}`, JSON.stringify(drugIn(read.resource.code)));
      return;
    }
    const read = readResource(type, value);
    if (!read.ok) {
      log.refuse(line, withId(read.problem, place), file);
      return;
    }
    const { resource } = read;
    const patient =
      type === 'Patient'
        ? key
        : referenced(
            'patient' in resource ? resource.patient : 'subject' in resource ? resource.subject : undefined,
            'Patient',
          );
    if (patient === null) {
      log.refuse(line, withId(`${type}: names no patient by a reference`, place), file);
      return;
    }
    const fact = factOf(type, value, resource, place, log);
    if (fact !== null) staging.add(patient, fact);
  }
}

/** `Condition: …` → `Condition/x: …`: a Bundle often stands on one line, which then names nothing. */
function withId(problem: string, { key }: Place): string {
  return problem.replace(':', `/${key.slice(0, 64)}:`);
}
