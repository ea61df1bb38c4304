import { Op } from '../circuit/circuit.js';
import { isSingle } from '../fixed/interval.js';
import type { Pass } from './pass.js';
import type { OpToRewrite } from './rewrite.js';
import { copyOp, rewriteCircuit } from './rewrite.js';

/**
 * What the ranges decide: an op whose interval is one value is that constant (comparisons above all), and a mux whose
 * condition is decided is the branch that it takes.
 */
export const decidedValues: Pass = {
  name: 'decided-values',
  summary: 'comparisons, choices and values that their ranges decide become constants or wires',
  run: (circuit) => rewriteCircuit(circuit, decide),
};

function decide(todo: OpToRewrite): number | undefined {
  const { builder, kind, a, b, c } = todo;
  if (kind === Op.mux) {
    const condition = builder.intervalOf(a);
    if (isSingle(condition)) return condition.lo === 0 ? c : b;
  }
  // The copy stays behind unread where a constant takes its place.
  const copy = copyOp(todo);
  const interval = builder.intervalOf(copy);
  return isSingle(interval) ? builder.constant(interval.lo, interval.exp) : copy;
}
