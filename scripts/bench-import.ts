/**
 * Measures imports into a real encrypted store: `npm run bench:import -- [visits] [patients] [format…]` (1,000,000 visits of
 * 100,000 patients by default; formats visits and csv). The files are made up from the compiled tables, the visits of one
 * patient far apart. Reports visits a second, the largest memory, the size of file and database, and the load beside it.
 * `npm run bench:import -- dry <gigabytes>` reads one MIMIC-III order table of that size dry, to see the memory.
 */

import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { importPicked } from '../src/engine/imports/import-picked.ts';
import { openProfile } from '../src/engine/profile.ts';
import { siteMappingsOf } from '../src/engine/store/site-mappings.ts';
import { countPatients } from '../src/engine/store/patients.ts';
import { countVisits } from '../src/engine/store/visits.ts';
import { titlesOf } from '../src/engine/editing/visit-detail.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import type { Visit } from '../src/shared/domain.ts';
import { generator, RecordMaker } from './scale/records.ts';

const root = resolve(import.meta.dirname, '..');
const SEED = 20_261_128;
const GIGABYTE = 1e9;
/** Patients whose visits are mixed. */
const BLOCK = 10_000;

async function measure(folder: string, format: string, visits: number, patients: number): Promise<void> {
  const source = join(folder, format);
  mkdirSync(source);
  const file = join(source, format === 'visits' ? 'visits.jsonl' : 'visits.csv');
  const maker = new RecordMaker(join(root, 'resources/knowledge'), SEED);
  const lines = new Writer(file);
  if (format === 'csv')
    await lines.write('visit,patient,date,age,sex,dx_system,dx,drugs,current,allergies,notes\n');
  const each = Math.ceil(visits / patients);
  for (let done = 0; done < patients; done += BLOCK) {
    const block = Array.from({ length: Math.min(BLOCK, patients - done) }, (_, n) =>
      maker.patient(done + n, each),
    );
    // Visits of one patient stand thousands of lines apart, as in an export by date.
    for (let index = 0; index < each; index += 1)
      for (const [n, list] of block.entries()) {
        const { visit } = list[index]!;
        const name = list[0]!.newPatient!.name;
        await lines.write(format === 'csv' ? csvLine(done + n, visit) : jsonLine(done + n, name, visit));
      }
  }
  await lines.close();
  report(format, file, folder, false);
  rmSync(source, { recursive: true });
}

/** A line of the visit format has one coding system: the codes of the first diagnosis's stay. */
function codesOf({ context: { diagnoses } }: Visit): { readonly system: string; readonly codes: string[] } {
  const system = diagnoses[0]?.system ?? 'ICD-10-CM';
  return { system, codes: diagnoses.filter((one) => one.system === system).map(({ code }) => code) };
}

function jsonLine(patient: number, name: string, visit: Visit): string {
  const { sourceId, date, context, prescribed, allergies, notes, measurements } = visit;
  const { system, codes } = codesOf(visit);
  const record = {
    visit: sourceId,
    patient: `MRN${patient}`,
    name,
    date,
    age: context.age,
    sex: context.sex,
    dx_system: system,
    dx: codes,
    current: context.currentMedications,
    drugs: prescribed ?? [],
    allergies,
    systolic: measurements.systolic,
    notes,
  };
  return `${JSON.stringify(record)}\n`;
}

function csvLine(patient: number, visit: Visit): string {
  const { sourceId, date, context, prescribed, allergies, notes } = visit;
  const { system, codes } = codesOf(visit);
  const cells = [
    sourceId,
    `MRN${patient}`,
    date,
    context.age,
    context.sex,
    system,
    codes.join(';'),
    (prescribed ?? []).join(';'),
    context.currentMedications.join(';'),
    allergies.join(';'),
    notes,
  ];
  return `${cells.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(',')}\n`;
}

/** A MIMIC-III release with one table of that size; its rows stand in no order. */
async function largeFile(folder: string, bytes: number): Promise<void> {
  const source = join(folder, 'mimic-iii');
  mkdirSync(source);
  const random = generator(SEED);
  const patients = Math.ceil(bytes / 400_000);
  const head = (name: string, text: string): void => writeFileSync(join(source, name), text);
  head('DIAGNOSES_ICD.csv', 'ROW_ID,SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE\n1,1,1,1,4019\n');
  head('PROCEDURES_ICD.csv', 'ROW_ID,SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE\n1,1,1,1,9955\n');
  const [people, admissions] = [
    new Writer(join(source, 'PATIENTS.csv')),
    new Writer(join(source, 'ADMISSIONS.csv')),
  ];
  await people.write('ROW_ID,SUBJECT_ID,GENDER,DOB\n');
  await admissions.write('ROW_ID,SUBJECT_ID,HADM_ID,ADMITTIME,DIAGNOSIS\n');
  for (let id = 1; id <= patients; id += 1) {
    await people.write(`${id},${id},F,2100-01-01 00:00:00\n`);
    await admissions.write(`${id},${id},${id},2150-01-01 00:00:00,SEPSIS\n`);
  }
  await Promise.all([people.close(), admissions.close()]);
  const names = [
    'Furosemide',
    'Potassium Chloride',
    'Metoprolol Tartrate',
    'Vancomycin',
    'Heparin Sodium',
    'House Mixture',
  ];
  const orders = new Writer(join(source, 'PRESCRIPTIONS.csv'));
  await orders.write(
    'ROW_ID,SUBJECT_ID,HADM_ID,STARTDATE,ENDDATE,DRUG_TYPE,DRUG,NDC,PROD_STRENGTH,DOSE_VAL_RX,ROUTE\n',
  );
  for (let row = 1; orders.written < bytes; row += 1) {
    const id = 1 + Math.floor(random() * patients);
    const drug = names[Math.floor(random() * names.length)]!;
    await orders.write(
      `${row},${id},${id},2150-01-01 00:00:00,2150-01-03 00:00:00,MAIN,"${drug}",00517570425,"40mg, 4mL vial; ${'x'.repeat(20)}",40,IV\n`,
    );
  }
  await orders.close();
  report('mimic-iii, dry run', source, folder, true);
}

/** Imports in a process of its own, so that nothing else counts as its memory. */
function report(format: string, path: string, folder: string, dry: boolean): void {
  const profile = join(folder, `profile-${format.slice(0, 6)}`);
  mkdirSync(profile, { recursive: true });
  const { stdout, status, stderr } = spawnSync(
    process.execPath,
    [import.meta.filename, 'child', JSON.stringify({ path, profile }), dry ? 'dry' : 'store'],
    { encoding: 'utf8', maxBuffer: 1e8 },
  );
  if (status !== 0) throw new Error(stderr);
  const load = loadavg()
    .map((one) => one.toFixed(1))
    .join(', ');
  process.stdout.write(
    `${format}: ${stdout.trim()}\n  ${cpus()[0]?.model ?? ''}, ${cpus().length} cores, load average ${load}\n`,
  );
  rmSync(profile, { recursive: true, force: true });
}

async function child(text: string, dryRun: boolean): Promise<void> {
  const { path, profile } = JSON.parse(text) as { path: string; profile: string };
  const knowledge = loadKnowledge(join(root, 'resources/knowledge'));
  const { db } = await openProfile({ folder: profile });
  const start = performance.now();
  const before = process.cpuUsage();
  const found = await importPicked(db, {
    path,
    format: null,
    dryRun,
    drugs: knowledge.drugs,
    site: siteMappingsOf([]),
    titles: titlesOf(knowledge),
    actor: 'bench',
    scratch: profile,
  });
  const seconds = (performance.now() - start) / 1000;
  const stored = dryRun
    ? `${found.visitsCreated} would be stored`
    : `${countVisits(db)} of ${countPatients(db)} patients stored`;
  const file = db.file;
  db.close();
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) / 1e6;
  // Linux counts in KiB, whatever Node's documentation says of other systems.
  const memory = process.resourceUsage().maxRSS / 1024;
  const read = sizeOf(path);
  process.stdout.write(
    `${found.linesRead} rows, ${(read / 1e6).toFixed(0)} MB read; visits: ${stored}; ${seconds.toFixed(1)} s, ` +
      `${(found.visitsCreated / seconds).toFixed(0)} visits/s, ${(read / 1e6 / seconds).toFixed(1)} MB/s; ` +
      `${cpu.toFixed(1)} s of processor time, ${(found.visitsCreated / cpu).toFixed(0)} visits/s of it; ` +
      `largest memory ${memory.toFixed(0)} MiB; database ${(statSync(file).size / 1e6).toFixed(0)} MB; ` +
      `${found.refusedCount} refused`,
  );
}

function sizeOf(path: string): number {
  const stat = statSync(path);
  return stat.isFile() ? stat.size : statSync(join(path, 'PRESCRIPTIONS.csv')).size;
}

/** Gathers lines, so that writing a file of gigabytes does not set the pace. */
class Writer {
  written = 0;
  readonly #stream: ReturnType<typeof createWriteStream>;
  #parts: string[] = [];
  #size = 0;

  constructor(path: string) {
    this.#stream = createWriteStream(path);
  }

  async write(text: string): Promise<void> {
    this.#parts.push(text);
    this.#size += text.length;
    this.written += text.length;
    if (this.#size < 1 << 20) return;
    const go = this.#stream.write(this.#parts.join(''));
    this.#parts = [];
    this.#size = 0;
    if (!go) await once(this.#stream, 'drain');
  }

  async close(): Promise<void> {
    this.#stream.end(this.#parts.join(''));
    await finished(this.#stream);
  }
}

const [first = '1000000', second = '100000', ...formats] = process.argv.slice(2);
if (first === 'child') await child(second, formats[0] === 'dry');
else {
  const folder = mkdtempSync(join(tmpdir(), 'flame-bench-import-'));
  try {
    if (first === 'dry') await largeFile(folder, Number(second) * GIGABYTE);
    else
      for (const format of formats.length > 0 ? formats : ['visits', 'csv'])
        await measure(folder, format, Number(first), Number(second));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
