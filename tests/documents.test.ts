/** The documents are true as far as a test can tell: links, paths and commands that they name exist. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Every file below a folder of the repository whose name ends so. */
function filesIn(folder: string, ending: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name))
    .map((name) => join(folder, name));
}

/** Each match of a pattern's first group, with the file it stands in. */
function named(files: readonly string[], pattern: RegExp): { file: string; name: string }[] {
  return files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(pattern)].map(([, name]) => ({ file, name: name! })),
  );
}

const documents = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'THIRD-PARTY-DATA.md'],
  ...filesIn('docs', /\.md$/),
];
const sources = [...filesIn('src', /\.(ts|svelte)$/), ...filesIn('scripts', /\.(ts|mjs|js)$/)];

describe('the documents', () => {
  it('link to files that exist', () => {
    const links = named(documents, /\]\((?!https?:|#)([^)#\s]+)/g);
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter(({ file, name }) => !existsSync(resolve(root, dirname(file), name)))).toEqual([]);
  });

  it('and the comments of the code name files by paths that exist', () => {
    const path = /(?<![\w./-])((?:src|scripts|tests|docs)\/[\w./-]+\.(?:ts|mjs|js|svelte|md))(?![\w'])/g;
    const paths = named([...documents, ...sources], path);
    expect(paths.length).toBeGreaterThan(150);
    expect(paths.filter(({ name }) => !existsSync(join(root, name)))).toEqual([]);
  });

  it('name commands that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const commands = named(
      documents,
      /npm run (?:--silent |-s )?([a-z][a-z0-9-]*(?::[a-z0-9-]+)*)(?![\w:-])/g,
    );
    expect(commands.length).toBeGreaterThan(50);
    expect(commands.filter(({ name }) => scripts[name] === undefined)).toEqual([]);
  });
});
