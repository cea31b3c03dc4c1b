import '../../testing/browser.ts';
import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, describe, expect, it } from 'vitest';
import { FlameError } from '../../../shared/errors.ts';
import Root from '../../Root.svelte';
import { App } from '../../state/app.svelte.ts';
import { fakeEngine, type FakeEngine } from '../../testing/fake-engine.ts';
import { RECOMMENDATION, withHabits } from '../../testing/fixtures.ts';

afterEach(() => {
  cleanup();
  localStorage.clear();
});

const click = async (name: string | RegExp): Promise<void> => {
  await fireEvent.click(await screen.findByRole('button', { name }));
};

/** A visit with its recommendation, at a clinic with twelve decisions. */
async function openRecommendation(): Promise<FakeEngine> {
  const engine = fakeEngine();
  const { habits } = withHabits();
  engine.handlers.recommend = ({ useHabits }) =>
    useHabits ? withHabits() : { ...RECOMMENDATION, habits: { ...habits, used: false, factors: {} } };
  render(Root, { app: new App(engine) });
  await click(/^Demo 0412/);
  await click('14 Mar 2009');
  await click('Recommend medications');
  await screen.findByRole('slider');
  return engine;
}

const theSwitch = (): HTMLInputElement =>
  screen.getByRole('checkbox', { name: 'Learn from this clinic’s decisions' });
const row = (drug: string): string =>
  screen.getByRole('button', { name: drug, pressed: false }).closest('li')?.textContent ?? '';

describe('the switch for clinic habits', () => {
  it('is on, says how many decisions count, and that they are no safety rule', async () => {
    await openRecommendation();
    expect(theSwitch().checked).toBe(true);
    const said = document.getElementById(theSwitch().getAttribute('aria-describedby') ?? '');
    expect(said?.textContent).toBe('Adjusted by 12 decisions of this clinic.');
    expect(screen.getByText(/right or wrong. They never outrank a safety rule/)).toBeTruthy();
    expect(screen.getByText(/Measured on/).textContent).toContain('without habits of a clinic');
  });

  it('has each drug say how far habits moved it, and leaves the others alone', async () => {
    await openRecommendation();
    expect(row('naproxen')).toContain(
      'Prescribed here about 2.1 times as often as expected; the model alone says 22 %.',
    );
    expect(row('furosemide')).toContain('Prescribed here about 0.5 times as often as expected');
    expect(row('lisinopril')).not.toContain('Prescribed here');
  });

  it('asks again without habits, keeps the edits, and is remembered', async () => {
    const engine = await openRecommendation();
    await click('Reject naproxen');
    await fireEvent.click(theSwitch());
    expect(await screen.findByText('Not adjusted; 12 decisions of this clinic set aside.')).toBeTruthy();
    expect(engine.calls.at(-1)).toMatchObject({ method: 'recommend', params: { useHabits: false } });
    expect(row('furosemide')).not.toContain('Prescribed here');
    expect(screen.getByText(/Measured on/).textContent).not.toContain('habits');
    const list = within(screen.getByRole('list', { name: 'Drugs on the list' }));
    expect(list.queryByRole('button', { name: 'Reject naproxen' })).toBeNull();
    cleanup();
    await openRecommendation();
    expect(theSwitch().checked).toBe(false);
    await fireEvent.click(theSwitch());
    expect(await screen.findByText('Adjusted by 12 decisions of this clinic.')).toBeTruthy();
  });

  it('says when the list could not be asked for again, and keeps telling what the list is', async () => {
    const engine = await openRecommendation();
    engine.handlers.recommend = () => {
      throw new FlameError('ENGINE_GONE');
    };
    await fireEvent.click(theSwitch());
    expect(await screen.findByRole('alert')).toBeTruthy();
    expect(screen.getByText('Adjusted by 12 decisions of this clinic.')).toBeTruthy();
  });

  it('says that there is nothing to learn from yet', async () => {
    const engine = fakeEngine();
    render(Root, { app: new App(engine) });
    await click(/^Demo 0412/);
    await click('14 Mar 2009');
    await click('Recommend medications');
    expect(await screen.findByText('No decisions of this clinic yet.')).toBeTruthy();
    expect(screen.queryByText(/outrank a safety rule/)).toBeNull();
  });
});
