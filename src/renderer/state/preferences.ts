/** Remembers the choices of this computer: through the shell, or in a component test in the page's own storage. */

import type { Preference } from '../../shared/preferences.ts';

const KEY = 'flame.';

export function remembered(name: Preference): string | null {
  return 'flame' in window ? (window.flame.preferences[name] ?? null) : localStorage.getItem(KEY + name);
}

export function remember(name: Preference, value: string): void {
  if ('flame' in window) window.flame.remember(name, value);
  else localStorage.setItem(KEY + name, value);
}
