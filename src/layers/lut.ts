import { z } from 'zod';
import type { CircuitBuilder } from '../circuit/builder.js';
import type { Table } from '../circuit/circuit.js';
import { dyadicOf } from '../fixed/integer.js';
import type { Tensor } from '../model/tensor.js';
import { broadcastIndices, broadcastShapes, tensor } from '../model/tensor.js';
import { roundTo } from './arithmetic.js';
import type { LayerDefinition, LoweredTensor, LoweringContext } from './definition.js';
import { formatShape } from './indexing.js';
import { lowerElements } from './lowering.js';
import type { Bounds, TensorRange } from './ranges.js';
import { finestGrid, gridOfUsed } from './ranges.js';
import { tensorSchema } from './schemas.js';
import { clampIndex, lookUp, tableOf } from './tables.js';

/** A function of a value on the grid 2^exp: `values[v · 2^−exp − first]`; beyond its ends the value at the end. */
export interface LutTable {
  readonly exp: number;
  /** The least argument, in units of the grid. */
  readonly first: number;
  /** One axis. */
  readonly values: Tensor;
}

/** Each element through a table of its own. */
export interface LutParams {
  readonly tables: readonly LutTable[];
  /** Which table an element goes through; broadcasts to the input. */
  readonly index: Tensor;
}

/** The most entries of all tables of one layer. */
const MAX_ENTRIES = 2 ** 24;

/** The grid is 2^exp, arguments are whole numbers of it: both within these bounds. */
const MAX_EXP = 1024;

function shapeOfLut({ tables, index }: LutParams, [input = []]: readonly (readonly number[])[]): readonly number[] | string {
  const shape = broadcastShapes(index.shape, input);
  if (shape === undefined || shape.length !== input.length || shape.some((n, i) => n !== input[i])) return `the index ${formatShape(index.shape)} does not broadcast to ${formatShape(input)}`;
  const wrong = index.data.find((i) => !Number.isInteger(i) || i < 0 || i >= tables.length);
  if (wrong !== undefined) return `table ${wrong} is none of the ${tables.length}`;
  if (tables.reduce((sum, { values }) => sum + values.data.length, 0) > MAX_ENTRIES) return `its tables have more than ${MAX_ENTRIES} entries`;
  for (const { exp, first, values } of tables) {
    if (values.data.length === 0) return 'a table is empty';
    if (!Number.isInteger(exp) || Math.abs(exp) > MAX_EXP || !Number.isSafeInteger(first)) return `a table at ${first} · 2^${exp} is on no grid`;
    if (values.data.some((v) => !Number.isFinite(v))) return 'a table holds a number that is not finite';
  }
  return input;
}

/** Which table each element of a shape has. */
function tablesOf({ tables, index }: LutParams, shape: readonly number[]): readonly LutTable[] {
  return Array.from(broadcastIndices(index.shape, shape), (i) => tables[index.data[i] as number] as LutTable);
}

/** The entry of an argument. */
function entryAt({ exp, first, values }: LutTable, x: number): number {
  return Math.min(Math.max(Math.floor(x * 2 ** -exp) - first, 0), values.data.length - 1);
}

/** The table as circuits have it, on the coarsest grid that holds all values. */
function circuitTable({ exp, first, values }: LutTable): Table {
  return tableOf(exp, first, first + values.data.length - 1, (i) => dyadicOf(values.data[i - first] as number));
}

function lowerElement(builder: CircuitBuilder, op: number, { exp, first, values }: LutTable, table: Table): number {
  const whole = builder.shift(roundTo(builder, op, -exp, 'TRN'), -exp);
  return lookUp(builder, builder.shift(clampIndex(builder, whole, first, first + values.data.length - 1), exp), table);
}

function lowerLut(params: LutParams, [x]: readonly LoweredTensor[], context: LoweringContext): LoweredTensor {
  const input = x as LoweredTensor;
  const own = tablesOf(params, input.shape);
  const tables = new Map<LutTable, Table>(params.tables.map((table) => [table, circuitTable(table)]));
  return lowerElements(context, input.shape, (e) => {
    const table = own[e] as LutTable;
    return lowerElement(context.builder, input.ops[e] as number, table, tables.get(table) as Table);
  });
}

/** The least and greatest entry between the ends of each argument. */
function boundsOfLut(params: LutParams, [x]: readonly TensorRange[]): Bounds {
  const { shape, low, high } = x as TensorRange;
  const ends = tablesOf(params, shape).map((table, e) => {
    const part = table.values.data.subarray(entryAt(table, low[e] as number), entryAt(table, high[e] as number) + 1);
    return [part.reduce((m, v) => Math.min(m, v), Infinity), part.reduce((m, v) => Math.max(m, v), -Infinity)] as const;
  });
  return { low: Float64Array.from(ends, ([least]) => least), high: Float64Array.from(ends, ([, most]) => most) };
}

/** A table an element, of exact values: the functions of HGQ models. */
export const lutLayer: LayerDefinition<LutParams> = {
  kind: 'lut',
  params: z.strictObject({
    tables: z.array(z.strictObject({ exp: z.int(), first: z.int(), values: tensorSchema })).min(1),
    index: tensorSchema,
  }),
  hls4mlClass: () => 'UnaryLUT',
  shape: shapeOfLut,
  evaluate: (params, [x]) => {
    const input = x as Tensor;
    const own = tablesOf(params, input.shape);
    return tensor(input.shape, input.data.map((v, e) => (own[e] as LutTable).values.data[entryAt(own[e] as LutTable, v)] as number), true);
  },
  lower: lowerLut,
  bounds: boundsOfLut,
  grid: ({ tables }) => finestGrid(0, ...tables.map(({ values }) => gridOfUsed(values.data))),
  precision: 'none',
};
