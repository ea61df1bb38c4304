import type { Circuit, OutputPort } from '../circuit/circuit.js';
import { elementCount, typeOfElement } from '../circuit/circuit.js';
import type { CompileHooks } from './request.js';
import { compileEmulator } from '../emulator/emulator.js';
import { CompileError } from '../errors.js';
import { fractionBits } from '../fixed/fixedType.js';
import type { Int } from '../fixed/integer.js';
import { toNumber } from '../fixed/integer.js';
import { matchArrays } from '../io/arrays.js';
import type { RawEvent } from '../verify/dut.js';
import { dutOf } from '../verify/dut.js';
import { makeVectors } from '../verify/vectors.js';
import type { Check } from '../verify/verilator.js';
import type { Events } from './emulate.js';
import type { CompiledFolder } from './folder.js';
import { checkWhole, openDesign } from './folder.js';
import { simulateAndExplain, userEvents } from './prove.js';

export interface FolderVerification {
  readonly top: string;
  readonly events: { readonly all: number; readonly user: number; readonly corner: number; readonly random: number };
  readonly checks: readonly Check[];
  readonly simulator: string | undefined;
  readonly latencyMeasured: number | undefined;
  readonly warnings: readonly string[];
  /** What failed; absent if all is proven. */
  readonly failure: CompileError | undefined;
}

/**
 * Proves the Verilog of an output folder against its circuit, and the circuit against the user's own numbers. What does
 * not agree is data in `failure`; what cannot be checked, such as a folder whose files do not belong together, throws. The
 * Verilog itself may have changed: simulation judges it.
 */
export async function verifyFolder(folder: CompiledFolder, options: { readonly inputs?: Events; readonly expect?: Events; readonly seed: number; readonly jobs: number }, hooks: CompileHooks): Promise<FolderVerification> {
  const { circuit } = folder;
  const { schedule, top, verilog, changed } = openDesign(folder);
  checkWhole(folder.source, folder.report, `verilog/${top}.v`);
  const user = userEvents(circuit, folder.inputs, options.inputs);
  const warnings = user.warnings.map((warning) => warning.what);
  if (changed) warnings.unshift(`verilog/${top}.v is not the file that was written; it is simulated as it is.`);
  const vectors = makeVectors(circuit, { user: user.events, seed: options.seed });
  hooks.onStep?.(`emulating ${vectors.events.length} events`);
  const expected = compileEmulator(circuit).runRawBatch(vectors.events as Int[][][]);
  const checks: Check[] = [];
  const result = { top, events: { all: vectors.events.length, user: vectors.user, corner: vectors.corner, random: vectors.random }, checks, warnings };
  if (options.expect !== undefined) {
    const { check, error } = compareExpected(circuit, expected.slice(0, vectors.user), options.expect, options.inputs);
    checks.push(check);
    if (error !== undefined) return { ...result, simulator: undefined, latencyMeasured: undefined, failure: error };
  }
  try {
    const proof = await simulateAndExplain(dutOf(schedule, top, verilog), schedule, vectors.events, expected, options, hooks);
    checks.push(...proof.checks);
    return { ...result, simulator: proof.simulator, latencyMeasured: proof.latencyMeasured, failure: undefined };
  } catch (error) {
    if (!(error instanceof CompileError) || error.kind !== 'verification') throw error;
    checks.push({ name: 'simulation', vectors: vectors.events.length, mismatches: 1 });
    return { ...result, simulator: undefined, latencyMeasured: undefined, failure: changed ? blameEdit(error, `verilog/${top}.v`) : error };
  }
}

/** The Verilog is not what was written: whoever changed it is to be told, not the makers of this tool. */
function blameEdit(error: CompileError, file: string): CompileError {
  return new CompileError(error.kind, error.problems.map((problem) => ({ ...problem, mend: `${file} was changed since it was written: compile the model again.` })));
}

/** The emulator's values of the user's events against the user's own. */
function compareExpected(circuit: Circuit, got: readonly RawEvent[], expect: Events, inputs: Events | undefined): { readonly check: Check; readonly error: CompileError | undefined } {
  if (inputs === undefined) {
    throw new CompileError('config', { code: 'expect-without-inputs', where: ['--expect'], what: 'needs the events it belongs to.', mend: 'Pass --inputs X.npy too.' });
  }
  const matched = matchArrays(expect.arrays, circuit.outputs, expect.file);
  if (matched.count !== got.length) {
    throw new CompileError('input', { code: 'event-count', where: [expect.file], what: `has ${matched.count} events, ${inputs.file} has ${got.length}.` });
  }
  let mismatches = 0;
  let first: string | undefined;
  circuit.outputs.forEach((port, p) => {
    const wanted = matched.inputs[p] as Float64Array;
    const elements = elementCount(port);
    for (let event = 0; event < matched.count; event++) {
      for (let i = 0; i < elements; i++) {
        const value = valueOf(port, i, got[event]?.[p]?.[i] as Int);
        const own = wanted[event * elements + i] as number;
        if (value === own) continue;
        mismatches++;
        first ??= `event ${event}, ${port.name}[${i}] should be ${own}, is ${value}`;
      }
    }
  });
  const check = { name: 'emulator against your numbers', vectors: matched.count, mismatches };
  if (mismatches === 0) return { check, error: undefined };
  return {
    check,
    error: new CompileError('verification', {
      code: 'expectation', where: [expect.file], what: `${mismatches} values differ from your own numbers. First: ${String(first)}.`,
      mend: 'Check that they were made with the same model and types.',
    }),
  };
}

function valueOf(port: OutputPort, element: number, n: Int): number {
  return toNumber(n, -fractionBits(typeOfElement(port, element)));
}
