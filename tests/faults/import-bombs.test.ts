import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { openProfile } from '../../src/engine/profile.ts';
import { verifyAudit } from '../../src/engine/store/audit.ts';
import { temporaryFolder } from '../../src/engine/store/testing.ts';
import { countVisits } from '../../src/engine/store/visits.ts';
import { isErrorCode } from '../../src/shared/errors.ts';
import { startChild } from './children.ts';

const root = temporaryFolder();
afterAll(() => root.remove());

/** Megabytes that a process may use at most, Node and the knowledge tables (some 150) included. */
const MEMORY = 350;
const HUGE = 48 * 1024 * 1024;
const GOOD =
  '{"visit":"g","year":2020,"age":50,"sex":"F","dx_system":"ICD-9-CM","dx":["25000"],"drugs":["metformin"]}';

const BOMBS: Readonly<Record<string, () => Buffer | string>> = {
  'unpacks-without-end.jsonl.gz': () => gzipSync(Buffer.alloc(400 * 1024 * 1024)),
  'ten-gibibytes-in-ten-mebibytes.jsonl.gz': () => tenGibibytes(),
  'endless-spaces-in-a-bundle.json.gz': () =>
    gzipSync(Buffer.concat([Buffer.from('{"resourceType":"Bundle","entry":['), Buffer.alloc(2 * HUGE, ' ')])),
  'one-huge-line.jsonl': () => `${'x'.repeat(HUGE)}\n${GOOD}\n`,
  'one-huge-text.jsonl': () => `${GOOD.replace('"g"', `"${'x'.repeat(HUGE)}"`)}\n${GOOD}\n`,
  'nested.jsonl': () => `{"visit":${'['.repeat(2_000_000)}\n${GOOD}\n`,
  'nested-bundle.json': () => `{"resourceType":"Bundle","entry":[${'{"a":['.repeat(1_000_000)}`,
  'nested-whole-bundle.json': () =>
    `{"resourceType":"Bundle","entry":[{"resource":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}]}`,
  'huge-text-bundle.json': () => `{"resourceType":"Bundle","id":"${'x'.repeat(HUGE)}","entry":[]}`,
  'endless-quote.csv': () => `visit,patient,date,diagnoses\n1,"${'a,b\n'.repeat(HUGE / 16)}`,
  'one-endless-field.csv': () => `visit,patient,date,age\n1,2,2020-01-01,"${'a'.repeat(HUGE)}`,
  'a-million-columns.csv': () => `${'c,'.repeat(1_000_000)}c\n${'1,'.repeat(1_000_000)}1\n`,
  'one-enormous-patient.ndjson': () => `${records('small', 1)}${records('enormous', 60_000)}`,
  'an-archive.csv': () => Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(1000)]),
};

/** Members of a gzip file follow one another: 160 of 64 MiB of zeros each, built at once. */
function tenGibibytes(): Buffer {
  const member = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
  return Buffer.concat(Array.from({ length: 160 }, () => member));
}

/** FHIR lines of a patient with one visit and so many diagnoses, each in two hundred letters. */
function records(id: string, diagnoses: number): string {
  const subject = { reference: `Patient/${id}` };
  const lines: object[] = [
    { resourceType: 'Patient', id, birthDate: '1950-01-01' },
    {
      resourceType: 'Encounter',
      id,
      status: 'finished',
      class: { code: 'AMB' },
      subject,
      period: { start: '2020-03-01' },
    },
  ];
  for (let n = 0; n < diagnoses; n += 1)
    lines.push({ resourceType: 'Condition', id: `${id}${n}`, subject, code: { text: 'x'.repeat(200) } });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Done, or refused for a reason that is not a defect of Flame or a fault of the disk. */
const isExpected = (code: unknown): boolean =>
  code === 'none' || (isErrorCode(code) && !/^(INTERNAL|STORE_)/.test(code));

test(
  'files made to exhaust memory or stack are refused or reported within bounds, and the store stays sound',
  { timeout: 300_000 },
  async () => {
    const folder = join(root.path, 'profile');
    (await openProfile({ folder })).db.close();
    for (const [name, make] of Object.entries(BOMBS)) {
      const file = join(root.path, name);
      writeFileSync(file, make());
      const child = startChild('import', [folder, file]);
      await child.ended;
      const outcome = child.said.at(-1) ?? {};
      expect([name, outcome]).toEqual([
        name,
        expect.objectContaining({ megabytes: expect.any(Number) as number }),
      ]);
      expect([name, isExpected(outcome['code'])]).toEqual([name, true]);
      if (outcome['code'] === 'none') expect([name, Number(outcome['refused']) > 0]).toEqual([name, true]);
      expect([name, Number(outcome['megabytes']) < MEMORY, outcome['megabytes']]).toEqual([
        name,
        true,
        outcome['megabytes'],
      ]);
    }
    const { db } = await openProfile({ folder });
    expect(countVisits(db)).toBe(2); // the good line beside the bad ones, once, and the small patient beside the enormous one
    expect(verifyAudit(db).broken).toBeNull();
    db.close();
    expect(readdirSync(folder).filter((name) => name.endsWith('.scratch'))).toEqual([]);
  },
);
