import { describe, expect, it } from 'vitest';
import { isEvenFloat, nextFloat, previousFloat, roundTo } from '../../src/fixed/floatSteps.js';

describe('steps between floats', () => {
  it('goes up and down one number at a time', () => {
    expect(nextFloat(1, 'float32')).toBe(1 + 2 ** -23);
    expect(nextFloat(1, 'float64')).toBe(1 + 2 ** -52);
    expect(previousFloat(1, 'float32')).toBe(1 - 2 ** -24);
    expect(nextFloat(-1, 'float64')).toBe(-1 + 2 ** -53);
    expect(nextFloat(-0, 'float32')).toBe(2 ** -149);
    expect(previousFloat(0, 'float64')).toBe(-(2 ** -1074));
    expect(nextFloat(2 ** 128 - 2 ** 104, 'float32')).toBe(Infinity);
  });

  it('knows the even one of two', () => {
    expect(isEvenFloat(1, 'float32')).toBe(true);
    expect(isEvenFloat(1 + 2 ** -23, 'float32')).toBe(false);
    expect(isEvenFloat(1 + 2 ** -52, 'float64')).toBe(false);
    expect(roundTo(0.1, 'float32')).toBe(Math.fround(0.1));
    expect(roundTo(0.1, 'float64')).toBe(0.1);
  });
});
