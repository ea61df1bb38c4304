import type { CastPlan, Lane } from './castPlan.js';
import type { FunctionBody } from './wasm.js';
import { Simd } from './wasm.js';

/** A vector of equal lanes. */
export function splatBytes(value: bigint, lane: Lane): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < 16; at += lane / 8) {
    if (lane === 64) view.setBigUint64(at, value, true);
    else if (lane === 32) view.setUint32(at, Number(value), true);
    else view.setUint16(at, Number(value), true);
  }
  return bytes;
}

/** x · 2^left on the stack → the cast of x, by its plan. */
export function emitCastOf(body: FunctionBody, cast: CastPlan): void {
  if (cast.right > 0) addRounding(body, cast);
  emitOverflow(body, cast);
}

function shift(body: FunctionBody, opcode: number, amount: number): void {
  body.int(amount);
  body.simd(opcode);
}

function constant(body: FunctionBody, value: bigint, lane: Lane): void {
  body.vector(splatBytes(BigInt.asUintN(lane, value), lane));
}

/** x → x + what makes the following floor the wanted rounding of x · 2^−right. */
function addRounding(body: FunctionBody, cast: CastPlan): void {
  const { lane, right } = cast;
  const half = 1n << BigInt(right - 1);
  const plus = (value: bigint): void => {
    constant(body, value, lane);
    body.simd(Simd.add[lane]);
  };
  switch (cast.rounding) {
    case 'TRN':
      return;
    case 'RND':
      return plus(half);
    case 'RND_MIN_INF':
      return half === 1n ? undefined : plus(half - 1n);
    case 'TRN_ZERO': // + 2^right − 1 for negative x
      return addOfX(body, Simd.add[lane], () => {
        shift(body, Simd.shrS[lane], lane - 1);
        shift(body, Simd.shrU[lane], lane - right);
      });
    case 'RND_ZERO': // + half − 1, and 1 more for negative x
      addOfX(body, Simd.add[lane], () => shift(body, Simd.shrU[lane], lane - 1));
      return plus(half - 1n);
    case 'RND_INF': // + half, and 1 less for negative x
      addOfX(body, Simd.add[lane], () => shift(body, Simd.shrS[lane], lane - 1));
      return plus(half);
    case 'RND_CONV': // + half − 1, and 1 more where the floor is odd
      addOfX(body, Simd.add[lane], () => {
        shift(body, Simd.shrU[lane], right);
        constant(body, 1n, lane);
        body.simd(Simd.and);
      });
      return plus(half - 1n);
  }
}

/** x on the stack → x combined with a function of x. */
function addOfX(body: FunctionBody, opcode: number, ofX: () => void): void {
  const x = body.newLocals(1);
  body.tee(x);
  body.get(x);
  ofX();
  body.simd(opcode);
}

/** The shift right and the overflow, on what `addRounding` left. */
function emitOverflow(body: FunctionBody, cast: CastPlan): void {
  const { lane, right, width } = cast;
  if (cast.overflow === 'wrap') {
    const left = lane - width - right;
    if (left < 0) shift(body, Simd.shrS[lane], right);
    const up = left < 0 ? lane - width : left;
    if (up > 0) shift(body, Simd.shl[lane], up);
    shift(body, cast.signed ? Simd.shrS[lane] : Simd.shrU[lane], lane - width);
    return;
  }
  if (right > 0) shift(body, Simd.shrS[lane], right);
  if (cast.overflow === 'clip') {
    if (cast.lo !== undefined) clip(body, lane, 'max', BigInt(cast.lo));
    if (cast.hi !== undefined) clip(body, lane, 'min', BigInt(cast.hi));
  }
  if (cast.overflow === 'zero') {
    if (cast.lo !== undefined) zeroWhere(body, Simd.gt[lane], BigInt(cast.lo) - 1n, lane);
    if (cast.hi !== undefined) zeroWhere(body, Simd.lt[lane], BigInt(cast.hi) + 1n, lane);
  }
}

function clip(body: FunctionBody, lane: Lane, towards: 'min' | 'max', bound: bigint): void {
  if (lane !== 64) {
    constant(body, bound, lane);
    body.simd(Simd[towards][lane]);
    return;
  }
  const x = body.newLocals(1);
  body.tee(x);
  constant(body, bound, lane);
  body.get(x);
  constant(body, bound, lane);
  body.simd(towards === 'min' ? Simd.lt[64] : Simd.gt[64]);
  body.simd(Simd.bitselect);
}

/** Keeps x where it compares with the bound, else 0. */
function zeroWhere(body: FunctionBody, opcode: number, bound: bigint, lane: Lane): void {
  addOfX(body, Simd.and, () => {
    constant(body, bound, lane);
    body.simd(opcode);
  });
}
