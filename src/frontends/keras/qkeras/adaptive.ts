import type { Tensor } from '../../../model/tensor.js';
import { CompileError } from '../../../errors.js';
import type { KerasLayer, LayerHandler } from '../layer.js';
import { unary } from '../layer.js';
import { applyQuantiser } from './activations.js';
import { f32, roundHalfEven } from './float32.js';
import type { Quantiser } from './quantiser.js';
import { parseQuantiser } from './quantiser.js';

/** log2 of a magnitude as QKeras' `_get_integer_bits` has it, and 0 where that is negative. */
function positiveLog2(x: number): number {
  return x === 0 ? 0 : Math.max(0, f32(f32(Math.log(Math.abs(x))) / f32(Math.LN2)));
}

/** The integer bits that hold a range of moving averages (`_get_integer_bits`). */
export function integerBits(range: { readonly min: number; readonly max: number }, options: { readonly bits: number; readonly symmetric: boolean; readonly keepNegative: boolean; readonly rounded: boolean }): number {
  const { bits, symmetric, keepNegative, rounded } = options;
  const min = keepNegative ? range.min : Math.max(range.min, 0);
  const max = keepNegative ? range.max : Math.max(range.max, 0);
  const unsigned = bits - Number(keepNegative);
  if (rounded) return Math.min(unsigned, Math.max(roundHalfEven(positiveLog2(min)), roundHalfEven(positiveLog2(max))));
  const bound = (exponent: number): number => f32(2 ** exponent - 2 ** Math.min(exponent - unsigned, 0));
  let low = Math.ceil(positiveLog2(min));
  let high = Math.ceil(positiveLog2(max));
  if (max > bound(high)) high++;
  if (symmetric && -bound(low) > min) low++;
  return Math.min(unsigned, Math.max(low, high));
}

/** QAdaptiveActivation at inference: a quantised relu or linear whose integer bits come from moving averages. */
export const qAdaptiveActivation: LayerHandler = unary((layer, x, context) => {
  const { config } = layer;
  const kind = config.string('activation');
  if (kind !== 'quantized_relu' && kind !== 'quantized_bits') {
    throw new CompileError('input', { code: 'quantiser', where: config.where, what: `adapts '${kind.slice(0, 60)}'; only quantized_relu and quantized_bits can be.`, mend: 'Save the model again.' });
  }
  if (config.boolean('per_channel', false)) {
    throw new CompileError('unsupported', { code: 'per-channel-activation', where: config.where, what: 'has integer bits of its own for each channel.', mend: 'Train it with per_channel=False.' });
  }
  const slope = config.number('relu_neg_slope', 0);
  const relu = kind === 'quantized_relu';
  const bits = config.int('total_bits');
  const symmetric = config.boolean('symmetric', true);
  const integer = integerBits(movingRange(layer), { bits, symmetric, keepNegative: !relu || slope !== 0, rounded: config.boolean('po2_rounding', false) });
  const args = relu ? { bits, integer, negative_slope: slope, is_quantized_clip: false } : { bits, integer, symmetric, alpha: 1 };
  return applyQuantiser(parseQuantiser({ class_name: kind, config: args }, config.where) as Quantiser, x, layer.name, context, config.where);
});

function movingRange({ weights, config }: KerasLayer): { readonly min: number; readonly max: number } {
  const [min, max] = weights.variables(['ema_min', 'ema_max']) as [Tensor, Tensor];
  if (min.data.length !== 1 || max.data.length !== 1) {
    throw new CompileError('input', { code: 'weight-shape', where: config.where, what: `has moving averages of ${min.data.length} and ${max.data.length} values; 1 each is needed.`, mend: 'Save the model again.' });
  }
  return { min: min.data[0] as number, max: max.data[0] as number };
}
