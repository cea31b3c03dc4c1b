import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseVisitText, type ParsedVisit } from '../src/records/visit-record.ts';

const root = resolve(import.meta.dirname, '..');
const demo = join(root, 'resources/demo');

function records(file: string): ParsedVisit[] {
  const text = gunzipSync(readFileSync(join(demo, file))).toString('utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const parsed = parseVisitText(line);
      if (!parsed.ok) throw new Error(`${file}: ${parsed.problem}`);
      return parsed.record;
    });
}

describe('the bundled demo patients', () => {
  it('compile from data/demo to the same bytes', () => {
    const target = mkdtempSync(join(tmpdir(), 'flame-demo-'));
    try {
      execFileSync(process.execPath, [join(root, 'scripts/compile-demo.ts'), target]);
      const files = readdirSync(target).sort();
      expect(files).toEqual(readdirSync(demo).sort());
      for (const file of files) {
        expect(readFileSync(join(target, file)).equals(readFileSync(join(demo, file))), file).toBe(true);
      }
    } finally {
      rmSync(target, { recursive: true, force: true });
    }
  });

  it('hold what shows the program: allergies, current medications, chronic conditions, open visits', () => {
    const cases = records('teaching-cases.jsonl.gz');
    expect(cases.filter(({ drugs }) => drugs === null).length).toBeGreaterThanOrEqual(10);
    expect(cases.filter(({ current = [] }) => current.length >= 3).length).toBeGreaterThanOrEqual(5);
    expect(cases.filter(({ allergies = [] }) => allergies.length > 0).length).toBeGreaterThanOrEqual(5);
    expect(cases.filter(({ chronic }) => chronic.length >= 3).length).toBeGreaterThanOrEqual(3);
    expect(cases.some(({ age }) => age < 18)).toBe(true);
  });

  it('keep the inpatients apart, marked inpatient, and hold no survey record', () => {
    const inpatients = records('mimic-iv-demo.jsonl.gz');
    expect(inpatients.every(({ setting }) => setting === 'inpatient')).toBe(true);
    for (const file of readdirSync(demo).filter((name) => name.endsWith('.gz'))) {
      expect(records(file).filter(({ visit }) => visit.startsWith('namcs'))).toEqual([]);
    }
  });
});
