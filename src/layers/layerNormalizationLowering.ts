import type { CircuitBuilder } from '../circuit/builder.js';
import { fixedType, fractionBits } from '../fixed/fixedType.js';
import { bitLength, dyadicOf } from '../fixed/integer.js';
import { linear } from '../optimize/cmvm.js';
import { plusConstant, roundTo, select, sum, timesConstant } from './arithmetic.js';
import { typedValues } from './constants.js';
import type { LoweredTensor, LoweringContext } from './definition.js';
import { entriesOf } from './indexing.js';
import { interpolate } from './interpolate.js';
import type { LayerNormalizationParams } from './layerNormalization.js';
import { normalizedGroups } from './layerNormalization.js';
import { lowerElements, needsResult } from './lowering.js';
import { normalizeUp } from './normalizeUp.js';

/** Bits of epsilon below the last bit of the sum of squares. */
const EPSILON_BITS = 12;
/** Index bits of the table of 1/√, bits of the step within an entry, and bits of its values. */
const BLOCK_BITS = 8;
const STEP_BITS = 9;
const VALUE_BITS = 18;
/** Bits that a normalised value keeps beyond the result's before it is scaled. */
const GUARD_BITS = 3;

/**
 * Layer normalisation in exact integers up to one reciprocal square root a group: with S = Σx, c = n·x − S and
 * V = n·Σx² − S², (x − mean) / √(variance + ε) = c / √(V + n²·ε). V + n²·ε is shifted left by an even number of bits until
 * its top two bits are not both 0, c by half of that; 1/√ of the shifted one comes from a table of 192 entries with linear
 * interpolation. Relative error of a normalised value: below 2^−15, and ε is rounded to 2^−12 of V's last bit.
 */
export function lowerLayerNormalization(params: LayerNormalizationParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder, precision, layer } = context;
  const input = x as LoweredTensor;
  const result = needsResult(context, 'a normalisation');
  const source = precision?.source ?? 'auto';
  const entries = (values: LayerNormalizationParams['scale'], type: typeof result | undefined): Float64Array | undefined =>
    values === null ? undefined : entriesOf({ shape: values.shape, data: typedValues(values, type, source, layer) }, input.shape);
  const [scale, bias] = [entries(params.scale, precision?.scale), entries(params.bias, precision?.bias)];
  const groups = normalizedGroups(params, input.shape);
  const normalized = new Int32Array(input.ops.length);
  for (let g = 0; g < groups.count; g++) {
    const members = groups.members.subarray(g * groups.size, (g + 1) * groups.size);
    builder.setElement(members[0] as number);
    const values = normalizeGroup(builder, Array.from(members, (i) => input.ops[i] as number), params, fractionBits(result) + GUARD_BITS);
    members.forEach((i, k) => (normalized[i] = values[k] as number));
  }
  return lowerElements(context, input.shape, (e) =>
    plusConstant(builder, timesConstant(builder, normalized[e] as number, scale?.[e] ?? 1), bias?.[e] ?? 0),
  );
}

function normalizeGroup(builder: CircuitBuilder, xs: readonly number[], { epsilon, center }: LayerNormalizationParams, fraction: number): number[] {
  const n = xs.length;
  const squares = linear.sumProducts(builder, xs.map((x) => [x, x]));
  const total = center === false ? undefined : sum(builder, xs);
  const values = total === undefined ? xs : xs.map((x) => builder.sub(timesConstant(builder, x, n), total));
  const variance = total === undefined ? squares : unsigned(builder, builder.sub(timesConstant(builder, squares, n), linear.multiplyVariables(builder, total, total)));
  // Uncentred, x / √(Σx²/n + ε) = x · √n / √(Σx² + n·ε).
  const factor = total === undefined ? Math.sqrt(n) : 1;
  const denominator = withEpsilon(builder, variance, epsilon * (total === undefined ? n : n * n));
  const { shifted, stages, bits } = normalizeUp(builder, denominator, true);
  const root = inverseRoot(builder, shifted, bits, factor);
  // |c| ≤ √(n · V) when centred, |x| ≤ √(Σx²) when not: so many bits hold it, shifted as V is.
  const exp = builder.intervalOf(denominator).exp;
  const integerBits = Math.ceil((bits + exp) / 2 + (total === undefined ? 0 : Math.log2(n) / 2)) + 1;
  return values.map((value) => {
    const own = builder.intervalOf(value).exp;
    const type = fixedType(true, Math.max(2, integerBits - own + 1), integerBits + 1);
    const moved = stages.reduce((op, { by, condition }) => builder.cast(select(builder, condition, builder.shift(op, by / 2), op), type), value);
    const kept = roundTo(builder, moved, VALUE_BITS - integerBits, 'RND');
    return roundTo(builder, linear.multiplyVariables(builder, kept, root), fraction, 'RND');
  });
}

/** A value known not to be negative, said so to the ranges. */
function unsigned(builder: CircuitBuilder, x: number): number {
  const { hi, exp } = builder.intervalOf(x);
  const bits = Math.max(1, bitLength(hi));
  return builder.cast(x, fixedType(false, bits, bits + exp));
}

function withEpsilon(builder: CircuitBuilder, variance: number, epsilon: number): number {
  const exp = builder.intervalOf(variance).exp - EPSILON_BITS;
  const steps = Math.max(1, Math.round(epsilon * 2 ** -exp));
  const { n, exp: own } = dyadicOf(steps);
  return builder.add(variance, builder.constant(n, own + exp));
}

/** factor / √x for x in [1/4, 1) · 2^(bits + exp), by linear interpolation between 192 points. */
function inverseRoot(builder: CircuitBuilder, x: number, bits: number, factor: number): number {
  const top = bits + builder.intervalOf(x).exp;
  const f = (v: number): number => factor / Math.sqrt(v);
  const valueExp = Math.floor(Math.log2(f(2 ** (top - 2)))) + 1 - VALUE_BITS;
  return interpolate(builder, x, f, { blockExp: top - BLOCK_BITS, valueExp, stepBits: STEP_BITS, least: 2 ** (top - 2) });
}
