/** Finds texts of the screen that stand in a component or a wording file instead of in the language files. */

import { parse } from 'svelte/compiler';
import { describe, expect, it } from 'vitest';

const components = import.meta.glob<string>('../**/*.svelte', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const words = import.meta.glob<string>(
  ['../{wording,state,graph}/*.ts', '../features/**/*.ts', '!../**/*.test.ts'],
  { query: '?raw', import: 'default', eager: true },
);

/** The same in every language: the name, formats of files, ICD, units and formulas. */
const ALLOWED = new Set(['Flame', 'CSV', 'JSON', 'JSONL', 'PDF', 'PNG', 'SVG', 'SHA-256', 'eGFR', 'mL/min']);
const SPOKEN = new Set([
  'aria-label',
  'aria-valuetext',
  'title',
  'placeholder',
  'label',
  'hint',
  'alt',
  'heading',
]);

interface Node {
  readonly type: string;
  readonly [part: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function children(node: Node): Node[] {
  return Object.entries(node)
    .filter(([part]) => part !== 'metadata' && part !== 'options')
    .flatMap(([, value]): unknown[] => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

const isText = (text: string): boolean =>
  (text.match(/\p{L}[\p{L}\d/-]+/gu) ?? []).some((word) => !ALLOWED.has(word));

/** Strings that an expression can show: not arguments of a call, keys, or what is compared. */
function shownStrings(node: Node): string[] {
  switch (node.type) {
    case 'Literal':
      return typeof node['value'] === 'string' ? [node['value']] : [];
    case 'TemplateElement':
      return [(node['value'] as { cooked: string }).cooked];
    case 'CallExpression':
    case 'BinaryExpression':
    case 'MemberExpression':
    case 'ArrowFunctionExpression':
    case 'ObjectExpression':
    case 'TSAsExpression':
      return [];
    case 'ConditionalExpression':
      return [node['consequent'], node['alternate']].filter(isNode).flatMap(shownStrings);
    default:
      return children(node).flatMap(shownStrings);
  }
}

function textsOf(node: Node): string[] {
  if (
    node.type === 'StyleDirective' ||
    node.type === 'Comment' ||
    node.type === 'Script' ||
    node.type === 'StyleSheet'
  )
    return [];
  if (node.type === 'Text') return [node['data'] as string];
  if (node.type === 'ExpressionTag') return shownStrings(node['expression'] as Node);
  if (node.type === 'Attribute') return SPOKEN.has(node['name'] as string) ? valuesOf(node) : [];
  return children(node).flatMap(textsOf);
}

function valuesOf({ value }: Node): string[] {
  return (Array.isArray(value) ? value : [value]).filter(isNode).flatMap(textsOf);
}

/** The literal texts of a component. */
function literals(source: string): string[] {
  const { fragment } = parse(source, { modern: true });
  return textsOf(fragment as unknown as Node)
    .filter(isText)
    .map((text) => text.trim());
}

/** Sentences, or parts of them, in quotes: two words or more. Comments do not count. */
function sentences(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
  return [...code.matchAll(/(['"`])((?:(?!\1)[^\\\n])*?)\1/g)]
    .map(([, , text = '']) => text.replace(/\$\{[^}]*\}/g, ''))
    .filter((text) => /\p{L}{2,} \p{Ll}{2,}/u.test(text));
}

function all(sources: Readonly<Record<string, string>>, find: (source: string) => string[]): string[] {
  return Object.entries(sources).flatMap(([file, source]) => find(source).map((text) => `${file}: ${text}`));
}

describe('texts outside the language files', () => {
  it('are found where they stand', () => {
    expect(literals('<p>Flame</p><p>{t("shell:home")} · {count} %</p>')).toEqual([]);
    expect(literals('<p>Saved <b>twice</b></p>')).toEqual(['Saved', 'twice']);
    expect(literals('<button aria-label="Close" class="button quiet">✕</button>')).toEqual(['Close']);
    expect(literals('<button title="{name}, said aloud">✕</button>')).toEqual([', said aloud']);
    expect(literals("{#if a === 'added'}<p>{busy ? 'Opening…' : t('a:b')}</p>{/if}")).toEqual(['Opening…']);
    expect(literals('<p>{`${count} drugs`}</p>')).toEqual(['drugs']);
    expect(
      literals('<script>const word = "not on the screen";</script><style>p { color: red; }</style>'),
    ).toEqual([]);
    expect(sentences("t('a:b'); // not this one\nreturn `${n} of these`;")).toEqual([' of these']);
  });

  it('are in no component', () => {
    expect(Object.keys(components).length).toBeGreaterThan(60);
    expect(all(components, literals)).toEqual([]);
  });

  it('are in no wording, no state and no graph', () => {
    expect(Object.keys(words).length).toBeGreaterThan(40);
    expect(all(words, sentences)).toEqual([]);
  });
});
