import type { Circuit } from '../circuit/circuit.js';
import { OPERAND_COUNT } from '../circuit/circuit.js';
import type { Pass } from './pass.js';
import { rewriteCircuit } from './rewrite.js';

/** Ops that no output depends on go, with the types and tables that only they used. Inputs stay. */
export const deadCode: Pass = {
  name: 'dead-code',
  summary: 'ops that no output depends on are dropped',
  run: (circuit) => {
    const live = liveOps(circuit);
    return rewriteCircuit(circuit, () => undefined, { drop: (op) => live[op] === 0 });
  },
};

/** 1 for each op that an output depends on. */
function liveOps(circuit: Circuit): Uint8Array {
  const live = new Uint8Array(circuit.size);
  for (const port of circuit.outputs) for (const op of port.ops) live[op] = 1;
  for (let op = circuit.size - 1; op >= 0; op--) {
    if (live[op] === 0) continue;
    const operands = OPERAND_COUNT[circuit.kind[op] as number] as number;
    if (operands > 0) live[circuit.a[op] as number] = 1;
    if (operands > 1) live[circuit.b[op] as number] = 1;
    if (operands > 2) live[circuit.c[op] as number] = 1;
  }
  return live;
}
