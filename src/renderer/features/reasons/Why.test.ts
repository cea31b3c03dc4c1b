import '../../testing/browser.ts';
import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FlameError } from '../../../shared/errors.ts';
import Root from '../../Root.svelte';
import { App } from '../../state/app.svelte.ts';
import { reasonsFor } from '../../testing/example-reasons.ts';
import { fakeEngine, type FakeEngine } from '../../testing/fake-engine.ts';
import * as fixtures from '../../testing/fixtures.ts';
import { points, signed, sliderLines } from '../../wording/reasons.ts';

afterEach(() => {
  cleanup();
  localStorage.clear();
});

const [FIRST] = fixtures.GRID[0]!.list;
const NAME = fixtures.drug(FIRST!).name;

const click = async (name: string | RegExp): Promise<void> => {
  await fireEvent.click(await screen.findByRole('button', { name }));
};
/** jsdom opens a details element when it is told to, not by a click on its summary. */
async function openWhy(): Promise<void> {
  const summary = screen.getByLabelText(`Why ${NAME}?`);
  const details = summary.closest('details')!;
  details.open = true;
  await fireEvent(details, new Event('toggle'));
}
async function recommended(engine: FakeEngine): Promise<void> {
  render(Root, { app: new App(engine) });
  await click(/^Demo 0412/);
  await click('14 Mar 2009');
  await click('Recommend medications');
  await screen.findByRole('slider');
}
const region = (): Promise<HTMLElement> => screen.findByRole('region', { name: `Reasons for ${NAME}` });
const asked = ({ calls }: FakeEngine): number =>
  calls.filter(({ method }) => method === 'recommend.explain').length;

describe('Why?', () => {
  it('asks only when it is opened, and tells what raised and lowered the drug', async () => {
    const engine = fakeEngine();
    await recommended(engine);
    expect(asked(engine)).toBe(0);
    await openWhy();
    const reasons = await region();
    const raised = await within(reasons).findByRole('list', { name: 'Raised by' });
    expect(raised.textContent).toMatch(/Type 2 diabetes mellitus \(diagnosis\)\s*\+31 points/);
    expect(raised.textContent).toMatch(/61 years \(age\)\s*\+2\.0 points/);
    const lowered = within(reasons).getByRole('list', { name: 'Lowered by' });
    expect(lowered.textContent).toMatch(/99999, without a title \(reason for the visit\)\s*−1\.2 points/);
    expect(reasons.textContent).toContain('3 further entries change less than half a point each.');
    expect(reasons.textContent).toContain('With the decisions of this clinic: 66 %.');
    expect(reasons.textContent).toContain('Leaves at position 4 of 5');
    expect(reasons.textContent).toContain('7 of the 20 most similar visits');
    expect(reasons.textContent).toContain('The model saw few children');
    expect(asked(engine)).toBe(1);
  });

  it('asks again when the slider moves while it is open, and shows the last answer meanwhile', async () => {
    const engine = fakeEngine();
    await recommended(engine);
    await openWhy();
    await within(await region()).findByRole('list', { name: 'Raised by' });
    await fireEvent.input(screen.getByRole('slider'), { target: { value: '1' } });
    expect(within(await region()).getByRole('list', { name: 'Raised by' })).toBeTruthy();
    await vi.waitFor(() => expect(asked(engine)).toBe(2));
  });

  it('says what is unknown, and what failed', async () => {
    const engine = fakeEngine();
    engine.handlers['recommend.explain'] = () => {
      throw new FlameError('RECOMMENDATION_STALE');
    };
    await recommended(engine);
    await openWhy();
    await within(await region()).findByRole('alert');
    engine.handlers['recommend.explain'] = ({ drug }) => ({
      ...reasonsFor(drug),
      model: null,
      indications: { recorded: 0, matched: [] },
      coPrescriptions: null,
      similar: null,
    });
    await click('Ask again');
    const reasons = await region();
    await within(reasons).findByText(/The model does not know this drug/);
    expect(reasons.textContent).toContain('which does not mean that there is none');
    expect(reasons.textContent).toContain('Too few training visits');
    expect(reasons.textContent).toContain('Fewer than five comparable visits');
  });
});

describe('the words', () => {
  it('give every change its sign', () => {
    expect([0.31, 0.02, -0.012, 0].map(points)).toEqual(['+31', '+2.0', '−1.2', '±0.0']);
    expect(signed(-1, 0)).toBe('−1');
  });

  it('say where an absent drug would stand, and that none of the positions holds it', () => {
    const none = { proposed: false, step: null, positions: [], of: 11, leaves: null };
    expect(sliderLines(none)).toEqual(['Not proposed here.', 'Proposed at no position.']);
    expect(sliderLines({ ...none, positions: [0, 1] })[1]).toBe(
      'Proposed at 2 of 11 positions, the first being 1.',
    );
  });
});
