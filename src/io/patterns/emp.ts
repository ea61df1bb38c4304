import type { Pattern } from './pattern.js';
import { badLine, checkColumns, Flag, frameNumber, hexWord, linkNumbers, numberedLines, PatternBuilder } from './pattern.js';

/** Both text forms of EMP boards' buffer files, as CMSSW's L1Trigger/DemonstratorTools writes and reads them. */
const METADATA = 'Metadata: (strobe,) start of orbit, start of packet, end of packet, valid';

const has = (flags: number, flag: number): number => ((flags & flag) === 0 ? 0 : 1);

/** Version 2: `Frame 0000    1101 0123456789abcdef`, flags in the order of the metadata line. */
export function writeEmp2({ links, frames, data, flags }: Pattern, id: string): string {
  const strobed = links.map((_, l) => Array.from({ length: frames }, (__, f) => f).some((f) => has(flags[f * links.length + l] as number, Flag.idle) === 1));
  const lines = [`ID: ${id}`, METADATA, '', `      Link  ${links.map((link, l) => `${strobed[l] === true ? ' ' : ''}            ${String(link).padStart(3, '0')}        `).join('')}`];
  for (let f = 0; f < frames; f++) {
    const words = links.map((_, l) => {
      const at = f * links.length + l;
      const own = flags[at] as number;
      const strobe = strobed[l] === true ? String(1 - has(own, Flag.idle)) : '';
      return `  ${strobe}${has(own, Flag.orbit)}${has(own, Flag.start)}${has(own, Flag.end)}${has(own, Flag.valid)} ${hexWord(data[at] as bigint)}`;
    });
    lines.push(`Frame ${frameNumber(f)}  ${words.join('')}`);
  }
  return `${lines.join('\n')}\n`;
}

export function readEmp2(text: string, file: string): Pattern {
  const [id, metadata, header, ...rest] = numberedLines(text).filter(({ text: line }) => !line.startsWith('#'));
  if (id === undefined || !/^ID:/i.test(id.text)) throw badLine(file, id?.line ?? 1, "does not begin with 'ID:', as EMPv2 files do.");
  if (metadata?.text.startsWith(METADATA) !== true) throw badLine(file, metadata?.line ?? id.line, `is not the line '${METADATA}'.`);
  if (header === undefined || !header.text.startsWith('Link ')) throw badLine(file, header?.line ?? metadata.line, "does not name the links ('Link  000  001 …').");
  const links = linkNumbers(header.text.split(/\s+/).slice(1), file, header.line);
  const builder = new PatternBuilder(links);
  for (const { line, text: row } of rest) {
    const words = frameBody(row, /^Frame\s+(\d+)\s+/, builder.frames, file, line).split(/\s{2,}/);
    checkColumns(words.length, links, file, line);
    for (const word of words) {
      const match = /^([01])?([01])([01])([01])([01]) ([0-9a-fA-F]{16})$/.exec(word);
      if (match === null) throw badLine(file, line, `'${word.slice(0, 40)}' is no word: four or five flags, a space, 16 hexadecimal digits.`);
      const bit = (group: number, flag: number): number => (match[group] === '1' ? flag : 0);
      const idle = match[1] === '0' ? Flag.idle : 0;
      builder.word(BigInt(`0x${match[6]}`), idle | bit(2, Flag.orbit) | bit(3, Flag.start) | bit(4, Flag.end) | bit(5, Flag.valid));
    }
  }
  return builder.finish('emp2', true);
}

/** Version 1: `Frame 0000 :    1v0123456789abcdef`, on the MP7 with 8 digits. Knows neither packets nor orbits. */
export function writeEmp1({ links, frames, data, flags, wordBits }: Pattern, id: string): string {
  const lines = [
    `Board ${id}`,
    ` Quad/Chan :${links.map((link) => `         q${String(Math.floor(link / 4)).padStart(2, '0')}c${link % 4}       `).join('')}`,
    `      Link :${links.map((link) => `          ${String(link).padStart(3, '0')}        `).join('')}`,
  ];
  for (let f = 0; f < frames; f++) {
    const words = links.map((_, l) => {
      const at = f * links.length + l;
      const idle = has(flags[at] as number, Flag.idle) === 1 ? '0s' : '';
      return `   ${idle}${has(flags[at] as number, Flag.valid)}v${hexWord(data[at] as bigint, wordBits)}`;
    });
    lines.push(`Frame ${frameNumber(f)} :${words.join('')}`);
  }
  return `${lines.join('\n')}\n`;
}

export function readEmp1(text: string, file: string): Pattern {
  const [board, quads, header, ...rest] = numberedLines(text).filter(({ text: line }) => !line.startsWith('#'));
  if (board?.text.startsWith('Board ') !== true) throw badLine(file, board?.line ?? 1, "does not begin with 'Board', as EMPv1 files do.");
  if (quads?.text.startsWith('Quad/Chan :') !== true) throw badLine(file, quads?.line ?? board.line, "is not the line 'Quad/Chan : …'.");
  if (header?.text.startsWith('Link :') !== true) throw badLine(file, header?.line ?? quads.line, "does not name the links ('Link : 000 001 …').");
  const links = linkNumbers(header.text.slice('Link :'.length).trim().split(/\s+/), file, header.line);
  const builder = new PatternBuilder(links);
  let digits: number | undefined;
  for (const { line, text: row } of rest) {
    const words = frameBody(row, /^Frame\s+(\d+)\s*:\s*/, builder.frames, file, line).split(/\s+/);
    checkColumns(words.length, links, file, line);
    for (const word of words) {
      const match = /^(?:([01])s)?([01])v([0-9a-fA-F]{16}|[0-9a-fA-F]{8})$/.exec(word);
      if (match === null) throw badLine(file, line, `'${word.slice(0, 40)}' is no word: 1v or 0v and 16 hexadecimal digits, or 8.`);
      if (digits !== undefined && match[3]?.length !== digits) throw badLine(file, line, `'${word.slice(0, 40)}' has not the ${digits} digits of the words before it.`);
      digits = match[3]?.length;
      builder.word(BigInt(`0x${match[3]}`), (match[1] === '0' ? Flag.idle : 0) | (match[2] === '1' ? Flag.valid : 0));
    }
  }
  return builder.finish('emp1', true, digits === 8 ? 32 : undefined);
}

/** What follows the frame's number, which must be the next. */
function frameBody(row: string, prefix: RegExp, expected: number, file: string, line: number): string {
  const match = prefix.exec(row);
  if (match === null) throw badLine(file, line, `is no frame: it should begin with 'Frame ${frameNumber(expected)}'.`);
  if (Number(match[1]) !== expected) throw badLine(file, line, `is frame ${match[1]}, and frame ${frameNumber(expected)} should follow.`);
  return row.slice(match[0].length);
}
