/**
 * Real files, mutated byte by byte, and made-up resources through the whole importer: never a crash, never a hang, always a
 * report or a coded error. 100,000 records here; `npm run fuzz:import` takes a million.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withStore } from '../../src/engine/store/testing.ts';
import { countVisits } from '../../src/engine/store/visits.ts';
import { FlameError } from '../../src/shared/errors.ts';
import type { Profile } from '../../src/engine/profile.ts';
import { DEMO, importInto, MIMIC, SYNTHEA, syntheaResources } from './importing.ts';

const RECORDS = Number(process.env['FLAME_FUZZ_RECORDS'] ?? 100_000);
const SEED = Number(process.env['FLAME_FUZZ_SEED'] ?? 20_261_128);
/** Each kind of file takes its share of the records. */
const SHARE = RECORDS / 4;

/** Mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const PIECES = [
  '"',
  '\n',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\',
  '\u0000',
  '\uFFFD',
  'null',
  '1e999',
  '-1',
  '""',
  '"entry":[',
  '{"resourceType":',
  'Patient/',
  '2020-13-45',
  '😀',
];

/** A few bytes changed, taken out, doubled or put in; now and then the rest cut off. */
function mutated(source: Buffer, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(source);
  for (let change = 0; change <= random(12); change += 1) {
    const at = random(bytes.length + 1);
    const length = random(random(4) === 0 ? 2000 : 12);
    const [before, here, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, at + length),
      bytes.subarray(at + length),
    ];
    switch (random(6)) {
      case 0:
        bytes = Buffer.concat([before, after]);
        break;
      case 1:
        bytes = Buffer.concat([before, here, here, after]);
        break;
      case 2:
        bytes = Buffer.concat([before, Buffer.from(PIECES[random(PIECES.length)]!), here, after]);
        break;
      case 3:
        if (at < bytes.length) bytes[at] = random(256);
        break;
      case 4:
        bytes = Buffer.concat([before, Buffer.from(here.toReversed()), after]);
        break;
      default:
        if (random(8) === 0) bytes = before;
    }
  }
  return bytes;
}

/** Imports mutated copies until so many records were read; everything must end in a report or a coded error. */
async function fuzz(
  profile: Profile,
  files: Readonly<Record<string, Buffer>>,
  seed: number,
): Promise<{ reports: number; errors: number }> {
  const random = randomFrom(seed);
  const folder = join(profile.folder, '..', `fuzz-${seed}`);
  const ended = { reports: 0, errors: 0 };
  for (let records = 0; records < SHARE;) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      const changed = random(3) > 0 ? mutated(content, random) : content;
      // A few are packed, and a few of those damaged.
      const packed = random(6) === 0 ? gzipSync(changed, { level: 1 }) : changed;
      writeFileSync(
        join(folder, name),
        packed !== changed && random(3) === 0 ? mutated(packed, random) : packed,
      );
    }
    const [only, ...others] = Object.keys(files);
    try {
      const report = await importInto(profile, others.length === 0 ? join(folder, only!) : folder, {
        dryRun: true,
      });
      expect(report.refusedCount).toBeGreaterThanOrEqual(report.refused.length);
      expect(report.drugs.mapped + report.drugs.setAside + report.drugs.unmapped).toBe(report.drugs.mentions);
      records += report.linesRead;
      ended.reports += 1;
    } catch (thrown) {
      if (!(thrown instanceof FlameError) || thrown.code === 'INTERNAL') throw thrown;
      ended.errors += 1;
    }
    records += 20; // However little was read, this comes to an end.
  }
  return ended;
}

const repeated = (text: Buffer, times: number): Buffer => {
  const [head = '', ...rows] = text.toString().trimEnd().split('\n');
  return Buffer.from([head, ...Array.from({ length: times }, () => rows).flat(), ''].join('\n'));
};

describe.concurrent('mutated real files', { timeout: 3_600_000 }, () => {
  test.each([
    [
      'MIMIC-IV tables',
      Object.fromEntries(
        readdirSync(MIMIC)
          .filter((name) => name.endsWith('.csv'))
          .map((name) => [
            name,
            name.startsWith('prescriptions')
              ? repeated(readFileSync(join(MIMIC, name)), 20)
              : readFileSync(join(MIMIC, name)),
          ]),
      ),
    ],
    [
      'FHIR bundles',
      Object.fromEntries(
        readdirSync(SYNTHEA)
          .filter((name) => name.endsWith('.json.gz'))
          .map((name) => [name.replace('.gz', ''), gunzipSync(readFileSync(join(SYNTHEA, name)))]),
      ),
    ],
    [
      'FHIR bulk export',
      {
        'export.ndjson': Buffer.from(
          syntheaResources()
            .map((one) => `${JSON.stringify(one)}\n`)
            .join(''),
        ),
      },
    ],
    [
      'visits',
      {
        'visits.jsonl': Buffer.from(
          readFileSync(join(DEMO, 'teaching-cases/visits.jsonl'), 'utf8').repeat(40),
        ),
      },
    ],
  ] as [string, Record<string, Buffer>][])('%s', async (name, files) => {
    await withStore(async (profile) => {
      const ended = await fuzz(profile, files, SEED + name.length);
      expect(ended.reports).toBeGreaterThan(0);
      expect(countVisits(profile.db)).toBe(0);
    });
  });
});

test('resources of any content are read, refused or left out', async () => {
  const leaf = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom(
      'Patient/p',
      'Encounter/e',
      '2020-03-01',
      '2020',
      'active',
      'http://loinc.org',
      '29463-7',
      'kg',
    ),
  );
  const field = fc.constantFrom(
    'id',
    'status',
    'code',
    'subject',
    'encounter',
    'patient',
    'period',
    'start',
    'end',
    'name',
    'given',
    'birthDate',
    'coding',
    'system',
    'reference',
    'valueQuantity',
    'value',
    'unit',
    'component',
    'medicationCodeableConcept',
    'medicationReference',
    'contained',
    'onsetDateTime',
    'text',
    '__proto__',
    'constructor',
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(field, tie('value'), { maxKeys: 6 }),
    ),
  }));
  const types = [
    'Patient',
    'Encounter',
    'Condition',
    'Procedure',
    'MedicationRequest',
    'MedicationStatement',
    'MedicationAdministration',
    'AllergyIntolerance',
    'Observation',
    'Medication',
    'Binary',
  ];
  const resource = fc
    .tuple(fc.constantFrom(...types), fc.dictionary(field, value, { maxKeys: 8 }))
    .map(([resourceType, fields]) => ({
      id: 'p',
      subject: { reference: 'Patient/p' },
      ...fields,
      resourceType,
    }));
  await withStore(async (profile) => {
    const file = join(profile.folder, '..', 'any.ndjson');
    await fc.assert(
      fc.asyncProperty(fc.array(resource, { minLength: 20, maxLength: 60 }), async (resources) => {
        writeFileSync(file, resources.map((one) => `${JSON.stringify(one)}\n`).join(''));
        const ended = await importInto(profile, file, { dryRun: true, format: 'fhir' }).then(
          (report) => report.linesRead,
          (thrown: unknown) => (thrown instanceof FlameError ? thrown.code : Promise.reject(thrown as Error)),
        );
        expect([resources.length, 'IMPORT_EMPTY']).toContain(ended);
      }),
      { numRuns: Math.max(20, RECORDS / 4000), seed: SEED },
    );
  });
}, 3_600_000);
