import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Int } from '../../src/fixed/integer.js';
import { add, bitLength, compare, dyadicOf, floorDiv, floorMod, fromBigInt, fromNumber, max, min, mul, neg, shift, sub, toNumber, trailingZeros, widthOf } from '../../src/fixed/integer.js';
import { addIntervals, bitwiseInterval, hull, intersect, isWithin, mulIntervals, onGrid, subIntervals } from '../../src/fixed/interval.js';

/** Integers of every size, those around ±2^53 often. */
const anyBig = fc.oneof(
  fc.bigInt({ min: -300n, max: 300n }),
  fc.tuple(fc.integer({ min: 51, max: 55 }), fc.bigInt({ min: -3n, max: 3n }), fc.boolean()).map(([k, d, negative]) => (negative ? -1n : 1n) * (2n ** BigInt(k) + d)),
  fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n }),
  fc.bigInt({ min: -(2n ** 140n), max: 2n ** 140n }),
);

function expectExact(got: Int, want: bigint): void {
  const canonical = want <= 9007199254740991n && want >= -9007199254740991n ? Number(want) : want;
  // Object.is: neither −0 nor a bigint where a number would do.
  if (!Object.is(got, canonical)) expect.fail(`${String(got)} (${typeof got}), exactly ${want}`);
}

const floorDivBig = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;

describe('exact integers', () => {
  it('numbers and bigints give the same as bigints alone, in canonical form', () => {
    fc.assert(
      fc.property(anyBig, anyBig, fc.integer({ min: -150, max: 90 }), (x, y, k) => {
        const [a, b] = [fromBigInt(x), fromBigInt(y)];
        expectExact(add(a, b), x + y);
        expectExact(sub(a, b), x - y);
        expectExact(mul(a, b), x * y);
        expectExact(neg(a), -x);
        expectExact(shift(a, k), k >= 0 ? x << BigInt(k) : x >> BigInt(-k));
        expectExact(min(a, b), x < y ? x : y);
        expectExact(max(a, b), x > y ? x : y);
        expect(compare(a, b)).toBe(x < y ? -1 : x > y ? 1 : 0);
        const d = y < 0n ? -y : y + 1n;
        expectExact(floorDiv(a, fromBigInt(d)), floorDivBig(x, d));
        expectExact(floorMod(a, fromBigInt(d)), ((x % d) + d) % d);
        const magnitude = x < 0n ? -x : x;
        expect(bitLength(a)).toBe(x === 0n ? 0 : magnitude.toString(2).length);
        expect(trailingZeros(a)).toBe(x === 0n ? 0 : (/0*$/.exec(magnitude.toString(2))?.[0].length ?? 0));
      }),
      { seed: 21, numRuns: 6000 },
    );
  });

  it('divides exactly where the quotient times the divisor leaves the safe range', () => {
    expect(floorDiv(-Number.MAX_SAFE_INTEGER, 3002399751580331)).toBe(-3);
  });

  it('the width holds the range and one bit less does not', () => {
    fc.assert(
      fc.property(anyBig, anyBig, (x, y) => {
        const [lo, hi] = x < y ? [x, y] : [y, x];
        const holds = (w: number): boolean => (lo >= 0n ? BigInt.asUintN(w, hi) === hi : BigInt.asIntN(w, lo) === lo && BigInt.asIntN(w, hi) === hi);
        const width = widthOf(fromBigInt(lo), fromBigInt(hi));
        expect(holds(width)).toBe(true);
        if (width > 1) expect(holds(width - 1)).toBe(false);
      }),
      { seed: 22, numRuns: 2000 },
    );
  });
});

describe('floats', () => {
  const anyFloat = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, -0, 5e-324, -5e-324, 2.2250738585072014e-308, 2.225073858507201e-308, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 53, 2 ** 53 + 2, 2 ** 1023, 0.1, 1 / 3, 2 ** -1074 * 3, Number.MAX_SAFE_INTEGER),
    fc.integer({ min: 1, max: 2 ** 31 - 1 }).map((n) => n * 5e-324),
  );

  it('are dyadic numbers with odd n, and come back exactly', () => {
    fc.assert(
      fc.property(anyFloat, (value) => {
        const { n, exp } = dyadicOf(value);
        expect(toNumber(n, exp)).toBe(value + 0);
        if (value === 0) expect([n, exp]).toEqual([0, 0]);
        else expect(BigInt(n) % 2n === 0n).toBe(false);
        if (Number.isInteger(value)) expect(BigInt(n) << BigInt(exp)).toBe(BigInt(value));
      }),
      { seed: 23, numRuns: 5000 },
    );
  });

  it.each([NaN, Infinity, -Infinity])('%s is none', (value) => expect(() => dyadicOf(value)).toThrow(RangeError));

  it('wide integers round to the nearest, ties to even', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), fc.integer({ min: -300, max: 300 }), (n, exp) => {
        const scaled = exp >= 0 ? Number(n << BigInt(exp)) : Number(n) * 2 ** exp;
        expect(toNumber(fromBigInt(n), exp)).toBe(scaled + 0);
      }),
      { seed: 24, numRuns: 2000 },
    );
    expect(toNumber(2n ** 64n + 2n ** 11n, 0)).toBe(2 ** 64);
    expect(toNumber(2n ** 64n + 2n ** 11n + 1n, 0)).toBe(2 ** 64 + 2 ** 12);
    expect(toNumber(0, 5000)).toBe(0);
  });

  it('whole floats are their integers', () => {
    expect(fromNumber(-0)).toBe(0);
    expect(fromNumber(2 ** 80)).toBe(2n ** 80n);
    expect(() => fromNumber(0.5)).toThrow(RangeError);
  });
});

describe('intervals', () => {
  const small = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 0, max: 6 }), fc.integer({ min: -2, max: 1 })).map(([lo, length, exp]) => ({ lo, hi: lo + length, exp }));
  type Small = { lo: number; hi: number; exp: number };
  const valuesOf = (x: Small): number[] => Array.from({ length: x.hi - x.lo + 1 }, (_, i) => (x.lo + i) * 2 ** x.exp);
  const ends = (x: { lo: Int; hi: Int; exp: number }): number[] => [toNumber(x.lo, x.exp), toNumber(x.hi, x.exp)];
  const extremes = (values: readonly number[]): number[] => [Math.min(...values), Math.max(...values)].map((n) => n + 0);

  it('of sums, differences, products, squares and hulls are exact at both ends', () => {
    fc.assert(
      fc.property(small, small, fc.integer({ min: -3, max: 3 }), (x, y, s) => {
        const pairs = valuesOf(x).flatMap((a) => valuesOf(y).map((b) => [a, b] as const));
        expect(ends(addIntervals(x, y, s))).toEqual(extremes(pairs.map(([a, b]) => a + b * 2 ** s)));
        expect(ends(subIntervals(x, y, s))).toEqual(extremes(pairs.map(([a, b]) => a - b * 2 ** s)));
        expect(ends(mulIntervals(x, y))).toEqual(extremes(pairs.map(([a, b]) => a * b)));
        const squares = mulIntervals(x, x, true);
        const values = extremes(valuesOf(x).map((a) => a * a));
        expect(ends(squares)).toEqual(values);
        expect(ends(hull(x, y))).toEqual(extremes([...valuesOf(x), ...valuesOf(y)]));
        expect(ends(onGrid(x, x.exp - 3))).toEqual(ends(x));
      }),
      { seed: 25, numRuns: 1500 },
    );
  });

  it('of bitwise ops hold every result', () => {
    fc.assert(
      fc.property(small, small, fc.constantFrom('and', 'or', 'xor'), (x, y, kind) => {
        const exp = Math.min(x.exp, y.exp);
        const range = bitwiseInterval(kind, x, y);
        expect(range.exp).toBe(exp);
        for (const a of valuesOf(x)) {
          for (const b of valuesOf(y)) {
            const [i, j] = [a / 2 ** exp, b / 2 ** exp];
            const n = kind === 'and' ? i & j : kind === 'or' ? i | j : i ^ j;
            if (n < range.lo || n > range.hi) expect.fail(`${i} ${kind} ${j} = ${n} outside [${range.lo}, ${range.hi}]`);
          }
        }
      }),
      { seed: 26, numRuns: 3000 },
    );
  });

  it('intersect and contain as the sets of values do', () => {
    fc.assert(
      fc.property(small, small, (x, y) => {
        const inY = new Set(valuesOf(y).map((v) => v + 0));
        const common = valuesOf(x).filter((v) => inY.has(v + 0));
        expect(isWithin(x, y)).toBe(common.length === valuesOf(x).length);
        const both = intersect(x, y);
        expect(both.lo > both.hi ? [] : valuesOf(both as Small).map((v) => v + 0)).toEqual(common.map((v) => v + 0));
      }),
      { seed: 27, numRuns: 3000 },
    );
  });
});
