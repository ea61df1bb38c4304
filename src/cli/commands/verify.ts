import { writeFileSync } from 'node:fs';
import type { Circuit, OutputPort } from '../../circuit/circuit.js';
import { elementCount, typeOfElement } from '../../circuit/circuit.js';
import { simulateAndExplain, userEvents } from '../../compile/prove.js';
import { compileEmulator } from '../../emulator/emulator.js';
import { CompileError } from '../../errors.js';
import { fractionBits } from '../../fixed/fixedType.js';
import type { Int } from '../../fixed/integer.js';
import { toNumber } from '../../fixed/integer.js';
import { matchArrays, readArrays } from '../../io/arrays.js';
import type { RawEvent } from '../../verify/dut.js';
import { dutOf } from '../../verify/dut.js';
import { junitXml } from '../../verify/junit.js';
import { makeVectors } from '../../verify/vectors.js';
import type { Check } from '../../verify/verilator.js';
import { readInputFile, systemReason } from '../files.js';
import { openDesign, openFolder } from '../folder.js';
import type { Terminal } from '../terminal.js';

export interface VerifyOptions {
  readonly out: string;
  readonly inputs?: string;
  readonly expect?: string;
  readonly junit?: string;
  readonly seed: number;
  readonly jobs: number;
}

/** `verify OUT`: the emitted Verilog in Verilator against the emulator, and both against the user's own numbers. */
export async function verifyCommand(options: VerifyOptions, terminal: Terminal): Promise<number> {
  const folder = openFolder(options.out);
  const { circuit } = folder;
  const { schedule, top, verilog, changed } = openDesign(folder);
  if (changed) terminal.warn(`${options.out}/verilog/${top}.v is not the file that was written; it is simulated as it is.`);
  const user = userEvents(circuit, options.inputs === undefined ? undefined : { arrays: readArrays(readInputFile(options.inputs, 'an array'), options.inputs), file: options.inputs });
  for (const warning of user.warnings) terminal.warn(warning.what);
  const vectors = makeVectors(circuit, { user: user.events, seed: options.seed });
  terminal.step(`emulating ${vectors.events.length} events`);
  const expected = compileEmulator(circuit).runRawBatch(vectors.events as Int[][][]);
  const checks: Check[] = [];
  let failure: CompileError | undefined;
  if (options.expect !== undefined) {
    const against = compareExpected(circuit, expected.slice(0, vectors.user), options.expect, options.inputs);
    checks.push(against.check);
    failure = against.error;
  }
  try {
    if (failure === undefined) {
      const hooks = { onStep: terminal.step };
      const result = await simulateAndExplain(dutOf(schedule, top, verilog), schedule, vectors.events, expected, { seed: options.seed, jobs: options.jobs }, hooks);
      checks.push(...result.checks);
      terminal.done();
      terminal.print(`PROVEN  ${top}: ${vectors.events.length} events (${vectors.user} of yours, ${vectors.corner} corners, ${vectors.random} random), every output bit in every cycle, latency ${result.latencyMeasured} cycles, ${result.simulator}`);
      for (const check of checks) terminal.print(`  ${check.name}: ${check.vectors} events, ${check.mismatches} mismatches`);
      terminal.event({ event: 'verified', vectors: vectors.events.length, mismatches: 0, checks });
    }
  } catch (error) {
    if (!(error instanceof CompileError) || error.kind !== 'verification') throw error;
    failure = error;
    checks.push({ name: 'simulation', vectors: vectors.events.length, mismatches: 1 });
  }
  if (options.junit !== undefined) writeJunit(options.junit, junitXml(top, checks, failure?.message));
  if (failure !== undefined) throw failure;
  return 0;
}

function writeJunit(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CompileError('input', { code: 'unwritable', where: ['--junit', path], what: `cannot be written: ${systemReason(error)}.` });
  }
}

/** The emulator's values of the user's events against the user's own. */
function compareExpected(circuit: Circuit, got: readonly RawEvent[], file: string, inputs: string | undefined): { readonly check: Check; readonly error: CompileError | undefined } {
  if (inputs === undefined) {
    throw new CompileError('config', { code: 'expect-without-inputs', where: ['--expect'], what: 'needs the events it belongs to.', mend: 'Pass --inputs X.npy too.' });
  }
  const matched = matchArrays(readArrays(readInputFile(file, 'an array'), file), circuit.outputs, file);
  if (matched.count !== got.length) {
    throw new CompileError('input', { code: 'event-count', where: [file], what: `has ${matched.count} events, ${inputs} has ${got.length}.` });
  }
  let mismatches = 0;
  let first: string | undefined;
  circuit.outputs.forEach((port, p) => {
    const wanted = matched.inputs[p] as Float64Array;
    for (let event = 0; event < matched.count; event++) {
      for (let i = 0; i < elementCount(port); i++) {
        const value = valueOf(port, i, got[event]?.[p]?.[i] as Int);
        const own = wanted[event * elementCount(port) + i] as number;
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
      code: 'expectation', where: [file], what: `${mismatches} values differ from your own numbers. First: ${String(first)}.`,
      mend: 'Check that they were made with the same model and types.',
    }),
  };
}

function valueOf(port: OutputPort, element: number, n: Int): number {
  return toNumber(n, -fractionBits(typeOfElement(port, element)));
}
