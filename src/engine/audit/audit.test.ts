/** The audit log in a real encrypted file: filters and names, export, and what verification says of a tampered one. */

import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSound, NO_AUDIT_FILTER, type AuditEntryView, type AuditFilter } from '../../shared/audit.ts';
import { asId, type PatientId } from '../../shared/ids.ts';
import { exportAudit } from './audit-export.ts';
import { AuditHeadKeeper, checkHead } from './audit-head.ts';
import { noteOpening } from './audit-opening.ts';
import type { Profile } from '../profile.ts';
import { appendAudit, listAudit, verifyAudit, type AuditEvent } from '../store/audit.ts';
import { auditActors, auditPage, auditPages } from '../store/audit-log.ts';
import { saveDecision } from '../store/decisions.ts';
import { getPatient } from '../store/patients.ts';
import { saveRecommendation } from '../store/recommendations.ts';
import { sampleDecision, sampleRecommendation, storedVisit, withStore } from '../store/testing.ts';
import { getVisit } from '../store/visits.ts';
import { verifyStore } from './verify-audit.ts';

const OPENING = { action: 'app.opened', appVersion: 'test', refused: [] } as const;

function event(change: Partial<AuditEvent> = {}): AuditEvent {
  return { actor: 'ada', action: 'patient.viewed', subject: 'p', content: {}, ...change };
}

function all(profile: Profile, filter: Partial<AuditFilter> = {}): AuditEntryView[] {
  return [...auditPages(profile.db, { ...NO_AUDIT_FILTER, ...filter })].flat();
}

/** A log as a day leaves it: two patients, one of them with a decision that kept a pair. */
function filled({ db }: Profile): { patient: PatientId; other: PatientId } {
  const visitId = storedVisit(db);
  const { patientId } = getVisit(db, visitId);
  const other = getVisit(db, storedVisit(db)).patientId;
  appendAudit(db, event({ subject: patientId }), '2026-03-01T12:00:00.000Z');
  appendAudit(db, event({ subject: other, actor: 'bob' }), '2026-03-02T12:00:00.000Z');
  appendAudit(db, event({ action: 'visit.viewed', subject: visitId }), '2026-03-02T13:00:00.000Z');
  const recommendation = sampleRecommendation(visitId);
  saveRecommendation(db, recommendation);
  appendAudit(
    db,
    event({ action: 'recommendation.made', subject: 'replaced since', content: { visit: visitId } }),
    '2026-03-03T12:00:00.000Z',
  );
  const at = (savedAt: string) => ({ savedAt, removed: [] });
  saveDecision(db, sampleDecision(recommendation, at('2026-03-04T12:00:00.000Z')), 'ada');
  saveDecision(
    db,
    sampleDecision(recommendation, { ...at('2026-03-05T12:00:00.000Z'), overrides: [], interactions: [] }),
    'ada',
  );
  return { patient: patientId, other };
}

describe('the filters', () => {
  it('find by group, actor, patient and local day, and name what an entry is about', async () => {
    await withStore((profile) => {
      const { patient, other } = filled(profile);
      const numbers = (filter: Partial<AuditFilter>) => all(profile, filter).map(({ sequence }) => sequence);
      expect(numbers({})).toEqual([1, 2, 3, 4, 5, 6]);
      expect(numbers({ group: 'views' })).toEqual([1, 2, 3]);
      expect(numbers({ group: 'decisions' })).toEqual([5, 6]);
      expect(numbers({ group: 'overrides' })).toEqual([5]);
      expect(numbers({ actor: 'bob' })).toEqual([2]);
      expect(numbers({ patientId: patient })).toEqual([1, 3, 4, 5, 6]);
      expect(numbers({ patientId: other })).toEqual([2]);
      expect(numbers({ from: '2026-03-02', to: '2026-03-03' })).toEqual([2, 3, 4]);
      expect(numbers({ group: 'views', actor: 'ada', patientId: patient, from: '2026-03-02' })).toEqual([3]);
      expect(() => all(profile, { patientId: asId<PatientId>('nobody') })).toThrow(/patient was not found/);
      expect(auditActors(profile.db)).toEqual(['ada', 'bob']);
      const { name } = getPatient(profile.db, patient);
      for (const sequence of [1, 3, 4, 5, 6])
        expect(all(profile)[sequence - 1]).toMatchObject({ patient: { id: patient, name } });
      expect(all(profile)[4]?.visit).toMatchObject({ date: '2009-03-01', dateKnown: true });
      expect(all(profile)[0]?.visit).toBeNull();
      const { subject } = all(profile)[2]!;
      appendAudit(profile.db, event({ action: 'graph.exported', subject }));
      expect(all(profile, { group: 'exports' })).toMatchObject([{ patient: { id: patient, name } }]);
    });
  });

  it('page through every entry once, newest first, whatever the page', async () => {
    await withStore(({ db }) => {
      db.transaction(() => {
        for (let i = 0; i < 60; i++) appendAudit(db, event({ actor: i % 3 === 0 ? 'ada' : 'bob' }));
      });
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 70 }), fc.constantFrom(null, 'ada', 'bob'), (limit, actor) => {
          const filter = { ...NO_AUDIT_FILTER, actor };
          const seen: number[] = [];
          let before: number | null = null;
          for (;;) {
            const page = auditPage(db, filter, { before, limit });
            seen.push(...page.entries.map(({ sequence }) => sequence));
            if (page.entries.length < limit) {
              expect(seen).toHaveLength(page.total);
              break;
            }
            before = seen.at(-1)!;
          }
          const expected = listAudit(db).filter((entry) => actor === null || entry.actor === actor);
          expect(seen).toEqual(expected.map(({ sequence }) => sequence).reverse());
        }),
        { numRuns: 40 },
      );
    });
  });
});

describe('the export', () => {
  it('holds in JSON lines all that the chain is recomputed from', async () => {
    await withStore(async (profile) => {
      filled(profile);
      const file = join(profile.folder, 'log.jsonl');
      const pages = auditPages(profile.db, NO_AUDIT_FILTER);
      expect(await exportAudit(file, 'jsonl', pages, { book: null })).toBe(6);
      let previous = '0'.repeat(64);
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      for (const line of lines) {
        const entry = JSON.parse(line) as AuditEntryView;
        const { sequence, at, actor, action, subject, content, hash } = entry;
        const text = JSON.stringify([previous, sequence, at, actor, action, subject, content]);
        expect(createHash('sha256').update(text).digest('hex')).toBe(hash);
        expect(entry.previousHash).toBe(previous);
        previous = hash;
      }
      expect(lines).toHaveLength(6);
    });
  });

  it('is CSV that a spreadsheet opens and runs nothing of', async () => {
    await withStore(async (profile) => {
      const actor = '=HYPERLINK("x")';
      appendAudit(profile.db, event({ actor, subject: 'line\nbreak', content: { note: 'a, "b"' } }));
      const file = join(profile.folder, 'log.csv');
      await exportAudit(file, 'csv', auditPages(profile.db, NO_AUDIT_FILTER), { book: null });
      const text = readFileSync(file, 'utf8');
      const { at, hash } = listAudit(profile.db)[0]!;
      expect(text).toBe(
        '\uFEFFsequence,at,actor,action,subject,patient,visitDate,content,previousHash,hash\r\n' +
          `1,${at},"'=HYPERLINK(""x"")",patient.viewed,"line\nbreak",,,"{""note"":""a, \\""b\\""""}",` +
          `${'0'.repeat(64)},${hash}\r\n`,
      );
    });
  });

  it('reads back field by field, whatever stands in them', async () => {
    await withStore(async ({ folder }) => {
      const word = fc.string({
        unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', '=', '-', '@', 'é', ' '),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 4 }), async (rows) => {
          const file = join(folder, 'any.csv');
          const page = rows.map(([actor, subject], i) => entry(i + 1, actor, subject));
          await exportAudit(file, 'csv', [page], { book: null });
          const [, ...read] = parseCsv(readFileSync(file, 'utf8').slice(1));
          expect(read.map((fields) => [fields[2], fields[4]])).toEqual(rows.map((row) => row.map(inert)));
        }),
        { numRuns: 60 },
      );
    });
  });
});

function entry(sequence: number, actor: string, subject: string): AuditEntryView {
  const rest = { at: '', action: 'x', content: '{}', previousHash: '', hash: '', patient: null, visit: null };
  return { sequence, actor, subject, ...rest };
}

/** With an apostrophe wherever a spreadsheet that cuts at semicolons and line ends as well would begin a formula. */
function inert(text: string): string {
  let written = '';
  let begins = true;
  for (const letter of text) {
    if (begins && '=+-@\t\r'.includes(letter)) written += "'";
    written += letter;
    begins = ';\r\n'.includes(letter) || (begins && letter === '"');
  }
  return written;
}

/** RFC 4180, read by hand. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [[]];
  let field = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const here = text[i]!;
    if (quoted && here === '"' && text[i + 1] === '"') field += text[++i]!;
    else if (here === '"') quoted = !quoted;
    else if (!quoted && here === ',') {
      records.at(-1)!.push(field);
      field = '';
    } else if (!quoted && here === '\r' && text[i + 1] === '\n') {
      records.at(-1)!.push(field);
      field = '';
      records.push([]);
      i += 1;
    } else field += here;
  }
  return records.slice(0, -1);
}

describe('verification', () => {
  it('finds nothing against a log that Flame wrote', async () => {
    await withStore(async (profile) => {
      noteOpening(profile, OPENING);
      filled(profile);
      new AuditHeadKeeper(profile).stop();
      const progress: number[] = [];
      const found = await verifyStore(profile, { onProgress: ({ checked }) => progress.push(checked) });
      expect(found).toMatchObject({ entries: 7, broken: null, head: 'matches', mismatches: [] });
      expect(found.lastHash).toBe(listAudit(profile.db).at(-1)?.hash);
      expect(isSound(found)).toBe(true);
    });
  });

  it('finds nothing against whatever texts a caller gave, half surrogate pairs and NUL among them', async () => {
    const text = fc
      .array(fc.oneof(fc.constantFrom(0, 0xd800, 0xdfff), fc.nat(0xffff)), { maxLength: 8 })
      .map((units) => String.fromCharCode(...units));
    await withStore(({ db }) => {
      fc.assert(
        fc.property(text, text, text, (actor, subject, note) => {
          appendAudit(db, event({ actor, subject, content: { note } }));
          expect(verifyAudit(db).broken).toBe(null);
          expect(listAudit(db).at(-1)).toMatchObject({ actor: actor.toWellFormed(), content: { note } });
        }),
      );
    });
  });

  it('names the entry that was changed, and the decision', async () => {
    await withStore(async (profile) => {
      noteOpening(profile, OPENING);
      filled(profile);
      new AuditHeadKeeper(profile).stop();
      const { db } = profile;
      db.run('DROP TRIGGER audit_entries_stay');
      db.run("UPDATE audit_entries SET actor = 'nobody' WHERE sequence = 4");
      db.run('DROP TRIGGER decisions_stay');
      db.run("UPDATE decisions SET comment = 'never said' WHERE key = 1");
      const found = await verifyStore(profile);
      expect(found).toMatchObject({ entries: 3, broken: 4, head: 'matches' });
      expect(found.changedDecisions).toHaveLength(1);
      expect(isSound(found)).toBe(false);
    });
  });

  it('says that the end was cut off, and keeps saying so after the next start', async () => {
    await withStore(async (profile) => {
      noteOpening(profile, OPENING);
      filled(profile);
      new AuditHeadKeeper(profile).stop();
      const { db } = profile;
      db.run('DROP TRIGGER audit_entries_remain');
      db.run('DELETE FROM audit_entries WHERE sequence > 5');
      expect(await verifyStore(profile)).toMatchObject({ entries: 5, broken: null, head: 'cut' });
      noteOpening(profile, OPENING); // The next start writes on; the file is then brought up to the log.
      new AuditHeadKeeper(profile).stop();
      const found = await verifyStore(profile);
      expect(found).toMatchObject({ broken: null, head: 'matches', mismatches: [6] });
      expect(listAudit(db)[5]?.content).toEqual({ state: 'cut', expected: 7, found: 5 });
      expect(isSound(found)).toBe(false);
    });
  });

  it('says that the head file is gone, or not its own', async () => {
    await withStore((profile) => {
      const file = join(profile.folder, 'audit-head.json');
      noteOpening(profile, OPENING);
      expect(checkHead(profile).state).toBe('missing');
      new AuditHeadKeeper(profile).stop();
      expect(checkHead(profile)).toEqual({ state: 'matches', entries: 1 });
      const forged = JSON.parse(readFileSync(file, 'utf8')) as { entries: number };
      writeFileSync(file, JSON.stringify({ ...forged, entries: 2 }));
      expect(checkHead(profile).state).toBe('damaged');
      rmSync(file);
      noteOpening(profile, OPENING);
      expect(listAudit(profile.db).map(({ action }) => action)).toEqual([
        'app.opened',
        'audit.head-mismatch',
        'app.opened',
      ]);
    });
  });

  it('accuses nobody when Flame is killed a moment after it was first opened', async () => {
    await withStore((profile) => {
      noteOpening(profile, OPENING);
      new AuditHeadKeeper(profile); // and no more: no timer ran, nothing was stopped
      noteOpening(profile, OPENING);
      expect(all(profile).map(({ action }) => action)).toEqual(['app.opened', 'app.opened']);
    });
  });

  it('stops when it is cancelled', async () => {
    await withStore(async (profile) => {
      const { db } = profile;
      db.transaction(() => {
        for (let i = 0; i < 1001; i++) appendAudit(db, event());
      });
      await expect(verifyStore(profile, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'CANCELLED',
      });
    });
  });
});
