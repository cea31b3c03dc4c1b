/** Counts the tests that ran, from the JSON reports of vitest and Playwright. A run that broke off counts as a failure. */
import { readFileSync } from 'node:fs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @returns {Counts} */
export function countUnit(file, status) {
  const report = read(file);
  return honest(report, status, {
    passed: report?.numPassedTests ?? 0,
    failed: report?.numFailedTests ?? 0,
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
  });
}

/** @returns {Counts} */
export function countEndToEnd(file, status) {
  const report = read(file);
  const { expected = 0, flaky = 0, unexpected = 0, skipped = 0 } = report?.stats ?? {};
  return honest(report, status, { passed: expected + flaky, failed: unexpected, skipped });
}

/** @param {Counts[]} parts */
export function total(parts) {
  const sum = (key) => parts.reduce((all, part) => all + part[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

/** A bad exit status without a failed test (a file that does not load), or no report, is one failure of its own. */
function honest(report, status, counts) {
  return (status !== 0 || report === null) && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
