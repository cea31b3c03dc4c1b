/** `flame audit`: checks the audit log of a profile. Changes nothing in it. */

import { Command } from 'commander';
import { verifyStore } from '../../engine/audit/verify-audit.ts';
import { isSound, type AuditHeadState, type AuditVerification } from '../../shared/audit.ts';
import { FlameError } from '../../shared/errors.ts';
import { percent, ProgressLine, writeJson, writeLines } from '../output.ts';
import { withProfile } from '../open-profile.ts';
import { interruptible } from '../setup.ts';

interface Options {
  readonly json?: boolean;
  readonly profile?: string;
  readonly expect?: string;
}

const HEAD_WORDS: Readonly<Record<AuditHeadState, string>> = {
  matches: 'The end of the log is the one that Flame wrote last.',
  cut: 'The entry that Flame wrote last is gone: the end of the log was cut off, or the database is an older copy.',
  missing:
    'The head file beside the database is missing: whether the end of the log was cut off cannot be told.',
  damaged:
    'The head file beside the database is not one that Flame wrote: whether the end was cut off cannot be told.',
};

export function auditCommand(): Command {
  const audit = new Command('audit').description('check the audit log').exitOverride();
  audit
    .command('verify')
    .description('recompute the hash chain, its end and the saved decisions')
    .option('--profile <folder>', 'profile folder (default: FLAME_PROFILE, or the app’s own)')
    .option('--expect <entry:hash>', 'an entry noted down earlier, which the log must still hold')
    .option('--json', 'one JSON document on standard output')
    .addHelpText(
      'after',
      '\nThe app must be closed. A database with a passphrase is opened with FLAME_PASSPHRASE. Ends with 1 when\n' +
        'anything does not fit.',
    )
    .action(async ({ json, profile, expect }: Options) => {
      const expected = expect === undefined ? null : readExpected(expect);
      const line = new ProgressLine();
      const wish = { profile, roles: ['data-steward', 'administrator'], command: 'audit verify' } as const;
      await withProfile(wish, async (opened) => {
        const onProgress = ({ checked, total }: { checked: number; total: number }): void =>
          line.show(`${percent(checked / total)} of the entries checked`);
        const found = await verifyStore(opened, { onProgress, signal: interruptible() });
        const held =
          expected === null ||
          opened.db.get<{ hash: string }>(
            'SELECT hash FROM audit_entries WHERE sequence = ?',
            expected.sequence,
          )?.hash === expected.hash;
        line.end();
        if (json) writeJson({ ...found, sound: isSound(found) && held, expectedHeld: expected && held });
        else writeLines([...linesOf(found), ...(expected ? [expectedLine(expected.sequence, held)] : [])]);
        if (!isSound(found) || !held) process.exitCode = 1;
      }).finally(() => line.end());
    });
  return audit;
}

/** @throws FlameError INVALID_INPUT */
function readExpected(text: string): { sequence: number; hash: string } {
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence === undefined || hash === undefined)
    throw new FlameError('INVALID_INPUT', {
      problem: '--expect takes a number, a colon and 64 digits of a hash',
    });
  return { sequence: Number(sequence), hash };
}

function linesOf(found: AuditVerification): string[] {
  const { entries, broken, head, mismatches, changedDecisions, lastHash } = found;
  return [
    broken === null
      ? `${entriesWords(entries)} from one another, from the first to the last.`
      : `Entry ${broken} does not follow from the one before: it, or what stood there, was changed. ` +
        `${entriesWords(entries)} from one another before it.`,
    HEAD_WORDS[head],
    ...(mismatches.length > 0
      ? [`At an earlier start the end of the log was not the one expected: see ${mismatches.join(', ')}.`]
      : []),
    ...(changedDecisions.length > 0
      ? [`Saved decisions that are gone or were changed: ${changedDecisions.join(', ')}.`]
      : ['Every saved decision is as it was saved.']),
    ...(lastHash === null ? [] : [`To be noted down: ${entries}:${lastHash}`]),
  ];
}

function entriesWords(count: number): string {
  return count === 1 ? '1 entry follows' : `${count.toLocaleString('en-US')} entries follow`;
}

function expectedLine(sequence: number, held: boolean): string {
  return held ? `Entry ${sequence} is the one noted down.` : `Entry ${sequence} is not the one noted down.`;
}
