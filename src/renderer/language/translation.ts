/** What a language file may hold: any part of the English texts, and nothing else; and the keys by which they are asked for. */

import type { english } from './english.ts';

type English = typeof english;
type Texts<Node> = { readonly [Key in keyof Node]?: Node[Key] extends string ? string : Texts<Node[Key]> };
export type Translation = Texts<English>;

/** The plural forms of a text, `visits_one` and `visits_other`, are asked for as `visits`. */
type Singular<Key extends string> = Key extends `${infer Base}_${Intl.LDMLPluralRule}` ? Base : Key;
type Path<Node> = {
  [Key in keyof Node & string]: Node[Key] extends string ? Singular<Key> : `${Key}.${Path<Node[Key]>}`;
}[keyof Node & string];
export type TextKey = { [File in keyof English]: `${File}:${Path<English[File]>}` }[keyof English];
