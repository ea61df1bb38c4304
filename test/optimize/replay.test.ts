import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import { Op } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { linear } from '../../src/optimize/cmvm.js';

const BYTE = fixedType(true, 8, 8);

/** One matrix over several sets of ops; outputs as whole numbers, set after set. */
function apply(builder: CircuitBuilder, sets: readonly (readonly number[])[], weight: readonly number[], nOut: number, bias?: readonly number[]): number[][] {
  return sets.map((inputs) => [...linear.multiplyMatrix(builder, inputs, weight, nOut, bias)]);
}

function outputs(builder: CircuitBuilder, results: readonly (readonly number[])[], x: readonly number[]): number[][] {
  const flat = results.flat();
  builder.addOutput('y', [flat.length], flat);
  const circuit = builder.finish();
  const port = circuit.outputs[0]!;
  const values = evaluateCircuit(circuit, [[...x]])[0]!.map((raw) => Number(raw) * 2 ** (port.types[0]!.integer - port.types[0]!.width));
  const width = results[0]!.length;
  return results.map((_, k) => values.slice(k * width, (k + 1) * width));
}

function product(x: readonly number[], weight: readonly number[], nOut: number, bias: readonly number[]): number[] {
  return Array.from({ length: nOut }, (_, j) => x.reduce((sum, value, i) => sum + value * weight[i * nOut + j]!, bias[j]!));
}

describe('a matrix at many positions', () => {
  const weight = Array.from({ length: 4 * 5 }, (_, i) => (((i * 37) % 61) - 30) / 4);
  const bias = [0, 1.5, -2, 0.25, 7];

  it('has the same adders everywhere, and every output of every position', () => {
    const builder = new CircuitBuilder('positions');
    const x = builder.addInput({ name: 'x', shape: [16], types: [BYTE] });
    const windows = [0, 4, 8, 12].map((at) => [...x.subarray(at, at + 4)]);
    const results = apply(builder, windows, weight, 5, bias);
    const events = Array.from({ length: 16 }, (_, i) => ((i * 89) % 256) - 128);
    const circuit = builder.finish();
    const adders = circuit.kind.reduce((n, kind) => n + (kind === Op.add || kind === Op.sub ? 1 : 0), 0);
    expect(adders % 4).toBe(0);
    expect(outputs(builder, results, events)).toEqual([0, 4, 8, 12].map((at) => product(events.slice(at, at + 4), weight, 5, bias)));
    results[3]!.forEach((op, j) => expect(builder.intervalOf(op)).toEqual(builder.intervalOf(results[0]![j]!)));
  });

  it('is solved anew where an input was a multiple of another by chance', () => {
    const builder = new CircuitBuilder('chance');
    const [a, b, c] = builder.addInput({ name: 'x', shape: [3], types: [BYTE] }) as unknown as [number, number, number];
    const fivefold = builder.add(a, a, 2);
    const mixed = builder.add(b, c, 2);
    expect(builder.intervalOf(mixed)).toEqual(builder.intervalOf(fivefold));
    const multiples = [5, 10, 20, 5, 10, 20, 1, 1, 1, 2, 2, 2];
    const results = apply(builder, [[a, fivefold], [a, mixed]], multiples, 6);
    const zero = [0, 0, 0, 0, 0, 0];
    expect(outputs(builder, results, [5, -7, 100])).toEqual([product([5, 25], multiples, 6, zero), product([5, 393], multiples, 6, zero)]);
  });

  it('does not believe of other inputs what was known of the first ones', () => {
    const builder = new CircuitBuilder('known');
    const [a, b, c, d] = builder.addInput({ name: 'x', shape: [4], types: [BYTE] }) as unknown as [number, number, number, number];
    builder.claim(builder.sub(a, b), { lo: 0, hi: 1, exp: 0 });
    const differences = [1, 1, 2, 4, 8, 16, -1, 0, -2, -4, -8, -16];
    const [, other] = apply(builder, [[a, b], [c, d]], differences, 6);
    expect(builder.intervalOf(other![0]!)).toEqual({ lo: -255, hi: 255, exp: 0 });
  });

  it('keeps inputs apart that are one op in one place and two in another', () => {
    const builder = new CircuitBuilder('twice');
    const [a, b] = builder.addInput({ name: 'x', shape: [2], types: [BYTE] }) as unknown as [number, number];
    const twelve = Array.from({ length: 12 }, (_, i) => i - 5);
    const zero = [0, 0, 0, 0, 0, 0];
    const results = apply(builder, [[a, a], [a, b], [b, b]], twelve, 6);
    expect(outputs(builder, results, [9, -4])).toEqual([product([9, 9], twelve, 6, zero), product([9, -4], twelve, 6, zero), product([-4, -4], twelve, 6, zero)]);
  });
});
