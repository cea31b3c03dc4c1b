/** Makes a table of words that is read at each use, so that it follows the language. Holds no words. */

export function lazily<Key extends PropertyKey, Word>(
  keys: readonly Key[],
  read: (key: Key) => Word,
): Readonly<Record<Key, Word>> {
  const table = {} as Record<Key, Word>;
  for (const key of keys) Object.defineProperty(table, key, { enumerable: true, get: () => read(key) });
  return table;
}
