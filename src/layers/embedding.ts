import { z } from 'zod';
import type { Table } from '../circuit/circuit.js';
import { dyadicOf } from '../fixed/integer.js';
import type { Tensor } from '../model/tensor.js';
import { sizeOf, tensor } from '../model/tensor.js';
import { roundTo } from './arithmetic.js';
import { typedValues } from './constants.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { formatShape } from './indexing.js';
import { lowerElements } from './lowering.js';
import type { Bounds, TensorRange } from './ranges.js';
import { gridOf } from './ranges.js';
import { keeps, roundGroups } from './rounding.js';
import { tensorSchema } from './schemas.js';
import { clampIndex, lookUp, tableOf } from './tables.js';

/**
 * Rows of a constant table picked by a variable integer (ONNX Gather with constant data, axis 0): output shape is
 * `[…index shape, …table shape after the first axis]`. An index outside the table is clamped to its ends.
 */
export interface EmbeddingParams {
  readonly table: Tensor;
}

function lowerEmbedding({ table }: EmbeddingParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const { builder, precision, layer } = context;
  const input = x as LoweredTensor;
  const rows = table.shape[0] as number;
  const width = sizeOf(table.shape.slice(1));
  const values = typedValues(table, precision?.embeddings, precision?.source ?? 'auto', layer);
  const columns = Array.from({ length: width }, (_, k) =>
    tableOf(0, 0, rows - 1, (row) => dyadicOf(values[row * width + k] as number)),
  );
  return lowerElements(context, [...input.shape, ...table.shape.slice(1)], (e) => {
    const row = roundTo(builder, input.ops[Math.floor(e / width)] as number, 0, 'TRN');
    return lookUp(builder, clampIndex(builder, row, 0, rows - 1), columns[e % width] as Table);
  });
}

/** Each column over the rows that the index can reach. */
function boundsOfRows({ table }: EmbeddingParams, [x]: readonly TensorRange[]): Bounds {
  const index = x as TensorRange;
  const rows = table.shape[0] as number;
  const width = table.data.length / rows;
  const low = new Float64Array(index.low.length * width).fill(Infinity);
  const high = new Float64Array(low.length).fill(-Infinity);
  const clamp = (v: number): number => Math.min(Math.max(Math.floor(v), 0), rows - 1);
  for (let e = 0; e < index.low.length; e++) {
    for (let row = clamp(index.low[e] as number); row <= clamp(index.high[e] as number); row++) {
      for (let c = 0; c < width; c++) {
        const value = table.data[row * width + c] as number;
        low[e * width + c] = Math.min(low[e * width + c] as number, value);
        high[e * width + c] = Math.max(high[e * width + c] as number, value);
      }
    }
  }
  return { low, high };
}

/** A table of rows. */
export const embeddingLayer: LayerDefinition<EmbeddingParams> = {
  kind: 'embedding',
  params: z.strictObject({ table: tensorSchema }),
  hls4mlClass: () => 'Embedding',
  shape: ({ table }, [input = []]) =>
    table.shape.length < 1 || sizeOf(table.shape) === 0 ? `the table ${formatShape(table.shape)} has no rows` : [...input, ...table.shape.slice(1)],
  evaluate: ({ table }, [x]) => {
    const input = x as Tensor;
    const rows = table.shape[0] as number;
    const width = sizeOf(table.shape.slice(1));
    const data = new Float64Array(input.data.length * width);
    input.data.forEach((v, e) => {
      const row = Math.min(Math.max(Math.floor(v), 0), rows - 1);
      data.set(table.data.subarray(row * width, (row + 1) * width), e * width);
    });
    return tensor([...input.shape, ...table.shape.slice(1)], data);
  },
  lower: lowerEmbedding,
  bounds: boundsOfRows,
  grid: ({ table }) => gridOf(table.data),
  precision: { looked: () => ['embeddings', 'result'], parameters: ({ table }) => ({ embeddings: table }) },
  resolution: () => 'single',
  roundParameters: (params, { weightBits }) => {
    if (keeps(params.table)) return { params, statements: [], plain: params.table.quantised !== true };
    const { tensor: table, statement } = roundGroups(params.table, weightBits, 1, () => 0);
    return { params: { table }, statements: [`embeddings to ${statement}`], plain: true };
  },
};
