/** The German texts; what is missing here is shown in English. Holds no logic. */

import shell from './de/shell.json';
import type { Translation } from './translation.ts';

export const german: Translation = { shell };
