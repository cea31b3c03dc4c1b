import '../testing/browser.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { answerKey, carries, keysOf, SHORTCUTS, WINDOW_IDS, type ShortcutId } from './shortcuts.ts';

const heard: string[] = [];

afterEach(() => {
  document.body.replaceChildren();
  heard.length = 0;
});

function control<Tag extends 'button' | 'input' | 'textarea'>(
  tag: Tag,
  attributes: Readonly<Record<string, string>>,
  parent: Element = document.body,
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.addEventListener('click', () => heard.push(attributes['data-shortcut'] ?? tag));
  parent.append(element);
  return element;
}

async function press(id: ShortcutId, target: Element = document.body): Promise<boolean> {
  const {
    key,
    ctrl = false,
    alt = false,
    shift = false,
  } = SHORTCUTS[id] as {
    key: string;
    ctrl?: boolean;
    alt?: boolean;
    shift?: boolean;
  };
  const event = new KeyboardEvent('keydown', {
    key: shift ? key.toUpperCase() : key,
    ctrlKey: ctrl,
    altKey: alt,
    shiftKey: shift,
    bubbles: true,
    cancelable: true,
  });
  const answered = new Promise<void>((resolve) => {
    window.addEventListener('keydown', (heardEvent) => void answerKey(heardEvent).then(resolve), {
      once: true,
    });
  });
  target.dispatchEvent(event);
  await answered;
  return event.defaultPrevented;
}

describe('shortcuts', () => {
  it('press the one control that carries them', async () => {
    for (const id of WINDOW_IDS) {
      document.body.replaceChildren();
      heard.length = 0;
      control('button', carries(id));
      expect(await press(id), id).toBe(true);
      expect(heard, id).toEqual([id]);
    }
  });

  it('have keys of their own wherever two can be on one screen', () => {
    const places = (id: ShortcutId): string[] => {
      const { where } = SHORTCUTS[id];
      return where === 'everywhere' ? ['visit', 'editor'] : [where];
    };
    const taken = WINDOW_IDS.flatMap((id) => places(id).map((place) => `${place} ${keysOf(id).join('+')}`));
    expect(new Set(taken).size).toBe(taken.length);
  });

  it('leave keys alone that no control on the screen carries, and disabled controls unpressed', async () => {
    expect(await press('save')).toBe(false);
    const button = control('button', carries('save'));
    button.disabled = true;
    await press('save');
    expect(heard).toEqual([]);
  });

  it('leave a field of text its own meaning of a key', async () => {
    control('button', carries('undoEdit'));
    const field = control('textarea', {});
    expect(await press('undoEdit', field)).toBe(false);
    expect(heard).toEqual([]);
    expect(await press('undoEdit')).toBe(true);
    expect(heard).toEqual(['undoEdit']);
  });

  it('move a range by one step and tell it, up to its ends', async () => {
    const values: number[] = [];
    const range = control('input', { ...carries('accurate', 'safe'), type: 'range', min: '0', max: '2' });
    range.value = '1';
    range.addEventListener('input', () => values.push(range.valueAsNumber));
    await press('safe', range);
    await press('safe', range);
    await press('accurate', range);
    expect(values).toEqual([2, 1]);
  });

  it('take the focus into a field', async () => {
    const field = control('input', { ...carries('search'), type: 'search' });
    await press('search');
    expect(document.activeElement).toBe(field);
  });

  it('use nothing behind a dialog', async () => {
    control('button', carries('newPatient'));
    const dialog = document.createElement('dialog');
    document.body.append(dialog);
    dialog.open = true;
    expect(await press('newPatient')).toBe(false);
    expect(heard).toEqual([]);
    control('button', carries('newPatient'), dialog);
    await press('newPatient');
    expect(heard).toEqual(['newPatient']);
  });
});
