import { Op, OPERAND_COUNT } from '../circuit/circuit.js';
import type { Value } from '../circuit/semantics.js';
import { evaluateOp } from '../circuit/semantics.js';
import type { Int } from '../fixed/integer.js';
import type { Pass } from './pass.js';
import type { OpToRewrite } from './rewrite.js';
import { rewriteCircuit } from './rewrite.js';

/** Ops of constants become the constants that the reference evaluator gives. */
export const constantFolding: Pass = {
  name: 'constant-folding',
  summary: 'ops of constants become constants',
  run: (circuit) => rewriteCircuit(circuit, fold),
};

function fold({ builder, kind, a, b, c, shift, type, table }: OpToRewrite): number | undefined {
  if (builder.kindOf(a) !== Op.const) return undefined;
  const values: Value[] = [];
  for (const operand of [a, b, c].slice(0, OPERAND_COUNT[kind])) {
    if (builder.kindOf(operand) !== Op.const) return undefined;
    const { lo, exp } = builder.intervalOf(operand);
    values.push({ n: lo as Int, exp });
  }
  const result = evaluateOp({ kind, shift, type, table }, values[0] as Value, values[1], values[2]);
  return builder.constant(result.n, result.exp);
}
