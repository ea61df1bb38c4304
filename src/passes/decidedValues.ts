import { Op } from '../circuit/circuit.js';
import { inferOp } from '../circuit/infer.js';
import { isSingle } from '../fixed/interval.js';
import type { Pass } from './pass.js';
import type { OpToRewrite } from './rewrite.js';
import { rewriteCircuit } from './rewrite.js';

/**
 * What the ranges decide: an op whose interval is one value is that constant (comparisons above all), and a mux whose
 * condition is decided is the branch that it takes.
 */
export const decidedValues: Pass = {
  name: 'decided-values',
  summary: 'comparisons, choices and values that their ranges decide become constants or wires',
  run: (circuit) => rewriteCircuit(circuit, decide),
};

function decide({ builder, kind, a, b, c, shift, type, table }: OpToRewrite): number | undefined {
  if (kind === Op.mux) {
    const condition = builder.intervalOf(a);
    if (isSingle(condition)) return condition.lo === 0 ? c : b;
  }
  const param = type !== undefined ? builder.typeId(type) : table !== undefined ? builder.tableId(table) : shift;
  const interval = inferOp(builder, kind, a, b, c, param);
  return isSingle(interval) ? builder.constant(interval.lo, interval.exp) : undefined;
}
