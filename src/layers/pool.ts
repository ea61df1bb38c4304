import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import { average, extreme } from './average.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { inferAverageAccumulator } from './hls4mlInference.js';
import { BEYOND, formatShape, windowShape, windowsOf } from './indexing.js';
import { lowerElements, tensorType } from './lowering.js';
import { powerOfTwo, productGrid } from './ranges.js';
import { countSchema, windowFields } from './schemas.js';
import { shapeOrThrow } from './structural.js';

/** Max or average pooling over windows, channels first. Pads as ONNX. */
export interface PoolParams {
  readonly mode: 'max' | 'average';
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly countIncludePad: boolean;
  readonly ceilMode: boolean;
}

function poolShape(params: PoolParams, [input = []]: readonly (readonly number[])[]): readonly number[] | string {
  if (input.length < 3) return `pooling needs a batch, a channel and at least one spatial axis, found ${formatShape(input)}`;
  const spatial = windowShape(input.slice(2), params.kernel, params);
  return typeof spatial === 'string' ? spatial : [...input.slice(0, 2), ...spatial];
}

/** One output element of a pooling layer. */
export interface PoolCell {
  /** Flat input indices inside the input. */
  readonly members: readonly number[];
  /** By what an average divides. */
  readonly divisor: number;
  /** Whether the window touches the padding. */
  readonly padded: boolean;
}

/** Every output element's window, in C order of the output. */
export function poolCells(params: PoolParams, input: readonly number[]): { readonly shape: readonly number[]; readonly cells: PoolCell[] } {
  const shape = shapeOrThrow(poolShape(params, [input]));
  const windows = windowsOf(input.slice(2), params.kernel, params, shape.slice(2));
  const area = sizeOf(input.slice(2));
  const cells: PoolCell[] = [];
  for (let plane = 0; plane < sizeOf(shape.slice(0, 2)); plane++) {
    for (let p = 0; p < windows.positions; p++) {
      const window = [...windows.cells.subarray(p * windows.taps, (p + 1) * windows.taps)];
      const members = window.filter((i) => i >= 0).map((i) => plane * area + i);
      const counted = params.countIncludePad ? window.filter((i) => i !== BEYOND).length : members.length;
      cells.push({ members, divisor: counted, padded: members.length < window.length });
    }
  }
  return { shape, cells };
}

/** hls4ml fills the padding of a max pooling with the raw pattern 100…0: the minimum only of signed types. */
function paddingOf(x: LoweredTensor, { builder, precision }: LoweringContext): number | undefined {
  if (precision?.source !== 'config') return undefined;
  const type = tensorType(builder, x);
  return builder.constant(type.signed ? -1 : 1, type.integer - 1);
}

function lowerPool(params: PoolParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const input = x as LoweredTensor;
  const { shape, cells } = poolCells(params, input.shape);
  const padding = params.mode === 'max' && cells.some((cell) => cell.padded) ? paddingOf(input, context) : undefined;
  return lowerElements(context, shape, (e) => {
    const { members, divisor, padded } = cells[e] as PoolCell;
    const terms = members.map((i) => input.ops[i] as number);
    if (params.mode === 'average') return average(context, terms, divisor);
    return extreme(context, 'max', padded && padding !== undefined ? [...terms, padding] : terms);
  });
}

/** Max and average pooling of any number of spatial axes. */
export const poolLayer: LayerDefinition<PoolParams> = {
  kind: 'pool',
  params: z.strictObject({
    mode: z.enum(['max', 'average']),
    kernel: z.array(countSchema).max(32),
    ...windowFields,
    countIncludePad: z.boolean(),
    ceilMode: z.boolean(),
  }),
  hls4mlClass: ({ mode, kernel }) => `${mode === 'max' ? 'Max' : 'Average'}Pooling${kernel.length}D`,
  shape: poolShape,
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    const { shape, cells } = poolCells(params, input.shape);
    const values = cells.map(({ members, divisor }) => {
      if (params.mode === 'max') return members.reduce((m, i) => Math.max(m, input.data[i] as number), -Infinity);
      return members.reduce((sum, i) => sum + (input.data[i] as number), 0) / divisor;
    });
    return tensor(shape, values);
  },
  lower: lowerPool,
  homogeneous: () => true,
  grid: ({ mode, kernel, pads, countIncludePad }, [x]) => {
    if (mode === 'max') return x?.exp;
    return countIncludePad || pads.every((p) => p === 0) ? productGrid(x?.exp, powerOfTwo(1 / sizeOf(kernel))) : undefined;
  },
  precision: {
    looked: () => ['accum', 'result'],
    infer: {
      accum: ({ mode, kernel }, { operands: [x] }) => (mode === 'average' && x !== undefined ? inferAverageAccumulator(x, sizeOf(kernel)) : x),
      result: (_, { operands: [x] }) => x,
    },
    uncapped: ({ mode }) => mode === 'average',
  },
};
