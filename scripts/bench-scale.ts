/**
 * `npm run bench:scale`: how long the store takes on a full one (1,000,000 visits of 100,000 patients in an encrypted
 * database, unless told otherwise). Measures; asserts nothing.
 *
 *   npm run bench:scale -- [--patients 100000] [--visits-each 10] [--decisions 20000] [--audit 200000] [--store FOLDER]
 *
 * With --store the profile is kept there and used again by the next run.
 */

import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openProfile, STORE_FILE, type Profile } from '../src/engine/profile.ts';
import { appendAudit } from '../src/engine/store/audit.ts';
import { auditPage } from '../src/engine/store/audit-log.ts';
import { countDecisions } from '../src/engine/store/decisions.ts';
import { readOverview } from '../src/engine/store/overview.ts';
import { countPatients, getPatient, listPatients } from '../src/engine/store/patients.ts';
import { countVisits, listVisits } from '../src/engine/store/visits.ts';
import { readWorklist } from '../src/engine/store/worklist.ts';
import { verifyStore } from '../src/engine/audit/verify-audit.ts';
import { readVisitDetail, titlesOf } from '../src/engine/editing/visit-detail.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { NO_AUDIT_FILTER, type AuditFilter } from '../src/shared/audit.ts';
import { asId, type PatientId, type VisitId } from '../src/shared/ids.ts';
import { localDate } from '../src/shared/local-date.ts';
import { fillProfile } from './scale/fill.ts';
import { generator } from './scale/records.ts';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    patients: { type: 'string', default: '100000' },
    'visits-each': { type: 'string', default: '10' },
    decisions: { type: 'string', default: '20000' },
    audit: { type: 'string', default: '200000' },
    store: { type: 'string' },
  },
});
const temporary = values.store === undefined ? mkdtempSync(join(tmpdir(), 'flame-scale-')) : null;
const folder = resolve(values.store ?? join(temporary!, 'profile'));
const LOOK_UPS = 400;
const random = generator(7);

try {
  machine();
  if (!existsSync(join(folder, STORE_FILE))) await fill();
  (await openProfile({ folder })).db.close(); // Brings a kept store to the newest schema.
  await measure();
  await afterAKill();
} finally {
  if (temporary !== null) rmSync(temporary, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const start = performance.now();
  const profile = await openProfile({ folder });
  const opening = { wall: performance.now() - start, cpu: NaN };
  try {
    size(profile);
    report('opening after an orderly end', [opening]);
    await searches(profile);
    await visits(profile);
    await lists(profile);
  } finally {
    profile.db.close();
  }
}

function machine(): void {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  console.log(
    `${cpu?.model ?? 'unknown processor'}, ${cpus().length} cores, ${memory} GiB, Node ${process.versions.node}; ` +
      `load average ${loadavg()[0]!.toFixed(1)}`,
  );
}

async function fill(): Promise<void> {
  const [patients, visitsEach] = [Number(values.patients), Number(values['visits-each'])];
  const amounts = {
    patients,
    visitsEach,
    decisions: Number(values.decisions),
    auditEntries: Number(values.audit),
  };
  const seconds = await fillProfile(folder, root, amounts);
  const rate = Math.round((patients * visitsEach) / seconds);
  console.log(
    `stored ${patients * visitsEach} visits in ${seconds.toFixed(0)} s, ${rate} a second; load ${loadavg()[0]!.toFixed(1)}`,
  );
}

function size({ db }: Profile): void {
  const bytes = statSync(db.file).size;
  const entries = db.get<{ n: number }>('SELECT count(*) AS n FROM audit_entries')!.n;
  console.log(
    `${countVisits(db)} visits of ${countPatients(db)} patients, ${countDecisions(db)} decisions, ${entries} audit ` +
      `entries: ${(bytes / 2 ** 30).toFixed(2)} GiB\n`,
  );
  const heads = ['p50', 'p95', 'max', 'cpu p50', 'cpu p95'].map((head) => head.padStart(9));
  console.log(['milliseconds'.padEnd(52), ' times', ...heads].join(''));
}

/** Milliseconds by the clock, and of the processor alone, which other work on the machine does not lengthen. */
interface Taken {
  readonly wall: number;
  readonly cpu: number;
}

function report(what: string, taken: readonly Taken[]): void {
  const column = (of: (one: Taken) => number, share: number): string => {
    const sorted = taken.map(of).sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(1).padStart(9);
  };
  const wall = [0.5, 0.95, 1].map((share) => column((one) => one.wall, share));
  const cpu = [0.5, 0.95].map((share) => column((one) => one.cpu, share));
  console.log([what.padEnd(52), String(taken.length).padStart(6), ...wall, ...cpu].join(''));
}

async function time(work: () => unknown): Promise<Taken> {
  const before = process.cpuUsage();
  const start = performance.now();
  await work();
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { wall, cpu: (user + system) / 1000 };
}

async function times(n: number, work: (index: number) => unknown): Promise<Taken[]> {
  const taken: Taken[] = [];
  for (let index = 0; index < n; index++) taken.push(await time(() => work(index)));
  return taken;
}

/** As the patient list asks: fifty rows and the total, for what somebody types. */
async function searches({ db }: Profile): Promise<void> {
  const titles = titlesOf(loadKnowledge(join(root, 'resources/knowledge')));
  const total = countPatients(db);
  const someName = (): string => {
    const key = 1 + Math.floor(random() * total);
    return db.get<{ name: string }>('SELECT name FROM patients WHERE key = ?', key)?.name ?? 'Bela';
  };
  const kinds: Record<string, () => string> = {
    'nothing typed': () => '',
    'one letter of a name': () => someName().slice(0, 1),
    'three letters of a name': () => someName().slice(0, 3),
    'a first name': () => someName().split(' ')[0]!,
    'a whole name': someName,
    'a record number': () => `MRN${Math.floor(random() * total)}`,
    'a diagnosis by a word': () => pick(['hypertension', 'diabetes', 'asthma', 'fracture', 'pain', 'cough']),
    'a code': () => pick(['4019', '25000', '401', 'I10', '4660', '7245']),
    'a drug': () => pick(['lisinopril', 'metformin', 'acetaminophen', 'warfarin', 'ibuprofen']),
    'a name and a drug': () => `${someName().split(' ')[0]!} ${pick(['aspirin', 'metformin', 'atenolol'])}`,
    'a word of the notes': () => pick(['fever', 'pressure', 'laboratory']),
    'what nobody has': () => `qx${Math.floor(random() * 1e6)}`,
  };
  const all: Taken[] = [];
  for (const [kind, query] of Object.entries(kinds)) {
    const texts = Array.from({ length: Math.ceil(LOOK_UPS / 8) }, query);
    const taken = await times(texts.length, (index) =>
      listPatients(db, { query: texts[index]!, limit: 50, offset: 0 }, titles),
    );
    all.push(...taken);
    report(`search: ${kind}`, taken);
  }
  report('search: all of these', all);
}

function pick<Item>(items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)]!;
}

/** As the engine answers: the visit with its titles and decisions, and the entry that it was opened, on the disk. */
async function visits({ db }: Profile): Promise<void> {
  const knowledge = loadKnowledge(join(root, 'resources/knowledge'));
  const titles = titlesOf(knowledge);
  const total = countVisits(db);
  const some = Array.from({ length: LOOK_UPS }, () =>
    db.get<{ visit: string; patient: string }>(
      'SELECT v.id AS visit, p.id AS patient FROM visits v JOIN patients p ON p.key = v.patient WHERE v.key = ?',
      1 + Math.floor(random() * total),
    )!,
  );
  const viewed = (action: 'visit.viewed' | 'patient.viewed', subject: string): void =>
    appendAudit(db, { actor: 'bench', action, subject, content: {} });
  report(
    'open a visit, its audit entry included',
    await times(some.length, (index) => {
      const { visit } = some[index]!;
      readVisitDetail(db, knowledge, asId<VisitId>(visit));
      viewed('visit.viewed', visit);
    }),
  );
  report(
    'open a patient, its audit entry included',
    await times(some.length, (index) => {
      const id = asId<PatientId>(some[index]!.patient);
      getPatient(db, id);
      listVisits(db, id, titles);
      viewed('patient.viewed', id);
    }),
  );
}

async function lists(profile: Profile): Promise<void> {
  const { db } = profile;
  const titles = titlesOf(loadKnowledge(join(root, 'resources/knowledge')));
  const repeat = (work: () => unknown): Promise<Taken[]> => times(5, work);
  const page = (filter: Partial<AuditFilter>) => () =>
    auditPage(db, { ...NO_AUDIT_FILTER, ...filter }, { before: null, limit: 100 });
  report(
    'worklist',
    await repeat(() => readWorklist(db, titles, { date: localDate(new Date()), actor: 'ada' })),
  );
  const month = localDate(new Date(Date.now() - 30 * 86_400_000));
  const overview = (from: string | null) => () => readOverview(db, { from, to: null, demo: false });
  db.run('UPDATE decision_figures SET counting = 0');
  report('overview, all time, the first one after an update', [await time(overview(null))]);
  report('overview, all time, again', await repeat(overview(null)));
  report('overview, the last 30 days', await repeat(overview(month)));
  report('audit log, first page', await repeat(page({})));
  report('audit log, decisions that overrode a warning', await repeat(page({ group: 'overrides' })));
  report('audit log, one actor', await repeat(page({ actor: 'bob' })));
  report('audit log, the last 30 days', await repeat(page({ from: month })));
  let found: Awaited<ReturnType<typeof verifyStore>> | null = null;
  const verified = await time(async () => (found = await verifyStore(profile)));
  const { broken, changedDecisions, entries } = found!;
  report(`audit verification of ${entries} entries`, [verified]);
  if (broken !== null || changedDecisions.length > 0) throw new Error('the audit log does not verify');
}

/** A log that was left behind makes the next start check every page. */
async function afterAKill(): Promise<void> {
  writeFileSync(join(folder, `${STORE_FILE}-wal`), Buffer.alloc(64));
  report('opening after a kill', [await time(async () => (await openProfile({ folder })).db.close())]);
}
