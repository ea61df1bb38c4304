import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { makeVectors } from '../../src/verify/vectors.js';

function circuitOf(): Circuit {
  const b = new CircuitBuilder('inputs');
  const x = b.addInput({ name: 'x', shape: [2], types: [fixedType(true, 8, 8)] });
  const y = b.addInput({ name: 'y', shape: [2], types: [fixedType(false, 70, 70), fixedType(true, 6, 6)] }, [undefined, { lo: 3, hi: 9, exp: 0 }]);
  b.addOutput('s', [1], [b.add(b.add(x[0] as number, x[1] as number), b.add(y[0] as number, y[1] as number))]);
  return b.finish();
}

const TOP = 2n ** 70n - 1n;

describe('makeVectors', () => {
  const { events, user, corner, random } = makeVectors(circuitOf(), { user: [[[1, 2], [3, 4]]], random: 400, seed: 7 });

  it('keeps the order: user, corners, random', () => {
    expect(events[0]).toEqual([[1, 2], [3, 4]]);
    expect([user, corner, random]).toEqual([1, 5 + 4 * 4, 400]);
    expect(events).toHaveLength(user + corner + random);
  });

  it('has zero, all lowest, all highest, alternations and each element alone', () => {
    const corners = events.slice(1, 1 + corner).map((event) => event.flat().join(' '));
    expect(corners.slice(0, 5)).toEqual([
      '0 0 0 3', '-128 -128 0 3', `127 127 ${TOP} 9`, `-128 127 0 9`, `127 -128 ${TOP} 3`,
    ]);
    expect(corners).toContain('127 0 0 3');
    expect(corners).toContain('0 -128 0 3');
    expect(corners).toContain(`-128 -128 ${TOP} 3`);
    expect(corners).toContain(`127 127 ${TOP} 3`);
  });

  it('stays inside what the circuit was promised, and reaches both halves of every range', () => {
    const columns = [0, 1, 2, 3].map((i) => events.slice(1 + corner).map((event) => event.flat()[i] as number | bigint));
    const limits: readonly (readonly [number | bigint, number | bigint])[] = [[-128, 127], [-128, 127], [0, TOP], [3, 9]];
    columns.forEach((column, i) => {
      const [lo, hi] = limits[i] as readonly [number | bigint, number | bigint];
      expect(column.every((value) => value >= lo && value <= hi)).toBe(true);
      const middle = (BigInt(lo) + BigInt(hi)) / 2n;
      expect(column.some((value) => value < middle)).toBe(true);
      expect(column.some((value) => value > middle)).toBe(true);
    });
  });

  it('is the same for the same seed and caps the corners', () => {
    expect(makeVectors(circuitOf(), { seed: 7, random: 9 })).toEqual(makeVectors(circuitOf(), { seed: 7, random: 9 }));
    expect(makeVectors(circuitOf(), { seed: 8, random: 9 })).not.toEqual(makeVectors(circuitOf(), { seed: 7, random: 9 }));
    expect(makeVectors(circuitOf(), { maxCorners: 10 }).corner).toBeLessThanOrEqual(10);
  });
});
