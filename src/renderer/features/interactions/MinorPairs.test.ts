import '../../testing/browser.ts';
import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import Root from '../../Root.svelte';
import { App } from '../../state/app.svelte.ts';
import { fakeEngine } from '../../testing/fake-engine.ts';

afterEach(() => {
  cleanup();
  localStorage.clear();
});

const click = async (name: string | RegExp): Promise<void> => {
  await fireEvent.click(await screen.findByRole('button', { name }));
};
async function recommended(): Promise<void> {
  render(Root, { app: new App(fakeEngine()) });
  await click(/^Demo 0412/);
  await click('14 Mar 2009');
  await click('Recommend medications');
  await screen.findByRole('slider');
}
const table = (): HTMLElement => screen.getByRole('table', { name: 'Interactions of the list' });
const fold = (): HTMLDetailsElement => screen.getByText(/^Minor: \d+ pair/).closest('details')!;

describe('minor pairs', () => {
  it('are folded below the others, and counted', async () => {
    await recommended();
    const severities = [...table().querySelectorAll('tr[data-pair]')].map((row) =>
      Number((row as HTMLElement).dataset['severity']),
    );
    expect(severities.length).toBeGreaterThan(0);
    expect(Math.min(...severities)).toBeGreaterThanOrEqual(2);
    expect(fold().open).toBe(false);
    const minor = [...fold().querySelectorAll('tr[data-pair]')].map((row) => (row as HTMLElement).dataset);
    expect(minor.map(({ severity }) => severity)).toEqual(minor.map(() => '1'));
    expect(screen.getByText(/^Minor: /).textContent).toContain(`${minor.length} pair`);
  });

  it('unfold for a pair that is chosen in the graph', async () => {
    await recommended();
    await click(/^furosemide and naproxen/);
    await vi.waitFor(() => expect(fold().open).toBe(true));
    const minor = within(fold()).getByRole('table', { name: 'Interactions of the list, minor' });
    expect(within(minor).getByRole('button', { expanded: true }).textContent).toContain('furosemide');
  });
});
