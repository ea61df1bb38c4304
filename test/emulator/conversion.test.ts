import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CircuitBuilder } from '../../src/circuit/builder.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { CompileError } from '../../src/errors.js';
import type { FixedType, Overflow, Rounding } from '../../src/fixed/fixedType.js';
import { fixedType, formatFixedType, OVERFLOWS, ROUNDINGS } from '../../src/fixed/fixedType.js';

/** An emulator that gives its input back: element 0 as it is, and again through an op that needs the low bits only. */
function identity(type: FixedType) {
  const builder = new CircuitBuilder('identity');
  const ops = builder.addInput({ name: 'x', shape: [2], types: [type] });
  builder.addOutput('y', [2], ops, [type]);
  return compileEmulator(builder.finish());
}

/** x as an exact fraction numerator / 2^shift, out of the bits of the float64. */
function fractionOf(x: number): { numerator: bigint; shift: number } {
  const bits = new BigUint64Array(Float64Array.of(x).buffer)[0] as bigint;
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const mantissa = (bits & (2n ** 52n - 1n)) | (exponent === 0 ? 0n : 2n ** 52n);
  return { numerator: bits >> 63n ? -mantissa : mantissa, shift: 1075 - Math.max(1, exponent) };
}

/** The definition of the modes over exact rationals, apart from src/fixed. */
function expected(x: number, type: FixedType): bigint {
  const { numerator, shift } = fractionOf(x);
  const up = type.width - type.integer - shift;
  const scaled = up >= 0 ? numerator << BigInt(up) : numerator;
  const denominator = up >= 0 ? 1n : 1n << BigInt(-up);
  return overflow(round(scaled, denominator, type.rounding), type);
}

function round(n: bigint, d: bigint, rounding: Rounding): bigint {
  const quotient = n / d;
  const floor = n < 0n && quotient * d !== n ? quotient - 1n : quotient;
  if (floor * d === n) return floor;
  const twice = 2n * (n - floor * d);
  const nearest = twice < d ? floor : floor + 1n;
  const towardsZero = n < 0n ? floor + 1n : floor;
  const away = n < 0n ? floor : floor + 1n;
  switch (rounding) {
    case 'TRN': return floor;
    case 'TRN_ZERO': return towardsZero;
    case 'RND': return twice === d ? floor + 1n : nearest;
    case 'RND_MIN_INF': return twice === d ? floor : nearest;
    case 'RND_ZERO': return twice === d ? towardsZero : nearest;
    case 'RND_INF': return twice === d ? away : nearest;
    case 'RND_CONV': return twice === d ? (floor % 2n === 0n ? floor : floor + 1n) : nearest;
  }
}

function overflow(n: bigint, type: FixedType): bigint {
  const modulus = 1n << BigInt(type.width);
  const hi = type.signed ? modulus / 2n - 1n : modulus - 1n;
  const lowest = type.signed ? -modulus / 2n : 0n;
  const lo = type.overflow === 'SAT_SYM' && type.signed ? -hi : lowest;
  if (n >= lo && n <= hi) return n;
  if (type.overflow === 'SAT_ZERO') return 0n;
  if (type.overflow === 'WRAP') return type.signed ? BigInt.asIntN(type.width, n) : BigInt.asUintN(type.width, n);
  return n < lo ? lo : hi;
}

/** The float64 of n · 2^−fraction; n has at most 53 significant bits or is rounded to nearest, as the emulator says. */
function valueOf(n: bigint, type: FixedType): number {
  return Number(n) * 2 ** (type.integer - type.width);
}

function check(type: FixedType, values: readonly number[]): void {
  const data = Float64Array.from(values.flatMap((x) => [x, -x]));
  const [result] = identity(type).run([data], values.length) as [Float64Array];
  data.forEach((x, i) => expect(result[i], `${x} as ${formatFixedType(type)}`).toBe(valueOf(expected(x, type), type) + 0));
}

const modes = ROUNDINGS.flatMap((rounding) => OVERFLOWS.map((mode): [Rounding, Overflow] => [rounding, mode]));

describe('input conversion', () => {
  it.each(modes)('%s, %s: ties, ends and random values of narrow types', (rounding, mode) => {
    for (const signed of [true, false]) {
      for (const [width, integer] of [[1, 1], [4, 2], [8, 0], [8, 12], [15, 3], [16, 6], [17, 6], [31, 10], [32, 32], [33, 20], [50, 25], [63, 10], [64, 8]] as const) {
        const type = fixedType(signed, width, integer, rounding, mode);
        const step = 2 ** (integer - width);
        const ends = [0, 1, 2, 3, 7, 2 ** (width - 1), 2 ** width].flatMap((n) => [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75].map((rest) => (n + rest) * step));
        check(type, [...ends, 0.49999999999999994 * step, 1e-300, 5e-324, 2 ** 51 * step, 2 ** 52 * step, (2 ** 53 - 1) * step, 1e300]);
      }
    }
  });

  it('equals exact rational arithmetic on any float64', () => {
    const types = fc.record({
      signed: fc.boolean(), width: fc.integer({ min: 1, max: 64 }), fraction: fc.integer({ min: -20, max: 60 }),
      rounding: fc.constantFrom(...ROUNDINGS), overflow: fc.constantFrom(...OVERFLOWS),
    });
    const values = fc.array(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.double({ noNaN: true, min: -1e6, max: 1e6 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 }).map((n) => n / 2 ** 12)), { minLength: 1, maxLength: 9 });
    fc.assert(fc.property(types, values, (t, xs) => check(fixedType(t.signed, t.width, t.width - t.fraction, t.rounding, t.overflow), xs)), { seed: 5, numRuns: 400 });
  });

  it('names event and element of what is not finite', () => {
    const emulator = identity(fixedType(true, 8, 4));
    expect(() => emulator.run([Float64Array.of(0, 1, 2, NaN)], 2)).toThrow('event 1, element 1 is NaN');
    expect(() => emulator.run([Float64Array.of(0, 1, 2, NaN)], 2)).toThrow(CompileError);
  });
});
