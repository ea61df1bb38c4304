import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { sizeOf, stridesOf, tensor } from '../model/tensor.js';
import { accumulateProducts, accumulateValues, checkProducts, weightedSums } from './accumulate.js';
import { typedValues } from './constants.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { inferProduct } from './hls4mlInference.js';
import { formatShape, stridedIndices } from './indexing.js';
import { lowerElements } from './lowering.js';
import type { InferenceRule } from './precisionRules.js';
import type { Bounds, TensorRange } from './ranges.js';
import { productGrid } from './ranges.js';

/** Einstein's sum over one or two tensors, either of which may be a constant: `abc,cd->abd`, letters only, the output written out. */
export interface EinsumParams {
  readonly equation: string;
}

/** The letters of each operand and of the output. */
interface Terms {
  readonly inputs: readonly string[];
  readonly output: string;
}

function termsOf({ equation }: EinsumParams): Terms | undefined {
  const match = /^([a-zA-Z]*)(?:,([a-zA-Z]*))?->([a-zA-Z]*)$/.exec(equation.replaceAll(' ', ''));
  if (match === null) return undefined;
  const [, first = '', second, output = ''] = match;
  return { inputs: second === undefined ? [first] : [first, second], output };
}

/** The length of each letter's axis, or a sentence that says what does not fit. */
function sizesOf({ inputs, output }: Terms, shapes: readonly (readonly number[])[], equation: string): Map<string, number> | string {
  if (inputs.length !== shapes.length) return `the equation '${equation}' has ${inputs.length} operands, found ${shapes.length}`;
  const sizes = new Map<string, number>();
  for (const [k, letters] of inputs.entries()) {
    const shape = shapes[k] as readonly number[];
    if (letters.length !== shape.length) return `'${letters}' of the equation '${equation}' does not fit ${formatShape(shape)}`;
    for (const [axis, letter] of [...letters].entries()) {
      const n = shape[axis] as number;
      if ((sizes.get(letter) ?? n) !== n) return `axis '${letter}' of the equation '${equation}' has lengths ${sizes.get(letter)} and ${n}`;
      sizes.set(letter, n);
    }
  }
  const unknown = [...output].find((letter) => !sizes.has(letter));
  if (unknown !== undefined) return `the output axis '${unknown}' of the equation '${equation}' is in no operand`;
  return new Set(output).size === output.length ? sizes : `the output of the equation '${equation}' repeats an axis`;
}

function shapeOf(params: EinsumParams, shapes: readonly (readonly number[])[]): readonly number[] | string {
  const terms = termsOf(params);
  if (terms === undefined) return `'${params.equation}' is no equation of one or two operands such as 'abc,cd->abd'`;
  const sizes = sizesOf(terms, shapes, params.equation);
  return typeof sizes === 'string' ? sizes : [...terms.output].map((letter) => sizes.get(letter) as number);
}

/** For each output element (row) and each summed position (column) the operands' flat indices. */
interface Plan {
  readonly shape: readonly number[];
  readonly count: number;
  readonly size: number;
  readonly at: readonly Int32Array[];
}

function planOf(params: EinsumParams, shapes: readonly (readonly number[])[], layer: string): Plan {
  const terms = termsOf(params) as Terms;
  const sizes = sizesOf(terms, shapes, params.equation) as Map<string, number>;
  const summed = [...sizes.keys()].filter((letter) => !terms.output.includes(letter));
  const lengths = (letters: readonly string[]): number[] => letters.map((letter) => sizes.get(letter) as number);
  const shape = lengths([...terms.output]);
  const size = sizeOf(lengths(summed));
  checkProducts(sizeOf(shape) * size, layer);
  const strideOf = (k: number, letter: string): number => {
    const strides = stridesOf(shapes[k] as readonly number[]);
    return [...(terms.inputs[k] as string)].reduce((sum, own, axis) => sum + (own === letter ? (strides[axis] as number) : 0), 0);
  };
  const letters = [...terms.output, ...summed];
  return { shape, count: sizeOf(shape), size, at: shapes.map((_, k) => stridedIndices(lengths(letters), letters.map((letter) => strideOf(k, letter)))) };
}

function evaluateEinsum(params: EinsumParams, inputs: readonly Tensor[]): Tensor {
  const plan = planOf(params, inputs.map((x) => x.shape), '');
  const data = new Float64Array(plan.count);
  for (let e = 0; e < plan.count * plan.size; e++) {
    const product = inputs.reduce((value, x, k) => value * (x.data[(plan.at[k] as Int32Array)[e] as number] as number), 1);
    data[Math.floor(e / plan.size)] = (data[Math.floor(e / plan.size)] as number) + product;
  }
  return tensor(plan.shape, data);
}

function lowerEinsum(params: EinsumParams, inputs: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const plan = planOf(params, inputs.map((x) => x.shape), context.layer);
  const constant = inputs.findIndex((x) => x.constant !== undefined);
  if (inputs.length === 2 && constant >= 0) return lowerWithConstant(plan, inputs, constant, context);
  return lowerElements(context, plan.shape, (e) => {
    const columns = Array.from({ length: plan.size }, (_, k) => inputs.map((x, i) => x.ops[(plan.at[i] as Int32Array)[e * plan.size + k] as number] as number));
    const accum = context.precision?.accum;
    if (inputs.length === 1) return accumulateValues(context.builder, columns.map(([op]) => op as number), accum);
    return accumulateProducts(context.builder, columns as [number, number][], accum);
  });
}

/** Output elements that read the same variables are one matrix, optimised together. */
function lowerWithConstant(plan: Plan, inputs: readonly LoweredTensor[], constant: number, { builder, precision, layer }: LoweringContext): LoweredTensor {
  const variable = inputs[1 - constant] as LoweredTensor;
  const reads = plan.at[1 - constant] as Int32Array;
  const factors = plan.at[constant] as Int32Array;
  const weight = typedValues((inputs[constant] as LoweredTensor).constant as Tensor, precision?.weight, precision?.source ?? 'auto', layer);
  const rows = new Map<number, number[]>();
  // The first variable read tells them all: the others follow at the same distances.
  for (let e = 0; e < plan.count; e++) {
    const first = reads[e * plan.size] as number;
    const row = rows.get(first);
    if (row === undefined) rows.set(first, [e]);
    else row.push(e);
  }
  const ops = new Int32Array(plan.count);
  for (const elements of rows.values()) {
    const from = (elements[0] as number) * plan.size;
    const matrix = new Float64Array(plan.size * elements.length);
    for (let k = 0; k < plan.size; k++) elements.forEach((e, j) => (matrix[k * elements.length + j] = weight[factors[e * plan.size + k] as number] as number));
    builder.setElement(elements[0] as number);
    const read = Int32Array.from({ length: plan.size }, (_, k) => variable.ops[reads[from + k] as number] as number);
    weightedSums(builder, read, { weight: matrix, nIn: plan.size, nOut: elements.length, bias: undefined }, precision).forEach((op, j) => (ops[elements[j] as number] = op));
  }
  return { shape: plan.shape, ops, ...(precision?.result && { type: precision.result }) };
}

/** Interval arithmetic, product by product. */
function boundsOf(params: EinsumParams, inputs: readonly TensorRange[]): Bounds {
  const plan = planOf(params, inputs.map((x) => x.shape), '');
  const low = new Float64Array(plan.count);
  const high = new Float64Array(plan.count);
  for (let e = 0; e < plan.count * plan.size; e++) {
    let ends: readonly number[] = [1];
    inputs.forEach((x, k) => {
      const i = (plan.at[k] as Int32Array)[e] as number;
      ends = ends.flatMap((v) => [v * (x.low[i] as number), v * (x.high[i] as number)]);
    });
    const row = Math.floor(e / plan.size);
    low[row] = (low[row] as number) + Math.min(...ends);
    high[row] = (high[row] as number) + Math.max(...ends);
  }
  return { low, high };
}

const infer: InferenceRule<EinsumParams> = (params, { operands: [a, b] }) => (a === undefined ? undefined : b === undefined ? a : inferProduct(a, b));

/** Sums of products along any axes. */
export const einsumLayer: LayerDefinition<EinsumParams> = {
  kind: 'einsum',
  params: z.strictObject({ equation: z.string().max(200) }),
  hls4mlClass: () => 'Einsum',
  shape: shapeOf,
  evaluate: evaluateEinsum,
  lower: lowerEinsum,
  bounds: boundsOf,
  grid: (_, inputs) => productGrid(...inputs.map((x) => x.exp)),
  precision: { looked: () => ['accum', 'result'], infer: { result: infer }, hasStrategy: true },
  constantRole: () => 'factor',
};
