import type { Pattern } from './pattern.js';
import { badLine, checkColumns, Flag, hexWord, linkNumbers, numberedLines, PatternBuilder } from './pattern.js';

/**
 * Plain hexadecimal, for whatever writes a line a clock: a line a frame, a word a link, first link first; `x…` where the
 * frame is not valid; `#` and `//` begin comments, and `# links 4 5 6` numbers the links. A number of more than 16 digits is a
 * whole bus, its lowest 64 bits on the first link.
 */
export function writeHex({ links, frames, data, flags, wordBits = 64 }: Pattern): string {
  const lines = [`# links ${links.join(' ')}`];
  for (let f = 0; f < frames; f++) {
    lines.push(links.map((_, l) => {
      const at = f * links.length + l;
      return ((flags[at] as number) & Flag.valid) === 0 ? 'x'.repeat(wordBits / 4) : hexWord(data[at] as bigint, wordBits);
    }).join(' '));
  }
  return `${lines.join('\n')}\n`;
}

export function readHex(text: string, file: string): Pattern {
  let links: number[] | undefined;
  let builder: PatternBuilder | undefined;
  let tellsValid = false;
  for (const { line, text: row } of numberedLines(text)) {
    const header = /^#\s*links\s+(.*)$/.exec(row);
    if (header !== null && builder === undefined) links = linkNumbers((header[1] as string).trim().split(/\s+/), file, line);
    const code = row.replace(/(#|\/\/).*$/, '').trim();
    if (code === '') continue;
    const words = code.split(/\s+/).flatMap((token) => wordsOf(token, file, line));
    links ??= words.map((_, l) => l);
    builder ??= new PatternBuilder(links);
    checkColumns(words.length, links, file, line);
    for (const word of words) {
      tellsValid ||= word === undefined;
      builder.word(word ?? 0n, word === undefined ? 0 : Flag.valid);
    }
  }
  if (builder === undefined) throw badLine(file, 1, 'holds no frame.');
  return builder.finish('hex', tellsValid);
}

/** The words of a token, lowest first; undefined ones where a digit is not known. */
function wordsOf(token: string, file: string, line: number): (bigint | undefined)[] {
  const digits = token.replace(/^0x/i, '');
  if (!/^[0-9a-fA-FxXzZ]+$/.test(digits)) throw badLine(file, line, `'${token.slice(0, 40)}' is no hexadecimal number.`);
  const words: (bigint | undefined)[] = [];
  for (let end = digits.length; end > 0; end -= 16) {
    const part = digits.slice(Math.max(0, end - 16), end);
    words.push(/[xz]/i.test(digits) ? undefined : BigInt(`0x${part}`));
  }
  return words;
}
