import { describe, expect, it } from 'vitest';
import { parseUbj } from '../../src/frontends/xgboost/ubj.js';
import { messageOf } from './helpers.js';

/** Text as bytes; numbers are bytes themselves. */
function bytes(...parts: readonly (string | number)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part].map((letter) => letter.charCodeAt(0)))));
}

const L = (n: number): (string | number)[] => ['L', 0, 0, 0, 0, 0, 0, n >> 8, n & 255];

describe('UBJSON', () => {
  it('reads numbers of every type, big-endian', () => {
    expect(parseUbj(bytes('[', 'i', 255, 'U', 255, 'I', 255, 254, 'l', 0, 1, 0, 0, ...L(7), 'd', 0x3f, 0xc0, 0, 0, 'D', 0xbf, 0xf0, 0, 0, 0, 0, 0, 0, 'T', 'F', 'Z', 'C', 'x', ']'), 'x')).toEqual([-1, 255, -2, 65536, 7, 1.5, -1, true, false, null, 'x']);
  });

  it('reads typed and counted containers as XGBoost writes them, and others', () => {
    const typed = bytes('{', ...L(1), 'a', '[', '$', 'd', '#', ...L(2), 0x3f, 0x80, 0, 0, 0x40, 0, 0, 0, 'i', 1, 'b', 'S', ...L(2), 'hi', '}');
    expect(parseUbj(typed, 'x')).toEqual({ a: [1, 2], b: 'hi' });
    expect(parseUbj(bytes('{', '#', 'i', 1, 'i', 1, 'a', '[', '#', 'i', 2, 'N', 'i', 1, '[', ']'), 'x')).toEqual({ a: [1, []] });
    expect(parseUbj(bytes('[', '$', 'U', '#', 'U', 3, 1, 2, 3), 'x')).toEqual([1, 2, 3]);
    expect(parseUbj(bytes('{', '$', 'i', '#', 'i', 1, 'i', 1, 'a', 5), 'x')).toEqual({ a: 5 });
  });

  it.each<readonly [string, Uint8Array]>([
    ['a count past the file', bytes('[', '$', 'd', '#', 'L', 127, 255, 255, 255, 255, 255, 255, 255)],
    ['a count that is no safe integer of bytes', bytes('[', '#', 'l', 127, 255, 255, 255)],
    ['elements without size', bytes('[', '$', 'Z', '#', 'l', 127, 255, 255, 255)],
    ['a negative length', bytes('S', 'i', 255)],
    ['a text past the file', bytes('S', ...L(500), 'abc')],
    ['a text that is not UTF-8', bytes('S', 'i', 1, 255)],
    ['a type without count', bytes('[', '$', 'd', ']')],
    ['an unknown type', bytes('[', 'q', ']')],
    ['deep nesting', bytes(...new Array<string>(5000).fill('['))],
    ['a cut number', bytes('D', 1, 2)],
    ['bytes behind the end', bytes('i', 1, 'i')],
    ['nothing', bytes()],
  ])('refuses %s', (_, file) => {
    expect(messageOf(() => parseUbj(file, 'x.ubj'))).toMatchSnapshot();
  });
});
