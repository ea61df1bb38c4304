import { describe, expect, it } from 'vitest';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { formatFixedType, fractionBits, OVERFLOWS, rangeOf, ROUNDINGS } from '../../src/fixed/fixedType.js';
import { toNumber } from '../../src/fixed/integer.js';
import { castBounds, elementTypes, type FixedQuantParams } from '../../src/layers/fixedQuant.js';
import { catalogue } from '../../src/layers/registry.js';
import { tensor } from '../../src/model/tensor.js';
import { Random } from '../helpers/random.js';
import { graphOf, lowerGraph, randomRaw, runFloat, type } from './helpers.js';

type Rounding = FixedQuantParams['rounding'];

/** The rounding functions of HGQ2's quantizers 1.2.2, on float64. */
const LIBRARY_ROUNDINGS: Readonly<Record<Rounding, (x: number) => number>> = {
  TRN: Math.floor,
  TRN_ZERO: Math.trunc,
  RND: (x) => Math.floor(x + 0.5),
  RND_CONV: (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x)),
  RND_ZERO: (x) => -Math.floor(-Math.abs(x) + 0.5) * Math.sign(x),
  RND_MIN_INF: (x) => -Math.floor(-x + 0.5),
  RND_INF: (x) => Math.floor(Math.abs(x) + 0.5) * Math.sign(x),
};

/** HGQ2's quantiser in inference: clip and then round, or round and then wrap. */
function library(x: number, k: number, i: number, f: number, rounding: Rounding, overflow: 'WRAP' | 'SAT' | 'SAT_SYM'): number {
  if (k + i + f <= 0) return 0;
  const top = 2 ** Math.max(i, -f);
  const round = (v: number): number => LIBRARY_ROUNDINGS[rounding](v * 2 ** f) / 2 ** f;
  if (overflow === 'WRAP') {
    const bias = k * 2 ** (i + k - 1);
    const shifted = round(x) + bias;
    return shifted - Math.floor(shifted / 2 ** (i + k)) * 2 ** (i + k) - bias;
  }
  const most = top - 2 ** -f;
  const least = -k * (overflow === 'SAT' ? top : most);
  return round(Math.min(Math.max(x, least), most)) + 0;
}

function params(k: readonly number[], i: readonly number[], f: readonly number[], rounding: Rounding, overflow: FixedQuantParams['overflow']): FixedQuantParams {
  const row = (values: readonly number[]) => tensor([1, values.length], values);
  return { signed: row(k), integerBits: row(i), fractionBits: row(f), rounding, overflow };
}

/** Every k, i, f of a few bits, negative ones and empty ones too. */
const WIDTHS = [0, 1].flatMap((k) => [-2, -1, 0, 1, 2].flatMap((i) => [-2, -1, 0, 1, 3].map((f) => [k, i, f] as const)));

describe('fixedQuant', () => {
  const modes = ROUNDINGS.flatMap((rounding) => (['WRAP', 'SAT', 'SAT_SYM'] as const).map((overflow) => [rounding, overflow] as const));
  it.each(modes)('%s %s is HGQ2’s quantiser, in float and as a circuit', (rounding, overflow) => {
    const own = params(WIDTHS.map(([k]) => k), WIDTHS.map(([, i]) => i), WIDTHS.map(([, , f]) => f), rounding, overflow);
    const layer = { kind: 'fixedQuant', params: own, operands: [{ shape: [1, WIDTHS.length], type: type('fixed<9,4>') }] };
    const circuit = lowerGraph(graphOf(layer));
    for (let n = -256n; n < 256n; n++) {
      const x = Number(n) / 32;
      const expected = WIDTHS.map(([k, i, f]) => library(x, k, i, f, rounding, overflow) + 0);
      expect(runFloat(circuit, [WIDTHS.map(() => n)]), String(x)).toEqual(expected);
      expect([...catalogue.evaluate('fixedQuant', own, [tensor([1, WIDTHS.length], WIDTHS.map(() => x))]).data], String(x)).toEqual(expected);
    }
  });

  it('rounds an exact quotient once', () => {
    for (const divisor of [3, -3, 9, 0.75, 10, 2 ** -3 * 7]) {
      for (const rounding of ROUNDINGS) {
        const own = { ...params([1, 0], [3, 2], [1, 2], rounding, 'SAT'), divisor };
        const circuit = lowerGraph(graphOf({ kind: 'fixedQuant', params: own, operands: [{ shape: [1, 2], type: type('fixed<8,6>') }] }));
        for (let n = -128n; n < 128n; n++) {
          const x = Number(n) / 4 / divisor;
          expect(runFloat(circuit, [[n, n]]), `${rounding} ${n}/4/${divisor}`).toEqual([library(x, 1, 3, 1, rounding, 'SAT'), library(x, 0, 2, 2, rounding, 'SAT')]);
        }
      }
    }
  });

  it('multiplies with the reciprocal in float32 where the library does', () => {
    const divisor = Math.fround(0.3);
    const own = { ...params([1], [4], [3], 'RND', 'SAT'), divisor };
    const operands = [{ shape: [1, 1], type: type('fixed<9,3>') }];
    const [exact, float32] = [own, { ...own, float32: true }].map((p) => lowerGraph(graphOf({ kind: 'fixedQuant', params: p, operands })));
    let ties = 0;
    for (let n = -256n; n < 256n; n++) {
      const expected = library(Math.fround((Number(n) / 64) * Math.fround(1 / divisor)), 1, 4, 3, 'RND', 'SAT') + 0;
      expect(runFloat(float32 as NonNullable<typeof float32>, [[n]])).toEqual([expected]);
      if (runFloat(exact as NonNullable<typeof exact>, [[n]])[0] !== expected) ties++;
    }
    expect(ties).toBeGreaterThan(0);
  });

  it('broadcasts its widths', () => {
    const own: FixedQuantParams = { signed: tensor([], [1]), integerBits: tensor([1, 2, 1], [1, -1]), fractionBits: tensor([1, 1, 3], [0, 2, -4]), rounding: 'TRN', overflow: 'WRAP' };
    const types = elementTypes(own, [1, 2, 3]);
    expect(types.map((t) => t && formatFixedType(t))).toEqual(['ap_fixed<2,2>', 'ap_fixed<4,2>', undefined, undefined, 'ap_fixed<2,0>', undefined]);
  });

  it('bounds what it gives', () => {
    const random = new Random(5);
    for (let trial = 0; trial < 300; trial++) {
      const own: FixedType = { signed: random.chance(0.5), width: random.int(1, 5), integer: random.int(-1, 4), rounding: random.pick(ROUNDINGS), overflow: random.pick(OVERFLOWS) };
      const from = random.int(-40, 40);
      const to = from + random.int(0, 30);
      const [low, high] = castBounds(from / 8, to / 8, own);
      const values: number[] = [];
      for (let n = from; n <= to; n++) {
        const k = own.signed ? 1 : 0;
        const p: FixedQuantParams = params([k], [own.integer - k], [fractionBits(own)], own.rounding, own.overflow);
        values.push(catalogue.evaluate('fixedQuant', p, [tensor([1, 1], [n / 8])]).data[0] as number);
      }
      expect(Math.min(...values)).toBeGreaterThanOrEqual(low);
      expect(Math.max(...values)).toBeLessThanOrEqual(high);
      expect(high).toBeLessThanOrEqual(toNumber(rangeOf(own).hi, rangeOf(own).exp));
    }
    expect(castBounds(-3, 3, undefined)).toEqual([0, 0]);
  });

  it('names the uniform type and passes it on', () => {
    const uniform = graphOf({ kind: 'fixedQuant', params: { signed: tensor([], [0]), integerBits: tensor([], [2]), fractionBits: tensor([], [3]), rounding: 'RND', overflow: 'SAT' }, operands: [{ shape: [1, 2], type: type('fixed<9,4>') }] });
    expect(lowerGraph(uniform).outputs[0]?.types.map(formatFixedType)).toEqual(['ap_ufixed<5,2,RND,SAT>']);
    expect(runFloat(lowerGraph(uniform), randomRaw(new Random(1), [{ shape: [1, 2], type: type('fixed<9,4>') }]))).toHaveLength(2);
  });

  it.each([
    [{ signed: tensor([1], [2]) }, /signed must be 0 or 1, found 2/],
    [{ integerBits: tensor([2], [1, 0.5]) }, /integerBits must be whole and within ±1024, found 0.5/],
    [{ integerBits: tensor([1], [1e9]) }, /integerBits must be whole and within ±1024/],
    [{ integerBits: tensor([1], [800]), fractionBits: tensor([1], [800]) }, /a width of 1601 bits is more than 1024/],
    [{ fractionBits: tensor([3], [1, 1, 1]) }, /fractionBits of \[3\] does not broadcast to \[1, 2\]/],
    [{ divisor: 0 }, /the divisor must be finite and not 0/],
  ])('refuses %j', (change, message) => {
    const own = { signed: tensor([], [1]), integerBits: tensor([], [1]), fractionBits: tensor([], [1]), rounding: 'RND', overflow: 'WRAP', ...change };
    expect(catalogue.shape('fixedQuant', own, [[1, 2]])).toMatch(message);
  });
});
