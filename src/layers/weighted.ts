import type { Tensor } from '../model/tensor.js';
import type { LayerDefinition, RoundedParams } from './definition.js';
import { inferSumOfProducts, NO_BIAS } from './hls4mlInference.js';
import type { InferenceRule, PrecisionRules } from './precisionRules.js';
import type { Bounds, TensorRange } from './ranges.js';
import { tensorOf } from './ranges.js';
import { keeps, roundGroups } from './rounding.js';

/** Layers that sum products with constant weights: dense, convolutions. */
interface Weighted {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
}

function part(tensor: Tensor, keep: (value: number) => boolean): Tensor {
  return { shape: tensor.shape, data: tensor.data.map((value) => (keep(value) ? value : 0)) };
}

/** Interval arithmetic: positive weights rise with the input, negative ones fall. */
export function weightedBounds<Params extends Weighted>(evaluate: LayerDefinition<Params>['evaluate'], params: Params, x: TensorRange): Bounds {
  const rising = { ...params, weight: part(params.weight, (w) => w > 0) };
  const falling = { ...params, weight: part(params.weight, (w) => w < 0), bias: null };
  const at = (which: Params, end: Float64Array): Float64Array => evaluate(which, [tensorOf(x, end)]).data;
  const [low, lowRest] = [at(rising, x.low), at(falling, x.high)];
  const [high, highRest] = [at(rising, x.high), at(falling, x.low)];
  return { low: low.map((v, i) => v + (lowRest[i] as number)), high: high.map((v, i) => v + (highRest[i] as number)) };
}

/** hls4ml's types of such a layer; `terms` products meet in one sum. */
export function weightedPrecision<Params extends Weighted>(terms: (params: Params) => number): PrecisionRules<Params> {
  const infer: InferenceRule<Params> = (params, { operands: [x], parameter }) => {
    const weight = parameter('weight');
    return x === undefined || weight === undefined ? undefined : inferSumOfProducts(x, weight, terms(params), parameter('bias') ?? NO_BIAS);
  };
  return {
    looked: () => ['weight', 'bias', 'accum', 'result'],
    parameters: ({ weight, bias }) => ({ weight, bias }),
    infer: { accum: infer, result: infer },
    hasStrategy: true,
  };
}

/** Weights to `bits` significant bits of each output channel's greatest magnitude. */
export function roundWeights<Params extends Weighted>(params: Params, bits: number, channelAxis: number): RoundedParams<Params> {
  const { weight, bias } = params;
  const plain = weight.quantised !== true || (bias !== null && bias.quantised !== true);
  if (keeps(weight)) return { params, statements: [], plain };
  const channels = weight.shape[channelAxis] ?? 1;
  const inner = weight.shape.slice(channelAxis + 1).reduce((product, n) => product * n, 1);
  const { tensor, statement } = roundGroups(weight, bits, channels, (i) => Math.floor(i / inner) % channels);
  return { params: { ...params, weight: tensor }, statements: [`weights to ${statement}`], plain };
}
