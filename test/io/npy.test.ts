import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompileError } from '../../src/errors.js';
import { readArrays } from '../../src/io/arrays.js';
import { readNpy, writeNpy } from '../../src/io/npy.js';

/** A .npy file from its header text and data bytes, written independently of src/io. */
function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = Buffer.from(`${header}\n`, 'utf8');
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]), length, text, data]);
}

function header(descr: string, shape: string, fortran = 'False'): string {
  return `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
}

const read = (bytes: Uint8Array) => readNpy(bytes, ['x.npy']);

function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(CompileError);
    return (error as CompileError).message;
  }
  throw new Error('no error was thrown');
}

describe('npy', () => {
  it('reads every dtype in both byte orders', () => {
    const cases: [string, number, (b: Buffer, v: number, big: boolean) => void, number[]][] = [
      ['f8', 8, (b, v, big) => (big ? b.writeDoubleBE(v) : b.writeDoubleLE(v)), [1.1, -0, Number.MIN_VALUE, Infinity]],
      ['f4', 4, (b, v, big) => (big ? b.writeFloatBE(v) : b.writeFloatLE(v)), [1.5, -3.25]],
      ['i8', 8, (b, v, big) => (big ? b.writeBigInt64BE(BigInt(v)) : b.writeBigInt64LE(BigInt(v))), [2 ** 53, -(2 ** 53), -1, 4294967296, -4294967297]],
      ['u8', 8, (b, v, big) => (big ? b.writeBigUInt64BE(BigInt(v)) : b.writeBigUInt64LE(BigInt(v))), [2 ** 53, 4294967295]],
      ['i4', 4, (b, v, big) => (big ? b.writeInt32BE(v) : b.writeInt32LE(v)), [-(2 ** 31), 2 ** 31 - 1]],
      ['u4', 4, (b, v, big) => (big ? b.writeUInt32BE(v) : b.writeUInt32LE(v)), [2 ** 32 - 1]],
      ['i2', 2, (b, v, big) => (big ? b.writeInt16BE(v) : b.writeInt16LE(v)), [-32768, 258]],
      ['u2', 2, (b, v, big) => (big ? b.writeUInt16BE(v) : b.writeUInt16LE(v)), [65535, 258]],
      ['i1', 1, (b, v) => b.writeInt8(v), [-128, 127]],
      ['u1', 1, (b, v) => b.writeUInt8(v), [255]],
      ['b1', 1, (b, v) => b.writeUInt8(v), [0, 1]],
    ];
    for (const [dtype, size, write, values] of cases) {
      for (const order of ['<', '>']) {
        const data = Buffer.concat(values.map((v) => {
          const b = Buffer.alloc(size);
          write(b, v, order === '>');
          return b;
        }));
        expect([...read(npy(header(`${size === 1 ? '|' : order}${dtype}`, `(${values.length},)`), data)).data], dtype).toEqual(values);
      }
    }
  });

  it('reads half precision: subnormals, largest, infinities', () => {
    const data = Buffer.from(Uint16Array.from([0x0001, 0x7bff, 0xfc00, 0x3555, 0x8400]).buffer);
    expect([...read(npy(header('<f2', '(5,)'), data)).data]).toEqual([2 ** -24, 65504, -Infinity, 1365 / 4096, -(2 ** -14)]);
  });

  it('reorders Fortran arrays of three axes', () => {
    // numpy: np.asfortranarray(np.arange(24).reshape(2,3,4)) has element [i,j,k] at i + 2j + 6k.
    const stored = new Uint8Array(24);
    for (let i = 0; i < 2; i++) for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) stored[i + 2 * j + 6 * k] = 12 * i + 4 * j + k;
    const array = read(npy(header('|u1', '(2, 3, 4)', 'True'), stored));
    expect([...array.data]).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });

  it('reads versions 1 to 3, scalars, empty arrays and Python 2 longs', () => {
    for (const version of [1, 2, 3]) expect([...read(npy(header('|i1', '(1,)'), Uint8Array.of(7), version)).data]).toEqual([7]);
    expect(read(npy(header('|i1', '()'), Uint8Array.of(7))).shape).toEqual([]);
    expect(read(npy(header('|i1', '(0, 5)'), Uint8Array.of()))).toMatchObject({ shape: [0, 5] });
    expect(read(npy(header('|i1', '(2L, 1L)'), Uint8Array.of(1, 2))).shape).toEqual([2, 1]);
  });

  it('writes what it reads', () => {
    fc.assert(fc.property(fc.array(fc.double(), { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), (values, n) => {
      const data = Float64Array.from({ length: values.length * n }, (_, i) => values[i % values.length] as number);
      const bytes = writeNpy([values.length, n], data);
      expect((bytes.length - data.length * 8) % 64).toBe(0);
      const array = read(bytes);
      expect(array.shape).toEqual([values.length, n]);
      expect(Buffer.from(array.data.buffer).equals(Buffer.from(data.buffer))).toBe(true);
    }), { seed: 1, numRuns: 50 });
  });

  it('refuses integers that float64 cannot hold', () => {
    const data = Buffer.alloc(16);
    data.writeBigInt64LE(2n ** 53n + 1n, 8);
    expect(message(() => read(npy(header('<i8', '(2,)'), data)))).toContain('element 1 is 9007199254740993');
  });

  it.each([
    ['cut data', npy(header('<f8', '(4,)'), new Uint8Array(31)), 'needs 32 bytes of data, the file has 31'],
    ['more data', npy(header('<f8', '(4,)'), new Uint8Array(33)), 'has 33'],
    ['a giant shape', npy(header('<f8', '(99999999999, 9999999)'), new Uint8Array(8)), 'at most 1073741824'],
    ['an overflowing shape', npy(header('<f8', `(${'9'.repeat(400)},)`), new Uint8Array(8)), 'impossible shape'],
    ['a negative shape', npy(header('<f8', '(-1,)'), new Uint8Array(8)), 'has no shape'],
    ['too many axes', npy(header('|i1', `(${'1,'.repeat(65)})`), new Uint8Array(1)), '65 axes'],
    ['complex numbers', npy(header('<c16', '(1,)'), new Uint8Array(16)), "dtype '<c16' is not read"],
    ['objects', npy(header('|O', '(1,)'), new Uint8Array(16)), "dtype '|O'"],
    ['a structure', npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", new Uint8Array(4)), 'structured'],
    ['no dictionary', npy('__import__("os")', new Uint8Array(4)), 'no dictionary'],
    ['a future version', npy(header('<f8', '(1,)'), new Uint8Array(8), 4), 'version 4'],
    ['a cut header', npy(header('<f8', '(1,)'), new Uint8Array(8)).subarray(0, 30), 'claims'],
    ['six bytes', Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59), 'at least'],
  ])('refuses %s', (_, bytes, expected) => {
    expect(message(() => readArrays(bytes, 'x.npy'))).toContain(expected);
  });

  it('never throws anything but CompileError on damaged files', () => {
    const good = npy(header('<f4', '(3, 2)'), new Uint8Array(24));
    fc.assert(fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, cut) => {
      const bytes = Uint8Array.from(good).subarray(0, cut);
      if (at < cut) bytes[at] = byte;
      try {
        readArrays(bytes, 'x.npy');
      } catch (error) {
        expect(error).toBeInstanceOf(CompileError);
      }
    }), { seed: 2, numRuns: 500 });
  });
});
