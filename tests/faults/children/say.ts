/** One line to the parent, written at once: what was said before a kill was said. */

import { writeSync } from 'node:fs';

export function say(message: Readonly<Record<string, string | number>>): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}
