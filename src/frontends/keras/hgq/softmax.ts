import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { HandlerTable, KerasContext, KerasLayer } from '../layer.js';
import { unary } from '../layer.js';
import { quantisedInput, quantisedOutput, quantiserOf } from './datalane.js';
import type { Float32Function } from './float32.js';
import type { Quantiser } from './quantiser.js';
import { readQuantiser } from './quantiser.js';
import { functionBetween } from './unary.js';

const fround = Math.fround;

/** Keras' epsilon, which keeps the inverse of the sum finite. */
const EPSILON = fround(1e-7);

/** A quantiser of one of the two tables; outputs of tables always saturate and round half to even. */
function tableQuantiser(layer: KerasLayer, table: 'exp' | 'inv', side: 'iq' | 'oq', context: KerasContext): Quantiser | undefined {
  const field = `${table}_${side}_conf`;
  const weights = layer.weights.part(`${table}_table`).part(side);
  const quantiser = readQuantiser(layer.config.json(field), { layer: layer.name, field, weights }, context);
  if (quantiser === undefined || side === 'iq') return quantiser;
  return { ...quantiser, rounding: 'RND_CONV', overflow: 'SAT' };
}

/**
 * HGQ2's softmax: exp(−(max − x) · scale) and 1 / (sum + ε) from two tables between quantisers, their product exact.
 * Unstable, the exponential is of x · scale itself. Where `mask` is 0 a weight is 0.
 */
export function softmaxOf(layer: KerasLayer, x: TensorRef, context: KerasContext, mask?: Tensor): TensorRef {
  const { config, name } = layer;
  const rank = x.shape.length;
  const axes = (config.integers('axes') ?? [-1]).map((axis) => (axis < 0 ? axis + rank : axis));
  const scale = fround(config.number('input_scaler', 1));
  const stable = config.boolean('stable', true);
  const exponent: Float32Function = stable ? (v) => fround(Math.exp(fround(-v * scale))) : (v) => fround(Math.exp(fround(v * scale)));
  const expOutput = tableQuantiser(layer, 'exp', 'oq', context);
  const input = quantisedInput(layer, x, context);
  let exponentials: TensorRef;
  if (stable) {
    const visible = mask === undefined ? input : hidden(input, mask, `${name}/visible`, context);
    const most = context.add('reduce', { operation: 'max', axes, keepDims: true }, [visible], `${name}/max`);
    const below = context.add('elementwise', { operation: 'sub' }, [most, visible], `${name}/below_max`);
    const expInput = tableQuantiser(layer, 'exp', 'iq', context);
    exponentials = functionBetween({ input: expInput, output: expOutput, value: exponent, name: `${name}/exp` }, below, context);
  } else {
    const own = config.boolean('enable_iq', false) ? quantiserOf(layer, 'iq', context) : undefined;
    const wide = Number.isInteger(Math.log2(scale)) ? (v: TensorRef): TensorRef => exponentialOf(v, scale, `${name}/exp`, context) : undefined;
    exponentials = functionBetween({ input: own, output: expOutput, value: exponent, name: `${name}/exp` }, x, context, wide);
  }
  if (mask !== undefined) exponentials = masked(exponentials, mask, `${name}/masked`, context);
  const sum = context.add('reduce', { operation: 'sum', axes, keepDims: true }, [exponentials], `${name}/sum`);
  const inverse: Float32Function = (v) => fround(1 / fround(v + EPSILON));
  const divisor = functionBetween({ input: tableQuantiser(layer, 'inv', 'iq', context), output: tableQuantiser(layer, 'inv', 'oq', context), value: inverse, name: `${name}/inverse` }, sum, context);
  return quantisedOutput(layer, context.add('elementwise', { operation: 'mul' }, [exponentials, divisor], name), context);
}

/** exp(x · scale) of values of any width, the product exact. */
function exponentialOf(x: TensorRef, scale: number, name: string, context: KerasContext): TensorRef {
  const scaled = scale === 1 ? x : context.add('elementwise', { operation: 'mul' }, [x, context.constant(`${name}_factor`, tensor([], [scale], true))], `${name}_scaled`);
  return context.add('activation', { function: 'exp', float32: true }, [scaled], name);
}

function masked(x: TensorRef, mask: Tensor, name: string, context: KerasContext): TensorRef {
  return context.add('elementwise', { operation: 'mul' }, [x, context.constant(`${name}_mask`, mask)], name);
}

/** Far below everything else where the mask is 0. */
function hidden(x: TensorRef, mask: Tensor, name: string, context: KerasContext): TensorRef {
  const low = tensor(mask.shape, mask.data.map((m) => (m === 0 ? -1e9 : 0)), true);
  return context.add('elementwise', { operation: 'add' }, [masked(x, mask, `${name}_kept`, context), context.constant(`${name}_low`, low)], name);
}

export const softmaxLayers: HandlerTable = {
  'hgq>QSoftmax': unary((layer, x, context) => softmaxOf(layer, x, context)),
};
