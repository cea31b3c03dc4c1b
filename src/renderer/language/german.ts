/** The German texts, one file a feature as in English; what is missing there is shown in English. Holds no logic. */

import type { Translation } from './translation.ts';

const files = import.meta.glob<Translation[keyof Translation]>('./de/*.json', {
  eager: true,
  import: 'default',
});

export const german: Translation = Object.fromEntries(
  Object.entries(files).map(([path, texts]) => [path.replace(/^.*\/|\.json$/g, ''), texts]),
);
