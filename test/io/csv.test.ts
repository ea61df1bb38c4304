import { describe, expect, it } from 'vitest';
import { readArrays } from '../../src/io/arrays.js';
import { writeCsv } from '../../src/io/csv.js';

describe('writing .csv', () => {
  it('reads back exactly, with a header of names', () => {
    const data = Float64Array.from([0.1, -(2 ** -40), 3, 1e300, 12345678901234.5, 0]);
    const text = writeCsv([{ name: 'y', shape: [2, 3], data }]);
    expect(text.split('\n')[0]).toBe('y[0],y[1],y[2]');
    const [back] = readArrays(new TextEncoder().encode(text), 'y.csv');
    expect(back!.shape).toEqual([2, 3]);
    expect([...back!.data]).toEqual([...data]);
  });

  it('puts several outputs side by side and keeps hostile names out of the columns', () => {
    const text = writeCsv([{ name: 'a,b', shape: [2], data: Float64Array.from([1, 2]) }, { name: '7', shape: [2, 1], data: Float64Array.from([3, 4]) }]);
    expect(text).toBe('a_b,y_7\n1,3\n2,4\n');
  });

  it('has a header alone for no events', () => {
    expect(writeCsv([{ name: 'y', shape: [0, 2], data: new Float64Array(0) }])).toBe('y[0],y[1]\n');
  });
});
