import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { kindOf, loOf, Op, OPERAND_COUNT, typeOfElement } from '../../src/circuit/circuit.js';
import { demandedBottom, demandedTop, opWidths } from '../../src/circuit/demand.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import type { Value } from '../../src/circuit/semantics.js';
import { evaluateOp } from '../../src/circuit/semantics.js';
import { fixedType } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { floorMod, pow2, shift, sub } from '../../src/fixed/integer.js';
import { Random } from '../helpers/random.js';
import { randomCircuit, randomInputs } from '../helpers/randomCircuit.js';

/** What is left of an op's value n if only its bits bottom … top − 1 are held. */
function held(n: Int, op: number, circuit: Circuit, top: number, bottom: number, width: number, random: Random): Int {
  if (top === 0) return random.exact(0, 1);
  const cleared = sub(n, floorMod(n, pow2(bottom)));
  // A random one of the two extensions of the value's low bits, if it has no sign left.
  const low = top < width ? floorMod(cleared, pow2(top)) : cleared;
  const mayBeNegative = top < width && loOf(circuit, op) < 0;
  return mayBeNegative && random.chance(0.5) ? sub(low, pow2(top)) : low;
}

/** The evaluator, with every value brought to what is demanded of it before anybody reads it. */
function evaluateDemanded(circuit: Circuit, inputs: readonly (readonly Int[])[], top: Int32Array, bottom: Int32Array, random: Random): Int[][] {
  const widths = opWidths(circuit);
  const values: Value[] = [];
  for (let op = 0; op < circuit.size; op++) {
    const kind = kindOf(circuit, op);
    const exp = circuit.exp[op] as number;
    const width = widths[op] as number;
    const t = top[op] as number;
    let n: Int = 0;
    if (kind === Op.input) n = inputs[circuit.a[op] as number]?.[circuit.b[op] as number] as Int;
    else if (kind === Op.const) n = loOf(circuit, op);
    else if (t > 0) {
      const param = circuit.param[op] as number;
      const operands = [circuit.a[op], circuit.b[op], circuit.c[op]].slice(0, OPERAND_COUNT[kind]).map((x) => values[x as number] as Value);
      const result = evaluateOp({ kind, shift: param, type: circuit.types[param], table: circuit.tables[param] }, operands[0] as Value, operands[1], operands[2]);
      n = shift(result.n, result.exp - exp);
      // Only the low t bits mean anything: back into the interval if that is all of them.
      const low = floorMod(n, pow2(t));
      n = t === width && loOf(circuit, op) < 0 && low >= pow2(width - 1) ? sub(low, pow2(width)) : low;
    }
    values.push({ n: held(n, op, circuit, t, bottom[op] as number, width, random), exp });
  }
  return circuit.outputs.map((port) =>
    Array.from(port.ops, (op, i) => {
      const type = typeOfElement(port, i);
      const value = values[op] as Value;
      return shift(value.n, value.exp - (type.integer - type.width));
    }),
  );
}

describe('demanded bits', () => {
  it('leave every output of random circuits as it was when no other bit is held', () => {
    let trimmedTop = 0;
    let trimmedBottom = 0;
    for (let seed = 1; seed <= 500; seed++) {
      const circuit = randomCircuit(seed);
      const top = demandedTop(circuit);
      const bottom = demandedBottom(circuit, top);
      const widths = opWidths(circuit);
      for (let op = 0; op < circuit.size; op++) {
        if ((bottom[op] as number) > (top[op] as number) || (top[op] as number) > (widths[op] as number)) expect.fail(`seed ${seed}, op ${op}`);
        if ((top[op] as number) > 0 && (top[op] as number) < (widths[op] as number)) trimmedTop++;
        if ((top[op] as number) > 0 && (bottom[op] as number) > 0) trimmedBottom++;
      }
      const random = new Random(seed);
      for (const inputs of randomInputs(circuit, seed, 12)) {
        expect(evaluateDemanded(circuit, inputs, top, bottom, random), `seed ${seed}`).toEqual(evaluateCircuit(circuit, inputs));
      }
    }
    // The property says little if nothing is ever trimmed.
    expect(trimmedTop).toBeGreaterThan(300);
    expect(trimmedBottom).toBeGreaterThan(150);
  });

  const input = fixedType(true, 12, 12);
  function demandOf(grow: (builder: CircuitBuilder, x: number, y: number) => number): { top: number[]; bottom: number[] } {
    const builder = new CircuitBuilder('demand');
    const [x, y] = builder.addInput({ name: 'x', shape: [2], types: [input] });
    const out = grow(builder, x as number, y as number);
    builder.addOutput('y', [1], [out]);
    const circuit = builder.finish();
    const top = demandedTop(circuit);
    return { top: Array.from(top.slice(0, 2)), bottom: Array.from(demandedBottom(circuit, top).slice(0, 2)) };
  }
  const wrap8 = fixedType(true, 8, 8);

  it.each([
    ['a wrapping cast of a sum needs its width only', (b: CircuitBuilder, x: number, y: number) => b.cast(b.add(x, y), wrap8), [8, 8], [0, 0]],
    ['of a shifted sum less by the shift', (b: CircuitBuilder, x: number, y: number) => b.cast(b.add(x, y, 3), wrap8), [8, 5], [0, 0]],
    ['of a product both factors', (b: CircuitBuilder, x: number, y: number) => b.cast(b.mul(x, y), wrap8), [8, 8], [0, 0]],
    ['a saturating cast needs all', (b: CircuitBuilder, x: number, y: number) => b.cast(b.add(x, y), { ...wrap8, overflow: 'SAT' as const }), [12, 12], [0, 0]],
    ['a truncating cast drops low bits', (b: CircuitBuilder, x: number) => b.cast(x, fixedType(true, 8, 12)), [12, 0], [4, 0]],
    ['a rounding cast keeps one more', (b: CircuitBuilder, x: number) => b.cast(x, fixedType(true, 8, 12, 'RND', 'SAT')), [12, 0], [3, 0]],
    ['other roundings keep all', (b: CircuitBuilder, x: number) => b.cast(x, fixedType(true, 8, 12, 'RND_CONV', 'SAT')), [12, 0], [0, 0]],
    ['rounding by sign under WRAP needs the sign', (b: CircuitBuilder, x: number) => b.cast(x, fixedType(true, 4, 6, 'TRN_ZERO')), [12, 0], [0, 0]],
    ['and with a mask needs the masked bits', (b: CircuitBuilder, x: number) => b.bitwise(Op.and, x, b.constant(0x3c)), [6, 0], [2, 0]],
    ['or with negative ones needs the others', (b: CircuitBuilder, x: number) => b.bitwise(Op.or, x, b.constant(-16)), [4, 0], [0, 0]],
    ['a comparison needs all', (b: CircuitBuilder, x: number, y: number) => b.lt(x, y), [12, 12], [0, 0]],
    ['but not below a coarser threshold', (b: CircuitBuilder, x: number) => b.lt(x, b.constant(3, 4)), [12, 0], [4, 0]],
    ['a sum passes low bits through that nothing is added to', (b: CircuitBuilder, x: number, y: number) => b.cast(b.add(x, y, 4), fixedType(true, 13, 17)), [12, 12], [4, 0]],
  ])('%s', (_, grow, top, bottom) => {
    expect(demandOf(grow)).toEqual({ top, bottom });
  });

  it('asks nothing of dead ops', () => {
    const { top } = demandOf((b, x, y) => (b.mul(x, y), b.shift(x, 1)));
    expect(top).toEqual([12, 0]);
  });

  it('counts the grid as well as the bits', () => {
    const { top } = demandOf((b, x, y) => b.cast(b.add(b.shift(x, -4), y), fixedType(true, 6, 4)));
    // On the grid 2^−2: of x · 2^−4 the bits 2 … 7 decide, and those below carry nothing upwards but are dropped; of y the low 4.
    expect(top).toEqual([8, 4]);
  });
});
