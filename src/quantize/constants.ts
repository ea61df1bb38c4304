import type { FixedType } from '../fixed/fixedType.js';
import { castInteger, fractionBits } from '../fixed/fixedType.js';
import { dyadicOf, fromBigInt, toNumber } from '../fixed/integer.js';
import type { Tensor } from '../model/tensor.js';

/** Numerator over a power-of-two denominator: value · 2^power as an exact fraction. */
function exactFraction(value: number): { readonly numerator: bigint; readonly denominator: bigint } {
  const { n, exp } = dyadicOf(value);
  const whole = BigInt(n);
  return exp >= 0 ? { numerator: whole << BigInt(exp), denominator: 1n } : { numerator: whole, denominator: 1n << BigInt(-exp) };
}

/** Nearest integer to a / b, ties to even; b > 0. */
function divideRoundEven(a: bigint, b: bigint): bigint {
  const magnitude = a < 0n ? -a : a;
  const quotient = magnitude / b;
  const twice = 2n * (magnitude % b);
  const up = twice > b || (twice === b && (quotient & 1n) === 1n);
  const rounded = up ? quotient + 1n : quotient;
  return a < 0n ? -rounded : rounded;
}

/**
 * A constant as hls4ml writes it into firmware: printed in decimal with as many digits after the point as the type has
 * fraction bits, and that text cast to the type. Values on the type's grid come out unchanged.
 */
export function castPrintedConstant(value: number, type: FixedType): number {
  const fraction = fractionBits(type);
  const digits = BigInt(Math.max(0, fraction));
  const { numerator, denominator } = exactFraction(value);
  const printed = divideRoundEven(numerator * 10n ** digits, denominator);
  // The printed number in eighths of the type's step, its lowest bit set where digits lie below: no rounding sees more.
  const scaled = fraction >= 0 ? printed << BigInt(fraction + 3) : (printed << 3n) >> BigInt(-fraction);
  const ten = 10n ** digits;
  const floor = scaled >= 0n || scaled % ten === 0n ? scaled / ten : scaled / ten - 1n;
  const exact = floor * ten === scaled && (fraction >= 0 || (printed << 3n) % (1n << BigInt(-fraction)) === 0n);
  const n = castInteger(fromBigInt(exact ? floor : floor | 1n), -fraction - 3, type);
  return toNumber(n, -fraction);
}

/** A whole tensor through `castPrintedConstant`; the result is quantised. */
export function castPrintedTensor(constant: Tensor, type: FixedType): Tensor {
  return { shape: constant.shape, data: constant.data.map((value) => castPrintedConstant(value, type)), quantised: true };
}
