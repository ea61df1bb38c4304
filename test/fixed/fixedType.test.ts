import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FixedType } from '../../src/fixed/fixedType.js';
import { castInteger, castInterval, castIsIdentity, castOverflows, fixedType, formatFixedType, OVERFLOWS, parseFixedType, rangeOf, ROUNDINGS, sameType, typeOfInterval } from '../../src/fixed/fixedType.js';
import { add, fromBigInt, sub } from '../../src/fixed/integer.js';
import { bounds, castReference } from './reference.js';

const MODES = ROUNDINGS.flatMap((rounding) => OVERFLOWS.map((overflow) => [rounding, overflow] as const));
const anyType = (maxWidth: number): fc.Arbitrary<FixedType> =>
  fc.record({ signed: fc.boolean(), width: fc.integer({ min: 1, max: maxWidth }), integer: fc.integer({ min: -20, max: maxWidth }), rounding: fc.constantFrom(...ROUNDINGS), overflow: fc.constantFrom(...OVERFLOWS) });

describe('cast', () => {
  it.each(MODES)('%s %s equals the definition for every value at small widths', (rounding, overflow) => {
    for (const signed of [true, false]) {
      for (let width = 1; width <= 4; width++) {
        for (let dropped = -2; dropped <= 4; dropped++) {
          const type = fixedType(signed, width, width, rounding, overflow);
          for (let n = -150; n <= 150; n++) {
            const got = castInteger(n, -dropped, type);
            const want = castReference(BigInt(n), -dropped, type);
            if (BigInt(got) !== want) expect.fail(`${n}·2^${-dropped} in ${formatFixedType(type)}: ${got}, by definition ${want}`);
          }
        }
      }
    }
  });

  it('knows the definition by hand', () => {
    // z = 2.5, −2.5, 3.5, −3.25 in halves or quarters; rounded by each mode.
    const rounded = (n: number, exp: number): unknown[] => ROUNDINGS.map((rounding) => castInteger(n, exp, fixedType(true, 8, 8, rounding)));
    // TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV
    expect(rounded(5, -1)).toEqual([2, 2, 3, 2, 3, 2, 2]);
    expect(rounded(-5, -1)).toEqual([-3, -2, -2, -2, -3, -3, -2]);
    expect(rounded(7, -1)).toEqual([3, 3, 4, 3, 4, 3, 4]);
    expect(rounded(-13, -2)).toEqual([-4, -3, -3, -3, -3, -3, -3]);
    const held = (n: number, signed: boolean): unknown[] => OVERFLOWS.map((overflow) => castInteger(n, 0, fixedType(signed, 4, 4, 'TRN', overflow)));
    // WRAP, SAT, SAT_ZERO, SAT_SYM
    expect(held(9, true)).toEqual([-7, 7, 0, 7]);
    expect(held(-8, true)).toEqual([-8, -8, -8, -7]);
    expect(held(-9, true)).toEqual([7, -8, 0, -7]);
    expect(held(-1, false)).toEqual([15, 0, 0, 0]);
    expect(held(17, false)).toEqual([1, 15, 0, 15]);
  });

  it('equals the definition at widths up to 200 bits, in numbers and in bigints', () => {
    fc.assert(
      fc.property(anyType(200), fc.bigInt({ min: -(2n ** 210n), max: 2n ** 210n }), fc.integer({ min: 0, max: 210 }), fc.integer({ min: -120, max: 20 }), (type, large, drop, exp) => {
        const n = large >> BigInt(drop);
        const got = castInteger(fromBigInt(n), exp, type);
        expect(BigInt(got)).toBe(castReference(n, exp, type));
        expect(typeof got === 'number').toBe(Number.isSafeInteger(Number(got)) && BigInt(Number(got)) === BigInt(got));
      }),
      { seed: 11, numRuns: 4000 },
    );
  });

  it('equals the definition around 2^53, where numbers become bigints, and at exact ties', () => {
    fc.assert(
      fc.property(anyType(60), fc.integer({ min: -3, max: 3 }), fc.integer({ min: 50, max: 56 }), fc.integer({ min: -1, max: 1 }), fc.integer({ min: -60, max: 2 }), (type, offset, power, sign, exp) => {
        const n = BigInt(sign) * 2n ** BigInt(power) + BigInt(offset);
        expect(BigInt(castInteger(fromBigInt(n), exp, type))).toBe(castReference(n, exp, type));
      }),
      { seed: 12, numRuns: 4000 },
    );
  });
});

describe('cast of an interval', () => {
  it.each(MODES)('%s %s holds every result, and no more at the ends of monotone modes', (rounding, overflow) => {
    for (const signed of [true, false]) {
      for (const width of [1, 2, 3, 4]) {
        for (const dropped of [-1, 0, 1, 3]) {
          const type = fixedType(signed, width, width, rounding, overflow);
          for (let lo = -36; lo <= 36; lo += 3) {
            for (const length of [0, 1, 2, 5, 11, 40]) {
              const results = Array.from({ length: length + 1 }, (_, i) => Number(castReference(BigInt(lo + i), -dropped, type)));
              const range = castInterval({ lo, hi: lo + length, exp: -dropped }, type);
              const [least, most] = [Math.min(...results), Math.max(...results)];
              const text = `[${lo}, ${lo + length}]·2^${-dropped} in ${formatFixedType(type)}: [${range.lo}, ${range.hi}], values ${least} … ${most}`;
              if (range.exp !== 0 || range.lo > least || range.hi < most) expect.fail(text);
              if ((overflow === 'SAT' || overflow === 'SAT_SYM' || !castOverflows({ lo, hi: lo + length, exp: -dropped }, type)) && (range.lo !== least || range.hi !== most)) expect.fail(text);
              const [low, high] = bounds(signed, width);
              if (range.lo < low || range.hi > high) expect.fail(text);
            }
          }
        }
      }
    }
  });

  it('says identity and overflow exactly', () => {
    for (const [rounding, overflow] of MODES) {
      for (const dropped of [-1, 0, 1, 2]) {
        const type = fixedType(dropped !== 1, 3, 3, rounding, overflow);
        for (let lo = -20; lo <= 20; lo++) {
          for (const hi of [lo, lo + 1, lo + 6]) {
            const x = { lo, hi, exp: -dropped };
            const values = Array.from({ length: hi - lo + 1 }, (_, i) => BigInt(lo + i));
            const [low, high] = bounds(type.signed, 3);
            const floor = overflow === 'SAT_SYM' && type.signed ? -high : low;
            const wide = fixedType(true, 40, 40, rounding, 'SAT');
            const overflows = values.some((n) => castReference(n, -dropped, wide) < floor || castReference(n, -dropped, wide) > high);
            expect(castOverflows(x, type)).toBe(overflows);
            // A grid that is coarser than the values' is not said to be an identity even where the values happen to fit.
            expect(castIsIdentity(x, type)).toBe(dropped <= 0 && !overflows);
          }
        }
      }
    }
  });

  it('the smallest type of an interval holds it, and one bit less does not', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 130n), max: 2n ** 130n }), fc.bigInt({ min: 0n, max: 2n ** 130n }), fc.integer({ min: -30, max: 30 }), (low, length, exp) => {
        const x = { lo: fromBigInt(low), hi: fromBigInt(low + length), exp };
        const type = typeOfInterval(x);
        expect(castIsIdentity(x, type)).toBe(true);
        expect(type.integer - type.width).toBe(exp);
        if (type.width > 1) expect(castOverflows(x, { ...type, width: type.width - 1, integer: type.integer - 1 })).toBe(true);
      }),
      { seed: 13, numRuns: 1000 },
    );
  });
});

describe('types as text', () => {
  it('round-trip', () => {
    fc.assert(fc.property(anyType(1024), (type) => {
      const read = parseFixedType(formatFixedType(type));
      expect(typeof read !== 'string' && sameType(read, type)).toBe(true);
    }), { seed: 14, numRuns: 500 });
  });

  it.each([
    ['fixed<16,6>', fixedType(true, 16, 6)],
    [' ap_ufixed< 8 , -2, AP_RND_CONV, AP_SAT, 0 > ', fixedType(false, 8, -2, 'RND_CONV', 'SAT')],
    ['AP_FIXED<8,10,trn_zero>', fixedType(true, 8, 10, 'TRN_ZERO')],
    ['int<8>', fixedType(true, 8, 8)],
    ['ap_uint<1>', fixedType(false, 1, 1)],
    ['ac_fixed<4,+3>', fixedType(true, 4, 3)],
  ])('reads %s', (text, type) => expect(parseFixedType(text)).toEqual(type));

  it.each([
    ['float', "'float' is no fixed-point type; write for example ap_fixed<16,6> or ap_ufixed<8,0,RND,SAT>"],
    ['fixed<16>', "'fixed<16>' has 1 fields; fixed takes two to five (width, integer bits, rounding, overflow, 0)"],
    ['int<8,8>', "'int<8,8>' has 2 fields; int takes one (width)"],
    ['fixed<0,0>', "'fixed<0,0>': the width must be a whole number from 1 to 1024"],
    ['fixed<1025,0>', "'fixed<1025,0>': the width must be a whole number from 1 to 1024"],
    ['fixed<0x10,3>', "'fixed<0x10,3>': the width must be a whole number from 1 to 1024"],
    ['fixed<8,>', "'fixed<8,>': the integer bits must be a whole number within ±1024"],
    ['fixed<8,2.5>', "'fixed<8,2.5>': the integer bits must be a whole number within ±1024"],
    ['fixed<8,2,ROUND>', "'fixed<8,2,ROUND>': rounding mode ROUND is none of TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV"],
    ['fixed<8,2,RND,WRAP_SM>', "'fixed<8,2,RND,WRAP_SM>': overflow mode WRAP_SM is none of WRAP, SAT, SAT_ZERO, SAT_SYM"],
    ['fixed<8,2,RND,WRAP,3>', "'fixed<8,2,RND,WRAP,3>': a number of saturation bits other than 0 is not supported"],
  ])('refuses %s', (text, message) => expect(parseFixedType(text)).toBe(message));

  it('the range has 2^width values', () => {
    fc.assert(fc.property(anyType(150), (type) => {
      const { lo, hi } = rangeOf(type);
      expect(BigInt(add(sub(hi, lo), 1))).toBe(2n ** BigInt(type.width));
      expect([BigInt(lo), BigInt(hi)]).toEqual(bounds(type.signed, type.width));
    }), { seed: 15, numRuns: 300 });
  });
});
