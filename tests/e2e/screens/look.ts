/** How `npm run screens` takes a screen: in four forms, into .cache/screens. Asserts nothing: the pictures are for people. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { ROOT } from '../app.ts';

export const FOLDER = join(ROOT, '.cache', 'screens');
const SIZES = [
  [1280, 800],
  [1920, 1080],
] as const;

/** Screens that stand out of the window, in a line each. */
export const overflowing: string[] = [];

/** One screen in its four forms: 1280×800 and 1920×1080, light and dark. */
export async function look(page: Page, name: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  for (const [width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.waitForTimeout(250); // transitions of colours have ended
      await page.screenshot({ path: join(FOLDER, `${name}-${width}-${colorScheme}.png`) });
    }
    const out = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (out > 0) overflowing.push(`${name} at ${width}: ${out} px`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: 'light' });
}

/** A part of the walk whose failure is said and does not end it. */
export async function step(name: string, walk: () => Promise<void>): Promise<void> {
  try {
    await walk();
  } catch (thrown) {
    const words = thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown);
    console.log(`${name}: ${words}`);
  }
}
