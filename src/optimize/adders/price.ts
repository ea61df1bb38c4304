import type { Reference, Values } from './values.js';

/** Costs are in LUTs; a carry position that needs no LUT of its own counts this much of one. */
export const CARRY_ONLY = 0.15;

/**
 * A LUT a position from where both operands have bits to the top of the higher one. Above an operand's sign the sums
 * repeat; where a non-negative operand has ended they are the other's bit; what passes there is only the carry.
 * 0 where the operands' bits do not overlap: that is no adder but wires.
 */
export function sumCost(values: Values, x: Reference, y: Reference, resultTop: number): number {
  const lowX = (values.low[x.node] as number) + x.shift;
  const lowY = (values.low[y.node] as number) + y.shift;
  const topX = (values.top[x.node] as number) + x.shift;
  const topY = (values.top[y.node] as number) + y.shift;
  const start = Math.max(lowX, lowY);
  const isXLower = lowX <= lowY;
  if (values.signed[(isXLower ? x : y).node] === false && (isXLower ? topX : topY) <= start) return 0;
  let end = Math.min(Math.max(topX, topY), resultTop);
  if (values.signed[x.node] === false) end = Math.min(end, topX);
  if (values.signed[y.node] === false) end = Math.min(end, topY);
  return Math.max(1, end - start) + CARRY_ONLY * Math.max(0, resultTop - Math.max(start, end));
}

/** The same for minuend − subtrahend: below the subtrahend there are wires. */
export function differenceCost(values: Values, minuend: Reference, subtrahend: Reference, resultTop: number): number {
  const start = (values.low[subtrahend.node] as number) + subtrahend.shift;
  const end = Math.min(resultTop, Math.max((values.top[minuend.node] as number) + minuend.shift, (values.top[subtrahend.node] as number) + subtrahend.shift));
  return Math.max(1, end - start) + CARRY_ONLY * Math.max(0, resultTop - Math.max(start, end));
}

/** Position above the highest bit that x + y can have, as far as their own tops tell. */
export function pairTop(values: Values, x: Reference, y: Reference): number {
  return Math.max((values.top[x.node] as number) + x.shift, (values.top[y.node] as number) + y.shift) + 1;
}

/** The cheaper adder of two terms: of unlike signs it may be either difference. */
export function pairCost(values: Values, x: Reference, y: Reference): number {
  const top = pairTop(values, x, y);
  if (x.negative === y.negative) return sumCost(values, x, y, top);
  const isXLower = (values.low[x.node] as number) + x.shift <= (values.low[y.node] as number) + y.shift;
  return isXLower ? differenceCost(values, x, y, top) : differenceCost(values, y, x, top);
}
