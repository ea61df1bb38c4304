import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { roundTo } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { lowerElements } from './lowering.js';
import { nothingSchema } from './schemas.js';

/** ONNX Cast to an integer type: drops the fraction toward zero. */
export interface ToIntegerParams {
  readonly [key: string]: never;
}

function lowerToInteger(_: ToIntegerParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const input = x as LoweredTensor;
  return lowerElements(context, input.shape, (e) => roundTo(context.builder, input.ops[e] as number, 0, 'TRN_ZERO'));
}

/** The whole part of each element. */
export const toIntegerLayer: LayerDefinition<ToIntegerParams> = {
  kind: 'toInteger',
  params: nothingSchema,
  hls4mlClass: () => 'Cast',
  shape: (_, [input = []]) => input,
  evaluate: (_, [x]) => {
    const input = x as Tensor;
    return tensor(input.shape, input.data.map((v) => Math.trunc(v) + 0), input.quantised === true);
  },
  lower: lowerToInteger,
  grid: () => 0,
  precision: 'none',
};
