import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompileError } from '../../src/errors.js';
import { formatOf, readPattern, writePattern } from '../../src/io/patterns/formats.js';
import type { Pattern, PatternFormat } from '../../src/io/patterns/pattern.js';
import { Flag, PATTERN_FORMATS } from '../../src/io/patterns/pattern.js';

/** What each format keeps of the flags. */
const KEPT: Readonly<Record<PatternFormat, number>> = {
  emp2: Flag.valid | Flag.start | Flag.end | Flag.orbit | Flag.idle,
  emp1: Flag.valid | Flag.idle,
  apx: Flag.valid | Flag.start | Flag.end | Flag.orbit,
  hex: Flag.valid,
};

const patterns: fc.Arbitrary<Pattern> = fc.record({ links: fc.uniqueArray(fc.integer({ min: 0, max: 130 }), { minLength: 1, maxLength: 5 }), frames: fc.integer({ min: 1, max: 20 }) }).chain(({ links, frames }) =>
  fc.record({
    data: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: links.length * frames, maxLength: links.length * frames }),
    flags: fc.array(fc.integer({ min: 0, max: 31 }), { minLength: links.length * frames, maxLength: links.length * frames }),
  }).map(({ data, flags }) => ({ format: 'emp2' as const, links, frames, data: BigUint64Array.from(data), flags: Uint8Array.from(flags), tellsValid: true })));

describe.each(PATTERN_FORMATS)('%s', (format) => {
  it('reads what it wrote, in the format it finds itself', () => {
    fc.assert(fc.property(patterns, (pattern) => {
      const text = writePattern(format, pattern, 'board');
      expect(formatOf(text)).toBe(format);
      const read = readPattern(text, 'p.txt');
      const flags = pattern.flags.map((own) => own & KEPT[format]);
      expect(read.links).toEqual(pattern.links);
      expect(read.frames).toBe(pattern.frames);
      expect([...read.flags]).toEqual([...flags]);
      // Plain numbers have no place for the word of a frame that is not valid.
      const data = pattern.data.map((word, i) => (format === 'hex' && (flags[i] as number) === 0 ? 0n : word));
      expect([...read.data]).toEqual([...data]);
    }), { seed: 5, numRuns: 100 });
  });
});

const SMALL: Pattern = {
  format: 'emp2', links: [4, 117], frames: 2, tellsValid: true,
  data: BigUint64Array.from([0x0123456789abcdefn, 1n, 0xffff_ffff_ffff_ffffn, 0n]),
  flags: Uint8Array.from([Flag.valid | Flag.start | Flag.orbit, Flag.valid, Flag.valid | Flag.end, 0]),
};

describe('the text', () => {
  it('is what boards and CMSSW expect', () => {
    expect(writePattern('emp2', SMALL, 'tagger')).toBe(
      'ID: tagger\nMetadata: (strobe,) start of orbit, start of packet, end of packet, valid\n\n' +
      '      Link              004                    117        \n' +
      'Frame 0000    1101 0123456789abcdef  0001 0000000000000001\n' +
      'Frame 0001    0011 ffffffffffffffff  0000 0000000000000000\n');
    expect(writePattern('emp1', SMALL, 'tagger')).toBe(
      'Board tagger\n Quad/Chan :         q01c0                q29c1       \n      Link :          004                  117        \n' +
      'Frame 0000 :   1v0123456789abcdef   1v0000000000000001\n' +
      'Frame 0001 :   1vffffffffffffffff   0v0000000000000000\n');
    expect(writePattern('apx', SMALL, 'tagger')).toBe(
      '#Sideband ON\n#LinkLabel                LINK_04                    LINK_117    \n#BeginData\n' +
      '0x0000    0x07 0x0123456789abcdef    0x01 0x0000000000000001\n' +
      '0x0001    0x09 0xffffffffffffffff    0x00 0x0000000000000000\n');
    expect(writePattern('hex', SMALL, 'tagger')).toBe('# links 4 117\n0123456789abcdef 0000000000000001\nffffffffffffffff xxxxxxxxxxxxxxxx\n');
  });

  it('may come with comments, other spacing and strobes', () => {
    const emp2 = readPattern('# of today\nId: x1 \nMetadata: (strobe,) start of orbit, start of packet, end of packet, valid \n \n   Link            007\n# here it begins\nFrame 0000   00001 00000000000000ff\nFrame 0001   11011 00000000000000FE\n', 'p');
    expect([emp2.format, emp2.links, [...emp2.data], [...emp2.flags]]).toEqual(['emp2', [7], [255n, 254n], [Flag.idle | Flag.valid, Flag.orbit | Flag.end | Flag.valid]]);
    const emp1 = readPattern('Board x\r\n Quad/Chan : q00c3\r\n Link : 03\r\nFrame 0000 : 1s1v00000000000000ff\r\nFrame 0001 : 0s1v0000000000000000\r\n', 'p');
    expect([emp1.format, emp1.links, [...emp1.flags]]).toEqual(['emp1', [3], [Flag.valid, Flag.valid | Flag.idle]]);
    const apx = readPattern('#Sideband OFF\n#LinkLabel LINK_00 LINK_01\n#BeginData\n0x0000 0x1 0x2\n', 'p');
    expect([apx.format, apx.tellsValid, [...apx.data], [...apx.flags]]).toEqual(['apx', false, [1n, 2n], [1, 1]]);
    const hex = readPattern('// of a simulator\n0x1f00000000000000002 # the bus\n0000000000000000000x\n', 'p');
    expect([hex.links, [...hex.data], [...hex.flags]]).toEqual([[0, 1], [2n, 0x1f0n, 0n, 0n], [1, 1, 0, 0]]);
  });

  it('of plain numbers says whether it knows what is valid', () => {
    expect(readPattern('12\n34\n', 'p').tellsValid).toBe(false);
    expect(readPattern('12\nxx\n', 'p').tellsValid).toBe(true);
  });
});

const EMP2 = 'ID: x\nMetadata: (strobe,) start of orbit, start of packet, end of packet, valid\n\n      Link   000   001\n';

describe('what is wrong with a file', () => {
  it.each([
    ['nothing', '  \n', /^p: the file is empty\.$/],
    ['something else', 'hello world\n', /^p: is no pattern file: it begins neither as EMPv2 \(ID:\), nor EMPv1/],
    ['a metadata line of something else', 'ID: x\nMetadata: other\n', /^p:2: is not the line 'Metadata: \(strobe,\)/],
    ['no links', 'ID: x\nMetadata: (strobe,) start of orbit, start of packet, end of packet, valid\nFrame 0000  0000 0000000000000000\n', /^p:3: does not name the links/],
    ['a link twice', EMP2.replace('001', '000'), /^p:4: names a link twice\.$/],
    ['a link that is none', EMP2.replace('001', 'q01'), /^p:4: 'q01' is no link number\.$/],
    ['a word too few', `${EMP2}Frame 0000  0001 0000000000000000\n`, /^p:5: has 1 words for 2 links\.$/],
    ['a frame left out', `${EMP2}Frame 0001  0001 0000000000000000  0001 0000000000000000\n`, /^p:5: is frame 0001, and frame 0000 should follow\.$/],
    ['three flags', `${EMP2}Frame 0000  001 0000000000000000  0001 0000000000000000\n`, /^p:5: '001 0000000000000000' is no word: four or five flags/],
    ['half a word', `${EMP2}Frame 0000  0001 00000000  0001 0000000000000000\n`, /^p:5: '0001 00000000' is no word/],
    ['EMPv1 without a colon', 'Board x\n Quad/Chan : q00c0\n Link : 000\nFrame 0000 1v0000000000000000\n', /^p:4: is no frame: it should begin with 'Frame 0000'\.$/],
    ['words of other lengths', 'Board x\n Quad/Chan : q00c0\n Link : 000\nFrame 0000 : 1v000000000000\n', /^p:4: '1v000000000000' is no word: 1v or 0v and 16 hexadecimal digits, or 8\.$/],
    ['APx without data', '#Sideband ON\n#LinkLabel LINK_00\n0x0000 0x00 0x0\n', /^p:3: is not the line '#BeginData'\.$/],
    ['APx without a sideband', '#Sideband ON\n#LinkLabel LINK_00\n#BeginData\n0x0000 0x0\n', /^p:4: has 0.5 words for 1 links\.$/],
    ['APx in decimal', '#LinkLabel LINK_00\n#BeginData\n0 0 0\n', /^p:3: '0' is no hexadecimal number of at most 64 bits\.$/],
    ['numbers of other lengths', '12 34\n56\n', /^p:2: has 1 words for 2 links\.$/],
    ['words among numbers', '12\nhello\n', /^p:2: 'hello' is no hexadecimal number\.$/],
  ])('%s', (_, text, expected) => {
    let message = '';
    try {
      readPattern(text, 'p');
    } catch (error) {
      expect(error).toBeInstanceOf(CompileError);
      message = (error as Error).message;
    }
    expect(message).toMatch(expected);
  });

  it('is told in the format that was asked for', () => {
    expect(() => readPattern('12\n', 'p', 'apx')).toThrow(/^p:1: does not name the links/);
  });
});
