import { Op } from '../circuit/circuit.js';
import type { CircuitBuilder } from '../circuit/builder.js';
import type { Pass } from './pass.js';
import type { OpToRewrite } from './rewrite.js';
import { isConstant, rewriteCircuit } from './rewrite.js';

/** x + 0, x · 2^k, x & x and their like become wires. */
export const algebraicIdentities: Pass = {
  name: 'algebraic-identities',
  summary: 'adding 0, multiplying by a power of two and the like become wires',
  run: (circuit) => rewriteCircuit(circuit, simplify),
};

function simplify(op: OpToRewrite): number | undefined {
  const { builder, kind, a, b, c, shift } = op;
  switch (kind) {
    case Op.add:
      if (isConstant(builder, b, 0)) return a;
      if (isConstant(builder, a, 0)) return builder.shift(b, shift);
      return a === b && shift === 0 ? builder.shift(a, 1) : undefined;
    case Op.sub:
      if (isConstant(builder, b, 0)) return a;
      return a === b && shift === 0 ? builder.constant(0, builder.intervalOf(a).exp) : undefined;
    case Op.mul:
      return timesPowerOfTwo(builder, a, b) ?? timesPowerOfTwo(builder, b, a);
    case Op.shift:
      return builder.shift(a, shift);
    case Op.mux:
      if (b === c) return b;
      return isConstant(builder, b, 1, 0) && isConstant(builder, c, 0) ? a : undefined;
    case Op.and:
      if (a === b || isAllOnes(builder, b, a)) return a;
      return isAllOnes(builder, a, b) ? b : undefined;
    case Op.or:
      if (a === b || isConstant(builder, b, 0)) return a;
      return isConstant(builder, a, 0) ? b : undefined;
    case Op.xor:
      if (a === b) return builder.constant(0, builder.intervalOf(a).exp);
      if (isConstant(builder, b, 0)) return a;
      return isConstant(builder, a, 0) ? b : undefined;
    default:
      return undefined;
  }
}

/** x · ±2^k as a shift, or as a subtraction from 0. */
function timesPowerOfTwo(builder: CircuitBuilder, x: number, factor: number): number | undefined {
  const { exp } = builder.intervalOf(factor);
  if (isConstant(builder, factor, 1)) return builder.shift(x, exp);
  return isConstant(builder, factor, -1) ? builder.sub(builder.constant(0, builder.intervalOf(x).exp + exp), x, exp) : undefined;
}

/** Whether `mask` is −1 on a grid that clears no bit of x. */
function isAllOnes(builder: CircuitBuilder, mask: number, x: number): boolean {
  return isConstant(builder, mask, -1) && builder.intervalOf(mask).exp <= builder.intervalOf(x).exp;
}
