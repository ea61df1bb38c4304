import type { FixedType } from '../fixed/fixedType.js';
import { add, max, min, neg, shift, sub } from '../fixed/integer.js';
import type { Interval } from '../fixed/interval.js';
import { onGrid } from '../fixed/interval.js';
import type { OpKind, Table } from './circuit.js';
import { Op, OPERAND_COUNT } from './circuit.js';
import { inferInterval } from './semantics.js';

/** The ops so far, as inference reads them: a builder that grows or a finished circuit. */
export interface OpSource {
  readonly kindOf: (op: number) => OpKind;
  readonly operand: (op: number, which: 0 | 1 | 2) => number;
  readonly intervalOf: (op: number) => Interval;
  readonly types: readonly FixedType[];
  readonly tables: readonly Table[];
}

/**
 * The interval of an op (no input or const) among earlier ops: `inferInterval` of its operands' intervals, and for
 * mux(x < y, …) what the condition says of a branch that is x or y itself. Monotone: tighter operands never give a
 * wider result.
 */
export function inferOp(source: OpSource, kind: OpKind, a: number, b: number, c: number, param: number): Interval {
  const operands = OPERAND_COUNT[kind] as number;
  const ia = source.intervalOf(a);
  let ib = operands > 1 ? source.intervalOf(b) : undefined;
  let ic = operands > 2 ? source.intervalOf(c) : undefined;
  if (kind === Op.mux && source.kindOf(a) === Op.lt && ib !== undefined && ic !== undefined) {
    const x = source.operand(a, 0);
    const y = source.operand(a, 1);
    const ix = source.intervalOf(x);
    const iy = source.intervalOf(y);
    ib = refineBelow(ib, b, x, y, ix, iy, true);
    ic = refineBelow(ic, c, x, y, ix, iy, false);
  }
  return inferInterval({ kind, shift: param, type: source.types[param], table: source.tables[param] }, ia, ib, ic, a === b);
}

/**
 * In mux(x < y, b, c): where the branch is x or y itself, the condition bounds it. `taken` is the branch for x < y.
 * This is what makes relu, max and min give tight ranges.
 */
function refineBelow(branch: Interval, op: number, x: number, y: number, ix: Interval, iy: Interval, taken: boolean): Interval {
  if (op !== x && op !== y) return branch;
  const exp = Math.min(ix.exp, iy.exp);
  const own = onGrid(branch, exp);
  const other = onGrid(op === x ? iy : ix, exp);
  let { lo, hi } = own;
  // taken: x < y, so x ≤ y.hi − 1 and y ≥ x.lo + 1; not taken: x ≥ y, so x ≥ y.lo and y ≤ x.hi.
  if (op === x) {
    if (taken) hi = min(hi, sub(other.hi, 1));
    else lo = max(lo, other.lo);
  } else if (taken) lo = max(lo, add(other.lo, 1));
  else hi = min(hi, other.hi);
  // Back to the branch's own grid, inwards. An empty range means the branch is never taken: leave it as it was.
  const k = exp - branch.exp;
  const inner = { lo: neg(shift(neg(lo), k)), hi: shift(hi, k), exp: branch.exp };
  return inner.lo > inner.hi ? branch : inner;
}
