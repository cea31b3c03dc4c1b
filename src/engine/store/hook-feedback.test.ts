import { expect, test } from 'vitest';
import { appendAudit } from './audit.ts';
import { readHookFeedback } from './hook-feedback.ts';
import { insertFeedback } from './hooks.ts';
import { withStore } from './testing.ts';

const ALL = { from: null, to: null };
const service = 'flame-order-select';

test('nothing was asked: zero, and no period', async () => {
  await withStore(({ db }) => {
    expect(readHookFeedback(db, ALL)).toEqual({
      enabled: false,
      answered: 0,
      cards: 0,
      accepted: 0,
      overridden: 0,
      period: 'month',
      periods: [],
      reasons: [],
    });
  });
});

test('by period and reason; a card counts once, by the last report; without a report it is in neither count', async () => {
  await withStore(({ db }) => {
    appendAudit(db, {
      actor: 'on-site service',
      action: 'hooks.answered',
      subject: 'fhir:p',
      content: { cards: [{ uuid: 'a' }, { uuid: 'b' }, { uuid: 'silent' }] },
    });
    const say = (card: string, outcome: 'accepted' | 'overridden', reason: string | null, at: string): void =>
      insertFeedback(db, { service, card, outcome, reason, comment: '' }, at);
    say('a', 'overridden', 'will-monitor', '2026-01-10T12:00:00.000Z');
    say('b', 'overridden', 'their-own-7', '2026-01-10T12:00:00.000Z');
    say('c', 'overridden', null, '2026-03-10T12:00:00.000Z');
    say('d', 'overridden', 'will-monitor', '2026-03-10T12:00:00.000Z');
    // Said again, and otherwise.
    say('a', 'overridden', 'will-monitor', '2026-01-10T12:00:01.000Z');
    say('d', 'accepted', null, '2026-03-10T12:00:01.000Z');
    const spring = readHookFeedback(db, { from: '2026-01-01', to: '2026-03-31' });
    expect(spring).toMatchObject({ answered: 0, cards: 0, accepted: 1, overridden: 3, period: 'week' });
    expect(spring.periods).toHaveLength(10);
    expect(spring.periods[0]).toEqual({ start: '2026-01-05', cards: 0, accepted: 0, overridden: 2 });
    expect(spring.periods.at(-1)).toEqual({ start: '2026-03-09', cards: 0, accepted: 1, overridden: 1 });
    expect(spring.periods.slice(1, -1).every(({ overridden }) => overridden === 0)).toBe(true);
    expect(spring.reasons).toEqual([
      { reason: 'none', count: 1 },
      { reason: 'own', count: 1 },
      { reason: 'will-monitor', count: 1 },
    ]);
    expect(readHookFeedback(db, { from: '2026-03-01', to: null })).toMatchObject({
      answered: 1,
      cards: 3,
      accepted: 1,
      overridden: 1,
    });
  });
});
