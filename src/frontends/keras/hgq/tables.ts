import type { LutParams } from '../../../layers/lut.js';
import { broadcastShapes, sizeOf, tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { KerasContext } from '../layer.js';
import type { Float32Function } from './float32.js';
import type { Quantiser, Widths } from './quantiser.js';
import { checkBroadcast, widthsOf } from './quantiser.js';

/** The function of one element; equal keys are equal functions. */
export interface ElementFunction {
  readonly key: string;
  readonly value: Float32Function;
}

/** The most bits that index a table. */
const MAX_INDEX_BITS = 16;

/** The most entries that all tables of one layer may need to be evaluated. */
const MAX_ENTRIES = 2 ** 23;

/** Whether no element has more values than a table may have entries. */
export function fitsTables({ signed, integerBits, fractionBits, overflow }: Quantiser): boolean {
  const widths = widthsOf({ signed, integerBits, fractionBits }, broadcastShapes(signed.shape, broadcastShapes(integerBits.shape, fractionBits.shape) ?? []) ?? []);
  return overflow !== 'none' && widths.every(({ k, i, f }) => k + i + f <= MAX_INDEX_BITS);
}

/**
 * A table an element: what a function gives for every value that a quantiser's bare cast can have. `x` is behind that
 * cast. Undefined where a table would have too many entries.
 */
export function elementTables(quantiser: Quantiser, x: TensorRef, functionOf: (e: number) => ElementFunction, name: string, context: KerasContext): TensorRef | undefined {
  checkBroadcast(quantiser, x.shape, name, context);
  if (!fitsTables(quantiser)) return undefined;
  const widths = widthsOf(quantiser, x.shape);
  const places = new Map<string, number>();
  const tables: LutParams['tables'][number][] = [];
  const index = new Float64Array(sizeOf(x.shape));
  let entries = 0;
  for (let e = 0; e < index.length; e++) {
    const own = widths[e] as Widths;
    const { key, value } = functionOf(e);
    const full = `${own.k}:${own.i}:${own.f}|${key}`;
    let place = places.get(full);
    if (place === undefined) {
      const table = tableOf(own, value, name, context);
      entries += table.values.data.length;
      if (entries > MAX_ENTRIES) return undefined;
      place = tables.push(table) - 1;
      places.set(full, place);
    }
    index[e] = place;
  }
  return context.add('lut', { tables, index: tables.length === 1 ? tensor([], [0], true) : tensor(x.shape, index, true) }, [x], name);
}

/** The values of a function at every value of a type. */
function tableOf({ k, i, f }: Widths, value: Float32Function, name: string, context: KerasContext): LutParams['tables'][number] {
  const width = Math.max(0, k + i + f);
  const first = k === 1 && width > 0 ? -(2 ** (width - 1)) : 0;
  const values = Float64Array.from({ length: 2 ** width }, (_, n) => value((first + n) * 2 ** -f));
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) context.fail('unsupported', name, 'not-finite', `gives ${values[bad]} for ${(first + bad) * 2 ** -f}, which its input quantiser can give.`, 'Quantise its output, or restrict its input.');
  return { exp: width === 0 ? 0 : -f, first, values: tensor([values.length], values, true) };
}
