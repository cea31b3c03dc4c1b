/** The FHIR R4 export as text, resource by resource: one Bundle, or a line for each resource. Reads no store. */

import type { FhirResource } from 'fhir/r4';
import type { ExportedPatient } from '../exported.ts';
import { decisionResources, proposalResources } from './decision-resources.ts';
import { FLAME, type ExportNames } from './terms.ts';
import { allergyEntries, allergyResources, patientResource, visitResources } from './visit-resources.ts';

/** The patient, then everything that refers to it; what is referred to comes first. */
export function resourcesOf({ patient, visits }: ExportedPatient, names: ExportNames): FhirResource[] {
  const entries = allergyEntries(visits.map(({ visit }) => visit));
  return [
    patientResource(patient),
    ...visits.flatMap(({ visit, decisions, proposal }) => [
      ...visitResources(visit, entries, names),
      ...decisions.flatMap((decided) => decisionResources(visit, decided, names)),
      ...(proposal === null ? [] : proposalResources(visit, proposal, names)),
    ]),
    ...allergyResources(patient.id, entries, names),
  ];
}

/** A resource as JSON. FHIR knows no white space but space, tab and line ends, and no text that is empty. */
export function resourceText(resource: FhirResource): string {
  return JSON.stringify(resource, (_name, value: unknown) =>
    typeof value === 'string' ? value.replace(/[^\S \t\r\n]/gu, ' ') : value,
  );
}

/** One Bundle of the type `collection`, written as it comes. */
export class BundleWriter {
  #any = false;

  start(timestamp: string): string {
    return `{"resourceType":"Bundle","type":"collection","timestamp":${JSON.stringify(timestamp)},"entry":[\n`;
  }

  resource(resource: FhirResource): string {
    const before = this.#any ? ',\n' : '';
    this.#any = true;
    const fullUrl = JSON.stringify(`${FLAME}/${resource.resourceType}/${resource.id ?? ''}`);
    return `${before}{"fullUrl":${fullUrl},"resource":${resourceText(resource)}}`;
  }

  end(): string {
    return '\n]}\n';
  }
}
