import type { CircuitBuilder } from '../circuit/builder.js';
import type { Table } from '../circuit/circuit.js';
import type { Value } from '../circuit/semantics.js';
import type { FixedType } from '../fixed/fixedType.js';
import { fixedType } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { shift, sub } from '../fixed/integer.js';
import { onGrid } from '../fixed/interval.js';
import { clamp, roundTo, timesConstant } from './arithmetic.js';

/** The table of `value(i)` for whole i in [from, to], at arguments i · 2^indexExp, on the coarsest grid that holds all values. */
export function tableOf(indexExp: number, from: number, to: number, value: (i: number) => Value): Table {
  const entries: Value[] = [];
  for (let i = from; i <= to; i++) entries.push(value(i));
  const used = entries.filter((entry) => entry.n !== 0);
  const exp = used.reduce((least, entry) => Math.min(least, entry.exp), used[0]?.exp ?? 0);
  return { exp, indexExp, base: from, values: entries.map((entry) => (entry.n === 0 ? 0 : shift(entry.n, entry.exp - exp))) };
}

/** A lookup in the part of the table that the index can reach. */
export function lookUp(builder: CircuitBuilder, index: number, table: Table): number {
  const { lo, hi } = onGrid(builder.intervalOf(index), table.indexExp);
  const from = Number(sub(lo, table.base));
  const to = Number(sub(hi, table.base));
  if (from === to) return builder.constant(table.values[from] as Int, table.exp);
  const part = from === 0 && to === table.values.length - 1 ? table : { ...table, base: lo, values: table.values.slice(from, to + 1) };
  return builder.lookup(index, part);
}

/** A whole number brought into [low, high]. */
export function clampIndex(builder: CircuitBuilder, index: number, low: number, high: number): number {
  const { lo, hi } = onGrid(builder.intervalOf(index), 0);
  return clamp(builder, index, lo < low ? builder.constant(low) : undefined, hi > high ? builder.constant(high) : undefined);
}

/** trunc(x · factor) toward zero, clamped to [low, high]: the index of hls4ml's activation tables. */
export function scaledIndex(builder: CircuitBuilder, x: number, factor: number, low: number, high: number): number {
  const scaled = timesConstant(builder, x, factor);
  const bits = Math.log2(high + 1);
  // [−2^b, 2^b − 1] and [0, 2^b − 1] are what a saturating type holds.
  if (Number.isInteger(bits) && (low === 0 || low === -high - 1)) {
    const type = low === 0 ? fixedType(false, Math.max(1, bits), Math.max(1, bits), 'TRN_ZERO', 'SAT') : fixedType(true, bits + 1, bits + 1, 'TRN_ZERO', 'SAT');
    if (bits > 0 || low < 0) return builder.cast(scaled, type);
  }
  return clampIndex(builder, roundTo(builder, scaled, 0, 'TRN_ZERO'), low, high);
}

/** The top `bits` raw bits of x under its type, as a value on their own coarser grid (hls4ml's softmax index). */
export function topBits(builder: CircuitBuilder, x: number, type: FixedType, bits: number): number {
  return bits >= type.width ? x : roundTo(builder, x, bits - type.integer, 'TRN');
}
