/**
 * The formulary as a tree of tokens: what may come next while a list of drugs is written, a line each. Whatever a model
 * writes along it is a list of formulary drugs, so that a refusal cannot occur. Knows no probabilities.
 */
import { NnError } from '../../nn/errors.ts';

export interface TrieNode {
  readonly children: ReadonlyMap<number, TrieNode>;
  /** The step that ends here: a drug by its place in the formulary, or stop. */
  readonly ends: number | 'stop' | null;
  /** Drugs at or below this node. */
  readonly drugs: readonly number[];
  /** Whether stop is at or below. */
  readonly stop: boolean;
}

interface Growing {
  children: Map<number, Growing>;
  ends: number | 'stop' | null;
  drugs: number[];
  stop: boolean;
}

export class FormularyTrie {
  readonly root: TrieNode;
  /** Most tokens that any node offers. */
  readonly breadth: number;
  /** Tokens of the longest step. */
  readonly depth: number;
  private readonly paths: ReadonlyMap<number | 'stop', readonly number[]>;

  /**
   * @param steps the tokens of each drug's line, its line break included; @param stop the tokens of an empty line
   * @throws NnError `tokenizer-unusable` when a step is empty, or begins as another one ends
   */
  constructor(steps: readonly (readonly number[])[], stop: readonly number[]) {
    const root: Growing = { children: new Map(), ends: null, drugs: [], stop: false };
    const paths = new Map<number | 'stop', readonly number[]>([...steps.entries(), ['stop', stop]]);
    for (const [end, tokens] of paths) {
      if (tokens.length === 0) throw ambiguous(end);
      let node = root;
      note(node, end);
      for (const token of tokens) {
        if (node.ends !== null) throw ambiguous(end);
        let next = node.children.get(token);
        if (!next)
          node.children.set(token, (next = { children: new Map(), ends: null, drugs: [], stop: false }));
        node = next;
        note(node, end);
      }
      if (node.ends !== null || node.children.size > 0) throw ambiguous(end);
      node.ends = end;
    }
    this.root = root;
    this.paths = paths;
    this.depth = Math.max(...[...paths.values()].map((tokens) => tokens.length));
    this.breadth = widest(root);
  }

  /** Tokens of a step. */
  tokensOf(step: number | 'stop'): readonly number[] {
    return this.paths.get(step)!;
  }

  /** Tokens that may come next, ascending: those that lead to a drug that is allowed, or to stop. */
  allowed(node: TrieNode, isAllowed: (drug: number) => boolean): number[] {
    const tokens: number[] = [];
    for (const [token, child] of node.children)
      if (child.stop || child.drugs.some(isAllowed)) tokens.push(token);
    return tokens.sort((a, b) => a - b);
  }
}

function note(node: Growing, end: number | 'stop'): void {
  if (end === 'stop') node.stop = true;
  else node.drugs.push(end);
}

function widest(node: TrieNode): number {
  return [...node.children.values()].reduce(
    (most, child) => Math.max(most, widest(child)),
    node.children.size,
  );
}

function ambiguous(end: number | 'stop'): NnError {
  return new NnError('tokenizer-unusable', `the tokens of step ${end} do not tell it from another one`);
}

/** The list that is being written: where in the tree it stands, and the steps that are done. */
export class ListWriter {
  node: TrieNode;
  readonly steps: number[] = [];
  stopped = false;
  private readonly trie: FormularyTrie;

  constructor(trie: FormularyTrie) {
    this.trie = trie;
    this.node = trie.root;
  }

  /** @param barred drugs that may not be written; those written already never may again */
  allowed(barred: ReadonlySet<number>): number[] {
    return this.trie.allowed(this.node, (drug) => !barred.has(drug) && !this.steps.includes(drug));
  }

  /** Writes a token. @throws NnError `shape-mismatch` for one that leads nowhere */
  write(token: number): void {
    const next = this.node.children.get(token);
    if (!next || this.stopped)
      throw new NnError('shape-mismatch', `token ${token} is no step of the formulary`);
    if (next.ends === null) {
      this.node = next;
      return;
    }
    if (next.ends === 'stop') this.stopped = true;
    else this.steps.push(next.ends);
    this.node = this.trie.root;
  }
}

/**
 * Which step each token of a written list belongs to, stop being the last: a token inherits the credit of its drug
 * (METHOD section 1). A step that was cut off counts as one.
 */
export function stepsOfTokens(trie: FormularyTrie, tokens: readonly number[]): number[] {
  const writer = new ListWriter(trie);
  return tokens.map((token) => {
    const step = writer.steps.length;
    writer.write(token);
    return step;
  });
}
