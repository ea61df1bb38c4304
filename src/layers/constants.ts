import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { castFloat, castInteger, formatFixedType, fractionBits } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { dyadicOf, fromBigInt, toNumber } from '../fixed/integer.js';
import type { LayerPrecision } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';

/**
 * A weight as hls4ml writes it: printed with F digits after the point (F the type's fraction bits, at least 0; half to
 * even on the exact decimal value, as Python prints), then that decimal number cast to the type. The raw integer.
 * Weights on the type's grid print exactly.
 */
export function castPrinted(value: number, type: FixedType): Int {
  const { n, exp } = dyadicOf(value);
  const fraction = fractionBits(type);
  if (exp >= -fraction) return castInteger(n, exp, type);
  const digits = Math.max(fraction, 0);
  const scale = 10n ** BigInt(digits);
  const printed = roundHalfEven(BigInt(n) * scale, 1n << BigInt(-exp));
  return castRational(printed, scale, type);
}

/** round(n / d), ties to even. */
function roundHalfEven(n: bigint, d: bigint): bigint {
  const floor = floorDivBig(n, d);
  const twice = 2n * (n - floor * d);
  return twice > d || (twice === d && floor % 2n !== 0n) ? floor + 1n : floor;
}

function floorDivBig(n: bigint, d: bigint): bigint {
  const quotient = n / d;
  return n % d < 0n ? quotient - 1n : quotient;
}

/** Casts the rational n / d (d > 0) into the type. */
function castRational(n: bigint, d: bigint, type: FixedType): Int {
  const fraction = fractionBits(type);
  const top = fraction >= 0 ? n << BigInt(fraction) : n;
  const bottom = fraction >= 0 ? d : d << BigInt(-fraction);
  // Two more bits and a sticky bit decide every rounding mode as the whole number would.
  const floor = floorDivBig(top * 4n, bottom);
  const sticky = floor * bottom === top * 4n ? 0n : 1n;
  return castInteger(fromBigInt(floor * 2n + sticky), -3 - fraction, type);
}

/**
 * A layer's parameters under its type: as hls4ml prints and casts them for a configuration, plainly cast for an automatic
 * type. Values that a quantiser of the model gave, and values without a type, are taken as they are.
 */
export function typedValues(values: Tensor, type: FixedType | undefined, source: LayerPrecision['source'], layer: string): Float64Array {
  if (type === undefined || values.quantised === true) return values.data;
  return values.data.map((value) => typedValue(value, type, source, layer));
}

/** One parameter under its type (see `typedValues`). */
export function typedValue(value: number, type: FixedType, source: LayerPrecision['source'], layer: string): number {
  const raw = source === 'config' ? castPrinted(value, type) : castFloat(value, type);
  if (typeof raw === 'bigint' && BigInt(Number(raw)) !== raw) {
    throw new CompileError('unsupported', {
      code: 'wide-constant',
      where: [layer],
      what: `the constant ${value} takes more than 53 significant bits in ${formatFixedType(type)}.`,
      mend: 'Use a narrower type.',
    });
  }
  return toNumber(raw, -fractionBits(type));
}
