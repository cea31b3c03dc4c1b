/** The English texts, complete, one file a feature. Every other language is measured against this object. Holds no logic. */

import shell from './en/shell.json';

export const english = { shell } as const;
