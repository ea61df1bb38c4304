import { CircuitBuilder } from '../../src/circuit/builder.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { intervalOf, kindOf, loOf, Op, OPERAND_COUNT } from '../../src/circuit/circuit.js';

/** Several circuits side by side as one, ports renamed `<name>_<k>`: one simulator build checks them all. */
export function mergeCircuits(circuits: readonly Circuit[]): Circuit {
  const builder = new CircuitBuilder('merged', { share: false });
  circuits.forEach((circuit, k) => {
    const map = new Int32Array(circuit.size);
    const inputs = circuit.inputs.map((port, p) => builder.addInput({ ...port, name: `${port.name}_${k}` }, inputIntervals(circuit, p)));
    for (let op = 0; op < circuit.size; op++) {
      const kind = kindOf(circuit, op);
      if (kind === Op.input) map[op] = inputs[circuit.a[op]!]![circuit.b[op]!]!;
      else if (kind === Op.const) map[op] = builder.constant(loOf(circuit, op), circuit.exp[op]);
      else {
        const count = OPERAND_COUNT[kind]!;
        const param = kind === Op.cast ? builder.typeId(circuit.types[circuit.param[op]!]!) : kind === Op.lookup ? builder.tableId(circuit.tables[circuit.param[op]!]!) : circuit.param[op]!;
        map[op] = builder.op(kind, map[circuit.a[op]!]!, count > 1 ? map[circuit.b[op]!]! : -1, count > 2 ? map[circuit.c[op]!]! : -1, param);
      }
      // What is proven of a range beyond its operands': tables rely on it.
      builder.claim(map[op]!, intervalOf(circuit, op));
    }
    for (const port of circuit.outputs) builder.addOutput(`${port.name}_${k}`, port.shape, port.ops.map((op) => map[op]!), port.types);
  });
  return builder.finish();
}

function inputIntervals(circuit: Circuit, port: number) {
  const intervals = [];
  for (let op = 0; op < circuit.size; op++) {
    if (kindOf(circuit, op) === Op.input && circuit.a[op] === port) intervals[circuit.b[op]!] = intervalOf(circuit, op);
  }
  return intervals;
}
