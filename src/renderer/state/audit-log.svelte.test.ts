import '../testing/browser.ts';
import { describe, expect, it } from 'vitest';
import type { AuditEntryView, AuditFilter } from '../../shared/audit.ts';
import { FlameError } from '../../shared/errors.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import { AuditLog } from './audit-log.svelte.ts';

const entry = (sequence: number, actor = 'ada'): AuditEntryView => ({
  sequence,
  at: '2026-03-01T12:00:00.000Z',
  actor,
  action: 'patient.viewed',
  subject: 'p',
  content: '{}',
  previousHash: '0',
  hash: '1',
  patient: null,
  visit: null,
});

describe('the audit log on the screen', () => {
  it('never shows the answer to a filter that was changed since', async () => {
    const engine = fakeEngine();
    const answers: (() => void)[] = [];
    engine.handlers['audit.list'] = ({ filter }) =>
      new Promise((resolve) => {
        answers.push(() => resolve({ total: 1, entries: [entry(1, filter.actor ?? 'everybody')] }));
      });
    const log = new AuditLog(engine);
    const first = log.change({ actor: 'ada' });
    const second = log.change({ actor: 'bob' });
    await Promise.resolve();
    await Promise.resolve();
    answers[1]!();
    await second;
    answers[0]!();
    await first;
    expect(log.rows.map(({ actor }) => actor)).toEqual(['bob']);
    expect(log.loading).toBe(false);
  });

  it('opens once, pages on from the last entry shown, and exports what the filter lets through', async () => {
    const engine = fakeEngine();
    const asked: { filter: AuditFilter; before: number | null }[] = [];
    engine.handlers['audit.list'] = ({ filter, before }) => {
      asked.push({ filter, before });
      return { total: 3, entries: before === null ? [entry(3), entry(2)] : [entry(1)] };
    };
    const log = new AuditLog(engine);
    await log.open();
    expect(log.hasMore).toBe(true);
    await log.more();
    expect(log.rows.map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
    expect(log.hasMore).toBe(false);
    expect(asked.map(({ before }) => before)).toEqual([null, 2]);
    await log.change({ group: 'exports' });
    engine.handlers['audit.export'] = ({ filter, grant, format }) => {
      expect({ group: filter.group, grant, format }).toEqual({ group: 'exports', grant: 's', format: 'csv' });
      return { entries: 3 };
    };
    await log.export('csv');
    expect(log.exported).toMatchObject({ entries: 3 });
    expect(engine.calls.filter(({ method }) => method === 'audit.open')).toHaveLength(1);
  });

  it('says what stopped a verification or an export, and can be asked again', async () => {
    const engine = fakeEngine();
    const log = new AuditLog(engine);
    engine.handlers['audit.export'] = () => {
      throw new FlameError('FILE_NOT_WRITABLE', { file: 'a.csv', problem: 'full' });
    };
    await log.export('csv');
    expect(log).toMatchObject({ problem: { code: 'FILE_NOT_WRITABLE' }, exporting: null, exported: null });
    engine.handlers['audit.verify'] = () => {
      throw new FlameError('STORE_CORRUPT', { file: 'x' });
    };
    await log.verify();
    expect(log).toMatchObject({ problem: { code: 'STORE_CORRUPT' }, verifying: null, verification: null });
  });
});
