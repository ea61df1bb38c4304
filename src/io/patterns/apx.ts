import type { Pattern } from './pattern.js';
import { badLine, checkColumns, Flag, hexWord, linkNumbers, numberedLines, PatternBuilder } from './pattern.js';

/** Sideband bits, as CMSSW's L1Trigger/DemonstratorTools has them: valid, start of frame, first of orbit, end of frame. */
const SIDEBAND = [[0, Flag.valid], [1, Flag.start], [2, Flag.orbit], [3, Flag.end]] as const;

/** `0x0000    0x0b 0x0123456789abcdef`: the frame, then sideband and word of each link. */
export function writeApx({ links, frames, data, flags }: Pattern): string {
  const lines = ['#Sideband ON', `#LinkLabel${links.map((link) => `                LINK_${String(link).padStart(2, '0')}    `).join('')}`, '#BeginData'];
  for (let f = 0; f < frames; f++) {
    const words = links.map((_, l) => {
      const at = f * links.length + l;
      const sideband = SIDEBAND.reduce((bits, [bit, flag]) => bits | (((flags[at] as number) & flag) === 0 ? 0 : 1 << bit), 0);
      return `    0x${sideband.toString(16).padStart(2, '0')} 0x${hexWord(data[at] as bigint)}`;
    });
    lines.push(`0x${f.toString(16).padStart(4, '0')}${words.join('')}`);
  }
  return `${lines.join('\n')}\n`;
}

export function readApx(text: string, file: string): Pattern {
  const lines = numberedLines(text);
  const sideband = /^#Sideband\s+(ON|OFF)$/i.exec(lines[0]?.text ?? '');
  const hasSideband = sideband === null || sideband[1]?.toUpperCase() === 'ON';
  const [labels, begin, ...rest] = sideband === null ? lines : lines.slice(1);
  if (labels?.text.startsWith('#LinkLabel') !== true) throw badLine(file, labels?.line ?? 1, "does not name the links ('#LinkLabel LINK_00 …').");
  if (begin?.text !== '#BeginData') throw badLine(file, begin?.line ?? labels.line, "is not the line '#BeginData'.");
  const names = labels.text.split(/\s+/).slice(1);
  const wrong = names.find((name) => !name.startsWith('LINK_'));
  if (wrong !== undefined) throw badLine(file, labels.line, `'${wrong.slice(0, 40)}' is no link: LINK_ and its number.`);
  const links = linkNumbers(names.map((name) => name.slice('LINK_'.length)), file, labels.line);
  const builder = new PatternBuilder(links);
  for (const { line, text: row } of rest) {
    const [frame, ...tokens] = row.split(/\s+/).map((token) => hexToken(token, file, line));
    if (frame !== BigInt(builder.frames)) throw badLine(file, line, `is frame ${String(frame)}, and frame ${builder.frames} should follow.`);
    checkColumns(hasSideband ? tokens.length / 2 : tokens.length, links, file, line);
    for (let i = 0; i < tokens.length; i += hasSideband ? 2 : 1) {
      const bits = hasSideband ? Number(tokens[i]) : 1;
      builder.word(tokens[hasSideband ? i + 1 : i] as bigint, SIDEBAND.reduce((own, [bit, flag]) => own | ((bits >> bit) & 1) * flag, 0));
    }
  }
  return builder.finish('apx', hasSideband);
}

function hexToken(token: string, file: string, line: number): bigint {
  if (!/^0x[0-9a-fA-F]{1,16}$/.test(token)) throw badLine(file, line, `'${token.slice(0, 40)}' is no hexadecimal number of at most 64 bits.`);
  return BigInt(token);
}
