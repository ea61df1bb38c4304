import type { CircuitBuilder } from '../circuit/builder.js';
import { CompileError } from '../errors.js';
import type { FixedType } from '../fixed/fixedType.js';
import { typeOfInterval } from '../fixed/fixedType.js';
import { hull } from '../fixed/interval.js';
import { sizeOf } from '../model/tensor.js';
import { castTo } from './arithmetic.js';
import type { LoweredTensor, LoweringContext } from './definition.js';

/** Lowers a layer element by element and casts each to the layer's result type, if it has one. */
export function lowerElements(context: LoweringContext, shape: readonly number[], element: (e: number) => number): LoweredTensor {
  const { builder, precision } = context;
  const result = precision?.result;
  const ops = new Int32Array(sizeOf(shape));
  for (let e = 0; e < ops.length; e++) {
    builder.setElement(e);
    const op = element(e);
    ops[e] = result === undefined ? op : castTo(builder, op, result);
  }
  return result === undefined ? { shape, ops } : { shape, ops, type: result };
}

/** The result type of a layer that has no exact form. */
export function needsResult({ precision, layer }: LoweringContext, what: string): FixedType {
  if (precision?.result !== undefined) return precision.result;
  throw new CompileError('config', {
    code: 'missing-result-type',
    where: [layer, 'result'],
    what: `${what} has no exact fixed-point result, and no type is given for it.`,
    mend: 'Give one in the --precision file (LayerName → Precision → result), or pass --data.',
  });
}

/** The type of a tensor as hls4ml sees it: the declared one, else the smallest that holds all elements. */
export function tensorType(builder: CircuitBuilder, { ops, type }: LoweredTensor): FixedType {
  if (type !== undefined) return type;
  let common = builder.intervalOf(ops[0] as number);
  for (const op of ops) common = hull(common, builder.intervalOf(op));
  return typeOfInterval(common);
}
