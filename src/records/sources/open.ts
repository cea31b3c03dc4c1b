/** The reader of a detected source. Adds nothing to it. */

import type { ColumnMapping } from '../../shared/import-api.ts';
import type { PickedSource } from './detect.ts';
import { EicuSource } from './eicu.ts';
import { FhirSource } from './fhir/fhir.ts';
import { CsvSource } from './generic-csv.ts';
import { MimicSource } from './mimic.ts';
import type { VisitSource } from './source.ts';

export interface SourceOptions {
  /** What identifiers begin with; by default the format's name. */
  readonly prefix?: string | undefined;
  /** For MIMIC: only drugs that were ordered on the day of admission. */
  readonly firstDay?: boolean | undefined;
  /** For a generic CSV. */
  readonly columns?: ColumnMapping | undefined;
}

/** @throws FlameError INVALID_INPUT when a table or a mapped column is missing */
export function openSource(
  { format, files }: PickedSource,
  { prefix = format, columns = {}, firstDay }: SourceOptions = {},
): VisitSource {
  switch (format) {
    case 'fhir':
      return new FhirSource(files);
    case 'mimic-iii':
    case 'mimic-iv':
      return new MimicSource(format, files, { prefix, firstDay });
    case 'eicu':
      return new EicuSource(files, { prefix });
    case 'csv':
      return new CsvSource(files[0]!, columns, { prefix });
    case 'visits':
      throw new TypeError('the visit format is read line by line');
  }
}
