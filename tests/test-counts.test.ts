/** The closing line of `npm test` counts what ran, and never calls a broken run a success. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}
interface ReportModule {
  readonly countUnit: (file: string, status: number) => Counts;
  readonly countEndToEnd: (file: string, status: number) => Counts;
  readonly total: (parts: readonly Counts[]) => Counts;
}

// By a computed path: the developer scripts are plain JavaScript without declarations.
const path: string = resolve(import.meta.dirname, '../scripts/lib/report.mjs');
const { countUnit, countEndToEnd, total } = (await import(path)) as ReportModule;

const folder = mkdtempSync(join(tmpdir(), 'flame-counts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function report(content: unknown): string {
  const file = join(folder, 'report.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('counting tests', () => {
  it('takes the numbers of both runners', () => {
    const unit = countUnit(report({ numPassedTests: 7, numFailedTests: 1, numPendingTests: 2 }), 1);
    const endToEnd = countEndToEnd(
      report({ stats: { expected: 3, flaky: 1, unexpected: 2, skipped: 1 } }),
      1,
    );
    expect(total([unit, endToEnd])).toEqual({ passed: 11, failed: 3, skipped: 3 });
  });

  it('counts a run that broke off as a failure, whatever its report says', () => {
    const noFile = join(folder, 'never-written.json');
    expect(countUnit(noFile, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(countEndToEnd(report('{ "stats": '), 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    // A test file that does not load fails no test, only the run.
    expect(countUnit(report({ numPassedTests: 7, numFailedTests: 0 }), 1).failed).toBe(1);
  });

  it('counts a missing report as a failure even where the runner says all is well', () => {
    expect(countUnit(join(folder, 'never-written.json'), 0).failed).toBe(1);
  });
});
