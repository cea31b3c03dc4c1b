/** `flame dataset`: a hospital's tables → a visit file that `flame evaluate` and training read. No database of patients. */

import { createHash } from 'node:crypto';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Command, InvalidArgumentError, Option } from 'commander';
import { makeDataset, REQUIRABLE, type Requirable } from '../../engine/imports/dataset.ts';
import { readMappingFile } from '../../engine/imports/mapping-file.ts';
import { siteMappingsOf } from '../../engine/store/site-mappings.ts';
import { detectSource } from '../../records/sources/detect.ts';
import { FlameError } from '../../shared/errors.ts';
import { counted, duration, ProgressLine, writeJson, writeLines } from '../output.ts';
import { interruptible, openKnowledge } from '../setup.ts';

const FORMATS = ['mimic-iii', 'mimic-iv', 'eicu', 'fhir'] as const;

interface Options {
  readonly out: string;
  readonly mapping?: string;
  readonly minVisits: number;
  readonly require: readonly Requirable[];
  readonly firstDay?: boolean;
  readonly topDiagnoses?: number;
  readonly topDrugs?: number;
  readonly prefix?: string;
  readonly json?: boolean;
}

export function datasetCommand(): Command {
  return new Command('dataset')
    .description('write the visits of a hospital’s tables as a file to train on and to evaluate')
    .argument('<format>', `one of ${FORMATS.join(', ')}`, oneOf)
    .argument('<folder>', 'where the tables lie, as published, plain or gzip')
    .option('--out <file>', 'JSON lines in the visit format; gzip when it ends in .gz', 'visits.jsonl.gz')
    .option('--mapping <table>', 'CSV of drug names and codes that the knowledge tables do not read')
    .option('--min-visits <n>', 'leave out patients with fewer usable visits', wholeNumber, 2)
    .addOption(
      new Option('--require <lists...>', 'a usable visit has an entry in each of these')
        .choices(REQUIRABLE)
        .default(['dx', 'drugs']),
    )
    .option('--first-day', 'MIMIC: only drugs ordered on the day of admission')
    .option('--top-diagnoses <n>', 'keep only the most frequent diagnosis codes', wholeNumber)
    .option('--top-drugs <n>', 'keep only the most frequent ingredients', wholeNumber)
    .option('--prefix <text>', 'what identifiers begin with (default: the format)')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', '\nWhat the rules mean: docs/references/importers.md, “Datasets”.')
    .action(async (format: (typeof FORMATS)[number], folder: string, options: Options) => {
      const {
        out,
        mapping,
        minVisits,
        require,
        firstDay,
        topDiagnoses = null,
        topDrugs = null,
        prefix,
        json,
      } = options;
      const { drugs } = openKnowledge();
      const given = mapping === undefined ? null : await readMappingFile(mapping, drugs, new Date());
      const [wrong] = given?.refused ?? [];
      if (wrong)
        throw new FlameError('INVALID_INPUT', {
          problem: `${mapping!}, line ${wrong.line}: ${wrong.problem}`,
        });
      const scratch = mkdtempSync(join(tmpdir(), 'flame-dataset-'));
      const line = new ProgressLine();
      const file = new LineFile(out);
      try {
        const report = await makeDataset(
          {
            source: await detectSource(folder, format),
            drugs,
            site: siteMappingsOf(given?.rows ?? []),
            scratch,
            settings: { firstDay, prefix },
            signal: interruptible(),
            onProgress: ({ linesRead, fraction, secondsLeft }) => {
              const share = fraction === null ? '' : `, ${Math.round(fraction * 100)} %`;
              const left = secondsLeft === null ? '' : `, ${duration(secondsLeft)} left`;
              line.show(`${counted(linesRead, 'row')} read${share}${left}`);
            },
          },
          { minVisits, require, topDiagnoses, topDrugs },
          (visits) => file.write(visits),
        );
        line.end();
        if (report.cancelled) {
          await file.discard();
          throw new FlameError('CANCELLED');
        }
        const sha256 = await file.close();
        if (json) writeJson({ ...report, file: out, sha256 });
        else {
          const { drugs: mapped } = report.source;
          writeLines([
            `${basename(out)}: ${counted(report.visits, 'visit')} of ${counted(report.patients, 'patient')}, ` +
              `${report.withPrevious} with a previous one`,
            `Left out: ${report.leftOut.unusable} without ${require.join(' or ')}, ` +
              `${report.leftOut.fewVisits} of patients with fewer than ${minVisits}`,
            `Drug entries: ${mapped.mentions} read, ${mapped.mapped} mapped, ${mapped.setAside} set aside, ${mapped.unmapped} not mapped`,
            `Diagnosis codes: ${report.diagnosisCodes}, ingredients: ${report.drugs}`,
            `sha256 of the content: ${sha256}`,
          ]);
        }
      } catch (thrown) {
        await file.discard();
        throw thrown;
      } finally {
        line.end();
        rmSync(scratch, { recursive: true, force: true });
      }
    });
}

/** Writes lines into a draft beside the file, which appears only when it is complete. */
class LineFile {
  readonly #path: string;
  readonly #draft: string;
  readonly #hash = createHash('sha256');
  readonly #input: NodeJS.WritableStream;
  readonly #output: ReturnType<typeof createWriteStream>;
  #open = true;

  constructor(path: string) {
    this.#path = path;
    this.#draft = `${path}.draft`;
    this.#output = createWriteStream(this.#draft, { mode: 0o600 });
    if (path.endsWith('.gz')) {
      const gzip = createGzip({ level: 9 });
      gzip.pipe(this.#output);
      this.#input = gzip;
    } else this.#input = this.#output;
    // Without a listener an error would end the process; the write that meets it reports it.
    this.#output.on('error', () => undefined);
  }

  /** @throws FlameError FILE_NOT_WRITABLE */
  async write(values: readonly object[]): Promise<void> {
    const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');
    this.#hash.update(text);
    if (!this.#input.write(text)) await Promise.race([once(this.#input, 'drain'), this.#failure()]);
  }

  /** @returns SHA-256 of the content before compression */
  async close(): Promise<string> {
    this.#open = false;
    this.#input.end();
    try {
      await finished(this.#output);
      await rename(this.#draft, this.#path);
    } catch (cause) {
      throw this.#refused(cause);
    }
    return this.#hash.digest('hex');
  }

  async discard(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#output.destroy();
    await once(this.#output, 'close').catch(() => undefined);
    rmSync(this.#draft, { force: true });
  }

  async #failure(): Promise<never> {
    const [cause] = (await once(this.#output, 'error')) as [unknown];
    throw this.#refused(cause);
  }

  #refused(cause: unknown): FlameError {
    const problem = cause instanceof Error ? cause.message : String(cause);
    return new FlameError('FILE_NOT_WRITABLE', { file: this.#path, problem }, { cause });
  }
}

function oneOf(text: string): (typeof FORMATS)[number] {
  const found = FORMATS.find((one) => one === text);
  if (!found) throw new InvalidArgumentError(`must be one of ${FORMATS.join(', ')}`);
  return found;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('must be a whole number from 1 on');
  return value;
}
