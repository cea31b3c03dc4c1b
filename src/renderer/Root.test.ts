import './testing/browser.ts';
import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AppStatus } from '../shared/contract.ts';
import { FlameError } from '../shared/errors.ts';
import Root from './Root.svelte';
import { App } from './state/app.svelte.ts';
import { fakeEngine, type FakeEngine } from './testing/fake-engine.ts';
import { SIGNED_IN } from './testing/fixtures.ts';

afterEach(cleanup);

function open(status: Partial<AppStatus> = {}): FakeEngine {
  const engine = fakeEngine(status);
  render(Root, { app: new App(engine) });
  return engine;
}

const click = async (name: string | RegExp): Promise<void> => {
  await fireEvent.click(await screen.findByRole('button', { name }));
};

async function openRecommendation(): Promise<FakeEngine> {
  const engine = open();
  await click(/^Demo 0412/);
  await click('14 Mar 2009');
  await click('Recommend medications');
  await screen.findByRole('slider');
  return engine;
}

const listed = (): (string | null)[] =>
  within(screen.getByRole('list', { name: 'Drugs on the list' }))
    .getAllByRole('button', { name: /^Reject / })
    .map((button) => button.getAttribute('aria-label'));

/** A word on each drug that has none. */
async function acceptEach(): Promise<void> {
  for (const button of screen.queryAllByRole('button', { name: /^Accept (?!with)/ }))
    await fireEvent.click(button);
}

describe('the window', () => {
  it('offers demo and import on an empty database, with licences, and loads nothing by itself', async () => {
    const engine = open({ patientCount: 0 });
    expect(await screen.findByText('ODbL 1.0')).toBeTruthy();
    expect(engine.calls.map(({ method }) => method)).not.toContain('demo.load');
    await click('Load the demo patients');
    expect(await screen.findByText(/52 lines read/)).toBeTruthy();
  });

  it('asks for the passphrase of a locked database and says when it is wrong', async () => {
    open({ store: 'locked' });
    const field = await screen.findByLabelText('Passphrase');
    await fireEvent.input(field, { target: { value: 'wrong' } });
    await click('Open');
    expect((await screen.findByRole('alert')).textContent).toContain('does not open');
    await fireEvent.input(field, { target: { value: 'right' } });
    await click('Open');
    expect(await screen.findByRole('heading', { name: 'Worklist' })).toBeTruthy();
  });

  it.each([
    ['administrator', ['hooks.get', 'models.list'], ['exports.count', 'imports.unfinished', 'patients.list']],
    ['clinician', ['models.list'], ['exports.count', 'hooks.get']],
    ['data-steward', ['exports.count', 'imports.unfinished', 'models.list'], ['hooks.get']],
  ] as const)('shows a %s the models and the part of the data that is theirs', async (role, asked, not) => {
    const account = { ...SIGNED_IN.account!, roles: [role] };
    const engine = open({ session: { ...SIGNED_IN, account } });
    await click('Data');
    expect(await screen.findByRole('heading', { name: 'Your own interaction table' })).toBeTruthy();
    expect(screen.queryAllByRole('button', { name: 'Choose a CSV file…' })).toHaveLength(
      role === 'data-steward' ? 1 : 0,
    );
    await click('Models');
    expect(await screen.findByRole('heading', { name: 'Models', level: 1 })).toBeTruthy();
    const methods = engine.calls.map(({ method }) => method);
    expect(methods).toEqual(expect.arrayContaining([...asked]));
    for (const method of not) expect(methods).not.toContain(method);
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('says what failed and what still works', async () => {
    open({
      failures: [
        { part: 'model', error: { code: 'MODEL_PACK_CORRUPT', details: { pack: 'x', problem: 'hash' } } },
      ],
      model: null,
    });
    expect(await screen.findByText(/The model pack x is damaged: hash/)).toBeTruthy();
    expect(screen.getByText(/interaction tables still work/)).toBeTruthy();
    await click(/^Demo 0412/);
    await click('14 Mar 2009');
    expect(
      (await screen.findByRole<HTMLButtonElement>('button', { name: 'Recommend medications' })).disabled,
    ).toBe(true);
  });

  it('moves the slider without asking the engine, and says what changed', async () => {
    const engine = await openRecommendation();
    const calls = engine.calls.length;
    const slider = screen.getByRole('slider');
    await fireEvent.input(slider, { target: { value: '10' } });
    expect(slider.getAttribute('aria-valuetext')).toContain('safest: 4 drugs, 0 pairs');
    expect(listed()).not.toContain('Reject naproxen');
    expect(screen.getByText(/Against the start:/).textContent.replace(/\s+/g, ' ')).toContain(
      '+ atorvastatin, − spironolactone, − naproxen; 3 → 0 pairs to monitor or avoid',
    );
    expect(engine.calls).toHaveLength(calls);
  });

  it('draws the same pairs as the table lists', async () => {
    await openRecommendation();
    const drawn = [...document.querySelectorAll('svg [data-severity]')].map((edge) =>
      edge.getAttribute('data-stop'),
    );
    const rows = [...document.querySelectorAll('tr[data-pair]')].map((row) => row.getAttribute('data-pair'));
    expect(drawn.length).toBeGreaterThan(0);
    expect(drawn.toSorted()).toEqual(rows.toSorted());
  });

  it('keeps edits above the slider and takes the last one back', async () => {
    await openRecommendation();
    await click('Reject furosemide');
    await click('Accept naproxen');
    await fireEvent.input(screen.getByRole('slider'), { target: { value: '10' } });
    expect(listed()).toContain('Reject naproxen');
    expect(listed()).not.toContain('Reject furosemide');
    await click('Undo: accept naproxen');
    expect(listed()).not.toContain('Reject naproxen');
    await click(/^Put back furosemide/);
    expect(listed()).toContain('Reject furosemide');
  });

  it('leads to the first drug without a word instead of signing, and has no way to accept all', async () => {
    await openRecommendation();
    await click('Review and sign…');
    expect(screen.queryByRole('dialog')).toBeNull();
    const said = 'furosemide, lisinopril, metoprolol, spironolactone and naproxen.';
    expect(await screen.findByText(`5 drugs wait for your word: ${said}`)).toBeTruthy();
    expect(document.activeElement?.textContent.trim()).toBe('furosemide');
    expect(screen.queryByRole('button', { name: /accept (all|every)/i })).toBeNull();
  });

  it('takes A, M and R in a row with the focus, and nowhere else', async () => {
    await openRecommendation();
    const row = (name: string): HTMLElement => screen.getByRole('button', { name });
    await fireEvent.keyDown(screen.getByRole('slider'), { key: 'a' });
    await fireEvent.keyDown(document.body, { key: 'r' });
    expect(listed()).toHaveLength(5);
    expect(screen.queryByRole('button', { name: /^Accepted / })).toBeNull();

    await fireEvent.keyDown(row('furosemide'), { key: 'a' });
    expect(await screen.findByRole('button', { name: /^Accepted furosemide/ })).toBeTruthy();
    await vi.waitFor(() => expect(document.activeElement).toBe(row('lisinopril')));
    await fireEvent.keyDown(row('lisinopril'), { key: 'r' });
    await vi.waitFor(() => expect(document.activeElement).toBe(row('metoprolol')));
    expect(listed()).not.toContain('Reject lisinopril');
    await fireEvent.keyDown(row('metoprolol'), { key: 'm' });
    const dose = await screen.findByLabelText('Dose of metoprolol');
    await fireEvent.input(dose, { target: { value: '50 mg' } });
    await fireEvent.keyDown(dose, { key: 'r' }); // a letter of the text
    await click('Accept with this use');
    expect(await screen.findByText('50 mg')).toBeTruthy();
    expect(listed()).toContain('Reject metoprolol');
  });

  it('signs only with a reason for each severe warning and a name, and then shows the decision', async () => {
    await openRecommendation();
    await acceptEach();
    await click('Review and sign…');
    const save = await screen.findByRole<HTMLButtonElement>('button', { name: 'Sign the decision' });
    expect(save.disabled).toBe(true);
    const label = screen.getByRole('combobox', { name: 'Reason for keeping naproxen (label)' });
    await fireEvent.change(label, { target: { value: 'will-monitor' } });
    await fireEvent.input(screen.getByLabelText('Name'), { target: { value: 'Ada Example' } });
    const reason = screen.getByRole('combobox', { name: /^Reason for keeping naproxen \+ warfarin/ });
    await fireEvent.change(reason, { target: { value: 'other' } });
    expect(save.disabled).toBe(true);
    await fireEvent.input(screen.getByLabelText('Note (required)'), { target: { value: 'Two days only.' } });
    expect(save.disabled).toBe(false);
    await fireEvent.input(screen.getByLabelText('Name'), { target: { value: ' ' } });
    expect(save.disabled).toBe(true);
    await fireEvent.input(screen.getByLabelText('Name'), { target: { value: 'Ada Example' } });
    await fireEvent.click(save);
    const decision = await screen.findByRole('region', { name: 'Saved decision' });
    expect(decision.textContent).toContain('Two days only.');
    expect(decision.textContent).toContain('Ada Example, 22 Nov 2026');
  });

  it('offers a new recommendation when the old one is stale, and keeps the edits', async () => {
    const engine = await openRecommendation();
    await click('Reject naproxen');
    await acceptEach();
    engine.handlers['decisions.save'] = () => {
      throw new FlameError('RECOMMENDATION_STALE');
    };
    await click('Review and sign…');
    await fireEvent.input(await screen.findByLabelText('Name'), { target: { value: 'Ada Example' } });
    await click('Sign the decision');
    await click('Ask for a new recommendation, keep my words');
    expect(listed()).not.toContain('Reject naproxen');
  });

  it('says that the engine is away, and that it is back', async () => {
    const engine = await openRecommendation();
    await click('Reject naproxen');
    engine.say('restarting');
    expect(await screen.findByText('The engine is being restarted.')).toBeTruthy();
    engine.say('ready');
    await screen.findByText(/unsaved edits/);
    expect(screen.queryByText('The engine is being restarted.')).toBeNull();
    expect(listed()).not.toContain('Reject naproxen');
  });
});
