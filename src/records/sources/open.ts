/** The reader of a detected source. Adds nothing to it. */

import type { PickedSource } from './detect.ts';
import { FhirSource } from './fhir/fhir.ts';
import { MimicSource } from './mimic.ts';
import type { VisitSource } from './source.ts';

export interface SourceOptions {
  /** What identifiers begin with; by default the format's name. */
  readonly prefix?: string | undefined;
}

/** @throws FlameError INVALID_INPUT when a table or a mapped column is missing */
export function openSource(
  { format, files }: PickedSource,
  { prefix = format }: SourceOptions = {},
): VisitSource {
  switch (format) {
    case 'fhir':
      return new FhirSource(files);
    case 'mimic-iii':
    case 'mimic-iv':
      return new MimicSource(format, files, { prefix });
    default:
      throw new TypeError(`${format} is read line by line`);
  }
}
