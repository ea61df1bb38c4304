import type { Circuit, Port } from '../circuit/circuit.js';
import { elementCount, kindOf, Op, typeOfElement } from '../circuit/circuit.js';
import { demandedBottom, demandedTop } from '../circuit/demand.js';
import { wireSources } from '../circuit/wires.js';
import { formatFixedType, rangeOf, typeOfInterval } from '../fixed/fixedType.js';
import { hull } from '../fixed/interval.js';
import type { Report, ReportArea, ReportPort } from '../report/schema.js';
import { crossings } from '../timing/pipeline.js';
import type { Schedule } from '../timing/schedule.js';
import { lutsOf } from '../timing/ternary.js';

/** A figure of the report: to a thousandth. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Estimated cost and place in the pipeline of one layer. */
export interface LayerFacts {
  readonly resources: ReportArea;
  /** First and last stage with logic of the layer; absent where it has none. */
  readonly stages?: readonly [number, number];
  readonly operations: number;
}

/** Sums the models' figures by layer; what belongs to no layer is under ''. */
export function layerFacts(schedule: Schedule): { readonly byLayer: ReadonlyMap<string, LayerFacts>; readonly total: ReportArea } {
  const { circuit, stage } = schedule;
  const top = demandedTop(circuit);
  const bottom = demandedBottom(circuit);
  const source = wireSources(circuit);
  const crossed = crossings(schedule);
  const luts = lutsOf(schedule, top);
  const sums = new Map<string, { lut: number; ff: number; first: number; last: number; operations: number }>();
  let lut = 0;
  let ff = schedule.latencyCycles;
  for (let op = 0; op < circuit.size; op++) {
    const layer = circuit.origins[circuit.origin[op] as number]?.layer ?? '';
    const sum = sums.get(layer) ?? { lut: 0, ff: 0, first: Infinity, last: -1, operations: 0 };
    sums.set(layer, sum);
    const kind = kindOf(circuit, op);
    if (source[op] !== op || kind === Op.const || (top[op] as number) === 0) continue;
    const held = (crossed[op] as number) * ((top[op] as number) - (bottom[op] as number));
    sum.ff += held;
    ff += held;
    if (kind === Op.input) continue;
    const own = luts[op] as number;
    sum.lut += own;
    lut += own;
    sum.operations++;
    sum.first = Math.min(sum.first, stage[op] as number);
    sum.last = Math.max(sum.last, stage[op] as number);
  }
  const byLayer = new Map<string, LayerFacts>();
  for (const [layer, sum] of sums) {
    byLayer.set(layer, {
      resources: { lut: Math.round(sum.lut), ff: sum.ff, dsp: 0, bram: 0 },
      operations: sum.operations,
      ...(sum.last >= 0 ? { stages: [sum.first, sum.last] as const } : {}),
    });
  }
  return { byLayer, total: { lut: Math.round(lut), ff, dsp: 0, bram: 0 } };
}

/** A port as the report shows it. */
export function reportPort(port: Port): ReportPort {
  const n = elementCount(port);
  const types = port.types;
  let bits = 0;
  for (let i = 0; i < n; i++) bits += typeOfElement(port, i).width;
  const first = typeOfElement(port, 0);
  if (types.length === 1 || types.every((type) => formatFixedType(type) === formatFixedType(first))) {
    return { name: port.name, shape: port.shape, type: formatFixedType(first), bits };
  }
  const common = types.map(rangeOf).reduce((a, b) => hull(a, b));
  return { name: port.name, shape: port.shape, type: formatFixedType(typeOfInterval(common)), elementTypes: types.map(formatFixedType), bits };
}

/** The longest path of the slowest stage: what each layer on it adds, first to last. */
export function criticalPath(schedule: Schedule): { readonly stage: number; readonly path: NonNullable<Report['criticalPath']> } {
  const { circuit, arrivalNs, stage } = schedule;
  const source = wireSources(circuit);
  let end = -1;
  for (let op = 0; op < circuit.size; op++) {
    if (end < 0 || (arrivalNs[op] as number) > (arrivalNs[end] as number)) end = op;
  }
  if (end < 0 || (arrivalNs[end] as number) === 0) return { stage: 0, path: [] };
  const steps: { layer: string; ns: number }[] = [];
  for (let op = source[end] as number; ; ) {
    const before = slowestOperand(circuit, source, schedule, op);
    const ns = (arrivalNs[op] as number) - (before < 0 ? 0 : (arrivalNs[before] as number));
    const layer = circuit.origins[circuit.origin[op] as number]?.layer ?? 'inputs';
    const last = steps[steps.length - 1];
    if (last !== undefined && last.layer === layer) last.ns += ns;
    else steps.push({ layer, ns });
    if (before < 0) break;
    op = before;
  }
  return { stage: stage[end] as number, path: steps.reverse().map((step) => ({ layer: step.layer, ns: rounded(step.ns) })) };
}

function slowestOperand(circuit: Circuit, source: Int32Array, schedule: Schedule, op: number): number {
  let slowest = -1;
  for (const operands of [circuit.a, circuit.b, circuit.c]) {
    const raw = operands[op] as number;
    if (raw < 0 || kindOf(circuit, op) === Op.input) continue;
    const operand = source[raw] as number;
    if (schedule.stage[operand] !== schedule.stage[op] || kindOf(circuit, operand) === Op.const) continue;
    if ((schedule.arrivalNs[operand] as number) <= 0) continue;
    if (slowest < 0 || (schedule.arrivalNs[operand] as number) > (schedule.arrivalNs[slowest] as number)) slowest = operand;
  }
  return slowest;
}

/** Each stage's longest path (register overhead included) and the register bits behind it. */
export function stageFacts(schedule: Schedule): NonNullable<Report['pipeline']> {
  const { circuit, stage, arrivalNs, latencyCycles } = schedule;
  const top = demandedTop(circuit);
  const bottom = demandedBottom(circuit);
  const source = wireSources(circuit);
  const crossed = crossings(schedule);
  const ns = new Float64Array(latencyCycles);
  const ff = new Int32Array(latencyCycles).fill(1);
  for (let op = 0; op < circuit.size; op++) {
    const s = stage[op] as number;
    if (s < latencyCycles) ns[s] = Math.max(ns[s] as number, arrivalNs[op] as number);
    if (source[op] !== op || kindOf(circuit, op) === Op.const) continue;
    const bits = Math.max(0, (top[op] as number) - (bottom[op] as number));
    for (let k = 0; k < (crossed[op] as number); k++) ff[s + k]! += bits;
  }
  return Array.from(ns, (path, s) => ({ ns: rounded(path + schedule.device.registerNs), ff: ff[s] as number }));
}
