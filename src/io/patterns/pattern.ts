import { CompileError } from '../../errors.js';

/**
 * What a pattern file holds: words of 64 bits on links, frame after frame, each with its flags. Word and flags of link l
 * (its place in `links`) in frame f are at f · links.length + l.
 */
export interface Pattern {
  readonly format: PatternFormat;
  /** Numbers of the links, in the order of the columns. */
  readonly links: readonly number[];
  readonly frames: number;
  readonly data: BigUint64Array;
  readonly flags: Uint8Array;
  /** Bits of a word, where they are not 64: the others are 0. */
  readonly wordBits?: 32 | 64;
  /** Whether the file says which frames are valid. */
  readonly tellsValid: boolean;
}

export const PATTERN_FORMATS = ['emp2', 'emp1', 'apx', 'hex'] as const;
export type PatternFormat = (typeof PATTERN_FORMATS)[number];

/** Flags of a word. */
export const Flag = {
  valid: 1,
  start: 2,
  end: 4,
  orbit: 8,
  /** No word at all: the link is slower than its clock. */
  idle: 16,
} as const;

/** A pattern in the making: frames as text gives them. */
export class PatternBuilder {
  private readonly words: bigint[] = [];
  private readonly flags: number[] = [];

  constructor(private readonly links: readonly number[]) {}

  get frames(): number {
    return this.words.length / this.links.length;
  }

  word(data: bigint, flags: number): void {
    this.words.push(data);
    this.flags.push(flags);
  }

  finish(format: PatternFormat, tellsValid: boolean, wordBits?: 32): Pattern {
    return { ...(wordBits === undefined ? {} : { wordBits }), format, links: this.links, frames: this.frames, data: BigUint64Array.from(this.words), flags: Uint8Array.from(this.flags), tellsValid };
  }
}

/** A frame's index in as many digits as it needs, 4 at least. */
export function frameNumber(frame: number): string {
  return String(frame).padStart(4, '0');
}

export function hexWord(word: bigint, wordBits = 64): string {
  return word.toString(16).padStart(wordBits / 4, '0');
}

/** What is wrong with a line of a pattern file. */
export function badLine(file: string, line: number, what: string, mend?: string): CompileError {
  return new CompileError('input', { code: 'bad-pattern', where: [`${file}:${line}`], what, ...(mend === undefined ? {} : { mend }) });
}

/** A text's lines with their numbers, from 1; white space at the ends is dropped, and lines without anything else. */
export function numberedLines(text: string): { readonly line: number; readonly text: string }[] {
  return text.split('\n').map((line, i) => ({ line: i + 1, text: line.trim() })).filter((line) => line.text !== '');
}

/** Numbers of links, each once. */
export function linkNumbers(tokens: readonly string[], file: string, line: number): number[] {
  const links = tokens.map((token) => {
    if (!/^\d{1,6}$/.test(token)) throw badLine(file, line, `'${token.slice(0, 40)}' is no link number.`);
    return Number(token);
  });
  if (links.length === 0) throw badLine(file, line, 'names no link.');
  if (new Set(links).size !== links.length) throw badLine(file, line, 'names a link twice.');
  return links;
}

/** Refuses a frame of another length than there are links. */
export function checkColumns(found: number, links: readonly number[], file: string, line: number): void {
  if (found !== links.length) throw badLine(file, line, `has ${found} words for ${links.length} links.`);
}
