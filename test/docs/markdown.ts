import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** README.md and everything in docs/, as paths from the root. */
export const DOCUMENTS: readonly string[] = ['README.md', ...readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** A fenced block that tests run: its exit code, and lines that its output must contain in this order. */
export interface Example {
  readonly line: number;
  readonly script: string;
  readonly exit: number;
  readonly output: readonly string[];
}

interface Block {
  readonly line: number;
  readonly info: string;
  readonly text: string;
}

function blocksOf(document: string): Block[] {
  const blocks: Block[] = [];
  let open: { line: number; info: string; lines: string[] } | undefined;
  document.split('\n').forEach((text, i) => {
    const fence = /^```(.*)$/.exec(text);
    if (fence === null) open?.lines.push(text);
    else if (open === undefined) open = { line: i + 1, info: (fence[1] as string).trim(), lines: [] };
    else {
      blocks.push({ line: open.line, info: open.info, text: open.lines.join('\n') });
      open = undefined;
    }
  });
  if (open !== undefined) throw new Error(`the block of line ${open.line} is not closed`);
  return blocks;
}

/** The examples of a document: blocks ```sh run [exit=N], each with the ```text output blocks behind it. */
export function examplesOf(document: string): Example[] {
  const examples: { line: number; script: string; exit: number; output: string[] }[] = [];
  for (const { line, info, text } of blocksOf(document)) {
    const run = /^sh run(?: exit=(\d))?$/.exec(info);
    if (run !== null) examples.push({ line, script: text, exit: Number(run[1] ?? 0), output: [] });
    else if (info === 'text output') {
      const last = examples[examples.length - 1];
      if (last === undefined) throw new Error(`the output of line ${line} belongs to no example`);
      last.output.push(...text.split('\n').filter((wanted) => wanted.trim() !== ''));
    } else if (/run|output/.test(info)) throw new Error(`line ${line}: '${info}' is neither 'sh run [exit=N]' nor 'text output'`);
  }
  return examples;
}

/** The first of `wanted` that does not occur in `text` behind the ones before it; undefined if all do. */
export function firstMissing(text: string, wanted: readonly string[]): string | undefined {
  let from = 0;
  for (const part of wanted) {
    const at = text.indexOf(part, from);
    if (at < 0) return part;
    from = at + part.length;
  }
  return undefined;
}

/** Targets of links and pictures, code left out. */
export function linksOf(document: string): string[] {
  const prose = document.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`(?!\])/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
}

/** Anchors of headings, as GitHub makes them. */
export function anchorsOf(document: string): string[] {
  return [...document.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)].map((match) =>
    (match[1] as string).toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'),
  );
}

/** Rows of the first table under a heading, cells trimmed; the head is left out. */
export function tableUnder(document: string, heading: string): string[][] {
  const lines = document.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start < 0) throw new Error(`no heading '${heading}'`);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 1)) {
    if (/^#+ /.test(line)) break;
    if (line.startsWith('|')) rows.push(line.split('|').slice(1, -1).map((cell) => cell.trim()));
    else if (rows.length > 0) break;
  }
  return rows.slice(2);
}

/** The `code` of the first cell of each row. */
export function namesOf(rows: readonly (readonly string[])[]): string[] {
  return rows.map((row) => /^`([^`]+)`$/.exec(row[0] ?? '')?.[1] ?? `not a name: ${row[0] ?? ''}`);
}
