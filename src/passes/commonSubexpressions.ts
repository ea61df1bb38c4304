import { Op } from '../circuit/circuit.js';
import type { Pass } from './pass.js';
import { rewriteCircuit } from './rewrite.js';

/**
 * Equal ops become one: the builder numbers values by kind, operands and parameter. Operands of commutative ops are
 * put in one order first, the later op in front.
 */
export const commonSubexpressions: Pass = {
  name: 'common-subexpressions',
  summary: 'ops that compute the same become one',
  run: (circuit) =>
    rewriteCircuit(
      circuit,
      ({ builder, kind, a, b, shift }) => {
        const commutes = kind === Op.mul || kind === Op.eq || kind === Op.and || kind === Op.or || kind === Op.xor || (kind === Op.add && shift === 0);
        return commutes ? builder.op(kind, Math.max(a, b), Math.min(a, b), -1, 0) : undefined;
      },
      { share: true },
    ),
};
