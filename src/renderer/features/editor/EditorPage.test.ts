import '../../testing/browser.ts';
import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import Root from '../../Root.svelte';
import { App } from '../../state/app.svelte.ts';
import { fakeEngine } from '../../testing/fake-engine.ts';

const errors: string[] = [];
const note = (event: ErrorEvent): void => {
  errors.push(event.message);
  event.preventDefault();
};
beforeEach(() => {
  errors.length = 0;
  window.addEventListener('error', note);
});
afterEach(() => {
  cleanup();
  window.removeEventListener('error', note);
});

const click = async (name: string): Promise<void> => {
  await fireEvent.click(await screen.findByRole('button', { name }));
};

describe('the page of an editor', () => {
  it('goes away under the field that has the focus without an error', async () => {
    render(Root, { app: new App(fakeEngine()) });
    await click('New patient');
    const name = await screen.findByRole('textbox', { name: /^Name/ });
    name.focus();
    let left = 0;
    name.addEventListener('blur', () => left++);
    await fireEvent.input(name, { target: { value: 'Ada Example' } });
    await fireEvent.submit(name.closest('form')!); // as Control+S does: the focus stays
    const visits = await screen.findByRole('button', { name: 'New visit' });
    expect([left, errors]).toEqual([1, []]);

    await fireEvent.click(visits);
    const date = await screen.findByRole('textbox', { name: /^Date/ });
    expect(document.activeElement).toBe(date);
    await fireEvent.submit(date.closest('form')!);
    await screen.findByRole('button', { name: 'Recommend medications' });
    expect(errors).toEqual([]);
  });
});
