/** Builds read-only sets. State classes hold them as values that are replaced, never changed in place. */

export function setOf<T>(...groups: readonly Iterable<T>[]): ReadonlySet<T> {
  const set = new Set<T>();
  for (const group of groups) for (const item of group) set.add(item);
  return set;
}

/** Every item once, in order of first appearance. */
export function distinct<T>(...groups: readonly Iterable<T>[]): T[] {
  return [...setOf(...groups)];
}
