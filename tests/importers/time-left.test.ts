/** The time that an import says is left, by a clock that the test drives: one estimate from the start to the end of its search documents. */

import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { STORING } from '../../src/engine/imports/import-progress.ts';
import { withStore } from '../../src/engine/store/testing.ts';
import type { ImportProgress } from '../../src/shared/import-api.ts';
import { DEMO, importInto, SYNTHEA } from './importing.ts';

afterEach(() => vi.restoreAllMocks());

test.each([
  ['the visit format', join(DEMO, 'teaching-cases/visits.jsonl')],
  ['FHIR R4', SYNTHEA],
])('of %s is reckoned from its beginning to its very end', async (_format, path) => {
  await withStore(async (profile) => {
    // Every look at the clock finds two seconds more.
    let seconds = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (seconds += 2) * 1000);
    const told: (ImportProgress & { at: number })[] = [];
    const started = seconds;
    await importInto(profile, path, {
      onProgress: (progress) => told.push({ ...progress, at: seconds - started }),
    });
    const last = told.filter(({ fraction }) => fraction !== null && fraction >= STORING);
    expect(last.length).toBeGreaterThan(0);
    for (const { at, fraction, secondsLeft } of last) {
      // A few seconds pass before the first one asks the clock.
      expect(secondsLeft).toBeGreaterThan(((at - 10) * (1 - fraction!)) / fraction! - 1);
      expect(secondsLeft).toBeLessThanOrEqual(Math.round((at * (1 - fraction!)) / fraction!));
    }
  });
});
