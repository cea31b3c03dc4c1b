import '../testing/browser.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SessionStatus } from '../../shared/accounts-api.ts';
import { FlameError } from '../../shared/errors.ts';
import { fakeEngine, type FakeEngine } from '../testing/fake-engine.ts';
import * as fixtures from '../testing/fixtures.ts';
import { App } from './app.svelte.ts';
import { newPatient } from './open-editor.ts';
import type { PatientEditor } from './patient-editor.svelte.ts';

/** An engine with two accounts that keeps each draft under whoever is signed in when it arrives, as the real one does. */
class TwoAccounts {
  readonly engine: FakeEngine = fakeEngine({ session: fixtures.SIGNED_IN });
  readonly stored: { by: string; name: string }[] = [];
  present: SessionStatus = fixtures.SIGNED_IN;
  /** Drafts are refused, as on a full disk. */
  full = false;

  constructor() {
    const { handlers } = this.engine;
    handlers['app.status'] = () => this.#status;
    handlers['session.lock'] = () => this.#become(null);
    handlers['session.signIn'] = ({ account }) => this.#become(account);
    handlers['drafts.put'] = ({ form }) => {
      if (this.full) throw new FlameError('STORE_UNAVAILABLE', { problem: 'disk full' });
      if (this.present.account === null) throw new FlameError('SESSION_LOCKED');
      this.stored.push({ by: this.present.account.id, name: form.kind === 'patient' ? form.name : '' });
      return { savedAt: '2026-11-22T10:05:00Z' };
    };
  }

  get #status() {
    return { ...fixtures.STATUS, session: this.present };
  }

  #become(id: string | null) {
    const account = id === null ? null : { ...fixtures.SIGNED_IN.account!, id };
    this.present = { ...fixtures.SIGNED_IN, account };
    return this.#status;
  }
}

describe('what was typed when somebody else signs in', () => {
  let house: TwoAccounts;
  let app: App;
  let editor: PatientEditor;
  beforeEach(async () => {
    vi.useFakeTimers();
    house = new TwoAccounts();
    app = new App(house.engine);
    await app.refresh();
    await app.openEditor((engine) => (editor = newPatient(engine)));
    house.full = true;
    editor.change({ name: 'Typed by Ada' }, 'name', { typed: true });
    await vi.advanceTimersByTimeAsync(2000);
    expect(editor.drafts.failed).toBe(true);
  });
  afterEach(() => vi.useRealTimers());

  test('is not stored as theirs by the editor that was open', async () => {
    await house.engine.call('session.lock', {});
    house.full = false;
    await app.signIn('ben', 'right');
    await vi.advanceTimersByTimeAsync(5000);
    expect(house.stored).toEqual([]);
    expect(app.view.kind).toBe('home');
  });

  test('is not stored as theirs by an editor that was left before', async () => {
    app.goHome();
    await house.engine.call('session.lock', {});
    house.full = false;
    await app.signIn('ben', 'right');
    await vi.advanceTimersByTimeAsync(5000);
    expect(house.stored).toEqual([]);
  });

  test('is stored for the same account, by an editor that was left too', async () => {
    app.goHome();
    await house.engine.call('session.lock', {});
    house.full = false;
    await app.signIn('ada', 'right');
    await vi.advanceTimersByTimeAsync(5000);
    expect(house.stored).toEqual([{ by: 'ada', name: 'Typed by Ada' }]);
  });

  test('an editor that is opened again goes on with what is not stored yet', async () => {
    app.goHome();
    const { id } = editor.form;
    await app.openEditor((engine) => {
      const older = newPatient(engine);
      older.history.change({ id, name: 'Typed' }, 'older draft');
      return older;
    });
    expect(app.view.kind === 'editor' && app.view.editor.form).toMatchObject({ id, name: 'Typed by Ada' });
  });

  test('says to the engine whose it is', () => {
    const puts = house.engine.calls.filter(({ method }) => method === 'drafts.put');
    expect(puts.length).toBeGreaterThan(0);
    for (const { params } of puts) expect(params).toMatchObject({ account: 'ada' });
  });
});
