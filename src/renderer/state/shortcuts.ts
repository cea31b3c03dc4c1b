/**
 * The keys of the app: one table, from which keys are answered and from which Help lists them. A shortcut does what the
 * control that carries it does, and nothing where no such control can be used; so it can do nothing that a click cannot.
 */

export const SHORTCUTS = {
  help: { key: 'F1', where: 'everywhere' },
  search: { key: 'k', ctrl: true, where: 'everywhere' },
  newPatient: { key: 'n', ctrl: true, where: 'everywhere' },
  proceed: { key: 'Enter', ctrl: true, notInText: true, where: 'visit' },
  accurate: { key: 'ArrowLeft', alt: true, notInText: true, where: 'visit' },
  safe: { key: 'ArrowRight', alt: true, notInText: true, where: 'visit' },
  undoEdit: { key: 'z', ctrl: true, notInText: true, where: 'visit' },
  accept: { key: 'a', where: 'drug' },
  modify: { key: 'm', where: 'drug' },
  reject: { key: 'r', where: 'drug' },
  pin: { key: 'p', where: 'graph' },
  save: { key: 's', ctrl: true, where: 'editor' },
  undo: { key: 'z', ctrl: true, where: 'editor' },
  redo: { key: 'y', ctrl: true, where: 'editor' },
  redoToo: { key: 'z', ctrl: true, shift: true, where: 'editor' },
} as const satisfies Record<string, Shortcut>;

interface Shortcut {
  /** As `KeyboardEvent.key` names it; letters in lower case. */
  readonly key: string;
  /** Or the command key. */
  readonly ctrl?: boolean;
  readonly alt?: boolean;
  readonly shift?: boolean;
  /** In a field of text the key keeps its usual meaning there. */
  readonly notInText?: boolean;
  /** Single letters are answered where the focus stands, by the row of a drug or by the graph, and nowhere else. */
  readonly where: 'everywhere' | 'visit' | 'drug' | 'graph' | 'editor';
}

export type ShortcutId = keyof typeof SHORTCUTS;
export const SHORTCUT_IDS = Object.keys(SHORTCUTS) as ShortcutId[];
/** Those that the window answers. */
export const WINDOW_IDS = SHORTCUT_IDS.filter((id) => !['drug', 'graph'].includes(SHORTCUTS[id].where));

/** Attributes of the control that a shortcut uses: a button is pressed, a field takes the focus, a range takes a step. */
export function carries(...ids: readonly ShortcutId[]): {
  readonly 'data-shortcut': string;
  readonly 'aria-keyshortcuts': string;
} {
  return {
    'data-shortcut': ids.join(' '),
    'aria-keyshortcuts': ids.map((id) => keysOf(id).join('+')).join(' '),
  };
}

/** The keys of a shortcut as `aria-keyshortcuts` names them, e.g. `Control`, `Z`. */
export function keysOf(id: ShortcutId): string[] {
  const { key, ctrl, alt, shift }: Shortcut = SHORTCUTS[id];
  return [
    ...(ctrl ? ['Control'] : []),
    ...(alt ? ['Alt'] : []),
    ...(shift ? ['Shift'] : []),
    key.length === 1 ? key.toUpperCase() : key,
  ];
}

/**
 * Answers a key for the whole window.
 * @param prepare runs before the control is looked for, e.g. to bring it onto the screen
 */
export async function answerKey(
  event: KeyboardEvent,
  prepare: Partial<Record<ShortcutId, () => Promise<void>>> = {},
): Promise<void> {
  if (event.defaultPrevented || event.isComposing) return;
  for (const id of WINDOW_IDS) {
    if (!isPressed(event, id)) continue;
    const ready = prepare[id];
    if (ready !== undefined && !isModalOpen()) {
      event.preventDefault();
      await ready();
    }
    const control = controlOf(id);
    if (control === null) continue;
    event.preventDefault();
    use(control, id);
    return;
  }
}

function isPressed(event: KeyboardEvent, id: ShortcutId): boolean {
  const { key, ctrl = false, alt = false, shift = false, notInText = false }: Shortcut = SHORTCUTS[id];
  return (
    (event.key === key || event.key.toLowerCase() === key) &&
    (event.ctrlKey || event.metaKey) === ctrl &&
    event.altKey === alt &&
    event.shiftKey === shift &&
    !(notInText && isText(event.target))
  );
}

const NOT_TYPED_INTO = ['checkbox', 'radio', 'range', 'button', 'submit'];

function isText(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !NOT_TYPED_INTO.includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

function isModalOpen(): boolean {
  return document.querySelector('dialog[open]') !== null;
}

/** While a dialog stands before the window, only its own controls can be used. */
function controlOf(id: ShortcutId): HTMLElement | null {
  const room = document.querySelector('dialog[open]') ?? document;
  return room.querySelector<HTMLElement>(`[data-shortcut~="${id}"]`);
}

function use(control: HTMLElement, id: ShortcutId): void {
  if (!(control instanceof HTMLInputElement)) control.click();
  else if (control.type === 'range') step(control, id === 'safe' ? 1 : -1);
  else {
    control.focus();
    control.select();
  }
}

function step(range: HTMLInputElement, by: 1 | -1): void {
  const before = range.value;
  if (by === 1) range.stepUp();
  else range.stepDown();
  if (range.value !== before) range.dispatchEvent(new Event('input', { bubbles: true }));
}
