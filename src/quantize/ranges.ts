import type { TensorRange } from '../layers/ranges.js';
import { gridOf, tensorOf } from '../layers/ranges.js';
import { definitionOf } from '../layers/registry.js';
import type { ModelNode } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';

/** The range of a constant. */
export function rangeOfConstant(constant: Tensor): TensorRange {
  return { shape: constant.shape, low: constant.data, high: constant.data, exp: gridOf(constant.data) };
}

/** The greatest magnitude. */
export function magnitudeOf(range: TensorRange): number {
  let most = 0;
  for (let i = 0; i < range.low.length; i++) most = Math.max(most, Math.abs(range.low[i] as number), Math.abs(range.high[i] as number));
  return most;
}

/**
 * What one node's exact output can be, from what its inputs can be (interval arithmetic on its float meaning).
 * Sums of many terms are widened by 2^−40 of their size, more than float64 can lose on them.
 */
export function outputRange(node: ModelNode, inputs: readonly TensorRange[]): TensorRange {
  const { evaluate, bounds, grid } = definitionOf(node.kind);
  const at = (end: (x: TensorRange) => Float64Array): Float64Array => evaluate(node.params, inputs.map((x) => tensorOf(x, end(x)))).data;
  const { low, high } = bounds?.(node.params, inputs) ?? { low: at((x) => x.low), high: at((x) => x.high) };
  return {
    shape: node.shape,
    low: low.map((v) => v - Math.abs(v) * 2 ** -40),
    high: high.map((v) => v + Math.abs(v) * 2 ** -40),
    exp: grid === undefined ? finestOf(inputs) : grid(node.params, inputs),
  };
}

/** The grid on which all inputs lie. */
function finestOf(inputs: readonly TensorRange[]): number | undefined {
  const exps = inputs.map(({ exp }) => exp);
  if (exps.length === 0) return 0;
  return exps.includes(undefined) ? undefined : Math.min(...(exps as number[]));
}
