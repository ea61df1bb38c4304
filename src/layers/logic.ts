import { z } from 'zod';
import { Op } from '../circuit/circuit.js';
import type { CircuitBuilder } from '../circuit/builder.js';
import type { Tensor } from '../model/tensor.js';
import { broadcastIndices, broadcastShapes, sizeOf, tensor } from '../model/tensor.js';
import { negated } from './compare.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { formatShape } from './indexing.js';
import { lowerElements } from './lowering.js';
import { constantBounds } from './ranges.js';

const OPERATIONS = ['and', 'or', 'xor', 'not'] as const;

/** Logic of truth values, 0 or 1; any input but 0 counts as true. `not` takes one input, the others two, broadcast. */
export interface LogicParams {
  readonly operation: (typeof OPERATIONS)[number];
}

/** The truth of a value: 0 or 1. */
export function truthOf(builder: CircuitBuilder, x: number): number {
  const { lo, hi, exp } = builder.intervalOf(x);
  const isTruth = exp >= 0 && lo >= 0 && (hi === 0 || (exp === 0 && hi <= 1));
  return isTruth ? x : negated(builder, builder.eq(x, builder.constant(0)));
}

function shapeOf({ operation }: LogicParams, shapes: readonly (readonly number[])[]): readonly number[] | string {
  const wanted = operation === 'not' ? 1 : 2;
  const [a = [], b = []] = shapes;
  if (shapes.length !== wanted) return `${operation} takes ${wanted} input${wanted > 1 ? 's' : ''}, found ${shapes.length}`;
  return operation === 'not' ? a : (broadcastShapes(a, b) ?? `shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast`);
}

function combine(operation: LogicParams['operation'], a: boolean, b: boolean): boolean {
  switch (operation) {
    case 'and':
      return a && b;
    case 'or':
      return a || b;
    case 'xor':
      return a !== b;
    case 'not':
      return !a;
  }
}

function lowerLogic(params: LogicParams, inputs: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder } = context;
  const shape = shapeOf(params, inputs.map((x) => x.shape)) as number[];
  const indices = inputs.map((x) => broadcastIndices(x.shape, shape));
  return lowerElements(context, shape, (e) => {
    const [a, b] = inputs.map((x, k) => truthOf(builder, x.ops[(indices[k] as Int32Array)[e] as number] as number)) as [number, number];
    return params.operation === 'not' ? negated(builder, a) : builder.bitwise(Op[params.operation], a, b);
  });
}

/** And, or, exclusive or, not. */
export const logicLayer: LayerDefinition<LogicParams> = {
  kind: 'logic',
  params: z.strictObject({ operation: z.enum(OPERATIONS) }),
  hls4mlClass: () => 'Logic',
  shape: shapeOf,
  evaluate: (params, inputs) => {
    const shape = shapeOf(params, inputs.map((x) => x.shape)) as number[];
    const indices = inputs.map((x) => broadcastIndices(x.shape, shape));
    const truth = (x: Tensor | undefined, at: Int32Array | undefined, e: number): boolean => x !== undefined && x.data[(at as Int32Array)[e] as number] !== 0;
    return tensor(shape, Array.from({ length: sizeOf(shape) }, (_, e) => (combine(params.operation, truth(inputs[0], indices[0], e), truth(inputs[1], indices[1], e)) ? 1 : 0)));
  },
  lower: lowerLogic,
  bounds: (params, inputs) => constantBounds(sizeOf(shapeOf(params, inputs.map((x) => x.shape)) as number[]), 0, 1),
  grid: () => 0,
  precision: 'none',
};
