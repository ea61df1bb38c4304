import { z } from 'zod';
import { OVERFLOWS, ROUNDINGS } from '../fixed/fixedType.js';
import type { LayerKind, LayerParams } from '../layers/registry.js';
import type { Tensor } from '../model/tensor.js';

const tensor = z.custom<Tensor>(
  (value) => typeof value === 'object' && value !== null && (value as { data?: unknown }).data instanceof Float64Array,
  'expected a tensor { shape, data }',
);
const integer = z.int();
const count = z.int().min(1);
const axis = z.int().min(0).max(32);
const axes = z.array(axis).max(32);
const sizes = z.array(z.int().min(0)).max(32);
const roundingMode = z.enum(['ROUND', 'CEIL', 'FLOOR', 'UP', 'DOWN', 'HALF_UP', 'HALF_DOWN']);
const floatKind = z.enum(['float32', 'float64']);
const nothing = z.strictObject({});
const tree = z.strictObject({
  output: z.int().min(0),
  feature: z.array(z.int().min(-1)),
  value: z.array(z.number()),
  whenTrue: z.array(integer),
  whenFalse: z.array(integer),
  missingTrue: z.array(z.boolean()).exactOptional(),
  edges: z.array(z.array(z.number()).nullable()).exactOptional(),
});

/** What each kind's parameters must look like when they come from a file. */
export const paramsSchemas: { readonly [K in LayerKind]: z.ZodType<LayerParams[K]> } = {
  activation: z.strictObject({
    function: z.enum(['linear', 'relu', 'leakyRelu', 'sigmoid', 'tanh', 'hardSigmoid', 'elu', 'selu', 'softplus', 'softsign']),
    alpha: z.number().exactOptional(),
    beta: z.number().exactOptional(),
  }),
  batchNormalization: z.strictObject({ scale: tensor, bias: tensor, axis }),
  bipolarQuant: z.strictObject({ scale: tensor }),
  clip: z.strictObject({ min: z.number().nullable(), max: z.number().nullable() }),
  concat: z.strictObject({ axis }),
  conv: z.strictObject({
    weight: tensor,
    bias: tensor.nullable(),
    strides: z.array(count),
    dilations: z.array(count),
    pads: sizes,
    groups: count,
  }),
  dense: z.strictObject({ weight: tensor, bias: tensor.nullable() }),
  dot: z.strictObject({ axis, keepDims: z.boolean() }),
  elementwise: z.strictObject({ operation: z.enum(['add', 'sub', 'mul', 'div', 'max', 'min', 'average']) }),
  embedding: z.strictObject({ table: tensor }),
  fixedQuant: z.strictObject({
    signed: tensor,
    integerBits: tensor,
    fractionBits: tensor,
    rounding: z.enum(ROUNDINGS),
    overflow: z.enum(OVERFLOWS),
    divisor: z.number().exactOptional(),
  }),
  forest: z.strictObject({
    nFeatures: count,
    nOutputs: count,
    comparison: z.enum(['lt', 'le']),
    trees: z.array(tree),
    base: z.array(z.number()),
    features: floatKind.exactOptional(),
    sums: floatKind.exactOptional(),
    baseLast: z.boolean().exactOptional(),
    missing: z.literal('flag').exactOptional(),
  }),
  gather: z.strictObject({ axis, indices: tensor }),
  matmul: nothing,
  pad: z.strictObject({ pads: sizes, value: z.number() }),
  pool: z.strictObject({
    mode: z.enum(['max', 'average']),
    kernel: z.array(count),
    strides: z.array(count),
    dilations: z.array(count),
    pads: sizes,
    countIncludePad: z.boolean(),
    ceilMode: z.boolean(),
  }),
  quant: z.strictObject({
    scale: tensor,
    zeroPoint: tensor,
    bitWidth: z.number().positive().max(1024),
    signed: z.boolean(),
    narrow: z.boolean(),
    rounding: roundingMode,
    bounds: z.tuple([integer, integer]).exactOptional(),
  }),
  reduce: z.strictObject({ operation: z.enum(['sum', 'mean', 'max', 'min']), axes, keepDims: z.boolean() }),
  reshape: z.strictObject({ shape: sizes }),
  slice: z.strictObject({ axes, starts: z.array(integer), ends: z.array(integer), steps: z.array(integer) }),
  softmax: z.strictObject({ axis }),
  toInteger: nothing,
  transpose: z.strictObject({ perm: axes }),
  trunc: z.strictObject({
    scale: tensor,
    zeroPoint: tensor,
    inBits: z.number().positive().max(1024),
    outBits: z.number().positive().max(1024),
    rounding: roundingMode,
  }),
};

export function isLayerKind(kind: string): kind is LayerKind {
  return Object.hasOwn(paramsSchemas, kind);
}
