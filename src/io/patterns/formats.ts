import { CompileError } from '../../errors.js';
import { readApx, writeApx } from './apx.js';
import { readEmp1, readEmp2, writeEmp1, writeEmp2 } from './emp.js';
import { readHex, writeHex } from './hex.js';
import type { Pattern, PatternFormat } from './pattern.js';

interface Format {
  readonly write: (pattern: Pattern, id: string) => string;
  readonly read: (text: string, file: string) => Pattern;
  /** How the first line begins that is neither empty nor a comment. */
  readonly begins: RegExp;
}

const FORMATS: Readonly<Record<PatternFormat, Format>> = {
  emp2: { write: writeEmp2, read: readEmp2, begins: /^ID:/i },
  emp1: { write: writeEmp1, read: readEmp1, begins: /^Board / },
  apx: { write: writeApx, read: readApx, begins: /^#(Sideband|LinkLabel)/i },
  hex: { write: writeHex, read: readHex, begins: /^(0x)?[0-9a-fxz]+(\s|$)/i },
};

export function writePattern(format: PatternFormat, pattern: Pattern, id: string): string {
  return FORMATS[format].write(pattern, id);
}

/**
 * Reads a pattern file, in the format given or that of its first line.
 *
 * @throws CompileError (`input`): no such format, or a line that is wrong in it
 */
export function readPattern(text: string, file: string, format?: PatternFormat): Pattern {
  const found = format ?? formatOf(text);
  if (found !== undefined) return FORMATS[found].read(text, file);
  throw new CompileError('input', {
    code: 'unknown-pattern', where: [file],
    what: text.trim() === '' ? 'the file is empty.' : 'is no pattern file: it begins neither as EMPv2 (ID:), nor EMPv1 (Board), nor APx (#Sideband, #LinkLabel), nor with hexadecimal numbers.',
  });
}

/** The format that a text has by its first line; undefined for none. */
export function formatOf(text: string): PatternFormat | undefined {
  const first = text.split('\n').map((line) => line.trim()).find((line) => line !== '' && (!/^(#|\/\/)/.test(line) || FORMATS.apx.begins.test(line))) ?? '';
  return (Object.keys(FORMATS) as PatternFormat[]).find((name) => FORMATS[name].begins.test(first));
}
