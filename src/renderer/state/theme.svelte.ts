/** Light, dark, or as the system says; remembered on this computer. Holds no other setting. */

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'flame.theme';

function isTheme(value: unknown): value is Theme {
  return value === 'system' || value === 'light' || value === 'dark';
}

export class ThemeChoice {
  current = $state<Theme>('system');

  constructor() {
    try {
      const stored = localStorage.getItem(KEY);
      if (isTheme(stored)) this.current = stored;
    } catch {
      // A profile without storage forgets the choice; the system's theme is a good default.
    }
    this.#show();
  }

  choose(theme: Theme): void {
    this.current = theme;
    this.#show();
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // See above: shown now, forgotten at the next start.
    }
  }

  /** From what is seen now to its opposite. */
  toggle(): void {
    const dark =
      this.current === 'dark' ||
      (this.current === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
    this.choose(dark ? 'light' : 'dark');
  }

  #show(): void {
    document.documentElement.dataset['theme'] = this.current;
  }
}
