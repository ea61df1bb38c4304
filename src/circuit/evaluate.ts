import type { Int } from '../fixed/integer.js';
import { shift } from '../fixed/integer.js';
import type { Circuit } from './circuit.js';
import { elementCount, kindOf, loOf, Op, OPERAND_COUNT, typeOfElement } from './circuit.js';
import type { Value } from './semantics.js';
import { evaluateOp } from './semantics.js';

/**
 * The reference evaluator: one event, one op after another, by `evaluateOp`.
 *
 * `inputs[port][element]` are raw integers of the port's types (value = n · 2^−fractionBits). The result has the raw
 * integers of the output ports' types. `trace`, if given, receives every op's integer on the op's own grid.
 */
export function evaluateCircuit(circuit: Circuit, inputs: readonly (readonly Int[])[], trace?: Int[]): Int[][] {
  const values: Value[] = new Array<Value>(circuit.size);
  for (let op = 0; op < circuit.size; op++) {
    const kind = kindOf(circuit, op);
    const exp = circuit.exp[op] as number;
    if (kind === Op.input) {
      values[op] = { n: inputs[circuit.a[op] as number]?.[circuit.b[op] as number] as Int, exp };
    } else if (kind === Op.const) {
      values[op] = { n: loOf(circuit, op), exp };
    } else {
      const param = circuit.param[op] as number;
      const operands = OPERAND_COUNT[kind] as number;
      const result = evaluateOp(
        { kind, shift: param, type: circuit.types[param], table: circuit.tables[param] },
        values[circuit.a[op] as number] as Value,
        operands > 1 ? values[circuit.b[op] as number] : undefined,
        operands > 2 ? values[circuit.c[op] as number] : undefined,
      );
      values[op] = result.exp === exp ? result : { n: shift(result.n, result.exp - exp), exp };
    }
  }
  if (trace !== undefined) for (let op = 0; op < circuit.size; op++) trace[op] = (values[op] as Value).n;
  return circuit.outputs.map((port) => {
    const raw: Int[] = [];
    for (let i = 0; i < elementCount(port); i++) {
      const type = typeOfElement(port, i);
      const value = values[port.ops[i] as number] as Value;
      raw.push(shift(value.n, value.exp - (type.integer - type.width)));
    }
    return raw;
  });
}
