import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import { Random } from '../helpers/random.js';

/** Least and greatest entry: bytes, bytes behind an offset, 16 bits, beyond. */
const RANGES = [[0, 255], [-128, 127], [-900, -645], [70_000, 70_255], [-32_768, 32_767], [0, 65_535], [-40_000, 90_000]] as const;

describe('tables of few and of many entries', () => {
  it.each([1, 2, 5, 16, 17, 31, 32, 48, 64, 65])('%i entries: every index, alone and in wider sums', (size) => {
    const random = new Random(size);
    const builder = new CircuitBuilder('tables');
    const [x, wide] = builder.addInput({ name: 'x', shape: [2], types: [fixedType(false, 7, 7)] });
    const most = builder.constant(size - 1);
    const index = builder.mux(builder.lt(most, x!), most, x!);
    const results = RANGES.flatMap(([lo, hi], i) => {
      const values = Array.from({ length: size }, (_, k) => (k === 0 ? lo : k === size - 1 ? hi : random.int(lo, hi)));
      const base = i % 2 === 0 ? 0 : -3;
      const entry = builder.lookup(base === 0 ? index : builder.add(index, builder.constant(-3)), { exp: -2, indexExp: 0, base, values });
      return [entry, builder.add(entry, wide!, 14)];
    });
    builder.addOutput('y', [results.length], results);
    const circuit = builder.finish();
    const events = Array.from({ length: 128 }, (_, i) => [[i, random.int(0, 127)]]);
    const [fast] = compileEmulator(circuit).run([Float64Array.from(events.flat(2))], events.length);
    const expected = events.flatMap((event) => (evaluateCircuit(circuit, event)[0] as readonly (number | bigint)[]).map((value, i) => Number(value) * 2 ** (circuit.exp[results[i] as number] as number)));
    expect([...(fast as Float64Array)]).toEqual(expected);
  });
});
