import { kindOf, Op } from '../circuit/circuit.js';
import { demandedTop } from '../circuit/demand.js';
import { wireSources } from '../circuit/wires.js';
import { lowerGraph } from '../layers/lower.js';
import type { ModelGraph } from '../model/graph.js';
import { costOf } from '../timing/cost.js';
import type { Device } from '../timing/device.js';

/** LUTs of a typed graph as it is lowered without searching or sharing: for comparing types with one another. */
export function quickCost(graph: ModelGraph, device: Device): number {
  const circuit = lowerGraph(graph, { quick: true });
  const top = demandedTop(circuit);
  const source = wireSources(circuit);
  let lut = 0;
  for (let op = 0; op < circuit.size; op++) {
    const kind = kindOf(circuit, op);
    if (source[op] !== op || kind === Op.const || kind === Op.input || (top[op] as number) === 0) continue;
    lut += costOf(circuit, op, top[op] as number, device).lut;
  }
  return lut;
}
