import { primitivesOf, wireNameOf } from '../backends/verilog/verilog.js';
import type { Circuit } from '../circuit/circuit.js';
import { kindOf, OPERAND_COUNT, opName } from '../circuit/circuit.js';
import { evaluateCircuit } from '../circuit/evaluate.js';
import type { Schedule } from '../timing/schedule.js';
import type { Probe } from './bench.js';
import type { Dut, Raw, RawEvent } from './dut.js';
import { probePhase } from './plan.js';
import { withTempFolder } from './processes.js';
import { buildSimulation } from './simulation.js';
import type { SimulationOptions } from './simulation.js';
import type { Mismatch, VerifyRequest } from './verilator.js';
import { runBench, simulationOptions } from './verilator.js';

/** The first operation, in circuit order, whose wire does not hold what the reference evaluator says. */
export interface Culprit {
  readonly op: number;
  readonly kind: string;
  /** Layer of the model, '' where the op has none. */
  readonly layer: string;
  /** Element of the layer's output, −1 for none. */
  readonly element: number;
  readonly wire: string;
  readonly stage: number;
  /** The low bits that the wire holds, unsigned. */
  readonly expected: Raw;
  /** The same bits as simulated; text where some are unknown. */
  readonly got: Raw | string;
}

export interface LocaliseRequest extends VerifyRequest {
  readonly schedule: Schedule;
  readonly mismatch: Mismatch;
}

/** Probes a build: more would make the printing block outgrow the design. */
const PROBES_A_BUILD = 4000;

/**
 * Simulates the failing event once more, between its neighbours, with every wire in the cone of the wrong output
 * printed in the cycle in which its stage works on that event. Undefined where no operation differs: then registers,
 * the valid chain or the output wiring are at fault.
 */
export async function localise(request: LocaliseRequest): Promise<Culprit | undefined> {
  const { schedule, mismatch, dut } = request;
  if (mismatch.event < 0 || mismatch.output === 'valid_out') return undefined;
  const options = await simulationOptions(request);
  const trace: Raw[] = [];
  evaluateCircuit(schedule.circuit, request.vectors[mismatch.event] as RawEvent, trace);
  const probes = probesInCone(schedule, mismatch, primitivesOf(dut.verilog));
  for (let from = 0; from < probes.length; from += PROBES_A_BUILD) {
    const part = probes.slice(from, from + PROBES_A_BUILD);
    const printed = await observe(dut, request, part, options);
    for (const probe of part) {
      const bits = printed[schedule.stage[probe.id] as number]?.get(probe.id);
      const culprit = bits === undefined ? undefined : compareWire(schedule, probe, trace[probe.id] as Raw, bits);
      if (culprit !== undefined) return culprit;
    }
  }
  return undefined;
}

/** One sentence for the error message. */
export function formatCulprit(culprit: Culprit): string {
  const place = culprit.layer === '' ? '' : ` of ${culprit.layer}${culprit.element < 0 ? '' : `[${culprit.element}]`}`;
  return `First operation that differs: ${culprit.kind}${place} (op ${culprit.op}, wire ${culprit.wire}, stage ${culprit.stage}) should be ${culprit.expected}, is ${culprit.got}.`;
}

function compareWire(schedule: Schedule, probe: Probe, exact: Raw, bits: string): Culprit | undefined {
  const expected = BigInt.asUintN(bits.length, BigInt(exact));
  const got = /^[01]+$/.test(bits) ? BigInt(`0b${bits}`) : bits;
  if (expected === got) return undefined;
  const { circuit } = schedule;
  return {
    op: probe.id,
    kind: opName(kindOf(circuit, probe.id)),
    layer: circuit.origins[circuit.origin[probe.id] as number]?.layer ?? '',
    element: circuit.element[probe.id] as number,
    wire: probe.wire,
    stage: schedule.stage[probe.id] as number,
    expected,
    got,
  };
}

/** The wires that the wrong output element depends on, in circuit order. */
function probesInCone(schedule: Schedule, mismatch: Mismatch, primitives: 'xilinx' | undefined): Probe[] {
  const { circuit } = schedule;
  const port = circuit.outputs.find((output) => output.name === mismatch.output);
  const root = port?.ops[mismatch.element];
  if (root === undefined) return [];
  const inCone = coneOf(circuit, root);
  const nameOf = wireNameOf(schedule, primitives);
  const probes: Probe[] = [];
  for (let op = 0; op <= root; op++) {
    const wire = inCone[op] === 1 ? nameOf(op) : undefined;
    if (wire !== undefined) probes.push({ id: op, wire });
  }
  return probes;
}

function coneOf(circuit: Circuit, root: number): Uint8Array {
  const inCone = new Uint8Array(circuit.size);
  inCone[root] = 1;
  for (let op = root; op >= 0; op--) {
    if (inCone[op] === 0) continue;
    const operands = OPERAND_COUNT[kindOf(circuit, op)] as number;
    if (operands > 0) inCone[circuit.a[op] as number] = 1;
    if (operands > 1) inCone[circuit.b[op] as number] = 1;
    if (operands > 2) inCone[circuit.c[op] as number] = 1;
  }
  return inCone;
}

/** The bits of each probe in each cycle that the event is inside. */
async function observe(dut: Dut, request: LocaliseRequest, probes: readonly Probe[], options: SimulationOptions): Promise<Map<number, string>[]> {
  const { event } = request.mismatch;
  const count = request.vectors.length;
  const phase = probePhase((event + count - 1) % count, event, (event + 1) % count, count, dut.latencyCycles);
  const output = await withTempFolder(async (folder) => {
    const program = await buildSimulation(dut, probes, request.vectors.length, folder, options);
    return runBench(program, folder, dut, request.vectors, request.expected, [phase], options, request.seed ?? 1);
  });
  const cycles: Map<number, string>[] = [];
  for (const line of output.other) {
    const [word, id, bits] = line.trim().split(/\s+/);
    if (word !== 'probe') continue;
    if (id === 'edge') cycles.push(new Map());
    else if (bits !== undefined) cycles[cycles.length - 1]?.set(Number(id), bits);
  }
  return cycles;
}
