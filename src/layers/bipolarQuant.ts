import { z } from 'zod';
import type { Tensor } from '../model/tensor.js';
import { tensor } from '../model/tensor.js';
import type { LayerDefinition } from './definition.js';
import { entriesOf } from './indexing.js';
import { quantiserShape } from './quant.js';
import { lowerBipolarQuant } from './quantLowering.js';
import { gridOf } from './ranges.js';
import { tensorSchema } from './schemas.js';

/** x ≥ 0 ? scale : −scale */
export interface BipolarQuantParams {
  readonly scale: Tensor;
}

/** QONNX's BipolarQuant. */
export const bipolarQuantLayer: LayerDefinition<BipolarQuantParams> = {
  kind: 'bipolarQuant',
  params: z.strictObject({ scale: tensorSchema }),
  hls4mlClass: () => 'BipolarQuant',
  shape: ({ scale }, [input = []]) => quantiserShape(input, [scale]),
  evaluate: ({ scale }, [x]) => {
    const input = x as Tensor;
    const scales = entriesOf(scale, input.shape);
    return tensor(input.shape, input.data.map((v, e) => (v >= 0 ? 1 : -1) * (scales[e] as number)), true);
  },
  lower: lowerBipolarQuant,
  grid: ({ scale }) => gridOf(scale.data),
  precision: 'none',
  quantiser: () => undefined,
};
