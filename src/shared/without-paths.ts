/**
 * Takes the places of this computer out of a text, so that a page, a screenshot or a report to somebody else names a file and not the
 * folders of whoever works here. Errs towards taking too much.
 */

/** From the beginning of an absolute path to its last separator; spaces belong to it, quotes end it. */
const FOLDERS =
  /(^|[\s'"`“„‘([=:,>])(?:\/(?=[^\s/'"])(?:[^/'"`”“’\n]*\/)+|(?:[A-Za-z]:[\\/]|\\\\)(?:[^\\/'"`”“’\n]*[\\/])*)/g;

/** @param known paths that stand in the text for certain, whatever characters they have */
export function withoutPaths(text: string, known: readonly string[] = []): string {
  return known
    .toSorted((a, b) => b.length - a.length)
    .reduce(
      (rest, path) => (lastName(path) === '' ? rest : rest.replaceAll(path, () => lastName(path))),
      text,
    )
    .replace(FOLDERS, '$1');
}

function lastName(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== '') ?? '';
}
