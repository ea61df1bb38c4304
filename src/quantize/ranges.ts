import { dyadicOf } from '../fixed/integer.js';
import type { ActivationParams } from '../layers/activation.js';
import type { BatchNormalizationParams } from '../layers/batchNormalization.js';
import type { BipolarQuantParams } from '../layers/bipolarQuant.js';
import type { ClipParams } from '../layers/clip.js';
import type { ConvParams } from '../layers/conv.js';
import type { DenseParams } from '../layers/dense.js';
import type { ElementwiseParams } from '../layers/elementwise.js';
import type { EmbeddingParams } from '../layers/embedding.js';
import type { FixedQuantParams } from '../layers/fixedQuant.js';
import { castBounds, elementTypes, gridOfTypes } from '../layers/fixedQuant.js';
import type { ForestParams, Tree } from '../layers/forest.js';
import type { PadParams } from '../layers/pad.js';
import type { PoolParams } from '../layers/pool.js';
import type { QuantParams } from '../layers/quant.js';
import type { ReduceParams } from '../layers/reduce.js';
import type { LayerCatalogue } from '../model/catalogue.js';
import type { ModelNode } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';
import { broadcastIndices, sizeOf } from '../model/tensor.js';

/** What is proven of a tensor: bounds of every element, and a grid 2^exp that all values lie on (undefined: none known). */
export interface TensorRange {
  readonly shape: readonly number[];
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly exp: number | undefined;
}

/** The range of a constant. */
export function rangeOfConstant(constant: Tensor): TensorRange {
  return { shape: constant.shape, low: constant.data, high: constant.data, exp: gridOf(constant.data) };
}

/** The finest power of two that the values need; 0 if all are 0. */
export function gridOf(values: ArrayLike<number>): number {
  let exp: number | undefined;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value !== 0) exp = Math.min(exp ?? Infinity, dyadicOf(value).exp);
  }
  return exp ?? 0;
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
export function outputRange(node: ModelNode, inputs: readonly TensorRange[], catalogue: Pick<LayerCatalogue, 'evaluate'>): TensorRange {
  const { low, high } = bounds(node, inputs, catalogue);
  const exp = outputGrid(node, inputs);
  return {
    shape: node.shape,
    low: low.map((v) => v - Math.abs(v) * 2 ** -40),
    high: high.map((v) => v + Math.abs(v) * 2 ** -40),
    exp: Number.isInteger(exp) ? exp : undefined,
  };
}

interface Bounds {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

function bounds(node: ModelNode, inputs: readonly TensorRange[], catalogue: Pick<LayerCatalogue, 'evaluate'>): Bounds {
  const apply = (params: unknown, values: readonly Float64Array[]): Float64Array =>
    catalogue.evaluate(node.kind, params, values.map((data, i) => ({ shape: (inputs[i] as TensorRange).shape, data }))).data;
  const [a, b] = inputs as readonly [TensorRange, TensorRange | undefined];
  switch (node.kind) {
    case 'dense':
    case 'conv':
      return weighted(node.params as DenseParams | ConvParams, a, apply);
    case 'batchNormalization':
      return normalised(node.params as BatchNormalizationParams, a, apply);
    case 'elementwise':
      return combined(node, a, b as TensorRange);
    case 'dot': {
      const products = corners(a, b as TensorRange, a.shape, (x, y) => x * y, node.inputs[0] === node.inputs[1]);
      const ones = new Float64Array(a.low.length).fill(1);
      return { low: apply(node.params, [products.low, ones]), high: apply(node.params, [products.high, ones]) };
    }
    case 'matmul': {
      const most = apply(node.params, inputs.map((x) => x.low.map((v, i) => Math.max(Math.abs(v), Math.abs(x.high[i] as number)))));
      return { low: most.map((v) => -v), high: most };
    }
    case 'fixedQuant':
      return quantised(node.params as FixedQuantParams, a);
    case 'softmax':
      return { low: new Float64Array(a.low.length), high: new Float64Array(a.low.length).fill(1) };
    case 'embedding':
      return embedded(node.params as EmbeddingParams, a);
    case 'forest':
      return forestBounds(node.params as ForestParams);
    case 'activation':
      return activated(node.params as ActivationParams, a, apply);
    default:
      // Everything else (movements, quantisers, pooling, reductions, clips) grows with its inputs.
      return { low: apply(node.params, inputs.map((x) => x.low)), high: apply(node.params, inputs.map((x) => x.high)) };
  }
}

type Apply = (params: unknown, values: readonly Float64Array[]) => Float64Array;

function part(tensor: Tensor, keep: (value: number) => boolean): Tensor {
  return { shape: tensor.shape, data: tensor.data.map((value) => (keep(value) ? value : 0)) };
}

function weighted(params: DenseParams | ConvParams, x: TensorRange, apply: Apply): Bounds {
  const rising = { ...params, weight: part(params.weight, (w) => w > 0) };
  const falling = { ...params, weight: part(params.weight, (w) => w < 0), bias: null };
  const [low, lowRest] = [apply(rising, [x.low]), apply(falling, [x.high])];
  const [high, highRest] = [apply(rising, [x.high]), apply(falling, [x.low])];
  return { low: low.map((v, i) => v + (lowRest[i] as number)), high: high.map((v, i) => v + (highRest[i] as number)) };
}

function normalised(params: BatchNormalizationParams, x: TensorRange, apply: Apply): Bounds {
  const [one, other] = [apply(params, [x.low]), apply(params, [x.high])];
  return { low: one.map((v, i) => Math.min(v, other[i] as number)), high: one.map((v, i) => Math.max(v, other[i] as number)) };
}

/** With a negative slope a function turns at 0; all are monotone on either side. */
function activated(params: ActivationParams, x: TensorRange, apply: Apply): Bounds {
  const [one, other, zero] = [apply(params, [x.low]), apply(params, [x.high]), apply(params, [new Float64Array(x.low.length)])];
  const ends = (i: number): number[] => {
    const crosses = (x.low[i] as number) < 0 && (x.high[i] as number) > 0;
    return [one[i] as number, other[i] as number, ...(crosses ? [zero[i] as number] : [])];
  };
  return { low: one.map((_, i) => Math.min(...ends(i))), high: one.map((_, i) => Math.max(...ends(i))) };
}

function combined(node: ModelNode, a: TensorRange, b: TensorRange): Bounds {
  const { operation } = node.params as ElementwiseParams;
  const same = node.inputs[0] === node.inputs[1];
  const combine = (f: (x: number, y: number) => number): Bounds => corners(a, b, node.shape, f, same && operation === 'mul');
  switch (operation) {
    case 'add':
      return combine((x, y) => x + y);
    case 'sub':
      return combine((x, y) => x - y);
    case 'mul':
      return combine((x, y) => x * y);
    case 'div':
      return combine((x, y) => x / y);
    case 'max':
      return combine(Math.max);
    case 'min':
      return combine(Math.min);
    case 'average':
      return combine((x, y) => (x + y) / 2);
  }
}

/** The bounds of f over the four corners of each pair of elements: f is monotone in each operand. */
function corners(a: TensorRange, b: TensorRange, shape: readonly number[], f: (x: number, y: number) => number, square: boolean): Bounds {
  const left = broadcastIndices(a.shape, shape);
  const right = broadcastIndices(b.shape, shape);
  const low = new Float64Array(sizeOf(shape));
  const high = new Float64Array(low.length);
  for (let e = 0; e < low.length; e++) {
    const [i, j] = [left[e] as number, right[e] as number];
    const [al, ah, bl, bh] = [a.low[i] as number, a.high[i] as number, b.low[j] as number, b.high[j] as number];
    const values = square ? [f(al, al), f(ah, ah), ...(al < 0 && ah > 0 ? [0] : [])] : [f(al, bl), f(al, bh), f(ah, bl), f(ah, bh)];
    low[e] = Math.min(...values);
    high[e] = Math.max(...values);
  }
  return { low, high };
}

function embedded({ table }: EmbeddingParams, index: TensorRange): Bounds {
  const rows = table.shape[0] as number;
  const width = table.data.length / rows;
  const low = new Float64Array(index.low.length * width).fill(Infinity);
  const high = new Float64Array(low.length).fill(-Infinity);
  const clamp = (v: number): number => Math.min(Math.max(Math.floor(v), 0), rows - 1);
  for (let e = 0; e < index.low.length; e++) {
    for (let row = clamp(index.low[e] as number); row <= clamp(index.high[e] as number); row++) {
      for (let c = 0; c < width; c++) {
        const value = table.data[row * width + c] as number;
        low[e * width + c] = Math.min(low[e * width + c] as number, value);
        high[e * width + c] = Math.max(high[e * width + c] as number, value);
      }
    }
  }
  return { low, high };
}

/** Every tree gives its least or greatest leaf. */
export function forestBounds({ trees, base }: ForestParams): Bounds {
  const low = Float64Array.from(base);
  const high = Float64Array.from(base);
  for (const tree of trees) {
    const leaves = leavesOf(tree);
    low[tree.output] = (low[tree.output] as number) + leaves.reduce((m, v) => Math.min(m, v), Infinity);
    high[tree.output] = (high[tree.output] as number) + leaves.reduce((m, v) => Math.max(m, v), -Infinity);
  }
  return { low, high };
}

/** The values of a tree's leaves. */
export function leavesOf({ feature, value }: Tree): number[] {
  return value.filter((_, i) => (feature[i] as number) < 0);
}

function quantised(params: FixedQuantParams, x: TensorRange): Bounds {
  const divisor = params.divisor ?? 1;
  const ends = elementTypes(params, x.shape).map((type, e) => {
    const quotients = [(x.low[e] as number) / divisor, (x.high[e] as number) / divisor];
    return castBounds(Math.min(...quotients), Math.max(...quotients), type);
  });
  return { low: Float64Array.from(ends, ([low]) => low), high: Float64Array.from(ends, ([, high]) => high) };
}

/** The grid of a node's exact output, if it has one. */
function outputGrid(node: ModelNode, inputs: readonly TensorRange[]): number | undefined {
  const finest = inputs.reduce<number | undefined>((least, { exp }) => (least === undefined || exp === undefined ? undefined : Math.min(least, exp)), Infinity);
  const plus = (exp: number | undefined, more: number): number | undefined => (exp === undefined ? undefined : exp + more);
  const least = (...exps: (number | undefined)[]): number | undefined => (exps.includes(undefined) ? undefined : Math.min(...(exps as number[])));
  const [a, b] = [inputs[0]?.exp, inputs[1]?.exp];
  switch (node.kind) {
    case 'dense':
    case 'conv': {
      const { weight, bias } = node.params as DenseParams | ConvParams;
      return least(plus(a, gridOf(weight.data)), bias === null ? Infinity : gridOfUsed(bias.data));
    }
    case 'batchNormalization': {
      const { scale, bias } = node.params as BatchNormalizationParams;
      return least(plus(a, gridOf(scale.data)), gridOfUsed(bias.data));
    }
    case 'dot':
    case 'matmul':
      return a === undefined ? undefined : plus(b, a);
    case 'elementwise':
      return elementwiseGrid(node.params as ElementwiseParams, a, b, inputs[1]);
    case 'activation':
      return activationGrid(node.params as ActivationParams, a);
    case 'softmax':
      return undefined;
    case 'embedding':
      return gridOf((node.params as EmbeddingParams).table.data);
    case 'forest': {
      const { trees, base } = node.params as ForestParams;
      return Math.min(gridOf(base), ...trees.map((tree) => gridOf(leavesOf(tree))));
    }
    case 'clip': {
      const { min, max } = node.params as ClipParams;
      return least(a, gridOfUsed([min ?? 0, max ?? 0]));
    }
    case 'pad':
      return least(a, gridOfUsed([(node.params as PadParams).value]));
    case 'fixedQuant':
      return gridOfTypes(elementTypes(node.params as FixedQuantParams, node.shape));
    case 'quant':
    case 'bipolarQuant':
    case 'trunc':
      return gridOf((node.params as QuantParams | BipolarQuantParams).scale.data);
    case 'toInteger':
      return 0;
    case 'pool': {
      const { mode, kernel, pads, countIncludePad } = node.params as PoolParams;
      if (mode === 'max') return a;
      return countIncludePad || pads.every((p) => p === 0) ? plus(a, powerOfTwo(1 / sizeOf(kernel))) : undefined;
    }
    case 'reduce': {
      const { operation, axes } = node.params as ReduceParams;
      const shape = inputs[0]?.shape ?? [];
      return operation === 'mean' ? plus(a, powerOfTwo(1 / axes.reduce((n, axis) => n * (shape.at(axis) ?? 1), 1))) : a;
    }
    default:
      return finest === Infinity ? 0 : finest;
  }
}

/** Grid of values that are not 0; no demand (Infinity) if all are. */
function gridOfUsed(values: ArrayLike<number>): number {
  return Array.from(values).some((v) => v !== 0) ? gridOf(values) : Infinity;
}

/** log2 of a power of two; NaN, which stands for no grid and is turned to undefined by the caller, otherwise. */
function powerOfTwo(value: number): number {
  const exp = Math.log2(value);
  return Number.isInteger(exp) ? exp : NaN;
}

function elementwiseGrid({ operation }: ElementwiseParams, a: number | undefined, b: number | undefined, divisor: TensorRange | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  switch (operation) {
    case 'add':
    case 'sub':
    case 'max':
    case 'min':
      return Math.min(a, b);
    case 'average':
      return Math.min(a, b) - 1;
    case 'mul':
      return a + b;
    case 'div': {
      const factors = Array.from(divisor?.low ?? [], (d) => powerOfTwo(1 / Math.abs(d)));
      return factors.some(Number.isNaN) ? undefined : a + Math.min(0, ...factors);
    }
  }
}

function activationGrid({ function: name, alpha, beta }: ActivationParams, a: number | undefined): number | undefined {
  if (a === undefined) return undefined;
  switch (name) {
    case 'linear':
    case 'relu':
      return a;
    case 'leakyRelu':
      return Math.min(a, a + gridOf([alpha ?? 0.01]));
    case 'hardSigmoid':
      return Math.min(0, a + gridOf([alpha ?? 0.2]), gridOf([beta ?? 0.5]));
    case 'sigmoid':
    case 'tanh':
    case 'elu':
    case 'selu':
    case 'softplus':
    case 'softsign':
      return undefined;
  }
}
