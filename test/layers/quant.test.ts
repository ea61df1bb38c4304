import { describe, expect, it } from 'vitest';
import { fractionBits, ROUNDINGS } from '../../src/fixed/fixedType.js';
import { toNumber, fromBigInt } from '../../src/fixed/integer.js';
import { roundQonnx } from '../../src/layers/quant.js';
import { tensor } from '../../src/model/tensor.js';
import { Random } from '../helpers/random.js';
import type { OneLayer } from './helpers.js';
import { floatOf, graphOf, lowerGraph, randomRaw, run, runFloat, type } from './helpers.js';
import type { Rational } from './hls4ml.js';
import { cast, divided, dyadic, isLess, minus, ofFloat, plus, rational, same, times, ZERO } from './hls4ml.js';

const random = new Random(0x90a);
const MODES = ['ROUND', 'CEIL', 'FLOOR', 'UP', 'DOWN', 'HALF_UP', 'HALF_DOWN'] as const;
type Mode = (typeof MODES)[number];

/** qonnx's rounding of an exact rational. */
function round(v: Rational, mode: Mode): bigint {
  const down = v.num < 0n && v.num % v.den !== 0n ? v.num / v.den - 1n : v.num / v.den;
  const rest = minus(v, rational(down));
  if (rest.num === 0n) return down;
  const negative = v.num < 0n;
  const away = negative ? down : down + 1n;
  const toward = negative ? down + 1n : down;
  const side = 2n * rest.num - rest.den;
  const nearest = side > 0n ? down + 1n : down;
  switch (mode) {
    case 'CEIL':
      return down + 1n;
    case 'FLOOR':
      return down;
    case 'UP':
      return away;
    case 'DOWN':
      return toward;
    case 'ROUND':
      return side !== 0n ? nearest : down % 2n === 0n ? down : down + 1n;
    case 'HALF_UP':
      return side !== 0n ? nearest : away;
    case 'HALF_DOWN':
      return side !== 0n ? nearest : toward;
  }
}

interface Case {
  readonly scale: number;
  readonly zero: number;
  readonly bits: number;
  readonly signed: boolean;
  readonly narrow: boolean;
  readonly mode: Mode;
}

/** qonnx's int_quant over exact rationals. */
function quantExactly(x: Rational, { scale, zero, bits, signed, narrow, mode }: Case): Rational {
  const [s, z] = [ofFloat(scale), ofFloat(zero)];
  const y = plus(divided(x, s), z);
  let q: Rational;
  if (bits === 1 && signed) q = rational(isLess(y, ZERO) ? -1 : 1);
  else {
    const half = ofFloat(2 ** (bits - 1));
    const low = signed ? plus(rational(narrow ? 1 : 0), times(rational(-1), half)) : ZERO;
    const high = signed ? minus(half, rational(1)) : minus(ofFloat(2 ** bits), rational(narrow ? 2 : 1));
    const clamped = isLess(high, y) ? high : isLess(y, low) ? low : y;
    q = rational(round(clamped, mode));
  }
  return times(minus(q, z), s);
}

const quantOf = (c: Case, input = type('fixed<9,5>'), n = 6): OneLayer => ({
  kind: 'quant',
  params: { scale: tensor([], [c.scale]), zeroPoint: tensor([], [c.zero]), bitWidth: c.bits, signed: c.signed, narrow: c.narrow, rounding: c.mode },
  operands: [{ shape: [1, n], type: input }],
});

function check(c: Case, input = type('fixed<9,5>')): void {
  const layer = quantOf(c, input, 8);
  const circuit = lowerGraph(graphOf(layer));
  for (let event = 0; event < 8; event++) {
    const raw = randomRaw(random, layer.operands);
    const expected = (raw[0] as bigint[]).map((n) => quantExactly(dyadic(n, -fractionBits(input)), c));
    const wrong = run(circuit, raw).findIndex(({ n, exp }, e) => !same(dyadic(n, exp), expected[e] as Rational));
    expect(wrong < 0 ? '' : `${JSON.stringify(c)} at ${raw[0]?.[wrong]}`).toBe('');
  }
}

const SCALES = [1, 0.25, 2, 3, 0.75, 5 / 16, 0.10000000149011612, 1.3333333730697632];

describe('quant', () => {
  it.each(MODES)('%s: every element as qonnx, in exact arithmetic', (mode) => {
    for (let trial = 0; trial < 60; trial++) {
      const signed = random.chance(0.6);
      check({
        scale: random.pick(SCALES),
        zero: random.pick([0, 0, 1, -3, 0.5]),
        bits: random.pick([1, 2, 3, 4, 7, 2.5, 3.3]),
        signed,
        narrow: random.chance(0.3),
        mode,
      }, random.pick([type('fixed<9,5>'), type('ufixed<6,3>'), type('fixed<5,5>'), type('fixed<12,2>')]));
    }
  });

  it('keeps ties right over a scale of 3, exhaustively', () => {
    for (const mode of MODES) {
      const c: Case = { scale: 3, zero: 0, bits: 6, signed: true, narrow: false, mode };
      const layer = quantOf(c, type('fixed<8,7>'), 1);
      const circuit = lowerGraph(graphOf(layer));
      for (let n = -128; n < 128; n++) {
        const [got] = run(circuit, [[BigInt(n)]]);
        expect(got && same(dyadic(got.n, got.exp), quantExactly(rational(n, 2), c)), `${mode} of ${n}/2`).toBe(true);
      }
    }
  });

  it('is a single cast for a power-of-two scale, and says its type', () => {
    const circuit = lowerGraph(graphOf(quantOf({ scale: 0.125, zero: 0, bits: 6, signed: true, narrow: true, mode: 'ROUND' })));
    expect(circuit.outputs[0]?.types).toEqual([type('fixed<6,3,RND_CONV,SAT_SYM>')]);
    expect(circuit.size).toBe(12);
  });

  it('takes scales per channel', () => {
    const layer: OneLayer = {
      kind: 'quant',
      params: { scale: tensor([2, 1], [0.5, 0.75]), zeroPoint: tensor([], [0]), bitWidth: 4, signed: true, narrow: false, rounding: 'ROUND' },
      operands: [{ shape: [1, 2, 3], type: type('fixed<9,5>') }],
    };
    const circuit = lowerGraph(graphOf(layer));
    for (let event = 0; event < 30; event++) {
      const raw = randomRaw(random, layer.operands);
      expect(runFloat(circuit, raw)).toEqual(floatOf(layer, raw));
    }
  });

  it('has float64 roundings that agree with the exact ones', () => {
    for (const mode of MODES) for (let n = -40; n <= 40; n++) expect(roundQonnx(mode, n / 8)).toBe(Number(round(rational(n, 8), mode)));
  });
});

describe('bipolarQuant', () => {
  it('gives ± scale, zero counting as positive', () => {
    const layer: OneLayer = { kind: 'bipolarQuant', params: { scale: tensor([3], [0.5, 0.1, 2]) }, operands: [{ shape: [1, 3], type: type('fixed<3,3>') }] };
    const circuit = lowerGraph(graphOf(layer));
    for (let n = -4n; n < 4n; n++) expect(runFloat(circuit, [[n, n, n]])).toEqual(floatOf(layer, [[n, n, n]]));
  });
});

describe('trunc', () => {
  it('version 1 and 2 equal their float64 meaning', () => {
    for (let trial = 0; trial < 80; trial++) {
      const rounding = random.pick(MODES);
      const scale = random.pick([0.25, 0.5, 0.75, 1]);
      const drop = random.int(0, 3);
      const version2 = random.chance(0.5) ? { outputScale: tensor([], [scale * 2 ** drop]), signed: random.chance(0.5), narrow: random.chance(0.5) } : undefined;
      const layer: OneLayer = {
        kind: 'trunc',
        params: { scale: tensor([], [scale]), zeroPoint: tensor([], [random.pick([0, 2])]), inBits: 5 + drop, outBits: 5, rounding, ...(version2 && { version2 }) },
        operands: [{ shape: [1, 5], type: type('fixed<8,6>') }],
      };
      const circuit = lowerGraph(graphOf(layer));
      for (let event = 0; event < 6; event++) {
        const raw = randomRaw(random, layer.operands);
        expect(runFloat(circuit, raw), JSON.stringify(layer.params)).toEqual(floatOf(layer, raw).map((v) => v + 0));
      }
    }
  });
});

describe('an automatic type', () => {
  const F = { sigmoid: (v: number) => 1 / (1 + Math.exp(-v)), tanh: Math.tanh, softsign: (v: number) => v / (1 + Math.abs(v)), softplus: (v: number) => Math.log1p(Math.exp(v)) };
  it.each(Object.keys(F) as (keyof typeof F)[])('%s is rounded once, at every input', (name) => {
    const result = type('fixed<10,5,RND,SAT>');
    const layer: OneLayer = { kind: 'activation', params: { function: name }, operands: [{ shape: [1, 1], type: type('fixed<10,5>') }], precision: { source: 'auto', result } };
    const circuit = lowerGraph(graphOf(layer));
    for (let n = -512; n < 512; n++) {
      const wanted = Math.floor(F[name](n / 32) * 32 + 0.5) / 32;
      expect(runFloat(circuit, [[BigInt(n)]])).toEqual([Math.min(wanted, 511 / 32)]);
    }
  });

  it('stays below the limit where float64 reaches it', () => {
    const at = (name: string, t: string, n: bigint) => {
      const layer: OneLayer = { kind: 'activation', params: { function: name }, operands: [{ shape: [1, 1], type: type('int<8>') }], precision: { source: 'auto', result: type(t) } };
      return runFloat(lowerGraph(graphOf(layer)), [[n]])[0];
    };
    expect(at('tanh', 'fixed<5,1>', 100n)).toBe(15 / 16);
    expect(at('tanh', 'fixed<5,1>', -100n)).toBe(-1);
    expect(at('sigmoid', 'ufixed<4,0>', 120n)).toBe(15 / 16);
    expect(at('elu', 'fixed<6,2,TRN_ZERO,WRAP>', -120n)).toBe(-15 / 16);
    // Wraps like any cast: sigmoid(120) rounds to 1.
    expect(at('sigmoid', 'ufixed<4,0,RND,WRAP>', 120n)).toBe(0);
    expect(at('sigmoid', 'ufixed<4,0,RND,WRAP>', 1n)).toBe(0.75);
  });

  it('takes a wide argument as it is', () => {
    const result = type('ufixed<12,0,RND,SAT>');
    const input = type('fixed<40,8>');
    const layer: OneLayer = { kind: 'activation', params: { function: 'sigmoid' }, operands: [{ shape: [1, 1], type: input }], precision: { source: 'auto', result } };
    const circuit = lowerGraph(graphOf(layer));
    for (let event = 0; event < 300; event++) {
      const raw = randomRaw(random, layer.operands);
      const x = toNumber(fromBigInt(raw[0]?.[0] as bigint), -32);
      const [y] = runFloat(circuit, raw);
      expect(Math.abs((y as number) - Math.min(F.sigmoid(x), 1 - 2 ** -12))).toBeLessThanOrEqual(2 ** -13);
    }
  });

  it.each([[5, 8, 'fixed<9,4>'], [32, 10, 'fixed<13,5>'], [3, 14, 'fixed<20,6>'], [2, 10, 'ufixed<3,3>'], [1, 6, 'fixed<4,2>']])('softmax of %d values into %d bits is near the true one', (n, bits, input) => {
    const result = type(`ufixed<${bits},0,RND,SAT>`);
    const layer: OneLayer = { kind: 'softmax', params: { axis: 1 }, operands: [{ shape: [1, n], type: type(input) }], precision: { source: 'auto', result } };
    const circuit = lowerGraph(graphOf(layer));
    // Tables grow with the root of the precision, and neither with n nor with the width of the argument.
    expect(circuit.tables.reduce((most, table) => Math.max(most, table.values.length), 0)).toBeLessThan(14 * 2 ** (bits / 2 + 1));
    let worst = 0;
    for (let event = 0; event < 100; event++) {
      const raw = randomRaw(random, layer.operands);
      const wanted = floatOf(layer, raw);
      runFloat(circuit, raw).forEach((y, i) => (worst = Math.max(worst, Math.abs(y - Math.min(wanted[i] as number, 1 - 2 ** -bits)) * 2 ** bits)));
    }
    expect(worst).toBeLessThan(0.75);
  });

  it.each(ROUNDINGS)('an average of six is rounded once, %s', (rounding) => {
    const result = { ...type('fixed<9,5>'), rounding };
    const layer: OneLayer = { kind: 'reduce', params: { operation: 'mean', axes: [1], keepDims: false }, operands: [{ shape: [1, 6], type: type('fixed<5,5>') }], precision: { source: 'auto', result } };
    const circuit = lowerGraph(graphOf(layer));
    for (let event = 0; event < 150; event++) {
      const raw = randomRaw(random, layer.operands);
      const total = (raw[0] as bigint[]).reduce((a, b) => a + b, 0n);
      const [got] = run(circuit, raw);
      expect(got && same(dyadic(got.n, got.exp), cast(rational(total, 6), result)), `${total}/6`).toBe(true);
    }
  });
});

describe('errors', () => {
  it('name every layer that needs a type, and every input', () => {
    const untyped = graphOf({ kind: 'activation', params: { function: 'tanh' }, operands: [{ shape: [1, 2], type: type('fixed<6,2>') }] });
    expect(() => lowerGraph(untyped)).toThrow('layer → result: tanh has no exact fixed-point result, and no type is given for it. Give one');
    const node = untyped.nodes[0] as (typeof untyped.nodes)[number];
    const two = { ...untyped, nodes: [node, { ...node, name: 'again', output: 'other', params: { function: 'sigmoid' } }] };
    expect(() => lowerGraph(two)).toThrow(/tanh has no exact[^]*again → result: sigmoid has no exact/);
    const wire = { ...untyped, inputs: [{ name: 'x0', shape: [1, 2] }] };
    expect(() => lowerGraph(wire)).toThrow("x0: the type of this input is not known. Pass --input-type 'ap_fixed<16,6>'");
  });

  it('stop at a size', () => {
    const layer = graphOf({ kind: 'activation', params: { function: 'relu' }, operands: [{ shape: [1, 50], type: type('fixed<6,2>') }] });
    expect(() => lowerGraph(layer, { maxOps: 20 })).toThrow(/operations up to this layer; at most 20/);
  });
});
