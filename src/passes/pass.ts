import { performance } from 'node:perf_hooks';
import type { Circuit } from '../circuit/circuit.js';
import { verifyCircuit } from '../circuit/verify.js';
import { CompileError } from '../errors.js';
import { referenceRun, requireSameOutputs } from './check.js';

/** A circuit in, an equal circuit out. `summary` is one line for help and reports. */
export interface Pass {
  readonly name: string;
  readonly summary: string;
  readonly run: (circuit: Circuit) => Circuit;
}

/** What the runner saw of a pass: `passes` of report.json. */
export interface PassRecord {
  readonly name: string;
  readonly seconds: number;
  readonly opsBefore: number;
  readonly opsAfter: number;
}

export interface PassOptions {
  /** Also evaluate corner and random vectors and compare every output with the circuit before the first pass. */
  readonly check: boolean;
  /** Called after each pass, with its result: progress, `--dump-after`. */
  readonly onPass?: (record: PassRecord, circuit: Circuit) => void;
}

/**
 * Runs passes one after another, verifies the circuit after each, times them and counts ops. Verification and
 * evaluation are not part of `seconds`.
 *
 * @throws CompileError of kind `internal` that names the pass whose result is no circuit or not an equal one.
 */
export function runPasses(circuit: Circuit, passes: readonly Pass[], options: PassOptions): { readonly circuit: Circuit; readonly records: readonly PassRecord[] } {
  const records: PassRecord[] = [];
  const reference = options.check ? referenceRun(circuit) : undefined;
  let current = circuit;
  for (const pass of passes) {
    const start = performance.now();
    const next = pass.run(current);
    const seconds = (performance.now() - start) / 1000;
    inPass(pass, () => {
      verifyCircuit(next);
      if (reference !== undefined) requireSameOutputs(reference, next);
    });
    const record: PassRecord = { name: pass.name, seconds, opsBefore: current.size, opsAfter: next.size };
    records.push(record);
    current = next;
    options.onPass?.(record, next);
  }
  return { circuit: current, records };
}

/** Puts the pass in front of what is wrong with its result. */
function inPass(pass: Pass, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    throw new CompileError(error.kind, error.problems.map((problem) => ({ ...problem, where: [`after pass ${pass.name}`, ...problem.where] })));
  }
}
