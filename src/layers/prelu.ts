import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import { isNegative, select, timesConstant } from './arithmetic.js';
import { typedValues } from './constants.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { broadcastsTo, entriesOf, formatShape } from './indexing.js';
import { lowerElements } from './lowering.js';
import type { TensorRange } from './ranges.js';
import { between, finestGrid, gridOf, productGrid } from './ranges.js';
import { keeps, roundGroups } from './rounding.js';
import { tensorSchema } from './schemas.js';

/** x for x ≥ 0, else x · slope; the slopes broadcast to the input. */
export interface PreluParams {
  readonly slope: Tensor;
}

function lowerPrelu({ slope }: PreluParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder, precision, layer } = context;
  const input = x as LoweredTensor;
  const slopes = entriesOf({ shape: slope.shape, data: typedValues(slope, precision?.param, precision?.source ?? 'auto', layer) }, input.shape);
  return lowerElements(context, input.shape, (e) => {
    const op = input.ops[e] as number;
    return select(builder, isNegative(builder, op), timesConstant(builder, op, slopes[e] as number), op);
  });
}

/** ReLU with a slope an element for negative values. */
export const preluLayer: LayerDefinition<PreluParams> = {
  kind: 'prelu',
  params: z.strictObject({ slope: tensorSchema }),
  hls4mlClass: () => 'PReLU',
  shape: ({ slope }, [input = []]) => (broadcastsTo(slope.shape, input) ? input : `slopes of ${formatShape(slope.shape)} do not broadcast to ${formatShape(input)}`),
  evaluate: ({ slope }, [x]) => {
    const input = x as Tensor;
    const slopes = entriesOf(slope, input.shape);
    return tensor(input.shape, input.data.map((v, e) => (v < 0 ? v * (slopes[e] as number) : v)));
  },
  lower: lowerPrelu,
  bounds: ({ slope }, [x]) => {
    const { shape, low, high } = x as TensorRange;
    const slopes = entriesOf(slope, shape);
    const at = (end: Float64Array): Float64Array => end.map((v, e) => (v < 0 ? v * (slopes[e] as number) : v));
    return between(at(low), at(high), at(low).map((v, e) => ((low[e] as number) < 0 && (high[e] as number) > 0 ? 0 : v)));
  },
  grid: ({ slope }, [x]) => finestGrid(x?.exp, productGrid(x?.exp, gridOf(slope.data))),
  precision: { looked: () => ['param', 'result'], parameters: ({ slope }) => ({ param: slope }), isParamOfInputType: () => true },
  resolution: () => 'single',
  roundParameters: (params, { weightBits }) => {
    if (keeps(params.slope)) return { params, statements: [], plain: params.slope.quantised !== true };
    const { tensor: slope, statement } = roundGroups(params.slope, weightBits, params.slope.data.length, (i) => i);
    return { params: { slope }, statements: [`slopes to ${statement}`], plain: true };
  },
};
