import { openFolder } from '../../compile/folder.js';
import { verifyFolder } from '../../compile/verifyFolder.js';
import { checkCases, junitXml } from '../../verify/junit.js';
import { folderSource, readEvents, writeFile } from '../files.js';
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
  const { seed, jobs } = options;
  const result = await verifyFolder(openFolder(folderSource(options.out)), {
    seed, jobs,
    ...(options.inputs === undefined ? {} : { inputs: readEvents(options.inputs) }),
    ...(options.expect === undefined ? {} : { expect: readEvents(options.expect) }),
  }, { onStep: terminal.step });
  terminal.done();
  const { top, events, checks, failure } = result;
  for (const warning of result.warnings) terminal.warn(warning);
  if (options.junit !== undefined) writeFile(options.junit, junitXml(top, checkCases(checks, failure?.message)), '--junit');
  terminal.event({ event: 'verified', top, vectors: events.all, mismatches: checks.reduce((sum, check) => sum + check.mismatches, 0), checks });
  if (failure !== undefined) throw failure;
  terminal.print(`PROVEN  ${top}: ${events.all} events (${events.user} of yours, ${events.corner} corners, ${events.random} random), every output bit in every cycle, latency ${result.latencyMeasured} cycles, ${result.simulator}`);
  for (const check of checks) terminal.print(`  ${check.name}: ${check.vectors} events, ${check.mismatches} mismatches`);
  return 0;
}
