import { Alias, Document, LineCounter, Pair, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Node, YAMLMap } from 'yaml';
import type { Problem } from '../errors.js';

/**
 * A YAML (or JSON, which YAML contains) text with the line of every node, and the problems found while it is read:
 * all of them are collected, then reported together.
 */
export class ConfigText {
  readonly problems: Problem[] = [];
  private readonly document: Document.Parsed;
  private readonly lines = new LineCounter();

  /** @param file the name that messages show */
  constructor(readonly file: string, text: string) {
    this.document = parseDocument(text, { lineCounter: this.lines, uniqueKeys: true, prettyErrors: false });
    for (const error of this.document.errors.slice(0, 20)) {
      const line = this.lines.linePos(error.pos[0]).line;
      this.problems.push({ code: 'bad-config-syntax', where: [`${file}:${line}`], what: `${error.message}.` });
    }
  }

  /** The top-level mapping; undefined (with a problem) where the text is something else. */
  root(): YAMLMap | undefined {
    if (this.problems.length > 0) return undefined;
    const contents = this.resolve(this.document.contents);
    if (isMap(contents)) return contents;
    if (contents === null) this.problem(contents, [], 'config-empty', 'the file is empty.');
    else this.problem(contents, [], 'config-not-a-mapping', 'the file holds no mapping of keys to values.');
    return undefined;
  }

  /** The entries of a mapping as text keys; undefined (with a problem) if the node is no mapping. */
  entries(node: unknown, path: readonly string[]): readonly ConfigEntry[] | undefined {
    const map = this.resolve(node);
    if (!isMap(map)) {
      this.problem(map, path, 'config-not-a-mapping', `${describe(map)} found where a mapping is expected.`);
      return undefined;
    }
    return map.items.map((pair: Pair) => {
      const key = this.resolve(pair.key);
      return { key: isScalar(key) ? String(key.value) : '', keyNode: key, value: this.resolve(pair.value) };
    });
  }

  /** The value of a scalar (text, number, boolean or null), or undefined if the node is none. */
  scalar(node: unknown): string | number | boolean | null | undefined {
    const resolved = this.resolve(node);
    if (resolved === null || resolved === undefined) return null;
    if (!isScalar(resolved)) return undefined;
    const value: unknown = resolved.value;
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    return undefined;
  }

  /** Everything as plain data, aliases followed. */
  plain(): unknown {
    try {
      return this.document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      this.problem(this.document.contents, [], 'bad-config-syntax', `${error instanceof Error ? error.message : String(error)}.`);
      return {};
    }
  }

  /** The node at a path of keys and indices; the key itself where its value is nothing, and as deep as the text goes. */
  nodeAt(path: readonly (string | number)[]): unknown {
    let node: unknown = this.resolve(this.document.contents);
    for (const [depth, key] of path.entries()) {
      const pair = isMap(node) ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key)) : undefined;
      const inner = pair === undefined && isSeq(node) && typeof key === 'number' ? node.items[key] : pair?.value;
      if (inner === undefined || inner === null) return pair?.key ?? node;
      const next = this.resolve(inner);
      if (isMap(next) && pair !== undefined && depth === path.length - 1) return pair.key;
      node = next;
    }
    return node;
  }

  /** 1-based line of a node; 1 where it has none. */
  lineOf(node: unknown): number {
    const range = (node as Node | null | undefined)?.range;
    return range ? this.lines.linePos(range[0]).line : 1;
  }

  problem(node: unknown, path: readonly string[], code: string, what: string, mend?: string): void {
    this.problems.push({
      code,
      where: [`${this.file}:${this.lineOf(node)}`, ...path],
      what,
      ...(mend === undefined ? {} : { mend }),
    });
  }

  private resolve(node: unknown): unknown {
    return isAlias(node) ? (node as Alias).resolve(this.document) : node;
  }
}

export interface ConfigEntry {
  readonly key: string;
  readonly keyNode: unknown;
  readonly value: unknown;
}

/** What a node is, for messages. */
export function describe(node: unknown): string {
  if (node === null || node === undefined) return 'nothing';
  if (isMap(node)) return 'a mapping';
  if (isScalar(node)) return node.value === null ? 'nothing' : `'${String(node.value)}'`;
  return 'a list';
}
