import { describe, expect, it } from 'vitest';
import type { Circuit } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { castInteger, fractionBits, OVERFLOWS, rangeOf, ROUNDINGS } from '../../src/fixed/fixedType.js';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { dyadicOf, toNumber } from '../../src/fixed/integer.js';
import type { FunctionName } from '../../src/layers/functions.js';
import { FUNCTION_NAMES, FUNCTIONS } from '../../src/layers/functions.js';
import { catalogue } from '../../src/layers/registry.js';
import { tensor } from '../../src/model/tensor.js';
import { Random } from '../helpers/random.js';
import { graphOf, lowerGraph, type } from './helpers.js';

const random = new Random(0xf0);

const value = (name: FunctionName, x: number, alpha?: number): number =>
  catalogue.evaluate('activation', { function: name, ...(alpha !== undefined && { alpha }) }, [tensor([1], [x])]).data[0] as number;

describe('float meaning', () => {
  // From tables and from the functions' definitions.
  it.each<[FunctionName, number, number]>([
    ['gelu', 1, 0.8413447460685429], ['gelu', -3, -0.00404969409489031], ['geluTanh', 1, 0.8411919906082768], ['silu', 2, 1.7615941559557646],
    ['mish', -1, -0.3034014613741089], ['erf', 0.5, 0.5204998778130465], ['erf', -3, -0.9999779095030014], ['logSigmoid', -2, -2.1269280110429727],
    ['hardSwish', 1, 2 / 3], ['hardSwish', -4, -0], ['thresholdedRelu', 1, 0], ['thresholdedRelu', 1.5, 1.5], ['celu', -1, Math.expm1(-1)],
    ['sign', -3, -1], ['sign', 0, 0], ['square', -3, 9], ['round', 2.5, 2], ['round', -1.5, -2], ['rsqrt', 4, 0.5], ['softshrink', 2, 1.5],
    ['hardshrink', 0.5, 0], ['tanhshrink', 1, 1 - Math.tanh(1)], ['squareplus', 1.5, 2], ['squareplus', -1.5, 0.5], ['reciprocal', -4, -0.25], ['expm1', 1, Math.E - 1], ['log1p', 1, Math.LN2],
  ])('%s(%d)', (name, x, wanted) => expect(value(name, x)).toBeCloseTo(wanted, 13));

  it('elu and celu differ in where alpha stands', () => {
    expect(value('elu', -1, 2)).toBeCloseTo(2 * Math.expm1(-1), 14);
    expect(value('celu', -1, 2)).toBeCloseTo(2 * Math.expm1(-0.5), 14);
  });

  it('float32 rounds argument and value', () => {
    const params = { function: 'tanh', float32: true };
    expect(catalogue.evaluate('activation', params, [tensor([1], [0.3])]).data[0]).toBe(Math.fround(Math.tanh(Math.fround(0.3))));
  });

  it('turns are where the slope changes its sign', () => {
    for (const name of FUNCTION_NAMES) {
      const { turns } = FUNCTIONS[name] as { turns?: unknown };
      if (!Array.isArray(turns) || name === 'reciprocal' || name === 'leakyRelu' || name.endsWith('elu') && name !== 'gelu') continue;
      const [turn] = turns as [number];
      expect(value(name, turn), name).toBeLessThanOrEqual(Math.min(value(name, turn - 1e-3), value(name, turn + 1e-3)));
    }
  });
});

/** The outputs of a circuit of one element for every raw input of its type. */
function outputsOf(circuit: Circuit, input: FixedType): { readonly x: number; readonly y: number }[] {
  const { lo, hi, exp } = rangeOf(input);
  const out = -fractionBits(circuit.outputs[0]?.types[0] as FixedType);
  return Array.from({ length: Number(hi) - Number(lo) + 1 }, (_, i) => {
    const n = Number(lo) + i;
    return { x: n * 2 ** exp, y: toNumber(evaluateCircuit(circuit, [[n]])[0]?.[0] as number, out) };
  });
}

const single = (name: FunctionName, input: FixedType, result: FixedType, extra: object = {}) =>
  lowerGraph(graphOf({ kind: 'activation', params: { function: name, ...extra }, operands: [{ shape: [1, 1], type: input }], precision: { source: 'auto', result } }));

/** A float64 rounded and overflowed once. */
const rounded = (v: number, into: FixedType): number => {
  const { n, exp } = dyadicOf(v);
  return toNumber(castInteger(n, exp, into), -fractionBits(into));
};

/** Functions with a domain of their own get arguments inside it. */
const DOMAINS: Partial<Record<FunctionName, string>> = {
  log: 'ufixed<9,4>', log2: 'ufixed<9,4>', log10: 'ufixed<9,4>', sqrt: 'ufixed<9,4>', rsqrt: 'ufixed<9,4>', log1p: 'ufixed<9,4>', acosh: 'ufixed<9,4>',
  // Farther out float64 rounds to the limit, which the function only tends to.
  tanh: 'fixed<9,4>', geluTanh: 'fixed<9,3>', erf: 'fixed<9,3>',
  asin: 'fixed<9,1>', acos: 'fixed<9,1>', atanh: 'fixed<9,1>',
};

describe('every function is correctly rounded, once, for every argument', () => {
  it.each(FUNCTION_NAMES)('%s', (name) => {
    for (const [rounding, overflow] of [...ROUNDINGS.map((mode) => [mode, random.pick(OVERFLOWS)] as const), ['RND', 'SAT'] as const]) {
      const input = type(DOMAINS[name] ?? random.pick(['fixed<9,4>', 'fixed<8,4>', 'ufixed<8,3>', 'fixed<9,2>']));
      const fraction = random.int(2, 7);
      const result = { ...type(`fixed<${fraction + random.int(1, 5)},${1}>`), rounding, overflow };
      const typed = { ...result, integer: result.width - fraction };
      // Products with a slope that is not dyadic are exact in the circuit and not in float64.
      const slope = name === 'leakyRelu' || name === 'hardSigmoid' ? { alpha: 0.3125 } : {};
      for (const { x, y } of outputsOf(single(name, input, typed, slope), input)) {
        const wanted = value(name, x, slope.alpha);
        if (!Number.isFinite(wanted)) continue;
        expect(y, `${name}(${x}) into ${JSON.stringify(typed)}`).toBe(rounded(wanted, typed) + 0);
      }
    }
  });

  it('and so in float32, where the library has it so', () => {
    for (const name of ['tanh', 'silu', 'leakyRelu', 'exp'] as const) {
      const [input, result] = [type('fixed<8,3>'), type('fixed<30,6,RND_CONV,SAT>')];
      const f = (x: number): number => catalogue.evaluate('activation', { function: name, alpha: 0.3, float32: true }, [tensor([1], [x])]).data[0] as number;
      for (const { x, y } of outputsOf(single(name, input, result, { alpha: 0.3, float32: true }), input)) expect(y).toBe(rounded(f(x), result));
    }
  });

  it('poles and arguments outside the domain read the nearest value there is', () => {
    const [input, result] = [type('fixed<6,3>'), type('fixed<12,6,RND,SAT>')];
    const at = (name: FunctionName, x: number): number | undefined => outputsOf(single(name, input, result), input).find((out) => out.x === x)?.y;
    expect(at('reciprocal', 0)).toBe(8);
    expect(at('reciprocal', -0.125)).toBe(-8);
    expect(at('log', -2)).toBe(rounded(Math.log(0.125), result));
    expect(at('sqrt', -1)).toBe(0);
  });
});

describe('tables', () => {
  const entries = (circuit: Circuit): number => circuit.tables.reduce((n, table) => n + table.values.length, 0);

  it('have half the entries where the function is symmetric', () => {
    // Saturated above 3.9, of 2^14 arguments about 2 · 3.9 · 1024 matter; erf saturates earlier.
    for (const name of ['tanh', 'erf'] as const) expect(entries(single(name, type('fixed<14,4>'), type('fixed<10,1,RND,SAT>'))), name).toBeLessThan(4000);
    const gelu = single('gelu', type('fixed<12,6>'), type('fixed<12,6,RND,SAT>'));
    // Straight above 5, so that the table would have 3000 entries if it were not for the residual.
    expect(entries(gelu)).toBeLessThan(600);
  });

  it('take wide arguments by blocks with one stair each, exactly', () => {
    const [input, result] = [type('fixed<44,8>'), type('ufixed<8,0,RND,SAT>')];
    const circuit = single('sigmoid', input, result);
    expect(entries(circuit)).toBeLessThan(2 ** 13);
    for (let event = 0; event < 400; event++) {
      const n = random.int(-(2 ** 39), 2 ** 39);
      const y = toNumber(evaluateCircuit(circuit, [[n]])[0]?.[0] as number, -8);
      expect(y).toBe(rounded(1 / (1 + Math.exp(-n * 2 ** -36)), result));
    }
  });

  it('take steep functions of wide arguments by octaves, exactly', () => {
    const [input, result] = [type('ufixed<24,16>'), type('ufixed<12,5,RND,SAT>')];
    for (const name of ['rsqrt', 'log', 'sqrt', 'reciprocal'] as const) {
      const circuit = single(name, input, name === 'log' ? type('fixed<12,5,RND,SAT>') : result);
      expect(entries(circuit), name).toBeLessThan(2 ** 15);
      const exp = circuit.outputs[0]?.types[0] as FixedType;
      for (let event = 0; event < 400; event++) {
        const n = random.int(1, 2 ** random.int(1, 24) - 1);
        const y = toNumber(evaluateCircuit(circuit, [[n]])[0]?.[0] as number, -fractionBits(exp));
        expect(y, `${name}(${n} / 256)`).toBe(rounded(value(name, n / 256), exp));
      }
    }
  });

  it.each([
    ['reciprocal', 'fixed<24,16>', 'fixed<20,12,RND,SAT>', (n: number) => 256 / n],
    ['sqrt', 'fixed<32,20>', 'ufixed<12,8,RND,SAT>', (n: number) => Math.sqrt(Math.max(0, n / 4096))],
  ] as const)('take both signs of %s, steep on one or both, exactly', (name, from, to, meaning) => {
    const [input, result] = [type(from), type(to)];
    const circuit = single(name, input, result);
    for (let event = 0; event < 400; event++) {
      const n = random.pick([-1, 1]) * random.int(1, 2 ** random.int(1, input.width - 1) - 1);
      expect(toNumber(evaluateCircuit(circuit, [[n]])[0]?.[0] as number, -fractionBits(result)), `${name}(${n})`).toBe(rounded(meaning(n), result));
    }
    const least = evaluateCircuit(circuit, [[Number(rangeOf(input).lo)]])[0]?.[0] as number;
    expect(toNumber(least, -fractionBits(result))).toBe(rounded(meaning(Number(rangeOf(input).lo)), result));
  });

  it('that would be too large are an error that says what to do', () => {
    expect(() => single('sin', type('fixed<20,4>'), type('fixed<20,2>'))).toThrow(/layer: the sin of an argument of 1048576 values takes more than 32 bits of the turn[^]*fewer bits/);
    expect(() => single('exp', type('fixed<24,4>'), type('fixed<40,20>'))).toThrow(/layer: the table of this function would hold more than 65536 values/);
  });
});

describe('sine and cosine of many turns', () => {
  /** Events spread over the whole type, its ends among them. */
  const expectRounded = (name: 'sin' | 'cos', input: FixedType, result: FixedType): void => {
    const circuit = single(name, input, result);
    const { lo, hi, exp } = rangeOf(input);
    const raws = [Number(lo), Number(hi), 0, 1, ...Array.from({ length: 500 }, () => random.int(Number(lo), Number(hi)))];
    for (const n of raws) {
      const x = n * 2 ** exp;
      const y = toNumber(evaluateCircuit(circuit, [[n]])[0]?.[0] as number, -fractionBits(result));
      expect(y, `${name}(${x})`).toBe(rounded(name === 'sin' ? Math.sin(x) : Math.cos(x), result) + 0);
    }
  };

  it.each(['sin', 'cos'] as const)('%s is correctly rounded, symmetric or not', (name) => {
    expectRounded(name, type('fixed<17,8>'), type('fixed<10,2,RND,SAT>'));
    expectRounded(name, type('ufixed<17,9>'), type('fixed<8,1,TRN,SAT>'));
  });

  it('takes one quarter of a turn where it can', () => {
    const [input, result] = [type('fixed<17,8>'), type('fixed<10,2,RND,SAT>')];
    const entries = single('sin', input, result).tables.reduce((n, table) => n + table.values.length, 0);
    expect(entries).toBeLessThan(2 ** 11);
  });

  it('says what is too much', () => {
    expect(() => single('sin', type('fixed<30,9>'), type('fixed<10,2>'))).toThrow(/an argument of 1073741824 values; at most 4194304/);
  });
});
