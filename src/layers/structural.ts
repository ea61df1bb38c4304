import { CompileError } from '../errors.js';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { castTo } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor } from './definition.js';
import { inferCommon } from './hls4mlInference.js';

/** A layer that only moves elements: its whole meaning is one index list. */
export interface Movement<Params> {
  readonly kind: string;
  readonly params: LayerDefinition<Params>['params'];
  readonly hls4mlClass: LayerDefinition<Params>['hls4mlClass'];
  readonly shape: LayerDefinition<Params>['shape'];
  /** For each output element the flat index into all inputs laid end to end; −1 for the fill value. */
  readonly indices: (params: Params, inputs: readonly (readonly number[])[], output: readonly number[]) => Int32Array;
  readonly fill?: (params: Params) => number;
  /** Whether a result type applies to it: hls4ml's Concatenate casts, its Reshape and Transpose keep the input's type. */
  readonly casts?: true;
  readonly grid?: NonNullable<LayerDefinition<Params>['grid']>;
}

/** The shape that a layer's rule gives, for callers past the check. */
export function shapeOrThrow(shape: readonly number[] | string): readonly number[] {
  if (typeof shape === 'string') throw new CompileError('input', { code: 'shape-mismatch', where: [], what: shape });
  return shape;
}

/** Float meaning of a movement. */
function moveValues(inputs: readonly Tensor[], shape: readonly number[], indices: Int32Array, fill: number): Tensor {
  const all = new Float64Array(inputs.reduce((n, x) => n + x.data.length, 0));
  let at = 0;
  for (const x of inputs) {
    all.set(x.data, at);
    at += x.data.length;
  }
  const data = Float64Array.from(indices, (i) => (i < 0 ? fill : (all[i] as number)));
  return tensor(shape, data, inputs.every((x) => x.quantised === true));
}

/** The whole definition of a layer that only moves elements. */
export function structuralLayer<Params>(movement: Movement<Params>): LayerDefinition<Params> {
  const fillOf = (params: Params): number => movement.fill?.(params) ?? 0;
  const plan = (params: Params, shapes: readonly (readonly number[])[]) => {
    const shape = shapeOrThrow(movement.shape(params, shapes));
    return { shape, indices: movement.indices(params, shapes, shape) };
  };
  return {
    kind: movement.kind,
    params: movement.params,
    structural: true,
    ...(movement.grid && { grid: movement.grid }),
    ...(movement.casts && { precision: { looked: () => ['result'], infer: { result: (_, { operands }) => inferCommon(operands, true) } } }),
    hls4mlClass: movement.hls4mlClass,
    shape: movement.shape,
    evaluate: (params, inputs) => {
      const { shape, indices } = plan(params, inputs.map((x) => x.shape));
      return moveValues(inputs, shape, indices, fillOf(params));
    },
    lower: (params, inputs, { builder, precision }) => {
      const { shape, indices } = plan(params, inputs.map((x) => x.shape));
      const all = new Int32Array(inputs.reduce((n, x) => n + x.ops.length, 0));
      let at = 0;
      for (const x of inputs) {
        all.set(x.ops, at);
        at += x.ops.length;
      }
      const filled = indices.some((i) => i < 0);
      const fill = filled ? builder.constantOf(fillOf(params)) : -1;
      const moved = Int32Array.from(indices, (i) => (i < 0 ? fill : (all[i] as number)));
      const result = movement.casts ? precision?.result : undefined;
      if (result !== undefined) {
        return { shape, ops: moved.map((op, e) => (builder.setElement(e), castTo(builder, op, result))), type: result };
      }
      const constants = inputs.map((x) => x.constant).filter((x) => x !== undefined);
      const constant = constants.length === inputs.length ? moveValues(constants, shape, indices, fillOf(params)) : undefined;
      const type = filled ? undefined : commonType(inputs);
      return { shape, ops: moved, ...(type && { type }), ...(constant && { constant }) };
    },
  };
}

/** The declared type that all tensors share. */
function commonType(inputs: readonly LoweredTensor[]): LoweredTensor['type'] {
  const first = inputs[0]?.type;
  return inputs.every((x) => x.type === first) ? first : undefined;
}
