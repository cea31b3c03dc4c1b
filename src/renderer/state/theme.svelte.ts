/** Light, dark, or as the system says; remembered on this computer. Holds no other setting. */

import { remember, remembered } from './preferences.ts';

export type Theme = 'system' | 'light' | 'dark';

function isTheme(value: unknown): value is Theme {
  return value === 'system' || value === 'light' || value === 'dark';
}

export class ThemeChoice {
  current = $state<Theme>('system');

  constructor() {
    const stored = remembered('theme');
    if (isTheme(stored)) this.current = stored;
    this.#show();
  }

  choose(theme: Theme): void {
    this.current = theme;
    this.#show();
    remember('theme', theme);
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
