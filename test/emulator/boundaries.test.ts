import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { Op } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { Simd } from '../../src/emulator/wasm.js';
import { fixedType, OVERFLOWS, ROUNDINGS } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { add, fromBigInt, neg, pow2, sub } from '../../src/fixed/integer.js';

interface Case {
  readonly circuit: Circuit;
  readonly events: Int[][][];
}

/** What the reference evaluator gives for the events of a case. */
const expectations = new Map<Case, Int[][]>();

function expectationOf(item: Case): Int[][] {
  let known = expectations.get(item);
  if (known === undefined) {
    known = item.events.map((event) => evaluateCircuit(item.circuit, event)[0] as Int[]);
    expectations.set(item, known);
  }
  return known;
}

/** Two signed inputs whose integers fill [−2^bits, 2^bits), and every op on them that still fits 64 bits. */
function arithmetic(bits: number): Case {
  const builder = new CircuitBuilder(`boundary_${bits}`);
  const type = fixedType(true, bits + 1, bits + 1);
  const [x, y] = builder.addInput({ name: 'x', shape: [2], types: [type] }) as unknown as [number, number];
  const narrow = builder.cast(y, fixedType(true, Math.max(2, Math.min(30, 62 - bits)), 4));
  const table = { exp: -3, indexExp: 0, base: -8, values: Array.from({ length: 16 }, (_, i) => (i * 37) % 23 - 11) };
  const outputs = [
    x, y, builder.lt(x, y), builder.eq(x, y), builder.mux(builder.lt(x, y), x, y), builder.mux(builder.lt(x, y), y, x),
    builder.mux(builder.eq(x, y), narrow, x),
    builder.bitwise(Op.and, x, y), builder.bitwise(Op.or, x, y), builder.bitwise(Op.xor, x, y),
    builder.bitwise(Op.and, builder.lt(x, y), builder.bitwise(Op.xor, builder.eq(x, narrow), builder.constant(1))),
    builder.lookup(builder.cast(x, fixedType(true, 4, 4)), table),
    builder.cast(builder.mul(x, y), fixedType(false, 12, 12)),
  ];
  if (bits <= 62) outputs.push(builder.add(x, y), builder.sub(x, y), builder.sub(builder.constant(0), x));
  if (bits <= 53) outputs.push(builder.mul(x, builder.cast(y, fixedType(true, 8, 8))), builder.add(x, y, 3), builder.sub(x, y, -5));
  builder.addOutput('y', [outputs.length], outputs, outputs.map((op) => {
    const { lo, hi, exp } = builder.intervalOf(op);
    const width = 1 + Math.max(lo < 0 ? sub(neg(lo), 1).toString(2).length : 0, hi.toString(2).length);
    return fixedType(true, width, width + exp);
  }));
  return { circuit: builder.finish(), events: pairs(bits) };
}

/** Every cast of an input of bits + 1 bits: rounding 0 to 3 bits and half of them, into narrow and nearly full types. */
function casts(bits: number): Case {
  const builder = new CircuitBuilder(`casts_${bits}`);
  const [x] = builder.addInput({ name: 'x', shape: [2], types: [fixedType(true, bits + 1, bits + 1)] }) as unknown as [number];
  const outputs: number[] = [];
  for (const rounding of ROUNDINGS) {
    for (const overflow of OVERFLOWS) {
      for (const drop of [0, 1, 3, bits >> 1]) {
        for (const [signed, width] of [[true, bits + 1 - drop], [true, Math.max(1, bits - drop)], [false, Math.max(1, bits - drop)], [true, 5], [false, 7]] as const) {
          // Rounding up the largest integer must stay within 64 bits.
          if (bits >= 62 && rounding !== 'TRN') continue;
          outputs.push(builder.cast(x, fixedType(signed, width, width + drop, rounding, overflow)));
        }
      }
    }
  }
  builder.addOutput('y', [outputs.length], outputs, outputs.map((op) => builder.typeOf(op)));
  return { circuit: builder.finish(), events: extremes(bits).map((n) => [[n, 0]]) };
}

function extremes(bits: number): Int[] {
  const top = pow2(bits);
  const half = pow2(bits - 1);
  const third = fromBigInt(BigInt(top) / 3n);
  return [neg(top), add(neg(top), 1), neg(half), -7, -2, -1, 0, 1, 3, third, sub(half, 1), half, sub(top, 2), sub(top, 1)]
    .filter((n) => n >= neg(top) && n < top);
}

function pairs(bits: number): Int[][][] {
  const values = extremes(bits);
  return values.flatMap((x) => values.map((y) => [[x, y]]));
}

function differs(item: Case, least: 16 | 32 | 64): boolean {
  const emulator = compileEmulator(item.circuit, { least });
  expect(emulator.engine.kind).toBe('wasm');
  const results = emulator.runRawBatch(item.events);
  return expectationOf(item).some((expected, i) => expected.some((n, j) => results[i]?.[0]?.[j] !== n));
}

const CASES = [7, 14, 15, 16, 17, 30, 31, 32, 33, 47, 52, 53, 54, 61, 62, 63].flatMap((bits) => [arithmetic(bits), casts(bits)]);

describe('boundaries of lanes', () => {
  it.each(CASES.map((c): [string, Case] => [c.circuit.name, c]))('%s: every pair of extreme values', (_, item) => {
    for (const least of [16, 32, 64] as const) expect(differs(item, least)).toBe(false);
  });
});

describe('a wrong instruction shows', () => {
  type Lanes = Partial<Record<16 | 32 | 64, number>>;
  const swaps: [string, Lanes, Lanes][] = [
    ['add', Simd.add, Simd.sub], ['sub', Simd.sub, Simd.add], ['mul', Simd.mul, Simd.add], ['lt', Simd.lt, Simd.gt], ['gt', { 64: Simd.gt[64] }, { 64: Simd.lt[64] }],
    ['eq', Simd.eq, Simd.ne], ['min', Simd.min, Simd.max], ['max', Simd.max, Simd.min], ['shl', Simd.shl, Simd.shrS], ['shrS', Simd.shrS, Simd.shrU],
    ['shrU', Simd.shrU, Simd.shrS], ['extendLow', Simd.extendLow, Simd.extendHigh], ['extendHigh', Simd.extendHigh, Simd.extendLow],
    ['extendedMulLow', Simd.extendedMulLow, Simd.extendedMulHigh], ['extendedMulHigh', Simd.extendedMulHigh, Simd.extendedMulLow],
  ];
  const cases = swaps.flatMap(([name, right, wrong]) => ([16, 32, 64] as const).filter((lane) => right[lane] !== undefined).map((lane): [string, 16 | 32 | 64, number] => [name, lane, wrong[lane] as number]));
  it.each(cases)('%s of %i bits', (name, lane, wrong) => {
    const table = Simd[name as 'add'] as { -readonly [L in 16 | 32 | 64]: number };
    const right = table[lane];
    table[lane] = wrong;
    try {
      expect(CASES.some((item) => differs(item, 16))).toBe(true);
    } finally {
      table[lane] = right as never;
    }
  });
});
