/** Imports real excerpts into real stores for the tests of importers. Decides nothing about what they should find. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { importPicked, type PickedImport } from '../../src/engine/imports/import-picked.ts';
import type { Profile } from '../../src/engine/profile.ts';
import { siteMappingsOf } from '../../src/engine/store/site-mappings.ts';
import { titlesOf } from '../../src/engine/editing/visit-detail.ts';
import { shippedKnowledge } from '../../src/knowledge/fixture.ts';
import type { ImportReport } from '../../src/shared/import-api.ts';

export const DEMO = resolve(import.meta.dirname, '../../data/demo');
export const SYNTHEA = join(DEMO, 'synthea');
export const MIMIC = join(DEMO, 'mimic-iv-demo');

export function importInto(
  profile: Profile,
  path: string,
  change: Partial<PickedImport> = {},
): Promise<ImportReport> {
  const knowledge = shippedKnowledge();
  return importPicked(profile.db, {
    path,
    format: null,
    dryRun: false,
    drugs: knowledge.drugs,
    site: siteMappingsOf([]),
    titles: titlesOf(knowledge),
    actor: 'tester',
    scratch: profile.folder,
    ...change,
  });
}

/** Writes files into a folder beside the profile. */
export function folderOf(
  profile: Profile,
  name: string,
  files: Readonly<Record<string, string | Buffer>>,
): string {
  const folder = join(profile.folder, '..', name);
  mkdirSync(folder, { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content);
  return folder;
}

export interface PlainResource {
  readonly resourceType: string;
  readonly id: string;
  readonly [field: string]: unknown;
}

/** The resources of the Synthea bundles, read without any code of Flame. */
export function syntheaResources(): PlainResource[] {
  return readdirSync(SYNTHEA)
    .filter((name) => name.endsWith('.json.gz'))
    .sort()
    .flatMap((name) => {
      const bundle = JSON.parse(gunzipSync(readFileSync(join(SYNTHEA, name))).toString()) as {
        readonly entry: readonly { readonly resource: PlainResource }[];
      };
      return bundle.entry.map(({ resource }) => resource);
    });
}

/** Every visit with its lists, as the store has it, in an order that does not depend on the import's. */
export function storedVisits({ db }: Profile): unknown[] {
  return db.all(
    `SELECT v.source_id, p.source_id AS patient, p.name, p.birth_year, v.date, v.age, v.sex, v.setting, v.notes,
       (SELECT json_group_array(d.system || ' ' || d.code) FROM (SELECT * FROM visit_diagnoses WHERE visit = v.key ORDER BY position) d) AS diagnoses,
       (SELECT json_group_array(c.code) FROM (SELECT * FROM visit_procedures WHERE visit = v.key ORDER BY position) c) AS procedures,
       (SELECT json_group_array(m.role || ' ' || m.drug) FROM (SELECT * FROM visit_medications WHERE visit = v.key ORDER BY role, position) m) AS drugs,
       (SELECT json_group_array(a.entry) FROM (SELECT * FROM visit_allergies WHERE visit = v.key ORDER BY position) a) AS allergies,
       (SELECT json_group_array(u.entry) FROM (SELECT * FROM visit_unmapped WHERE visit = v.key ORDER BY entry) u) AS unmapped,
       (SELECT json_group_array(k.kind || ' ' || k.value) FROM (SELECT * FROM visit_measurements WHERE visit = v.key ORDER BY kind) k) AS measured
     FROM visits v JOIN patients p ON p.key = v.patient ORDER BY v.source_id`,
  );
}
