/** `flame export` and `flame decrypt`: records of a profile into a file, and an encrypted file back into the clear. */

import { createReadStream, existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { actorName } from '../../engine/access/actor.ts';
import { decryptedByPassphrase } from '../../engine/exports/age.ts';
import { exportRecords } from '../../engine/exports/export-records.ts';
import { leftDrafts, writeWhole } from '../../engine/write-whole.ts';
import { FlameError } from '../../shared/errors.ts';
import {
  EXPORT_FORMAT_NAMES,
  SHORTEST_EXPORT_PASSPHRASE,
  type ExportFormat,
  type ExportReport,
} from '../../shared/export-api.ts';
import { asId, type PatientId } from '../../shared/ids.ts';
import { METHOD_ROLES } from '../../shared/roles.ts';
import { counted, duration, percent, ProgressLine, writeJson, writeLines } from '../output.ts';
import { withProfile } from '../open-profile.ts';
import { interruptible, openKnowledge } from '../setup.ts';

interface Options {
  readonly format: ExportFormat;
  readonly from?: string;
  readonly to?: string;
  readonly demo?: boolean;
  readonly patient?: string;
  readonly encrypt?: boolean;
  readonly overwrite?: boolean;
  readonly profile?: string;
  readonly json?: boolean;
}

const PASSPHRASE = 'FLAME_EXPORT_PASSPHRASE';

export function exportCommand(): Command {
  return new Command('export')
    .description('write the records of a profile to a file')
    .argument('<file>', 'the file to write')
    .addOption(
      new Option('--format <format>', 'see docs/references/exports.md')
        .choices(EXPORT_FORMAT_NAMES)
        .makeOptionMandatory(),
    )
    .option('--from <date>', 'visits from this day on (YYYY-MM-DD)')
    .option('--to <date>', 'visits up to this day')
    .option('--patient <id>', 'one patient alone, by Flame’s identifier')
    .option('--demo', 'the bundled demo patients instead of the site’s own')
    .option('--encrypt', `encrypt the file by the passphrase in ${PASSPHRASE} (age format)`)
    .option('--overwrite', 'replace a file that is there already')
    .option('--profile <folder>', 'profile folder (default: FLAME_PROFILE, or the app’s own)')
    .option('--json', 'one JSON document on standard output')
    .addHelpText(
      'after',
      '\nThe app must be closed. The export is written into the audit log before the file appears. A database with a\n' +
        'passphrase is opened with FLAME_PASSPHRASE. An encrypted file is opened with `flame decrypt`, or with `age -d`.',
    )
    .action(async (file: string, options: Options) => {
      const path = resolve(file);
      refuseExisting(path, options.overwrite);
      const passphrase = options.encrypt === true ? requiredPassphrase() : null;
      const knowledge = openKnowledge();
      const wish = { profile: options.profile, roles: METHOD_ROLES['exports.write'], command: 'export' };
      const line = new ProgressLine();
      try {
        const report = await withProfile(wish, ({ db, key }) =>
          exportRecords(
            path,
            {
              format: options.format,
              from: readDate('--from', options.from),
              to: readDate('--to', options.to),
              demo: options.demo ?? false,
              patientId: options.patient === undefined ? null : asId<PatientId>(options.patient),
              passphrase,
            },
            {
              db,
              knowledge,
              key,
              actor: actorName(),
              signal: interruptible(),
              onProgress: ({ visits, totalVisits, secondsLeft }) => {
                const left = secondsLeft === null ? '' : `, ${duration(secondsLeft)} left`;
                line.show(`${counted(visits, 'visit')} written, ${percent(visits / totalVisits)}${left}`);
              },
            },
          ),
        );
        line.end();
        if (options.json) writeJson(report);
        else writeLines(linesOf(report));
      } finally {
        line.end();
      }
    });
}

export function decryptCommand(): Command {
  return new Command('decrypt')
    .description('write the content of an encrypted export in clear')
    .argument('<file.age>', 'an export that was encrypted by a passphrase')
    .argument('<file>', 'the file to write, in clear')
    .option('--overwrite', 'replace a file that is there already')
    .addHelpText(
      'after',
      `\nThe passphrase is read from ${PASSPHRASE}. Nothing is written unless the whole file is sound. What a killed\ncommand left of the same file, in clear, is removed.`,
    )
    .action(async (from: string, to: string, { overwrite }: { overwrite?: boolean }) => {
      refuseExisting(resolve(to), overwrite);
      if (!existsSync(from)) throw new FlameError('FILE_NOT_READABLE', { file: from });
      const signal = interruptible();
      const chunks = decryptedByPassphrase(createReadStream(from), requiredPassphrase());
      removeLeft(resolve(to));
      await writeWhole(resolve(to), untilAborted(chunks, signal), { book: null });
      writeLines([`${to} is written in clear: keep it where only those may read it who must.`]);
    });
}

/** No database remembers what a killed command left of this file, in clear: the next one for the same file removes it. */
function removeLeft(path: string): void {
  for (const draft of leftDrafts(path)) {
    rmSync(draft, { force: true });
    process.stderr.write(`flame: removed ${draft}, which a command that was killed had left\n`);
  }
}

async function* untilAborted<Chunk>(
  chunks: AsyncIterable<Chunk>,
  signal: AbortSignal,
): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) {
    if (signal.aborted) throw new FlameError('CANCELLED');
    yield chunk;
  }
  if (signal.aborted) throw new FlameError('CANCELLED');
}

function linesOf({
  file,
  patients,
  visits,
  decisions,
  records,
  bytes,
  sha256,
  encrypted,
}: ExportReport): string[] {
  return [
    `${file}: ${counted(visits, 'visit')} of ${counted(patients, 'patient')}, ${counted(decisions, 'decision')}, ` +
      `${counted(records, 'record')}, ${counted(bytes, 'byte')}${encrypted ? ', encrypted' : ', in clear'}`,
    `SHA-256 ${sha256}`,
  ];
}

function refuseExisting(path: string, overwrite: boolean | undefined): void {
  if (overwrite !== true && existsSync(path))
    throw new FlameError('INVALID_INPUT', {
      problem: `${path} is there already; name another file or give --overwrite`,
    });
}

function requiredPassphrase(): string {
  const passphrase = process.env[PASSPHRASE] ?? '';
  if (passphrase.length < SHORTEST_EXPORT_PASSPHRASE)
    throw new FlameError('INVALID_INPUT', {
      problem: `${PASSPHRASE} must hold a passphrase of at least ${SHORTEST_EXPORT_PASSPHRASE} characters`,
    });
  return passphrase;
}

function readDate(option: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text)))
    throw new FlameError('INVALID_INPUT', { problem: `${option} takes a day as YYYY-MM-DD` });
  return text;
}
