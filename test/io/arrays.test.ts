import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { CompileError } from '../../src/errors.js';
import type { NamedArray } from '../../src/io/arrays.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { matchArrays, readArrays } from '../../src/io/arrays.js';
import { writeNpy } from '../../src/io/npy.js';
import { readNpz, writeNpz } from '../../src/io/npz.js';

const text = (lines: string) => readArrays(Buffer.from(lines), 'x.csv');

function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(CompileError);
    return (error as CompileError).message;
  }
  throw new Error('no error was thrown');
}

const two: [NamedArray, NamedArray] = [
  { name: 'a', shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) },
  { name: 'b', shape: [2], data: Float64Array.of(7, 8) },
];

describe('npz', () => {
  it('reads back what it writes, the same bytes each time', () => {
    const bytes = writeNpz(two);
    expect(readArrays(bytes, 'x.npz')).toEqual(two);
    expect(Buffer.from(writeNpz(two)).equals(Buffer.from(bytes))).toBe(true);
  });

  it('reads stored entries', () => {
    expect(readArrays(zipSync({ 'a.npy': writeNpy([2, 3], two[0].data) }, { level: 0 }), 'x.npz')).toEqual([two[0]]);
  });

  it('refuses entries beyond the limits before unpacking them', () => {
    const bytes = writeNpz([{ name: 'zeros', shape: [1, 100000], data: new Float64Array(100000) }]);
    expect(bytes.length).toBeLessThan(5000);
    const limits = { maxEntryBytes: 10000, maxTotalBytes: 20000, maxEntries: 1 };
    expect(message(() => readNpz(bytes, ['x.npz'], limits))).toContain('unpacks to 800128 bytes; at most 10000');
    expect(message(() => readNpz(bytes, ['x.npz'], { ...limits, maxEntryBytes: 2 ** 20 }))).toContain('at most 20000');
    expect(message(() => readNpz(writeNpz(two), ['x.npz'], limits))).toContain('2 entries; at most 1');
  });

  it('stops unpacking an entry that lies about its size', () => {
    const bytes = Uint8Array.from(writeNpz([{ name: 'zeros', shape: [1, 4000000], data: new Float64Array(4000000) }]));
    const view = new DataView(bytes.buffer);
    for (let at = 0; at + 46 < bytes.length; at++) if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 1000, true);
    expect(message(() => readArrays(bytes, 'x.npz'))).toContain('more than the 1000 bytes');
  });

  it('notices damage anywhere', () => {
    const good = zipSync({ 'a.npy': writeNpy([2, 3], Float64Array.of(1, 2, 3, 4, 5, 6)) }, { level: 0 });
    let refused = 0;
    for (let at = 0; at < good.length; at++) {
      const bytes = Uint8Array.from(good);
      bytes[at] = (bytes[at] as number) ^ 0x55;
      try {
        const read = readArrays(bytes, 'x.npz');
        expect([...(read[0]?.data ?? [])], `byte ${at}`).toEqual(read.length > 0 ? [1, 2, 3, 4, 5, 6] : []);
      } catch (error) {
        expect(error).toBeInstanceOf(CompileError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(150);
    for (let cut = 1; cut < good.length; cut++) expect(() => readArrays(good.subarray(0, cut), 'x.npz')).toThrow(CompileError);
  });
});

describe('csv', () => {
  it('reads numbers with and without a header, comments, blank lines and CRLF', () => {
    expect(text('1,2\n3,-4.5e1\n')).toEqual([{ name: '', shape: [2, 2], data: Float64Array.of(1, 2, 3, -45) }]);
    expect(text('# made by x\r\npt,eta\r\n\r\n1,2\r\n')).toEqual([{ name: '', shape: [1, 2], data: Float64Array.of(1, 2) }]);
    expect(text('1;2;3')).toMatchObject([{ shape: [1, 3] }]);
    expect(text('1\n2')).toMatchObject([{ shape: [2, 1] }]);
  });

  it('names the line of what is wrong', () => {
    expect(message(() => text('a,b\n1,2\n\n3\n'))).toContain('line 4 has 1 values, line 1 has 2');
    expect(message(() => text('1,2\n3,x\n'))).toContain("line 2, column 2: 'x' is no number");
    expect(message(() => text('1,2\n3,\n'))).toContain("line 2, column 2: '' is no number");
    expect(message(() => text('1\n9007199254740993\n'))).toContain('line 2, column 1: 9007199254740993 is beyond');
    expect(message(() => text(`1\n${'9'.repeat(500)}\n`))).toContain('beyond');
    expect(message(() => text('\n\n'))).toContain('no line of numbers');
    expect(message(() => text('a,b\n'))).toContain('no line of numbers');
  });

  it('refuses what is no array', () => {
    expect(message(() => readArrays(new Uint8Array(0), 'x'))).toContain('empty');
    expect(message(() => readArrays(Uint8Array.of(0xff, 0xfe, 0), 'x'))).toContain('neither .npy nor .npz');
    expect(message(() => readArrays(Uint8Array.of(0x31, 0, 0x32), 'x'))).toContain('neither .npy nor .npz');
  });
});

describe('matchArrays', () => {
  const ports = [{ name: 'b', shape: [1] }, { name: 'a', shape: [3] }];

  it('matches by name, in the order of the ports', () => {
    const matched = matchArrays(two, ports, 'x.npz');
    expect(matched).toEqual({ inputs: [two[1].data, two[0]?.data], count: 2, warnings: [] });
  });

  it('matches by position with a warning', () => {
    const other = two.map((array) => ({ ...array, name: `${array.name}_0` })).reverse();
    const matched = matchArrays(other, ports, 'x.npz');
    expect(matched.inputs[0]).toBe(two[1].data);
    expect(matched.warnings).toEqual(['x.npz: no name fits; taken by position: b_0 as b, a_0 as a.']);
  });

  it('says nothing about one unnamed array, and names unused ones', () => {
    expect(matchArrays([{ ...two[1], name: '' }], [{ name: 'b', shape: [] }], 'x.npy').warnings).toEqual([]);
    expect(matchArrays(two, [{ name: 'a', shape: [3, 1] }], 'x.npz').warnings).toEqual(['x.npz: not used: b.']);
  });

  it('takes the right number of elements in any shape', () => {
    const data = new Float64Array(280);
    const flat = matchArrays([{ name: '', shape: [2, 140], data }], [{ name: 'x', shape: [10, 14] }], 'x.npy');
    const nested = matchArrays([{ name: '', shape: [2, 10, 14], data }], [{ name: 'x', shape: [140] }], 'x.npy');
    expect([flat.count, nested.count]).toEqual([2, 2]);
  });

  it('says both shapes where they do not fit', () => {
    expect(message(() => matchArrays([{ name: '', shape: [10, 14], data: new Float64Array(140) }], [{ name: 'x', shape: [10, 14] }], 'x.npy'))).toBe(
      'x.npy: shape [10, 14] holds 14 values an event; x has shape [10, 14], 140 values an event. The first axis is the event: give shape [n, 10, 14].',
    );
    expect(message(() => matchArrays([{ name: '', shape: [], data: new Float64Array(1) }], [{ name: 'x', shape: [1] }], 'x.npy'))).toContain('no events');
  });

  it('refuses different counts, missing names and numbers of arrays', () => {
    expect(message(() => matchArrays([two[0], { name: 'b', shape: [3], data: new Float64Array(3) }], ports, 'x'))).toContain('a: has 2 events, b has 3');
    expect(message(() => matchArrays([two[0]], ports, 'x'))).toContain('no array for b; the file has a');
    expect(message(() => matchArrays([{ ...two[0], name: '' }], ports, 'x'))).toContain('has 1 arrays ((unnamed)), the ports are 2 (b, a)');
  });

  it('names the event and element of what is not finite', () => {
    const data = Float64Array.of(0, 1, 2, NaN);
    expect(message(() => matchArrays([{ name: '', shape: [2, 2], data }], [{ name: 'x', shape: [2] }], 'x.npy'))).toContain('event 1, element 1 is NaN');
    data[3] = -Infinity;
    expect(message(() => matchArrays([{ name: '', shape: [2, 2], data }], [{ name: 'x', shape: [2] }], 'x.npy'))).toContain('element 1 is -Infinity');
  });

  it('missing values become flags, or a code that no number has', () => {
    const x = { name: '', shape: [2, 2], data: Float64Array.of(1, NaN, NaN, -4) };
    const ports = [{ name: 'x', shape: [2] }, { name: 'x_missing', shape: [2], flagsOf: 'x' }];
    expect(matchArrays([x], ports, 'x.npy').inputs.map((list) => [...list])).toEqual([[1, 0, 0, -4], [0, 1, 1, 0]]);
    const both = [{ ...x, name: 'x', data: Float64Array.of(1, 2, 3, 4) }, { name: 'x_missing', shape: [2, 2], data: Float64Array.of(0, 1, 0, 0) }];
    expect(matchArrays(both, ports, 'x.npz').inputs.map((list) => [...list])).toEqual([[1, 2, 3, 4], [0, 1, 0, 0]]);
    const type = fixedType(true, 4, 3, 'RND', 'SAT');
    expect([...(matchArrays([x], [{ name: 'x', shape: [2], missing: { code: -4, type } }], 'x.npy').inputs[0] as Float64Array)]).toEqual([1, -4, -4, -3.5]);
    expect([...(matchArrays([x], [{ name: 'x', shape: [2], missing: 'kept' }], 'x.npy').inputs[0] as Float64Array)]).toEqual([1, NaN, NaN, -4]);
    expect(message(() => matchArrays([{ ...x, data: Float64Array.of(1, Infinity, 1, 1) }], ports, 'x.npy'))).toContain('element 1 is Infinity');
  });
});
