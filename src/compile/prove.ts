import type { DesignInfo, OutputFile } from '../backends/backend.js';
import type { Circuit } from '../circuit/circuit.js';
import { elementCount, typeOfElement } from '../circuit/circuit.js';
import { evaluateCircuit } from '../circuit/evaluate.js';
import type { CompileHooks, CompileRequest } from './request.js';
import { compileEmulator } from '../emulator/emulator.js';
import { rawOfValue } from '../emulator/reference.js';
import { CompileError } from '../errors.js';
import type { Int } from '../fixed/integer.js';
import type { ArrayPort, NamedArray } from '../io/arrays.js';
import { matchArrays } from '../io/arrays.js';
import type { Report } from '../report/schema.js';
import type { Schedule } from '../timing/schedule.js';
import type { Dut, RawEvent } from '../verify/dut.js';
import { dutOf } from '../verify/dut.js';
import { formatCulprit, localise } from '../verify/localise.js';
import { standaloneTestbench } from '../verify/standalone.js';
import { makeVectors } from '../verify/vectors.js';
import type { Verification } from '../verify/verilator.js';
import { canSimulate, verificationError, verifyVerilog } from '../verify/verilator.js';

export interface VerificationOutcome {
  readonly verification?: NonNullable<Report['verification']>;
  readonly warnings: NonNullable<Report['warnings']>;
  /** The testbench that re-runs the verification without this tool. */
  readonly files: readonly OutputFile[];
  /** The events and what they give. */
  readonly vectors: { readonly events: readonly RawEvent[]; readonly expected: readonly RawEvent[] };
}

/** Corner events, besides the user's and random ones. */
const CORNERS = 128;
/** Designs of up to this many operations are simulated without being asked: minutes, a few GiB. */
const SIMULATED_OPS = 80_000;
/** Work of the slow reference evaluator, in op evaluations. */
const REFERENCE_WORK = 4_000_000;

/**
 * Emulator against the reference evaluator, then emitted Verilog against the emulator in Verilator.
 *
 * @throws CompileError: `verification` for a mismatch, `tool` where Verilator was asked for by name and is missing
 */
export async function prove(request: Pick<CompileRequest, 'verify' | 'vectors' | 'seed' | 'jobs'>, schedule: Schedule, ports: readonly ArrayPort[], info: DesignInfo, verilogText: string, hooks: CompileHooks): Promise<VerificationOutcome> {
  if (request.verify === 'none') return { warnings: [{ code: 'not-verified', where: ['--verify'], what: 'nothing was verified, as asked.' }], files: [], vectors: { events: [], expected: [] } };
  const { circuit } = schedule;
  const user = userEvents(circuit, ports, request.vectors);
  const vectors = makeVectors(circuit, { user: user.events, maxCorners: CORNERS, seed: request.seed });
  hooks.onStep?.(`emulating ${vectors.events.length} events`);
  const expected = compileEmulator(circuit).runRawBatch(vectors.events as Int[][][]);
  const checks = [checkEmulator(circuit, vectors.events, expected)];
  const dut = dutOf(schedule, info.top, verilogText);
  const files = standaloneTestbench(dut, vectors.events, expected, request.seed);
  const base = { vectors: vectors.events.length, seed: request.seed };
  const obstacle = request.verify === 'auto' ? await obstacleToSimulation(circuit.size) : undefined;
  if (request.verify === 'emulator' || obstacle !== undefined) {
    return {
      verification: { ...base, mismatches: 0, checks, reason: obstacle?.what ?? 'as asked' },
      warnings: [...user.warnings, ...(obstacle === undefined ? [] : [obstacle])],
      files,
      vectors: { events: vectors.events, expected },
    };
  }
  const result = await simulateAndExplain(dut, schedule, vectors.events, expected, request, hooks);
  return {
    verification: { ...base, mismatches: 0, simulator: result.simulator, checks: [...checks, ...result.checks] },
    warnings: user.warnings,
    files,
    vectors: { events: vectors.events, expected },
  };
}

/** Why Verilator is not run unless it is asked for by name. */
async function obstacleToSimulation(operations: number): Promise<VerificationOutcome['warnings'][number] | undefined> {
  if (!(await canSimulate())) {
    return { code: 'no-verilator', where: ['--verify'], what: 'Verilator was not found: the Verilog was not simulated.', mend: 'Run `compile-model doctor` to see how to get it.' };
  }
  if (operations <= SIMULATED_OPS) return undefined;
  return {
    code: 'too-large-to-simulate', where: ['--verify'],
    what: `${operations} operations: the Verilog was not simulated, since Verilator would take hours and many GiB for it.`,
    mend: 'Pass --verify verilator to simulate it all the same.',
  };
}

/** Runs Verilator; a mismatch becomes an error that names the first operation that differs. */
export async function simulateAndExplain(dut: Dut, schedule: Schedule, events: readonly RawEvent[], expected: readonly RawEvent[], request: Pick<CompileRequest, 'seed' | 'jobs'>, hooks: CompileHooks): Promise<Verification> {
  const options = {
    dut, vectors: events, expected, seed: request.seed, jobs: request.jobs,
    ...(hooks.onStep === undefined ? {} : { onProgress: (text: string): void => hooks.onStep?.(`Verilator: ${text}`) }),
    ...(hooks.signal === undefined ? {} : { signal: hooks.signal }),
  };
  hooks.onWait?.();
  const result = await verifyVerilog(options);
  if (result.mismatches === 0) return result;
  hooks.onStep?.('looking for the first operation that differs');
  const { firstMismatch: mismatch } = result;
  const culprit = mismatch === undefined ? undefined : await localise({ ...options, schedule, mismatch });
  const nowhere = mismatch === undefined || mismatch.event < 0 || mismatch.output === 'valid_out' ? undefined : NO_CULPRIT;
  throw verificationError(result, dut, culprit === undefined ? nowhere : formatCulprit(culprit));
}

const NO_CULPRIT = 'No operation differs: a register between them, or the wiring of the outputs, does.';

/** The fast engine against the reference, on as many events as time allows, corners and user's events first. */
function checkEmulator(circuit: Circuit, events: readonly RawEvent[], expected: readonly RawEvent[]): NonNullable<Report['verification']>['checks'][number] {
  const count = Math.max(1, Math.min(events.length, Math.floor(REFERENCE_WORK / circuit.size)));
  for (let k = 0; k < count; k++) {
    const event = Math.floor((k * events.length) / count);
    const reference = evaluateCircuit(circuit, events[event] as Int[][]);
    reference.forEach((values, port) => values.forEach((n, element) => {
      const fast = expected[event]?.[port]?.[element];
      if (fast !== n) {
        throw new CompileError('verification', {
          code: 'emulator-mismatch', where: [circuit.outputs[port]?.name ?? ''],
          what: `the emulator disagrees with the reference evaluator: event ${event}, element ${element} should be ${n}, is ${String(fast)}.`,
          mend: 'This is a defect of Trigforge: please report it with the model.',
        });
      }
    }));
  }
  return { name: 'emulator against reference', vectors: count, mismatches: 0 };
}

/** The user's arrays as raw integers of the ports' types. */
export function userEvents(circuit: Circuit, ports: readonly ArrayPort[], vectors: { readonly arrays: readonly NamedArray[]; readonly file: string } | undefined): { readonly events: RawEvent[]; readonly warnings: VerificationOutcome['warnings'] } {
  if (vectors === undefined) return { events: [], warnings: [] };
  const matched = matchArrays(vectors.arrays, ports, vectors.file);
  if (matched.count === 0) throw new CompileError('input', { code: 'array-events', where: [vectors.file], what: 'has no events.', mend: 'Give at least one, or leave the file out.' });
  const events: RawEvent[] = [];
  for (let event = 0; event < matched.count; event++) {
    events.push(circuit.inputs.map((port, p) => {
      const elements = elementCount(port);
      const values = matched.inputs[p] as Float64Array;
      return Array.from({ length: elements }, (_, i) => rawOfValue(values[event * elements + i] as number, typeOfElement(port, i), port, event, i));
    }));
  }
  return { events, warnings: matched.warnings.map((what) => ({ code: 'array-match', where: [vectors.file], what })) };
}
