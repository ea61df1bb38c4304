import type { CircuitBuilder } from '../circuit/builder.js';
import { Op } from '../circuit/circuit.js';
import type { FixedType, Rounding } from '../fixed/fixedType.js';
import { castIsIdentity, castOverflows } from '../fixed/fixedType.js';
import type { Pass } from './pass.js';
import type { OpToRewrite } from './rewrite.js';
import { isConstant, rewriteCircuit } from './rewrite.js';

/** Casts that change nothing go; a cast of a cast, or of a relu, becomes one cast where that is the same. */
export const redundantCasts: Pass = {
  name: 'redundant-casts',
  summary: 'casts that change nothing go, casts of casts and of relu merge',
  run: (circuit) => rewriteCircuit(circuit, simplifyCast),
};

function simplifyCast({ builder, a, type }: OpToRewrite): number | undefined {
  if (type === undefined) return undefined;
  let x = a;
  let merged = type;
  // Each step goes to an earlier op, and casts of casts were merged when they were added: a few steps at most.
  for (;;) {
    if (castIsIdentity(builder.intervalOf(x), merged)) return x;
    const below = throughRelu(builder, x, merged) ?? -1;
    if (below >= 0) {
      x = below;
      continue;
    }
    const inner = builder.kindOf(x) === Op.cast ? mergeCasts(builder, x, merged) : undefined;
    if (inner === undefined) break;
    merged = inner;
    x = builder.operand(x, 0);
  }
  return x === a ? undefined : builder.cast(x, merged);
}

/**
 * x, where `op` is relu(x) = x < 0 ? 0 : x and the cast saturates to an unsigned type.
 *
 * cast(relu(x)) = cast(x) for every rounding: for x ≥ 0 relu(x) = x. For x < 0 the left side is cast(0) = 0. On the
 * right, every rounding mode is monotone and leaves whole numbers alone, so x < 0 rounds to at most round(0) = 0; SAT
 * (and SAT_SYM, the same for unsigned types) clips what is below 0 to 0. Both are 0. (SAT_ZERO would do as well below
 * 0, WRAP would not.)
 */
function throughRelu(builder: CircuitBuilder, op: number, type: FixedType): number | undefined {
  if (type.signed || type.overflow === 'WRAP' || builder.kindOf(op) !== Op.mux) return undefined;
  const condition = builder.operand(op, 0);
  if (builder.kindOf(condition) !== Op.lt) return undefined;
  const left = builder.operand(condition, 0);
  const right = builder.operand(condition, 1);
  const whenTrue = builder.operand(op, 1);
  const whenFalse = builder.operand(op, 2);
  if (isConstant(builder, right, 0) && isConstant(builder, whenTrue, 0) && whenFalse === left) return left;
  if (isConstant(builder, left, 0) && isConstant(builder, whenFalse, 0) && whenTrue === right) return right;
  return undefined;
}

/** One type T with cast_T(x) = cast_outer(cast_inner(x)) for every x of the inner cast's operand, if there is one. */
function mergeCasts(builder: CircuitBuilder, innerCast: number, outer: FixedType): FixedType | undefined {
  const inner = builder.typeOf(innerCast);
  const x = builder.intervalOf(builder.operand(innerCast, 0));
  const innerGrid = inner.integer - inner.width;
  const outerGrid = outer.integer - outer.width;
  const rounding = mergeRoundings(inner.rounding, innerGrid > x.exp, outer.rounding, outerGrid - innerGrid);
  if (rounding === undefined) return undefined;
  if (!castOverflows(x, inner)) return { ...outer, rounding };
  // The inner cast adds a multiple of 2^inner.integer, which wrapping at 2^outer.integer or below takes away again. It
  // is an even multiple of the outer grid, so it moves no rounding but those that look at the sign.
  const looksAtSign = outerGrid > innerGrid && !(outer.rounding === 'TRN' || outer.rounding === 'RND' || outer.rounding === 'RND_MIN_INF' || outer.rounding === 'RND_CONV');
  const absorbed = inner.overflow === 'WRAP' && outer.overflow === 'WRAP' && inner.integer >= outer.integer && !looksAtSign;
  return absorbed ? { ...outer, rounding } : undefined;
}

/**
 * The rounding to the outer grid that is the same as first the inner, then the outer one. `coarser` is how many bits
 * the outer grid is coarser than the inner.
 *
 * Floor of floor is floor, and truncation of truncation truncation. RND adds half of the outer grid, which lies on the
 * inner one, and floors: so after a floor it is RND of the value itself.
 */
function mergeRoundings(inner: Rounding, innerRounds: boolean, outer: Rounding, coarser: number): Rounding | undefined {
  if (!innerRounds) return outer;
  if (coarser === 0) return inner;
  if (coarser < 0) return undefined;
  if (inner === 'TRN' && (outer === 'TRN' || outer === 'RND')) return outer;
  return inner === 'TRN_ZERO' && outer === 'TRN_ZERO' ? outer : undefined;
}
