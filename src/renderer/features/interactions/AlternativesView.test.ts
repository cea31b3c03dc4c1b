import '../../testing/browser.ts';
import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FlameError } from '../../../shared/errors.ts';
import Root from '../../Root.svelte';
import { App } from '../../state/app.svelte.ts';
import { alternativesTo } from '../../testing/example-reasons.ts';
import { fakeEngine, type FakeEngine } from '../../testing/fake-engine.ts';

afterEach(() => {
  cleanup();
  localStorage.clear();
});

const click = async (name: string | RegExp): Promise<void> => {
  await fireEvent.click(await screen.findByRole('button', { name }));
};
/** Opens the pair naproxen + warfarin: the first is proposed, the second taken already. */
async function openPair(engine: FakeEngine): Promise<void> {
  render(Root, { app: new App(engine) });
  await click(/^Demo 0412/);
  await click('14 Mar 2009');
  await click('Recommend medications');
  const table = await screen.findByRole('table', { name: 'Interactions of the list' });
  await fireEvent.click(within(table).getByRole('button', { name: /naproxen \+ warfarin/ }));
}
const asked = ({ calls }: FakeEngine): unknown[] =>
  calls.filter(({ method }) => method === 'recommend.alternatives').map(({ params }) => params);

describe('alternatives to a drug of a pair', () => {
  it('say what they are related by, what they would bring and what speaks against them', async () => {
    const engine = fakeEngine();
    await openPair(engine);
    const group = await screen.findByRole('region', { name: 'Alternatives to naproxen' });
    expect(asked(engine)).toMatchObject([{ pair: ['naproxen', 'warfarin'] }]);
    const [first, second] = within(group).getAllByRole('listitem');
    expect(first!.textContent).toMatch(/same class: Proton pump inhibitor/);
    expect(first!.textContent).toMatch(/No recorded pair to monitor or avoid;\s*2 pairs fewer than naproxen/);
    expect(second!.textContent).toContain('not checked: no table covers it');
    expect(group.textContent).toContain('3 related drugs are left out');
  });

  it('replace the drug in one step, undone by one', async () => {
    const engine = fakeEngine();
    await openPair(engine);
    await click('Replace naproxen by omeprazole');
    const list = screen.getByRole('list', { name: 'Drugs on the list' });
    await vi.waitFor(() => expect(within(list).queryByRole('button', { name: 'naproxen' })).toBeNull());
    expect(within(list).getByRole('button', { name: 'omeprazole' })).toBeTruthy();
    await click(/^Undo: naproxen replaced by omeprazole$/);
    await vi.waitFor(() => expect(within(list).queryByRole('button', { name: 'omeprazole' })).toBeNull());
    expect(within(list).getByRole('button', { name: 'naproxen' })).toBeTruthy();
  });

  it('say that there is none, and say a failure', async () => {
    const engine = fakeEngine();
    engine.handlers['recommend.alternatives'] = () => {
      throw new FlameError('RECOMMENDATION_STALE');
    };
    await openPair(engine);
    await screen.findByRole('button', { name: 'Look again' });
    engine.handlers['recommend.alternatives'] = ({ pair: [drug] }) => [
      { ...alternativesTo(drug), alternatives: [], unresolved: 0 },
    ];
    await click('Look again');
    await screen.findByText('No alternative in the formulary.');
  });
});
