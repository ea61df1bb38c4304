import type { Circuit } from '../circuit/circuit.js';
import { hiOf, kindOf, loOf, Op, OPERAND_COUNT } from '../circuit/circuit.js';

/** An op other than an input that has one value: generated code writes the value where it is read. */
export function isConstant(circuit: Circuit, op: number): boolean {
  return kindOf(circuit, op) !== Op.input && loOf(circuit, op) === hiOf(circuit, op);
}

export function operandsOf(circuit: Circuit, op: number): number[] {
  return [circuit.a[op] as number, circuit.b[op] as number, circuit.c[op] as number].slice(0, OPERAND_COUNT[kindOf(circuit, op)]);
}

/** 1 for each op that an output depends on, constants taken as known. */
export function neededOps(circuit: Circuit): Uint8Array {
  const needed = new Uint8Array(circuit.size);
  for (const port of circuit.outputs) for (const op of port.ops) needed[op] = 1;
  for (let op = circuit.size - 1; op >= 0; op--) {
    if (needed[op] === 1 && !isConstant(circuit, op)) for (const operand of operandsOf(circuit, op)) needed[operand] = 1;
  }
  return needed;
}
