import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { Op } from '../../src/circuit/circuit.js';
import { demandedTop } from '../../src/circuit/demand.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { rangeOfTable } from '../../src/circuit/tableRange.js';
import { verifyCircuit } from '../../src/circuit/verify.js';
import { CompileError } from '../../src/errors.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { Random } from '../helpers/random.js';
import { randomCircuit, randomInputs } from '../helpers/randomCircuit.js';

/** 0, 1: inputs; 2: add; 3: cast to 4 unsigned bits; 4: lookup; 5: lt; 6: mux. */
function sample(): Circuit {
  const b = new CircuitBuilder('sample');
  b.setOrigin({ layer: 'dense_2', kind: 'dense' }, 1);
  const [x, y] = b.addInput({ name: 'x', shape: [2], types: [fixedType(true, 8, 8)] }) as unknown as [number, number];
  const cast = b.cast(b.add(x, y), fixedType(false, 4, 4, 'TRN', 'SAT'));
  const read = b.lookup(cast, { exp: 0, indexExp: 0, base: 0, values: Array.from({ length: 16 }, (_, i) => i * i) });
  b.addOutput('y', [1], [b.mux(b.lt(x, y), read, x)]);
  return b.finish();
}

describe('circuit verifier', () => {
  it('accepts what the builder makes', () => {
    for (let seed = 1; seed <= 100; seed++) verifyCircuit(randomCircuit(seed));
  });

  it.each([
    ['an operand of its own', (c: Circuit) => (c.a[2] = 2), 'sample → dense_2[1] → op 2 (add): operand 0 is op 2, which is not an earlier one'],
    ['an unknown kind', (c: Circuit) => (c.kind[2] = 99), 'kind 99 is none of 0 … 13'],
    ['an unknown type', (c: Circuit) => (c.param[3] = 5), 'type 5 of 1'],
    ['an unknown table', (c: Circuit) => (c.param[4] = 1), 'table 1 of 1'],
    ['an index outside the table', (c: Circuit) => (c.hi[3] = 16), 'op 3 (cast): its interval [0, 16]·2^0 is not within [0, 15]·2^0'],
    ['an index operand outside the table', (c: Circuit) => (c.a[4] = 2), "op 4 (lookup): its index, op 2, is [-256, 254]·2^0, outside the table's 16 entries from 0"],
    ['a condition beyond 1', (c: Circuit) => (c.a[6] = 0), 'its condition, op 0, is [-128, 127]·2^0, not 0 or 1'],
    ['a range wider than its operands give', (c: Circuit) => (c.hi[2] = 255), '[-256, 255]·2^0 is not within [-256, 254]·2^0'],
    ['a finer grid', (c: Circuit) => (c.exp[2] = -1), 'is not within'],
    ['an empty range', (c: Circuit) => (c.lo[2] = 300), 'is empty'],
    ['bounds that are missing', (c: Circuit) => (c.lo[2] = NaN), 'its bounds are missing'],
    ['an input outside its type', (c: Circuit) => (c.hi[0] = 128), 'does not fit ap_fixed<8,8> of x'],
    ['an input element twice', (c: Circuit) => (c.b[1] = 0), 'reads an input element that another op reads already'],
    ['an unknown origin', (c: Circuit) => (c.origin[2] = 4), 'origin 4 of 1'],
    ['a parameter where there is none', (c: Circuit) => (c.param[5] = 1), 'parameter 1, where it has none'],
    ['an operand where there is none', (c: Circuit) => (c.c[5] = 1), 'the others must be −1'],
    ['an output that does not fit', (c: Circuit) => ((c.outputs as unknown as { types: unknown }[])[0] = { ...c.outputs[0], types: [fixedType(true, 8, 8)] } as never), 'op 6 (mux) → y[0]: its interval [-128, 225]·2^0 is not representable in ap_fixed<8,8>'],
    ['an output of no op', (c: Circuit) => ((c.outputs[0] as { ops: Int32Array }).ops[0] = 70), 'reads op 70 of 7'],
  ])('refuses %s', (_, damage, message) => {
    const circuit = sample();
    verifyCircuit(circuit);
    damage(circuit);
    expect(() => verifyCircuit(circuit)).toThrow(CompileError);
    expect(() => verifyCircuit(circuit)).toThrow(message);
  });

  it('accepts a claim that is tighter', () => {
    const circuit = sample();
    circuit.hi[3] = 12;
    circuit.hi[4] = 144;
    circuit.hi[6] = 144;
    expect(() => verifyCircuit(circuit)).not.toThrow();
  });
});

describe('intervals', () => {
  it('hold every value that ops take', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const circuit = randomCircuit(seed);
      for (const inputs of randomInputs(circuit, seed, 12)) {
        const trace: Int[] = [];
        evaluateCircuit(circuit, inputs, trace);
        trace.forEach((n, op) => {
          const bounds = circuit.wide.get(op) ?? { lo: circuit.lo[op] as number, hi: circuit.hi[op] as number };
          if (n < bounds.lo || n > bounds.hi) expect.fail(`seed ${seed}, op ${op}: ${n} outside ${bounds.lo} … ${bounds.hi}`);
        });
      }
    }
  });

  it('of table parts are the smallest and largest entry', () => {
    const random = new Random(3);
    const values = Array.from({ length: 700 }, () => random.exact(-(2n ** 60n), 2n ** 60n));
    const table = { exp: 0, indexExp: 0, base: 0, values };
    for (let i = 0; i < 500; i++) {
      const from = random.int(0, 699);
      const to = random.int(from, 699);
      const part = values.slice(from, to + 1).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      expect(rangeOfTable(table, from, to)).toEqual({ lo: part[0], hi: part[part.length - 1] });
    }
  });
});

describe('builder', () => {
  it('finds equal ops however often its table has grown', () => {
    const b = new CircuitBuilder('share');
    const ops = b.addInput({ name: 'x', shape: [9000], types: [fixedType(true, 8, 8)] });
    const first = Array.from(ops.slice(1), (op) => b.add(op, ops[0] as number));
    const size = b.size;
    expect(Array.from(ops.slice(1), (op) => b.add(op, ops[0] as number))).toEqual(first);
    expect(b.size).toBe(size);
  });

  it('claims ranges of the last op only', () => {
    const b = new CircuitBuilder('claim');
    const [x] = b.addInput({ name: 'x', shape: [1], types: [fixedType(true, 8, 6)] });
    const double = b.shift(x as number, 1);
    b.claim(double, { lo: -3, hi: 300, exp: 0 });
    expect(b.intervalOf(double)).toEqual({ lo: -3, hi: 63, exp: 0 });
    b.shift(x as number, 2);
    b.claim(double, { lo: 0, hi: 1, exp: 0 });
    expect(b.intervalOf(double)).toEqual({ lo: -3, hi: 63, exp: 0 });
  });

  it('reads the masks of two constants, each of which could stand for the other', () => {
    const b = new CircuitBuilder('masks');
    b.addOutput('y', [1], [b.bitwise(Op.or, b.constant(-1), b.constant(-1, 1))]);
    expect(demandedTop(b.finish()).slice(0, 2)).toEqual(Int32Array.from([1, 1]));
  });
});
