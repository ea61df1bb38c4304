import type { Tensor } from '../model/tensor.js';
import { broadcastIndices, broadcastShapes, sizeOf, tensor } from '../model/tensor.js';
import { select } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { formatShape } from './indexing.js';
import { truthOf } from './logic.js';
import { lowerElements } from './lowering.js';
import type { TensorRange } from './ranges.js';
import { finestGrid } from './ranges.js';
import { nothingSchema } from './schemas.js';

/** Inputs: condition, a, b, broadcast; a where the condition is not 0, else b. */
export interface WhereParams {
  readonly [key: string]: never;
}

type Shapes = readonly (readonly number[])[];

function shapeOf(shapes: Shapes): readonly number[] | string {
  if (shapes.length !== 3) return `a choice takes a condition and two values, found ${shapes.length} inputs`;
  const shape = shapes.reduce<readonly number[] | undefined>((all, own) => (all === undefined ? undefined : broadcastShapes(all, own)), []);
  return shape ?? `shapes ${shapes.map(formatShape).join(', ')} do not broadcast`;
}

/** Shape and, for each input, the index of each output element's operand. */
function planOf(shapes: Shapes): { readonly shape: readonly number[]; readonly at: readonly [Int32Array, Int32Array, Int32Array] } {
  const shape = shapeOf(shapes) as readonly number[];
  return { shape, at: shapes.map((own) => broadcastIndices(own, shape)) as [Int32Array, Int32Array, Int32Array] };
}

function lowerWhere(_: WhereParams, inputs: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder } = context;
  const { shape, at } = planOf(inputs.map((x) => x.shape));
  const [condition, a, b] = inputs as readonly [LoweredTensor, LoweredTensor, LoweredTensor];
  return lowerElements(context, shape, (e) =>
    select(builder, truthOf(builder, condition.ops[at[0][e] as number] as number), a.ops[at[1][e] as number] as number, b.ops[at[2][e] as number] as number),
  );
}

/** A choice between two values, element by element. */
export const whereLayer: LayerDefinition<WhereParams> = {
  kind: 'where',
  params: nothingSchema,
  hls4mlClass: () => 'Where',
  shape: (_, shapes) => shapeOf(shapes),
  evaluate: (_, inputs) => {
    const { shape, at } = planOf(inputs.map((x) => x.shape));
    const [condition, a, b] = inputs as readonly [Tensor, Tensor, Tensor];
    const pick = (e: number): number => (condition.data[at[0][e] as number] === 0 ? b.data[at[2][e] as number] : a.data[at[1][e] as number]) as number;
    return tensor(shape, Array.from({ length: sizeOf(shape) }, (__, e) => pick(e)));
  },
  lower: lowerWhere,
  bounds: (_, inputs) => {
    const { shape, at } = planOf(inputs.map((x) => x.shape));
    const [, a, b] = inputs as readonly [TensorRange, TensorRange, TensorRange];
    const hull = (end: 'low' | 'high', f: (x: number, y: number) => number): Float64Array =>
      Float64Array.from({ length: sizeOf(shape) }, (__, e) => f(a[end][at[1][e] as number] as number, b[end][at[2][e] as number] as number));
    return { low: hull('low', Math.min), high: hull('high', Math.max) };
  },
  grid: (_, [, a, b]) => finestGrid(a?.exp, b?.exp),
  constantRole: (_, position) => (position === 0 ? undefined : 'term'),
};
