import { describe, expect, it } from 'vitest';
import { kindOf, Op } from '../../src/circuit/circuit.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { fractionBits } from '../../src/fixed/fixedType.js';
import { catalogue } from '../../src/layers/registry.js';
import type { StaircaseParams } from '../../src/layers/staircase.js';
import { tensor } from '../../src/model/tensor.js';
import { Random } from '../helpers/random.js';
import { graphOf, lowerGraph, runFloat, type } from './helpers.js';

function params(rows: readonly { readonly thresholds: readonly number[]; readonly values: readonly number[] }[]): StaircaseParams {
  const steps = rows[0]?.thresholds.length ?? 0;
  return { thresholds: tensor([rows.length, steps], rows.flatMap((row) => row.thresholds)), values: tensor([rows.length, steps + 1], rows.flatMap((row) => row.values)), axis: 1 };
}

/** Every argument of a narrow type, every 13th of a wide one and those around thresholds, through one row, against the definition: the value behind the last threshold that is at most x. */
function checkAll(row: { readonly thresholds: readonly number[]; readonly values: readonly number[] }, text: string): Circuit {
  const own = params([row]);
  const argument = type(text);
  const circuit = lowerGraph(graphOf({ kind: 'staircase', params: own, operands: [{ shape: [1, 1], type: argument }] }));
  const low = argument.signed ? -(2 ** (argument.width - 1)) : 0;
  const scale = 2 ** fractionBits(argument);
  const near = new Set(row.thresholds.flatMap((t) => [Math.floor(t * scale), Math.ceil(t * scale), Math.floor(t * scale) + 1]));
  for (let n = low; n < low + 2 ** argument.width; n++) {
    if (argument.width > 9 && n % 13 !== 0 && !near.has(n)) continue;
    const x = n / scale;
    const expected = row.values[row.thresholds.filter((t) => t <= x).length] as number;
    expect(runFloat(circuit, [[BigInt(n)]]), String(x)).toEqual([expected]);
    expect([...catalogue.evaluate('staircase', own, [tensor([1, 1], [x])]).data], String(x)).toEqual([expected]);
  }
  return circuit;
}

function countOps(circuit: Circuit, kind: number): number {
  return Array.from({ length: circuit.kind.length }, (_, op) => kindOf(circuit, op)).filter((k) => k === kind).length;
}

const line = (count: number, slope: number, shift: number): number[] => Array.from({ length: count }, (_, k) => Math.fround((k + 0.5) * slope + shift));

describe('staircase', () => {
  it('is its steps for every argument, whatever they are', () => {
    const random = new Random(11);
    for (let trial = 0; trial < 16; trial++) {
      const count = random.int(1, 14);
      const thresholds = Array.from({ length: count }, () => random.int(-80, 80) / random.int(7, 9)).sort((a, b) => a - b);
      const values = Array.from({ length: count + 1 }, () => random.int(-4, 4) / 4);
      checkAll({ thresholds, values }, random.pick(['fixed<8,5>', 'ufixed<7,4>', 'fixed<9,3>', 'fixed<4,4>']));
    }
  });

  it('takes thresholds between, on and beyond the grid of its argument, repeated ones too', () => {
    checkAll({ thresholds: [-100, -1, -1, -0.99, 0.124, 0.125, 0.126, 0.5, 100], values: [9, 8, 7, 6, 5, 4, 3, 2, 1, 0] }, 'fixed<6,2>');
    checkAll({ thresholds: [-3, 4], values: [1, 1, 1] }, 'fixed<6,4>');
  });

  it('follows a line without a comparison for each step', () => {
    for (const [slope, shift, step] of [[0.37, -3.1, 1 / 8], [0.0731, 1.9, 1], [0.5, 0, -0.25], [0.181, -5.5, 3]] as const) {
      const thresholds = line(63, slope, shift);
      const circuit = checkAll({ thresholds, values: Array.from({ length: 64 }, (_, k) => 0.5 + k * step) }, 'fixed<12,6>');
      expect(countOps(circuit, Op.lt)).toBeLessThan(4);
      expect(countOps(circuit, Op.lookup)).toBe(0);
    }
  });

  it('follows a line over a range of many thousands for each step', () => {
    for (const [slope, shift] of [[483.717, -61000.3], [1009.13, 17.77]] as const) {
      const thresholds = line(255, slope, shift).map((t) => Math.ceil(t));
      const values = Array.from({ length: 256 }, (_, k) => k - 128);
      const circuit = lowerGraph(graphOf({ kind: 'staircase', params: params([{ thresholds, values }]), operands: [{ shape: [1, 1], type: type('fixed<20,20>') }] }));
      expect(countOps(circuit, Op.lt)).toBeLessThan(4);
      thresholds.forEach((t, k) => [0, 1].forEach((from) => expect(runFloat(circuit, [[BigInt(t - 1 + from)]])).toEqual([k - 128 + from])));
      for (const [n, value] of [[-(2 ** 19), -128], [2 ** 19 - 1, 127]] as const) expect(runFloat(circuit, [[BigInt(n)]])).toEqual([value]);
    }
  });

  it('looks up where the argument is narrow, and compares where steps are few', () => {
    const curve = Array.from({ length: 31 }, (_, k) => Math.atanh((k - 15) / 16));
    const values = Array.from({ length: 32 }, (_, k) => k / 16 - 1);
    expect(countOps(checkAll({ thresholds: curve, values }, 'fixed<6,3>'), Op.lookup)).toBe(1);
    const wide = checkAll({ thresholds: curve, values }, 'fixed<14,4>');
    expect([countOps(wide, Op.lookup), countOps(wide, Op.lt)]).toEqual([0, 31]);
  });

  it('has a row for each channel, on the channels’ axis', () => {
    const own: StaircaseParams = { thresholds: tensor([2, 1], [0, 1]), values: tensor([2, 2], [-1, 1, 0, 5]), axis: 1 };
    const circuit = lowerGraph(graphOf({ kind: 'staircase', params: own, operands: [{ shape: [1, 2, 2], type: type('fixed<4,4>') }] }));
    expect(runFloat(circuit, [[-1n, 0n, 0n, 1n]])).toEqual([-1, 1, 0, 5]);
  });

  it('says what does not fit', () => {
    const shape = (thresholds: readonly number[], values: readonly number[], rows: number, axis = 1): unknown =>
      catalogue.shape('staircase', { thresholds: tensor([rows, thresholds.length / rows], thresholds), values: tensor([rows, values.length / rows], values), axis }, [[1, 3]]);
    expect([shape([1, 0], [0, 0, 0], 1), shape([0], [0], 1), shape([0, 0], [0, 0, 0, 0], 2), shape([0], [0, NaN], 1), shape([0], [0, 1], 1, 2)]).toMatchInlineSnapshot(`
      [
        "thresholds must ascend, found 1 before 0",
        "thresholds of [1, 1] need values of [C, T + 1], found [1, 1]",
        "thresholds for 2 channels do not fit 3 on axis 1",
        "thresholds and values must be finite",
        "the axis must be between 1 and 1, found 2",
      ]
    `);
  });
});
