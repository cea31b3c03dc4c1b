import { cpSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { AuditHeadKeeper, checkHead } from '../../src/engine/audit/audit-head.ts';
import { openProfile, type Profile } from '../../src/engine/profile.ts';
import { lastAudit, verifyAudit } from '../../src/engine/store/audit.ts';
import {
  changedDecisions,
  countDecisions,
  listDecisions,
  saveDecision,
} from '../../src/engine/store/decisions.ts';
import { saveRecommendation } from '../../src/engine/store/recommendations.ts';
import {
  sampleDecision,
  sampleRecommendation,
  storedVisit,
  temporaryFolder,
} from '../../src/engine/store/testing.ts';
import { readWorklist } from '../../src/engine/store/worklist.ts';
import { verifyStore } from '../../src/engine/audit/verify-audit.ts';
import type { VisitId } from '../../src/shared/ids.ts';

const LONG = Number(process.env['FLAME_LONG'] ?? 1);
const root = temporaryFolder();
afterAll(() => root.remove());
afterEach(() => {
  vi.useRealTimers();
});

function decide({ db }: Profile, visit: VisitId, comment: string): string {
  const recommendation = sampleRecommendation(visit);
  saveRecommendation(db, recommendation);
  const decision = sampleDecision(recommendation, { comment, savedAt: new Date().toISOString() });
  saveDecision(db, decision, 'test');
  return decision.id;
}

describe('a clock that jumps', () => {
  const JUMPS = [
    '2026-05-01T10:00:00Z',
    '2031-01-01T00:00:00Z',
    '1999-12-31T23:59:59Z',
    '1970-01-01T00:00:00Z',
    '2026-05-01T10:00:01Z',
  ];

  test('neither loses nor reorders anything, while Flame runs and between its starts', async () => {
    for (const restarts of [false, true]) {
      const folder = join(root.path, `clock-${restarts}`);
      vi.useFakeTimers({ toFake: ['Date'], now: new Date(JUMPS[0]!) });
      let profile = await openProfile({ folder });
      let head = new AuditHeadKeeper(profile);
      const visit = storedVisit(profile.db);
      const made: string[] = [];
      for (const time of JUMPS) {
        vi.setSystemTime(new Date(time));
        made.push(decide(profile, visit, time));
        if (!restarts) continue;
        head.stop();
        profile.db.close();
        profile = await openProfile({ folder });
        head = new AuditHeadKeeper(profile);
      }
      head.flush();
      const { db } = profile;
      // The order in which things were done, whatever the clock said.
      expect(listDecisions(db, visit).map(({ id }) => id)).toEqual(made.toReversed());
      expect(new Set(made).size).toBe(JUMPS.length);
      if (!restarts) expect([...made].sort()).toEqual(made);
      expect(await verifyStore(profile)).toMatchObject({
        broken: null,
        head: 'matches',
        changedDecisions: [],
      });
      expect(() =>
        readWorklist(db, { titleOf: () => null }, { date: '1970-01-01', actor: 'test' }),
      ).not.toThrow();
      head.stop();
      db.close();
      vi.useRealTimers();
    }
  });
});

describe('a write-ahead log that lost its end or was changed', () => {
  /** A killed Flame's folder: the database, the log with thirty decisions in it, the head of the audit log. */
  async function unclean(): Promise<{ folder: string; log: Buffer; decisions: number }> {
    const live = join(root.path, 'live');
    const profile = await openProfile({ folder: live });
    const head = new AuditHeadKeeper(profile);
    for (let index = 0; index < 30; index++) decide(profile, storedVisit(profile.db), `number ${index}`);
    head.flush();
    const folder = join(root.path, 'unclean');
    cpSync(live, folder, { recursive: true });
    head.stop();
    profile.db.close();
    return { folder, log: readFileSync(join(folder, 'flame.db-wal')), decisions: 30 };
  }

  test('opens with whole transactions up to the damage, and the head of the audit log tells that its end is missing', async () => {
    const { folder, log, decisions } = await unclean();
    expect(log.length).toBeGreaterThan(100_000);
    const states = new Set<string>();
    for (let round = 0; round < 14 * LONG; round++) {
      const copy = join(root.path, `cut-${round}`);
      mkdirSync(copy);
      cpSync(folder, copy, { recursive: true });
      const wal = join(copy, 'flame.db-wal');
      const at = round === 0 ? log.length : Math.floor(Math.random() * log.length);
      if (round % 2 === 0) truncateSync(wal, at);
      else {
        const changed = Buffer.from(log);
        changed[at] = changed[at]! ^ 0x04;
        writeFileSync(wal, changed);
      }
      const profile = await openProfile({ folder: copy });
      const { db } = profile;
      expect(verifyAudit(db).broken).toBeNull();
      expect(changedDecisions(db)).toEqual([]);
      expect(db.all('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      const kept = countDecisions(db);
      const { state, entries } = checkHead(profile);
      expect(kept).toBeLessThanOrEqual(decisions);
      expect(state).toBe((lastAudit(db)?.sequence ?? 0) < entries! ? 'cut' : 'matches');
      if (kept < decisions) expect(state).toBe('cut');
      states.add(state);
      db.close();
      expect(statSync(join(copy, 'flame.db')).size % 4096).toBe(0);
    }
    expect([...states].sort()).toEqual(['cut', 'matches']);
  });
});
