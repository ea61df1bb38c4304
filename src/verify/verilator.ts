import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompileError, invariant } from '../errors.js';
import { benchFile } from './bench.js';
import type { Dut, Raw, RawEvent } from './dut.js';
import type { Phase } from './plan.js';
import { planPhases } from './plan.js';
import { runProcess, withTempFolder } from './processes.js';
import type { SimulationOptions } from './simulation.js';
import { buildSimulation, requireSuccess } from './simulation.js';
import { findTool, requireTools } from './tools.js';

/** One thing that was checked. `vectors`: how many events (0 where none are involved); `mismatches`: cycles or messages. */
export interface Check {
  readonly name: string;
  readonly vectors: number;
  readonly mismatches: number;
}

/** One output element (or valid_out) that was not what it must be. */
export interface Mismatch {
  readonly phase: string;
  readonly cycle: number;
  /** Index into the vectors; −1 where none was due. */
  readonly event: number;
  /** Tensor name, or `valid_out`. */
  readonly output: string;
  readonly element: number;
  readonly expected: Raw;
  readonly got: Raw | string;
}

export interface Verification {
  /** `verilator 5.006`. */
  readonly simulator: string;
  /** Distinct events simulated. */
  readonly vectors: number;
  /** Sum over all checks; 0 is proven good. */
  readonly mismatches: number;
  readonly checks: readonly Check[];
  /** Register ranks until the first valid_out after a lone valid_in; undefined where none came. */
  readonly latencyMeasured: number | undefined;
  readonly firstMismatch?: Mismatch;
  /** At most 10 a phase. */
  readonly shown: readonly Mismatch[];
  /** What `verilator -Wall` says, a message a line. */
  readonly lint: readonly string[];
}

export interface VerifyRequest {
  readonly dut: Dut;
  readonly vectors: readonly RawEvent[];
  /** Outputs of each vector, from the emulator. */
  readonly expected: readonly RawEvent[];
  readonly seed?: number;
  readonly jobs?: number;
  /** For each child process; 1200 without it. */
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: string) => void;
}

/** The tools and limits of a request. Throws CompileError kind `tool` where one lacks. */
export async function simulationOptions(request: Omit<VerifyRequest, 'dut' | 'vectors' | 'expected'>): Promise<SimulationOptions> {
  const [verilator, compiler] = await requireTools(['verilator', 'g++']);
  invariant(verilator !== undefined && compiler !== undefined, 'requireTools gives every tool it was asked for');
  return {
    verilator, compiler,
    jobs: request.jobs ?? 2,
    timeoutSeconds: request.timeoutSeconds ?? 1200,
    signal: request.signal,
    onProgress: request.onProgress,
  };
}

/**
 * Proves emitted Verilog against expected outputs in Verilator, every output bit in every cycle: lint (-Wall), latency
 * measured, back to back, with bubbles in valid, across resets. Mismatches are data; what throws is a lacking tool
 * (kind `tool`) or Verilog that no tool accepts (kind `verification`).
 */
export async function verifyVerilog(request: VerifyRequest): Promise<Verification> {
  const { dut, vectors } = request;
  invariant(vectors.length > 0 && vectors.length === request.expected.length, 'verification needs vectors, each with its expected outputs');
  const options = await simulationOptions(request);
  return withTempFolder(async (folder) => {
    const lint = await lintVerilog(dut, folder, options);
    const program = await buildSimulation(dut, [], vectors.length, folder, options);
    options.onProgress?.(`simulating ${vectors.length} events`);
    const seed = request.seed ?? 1;
    const output = await runBench(program, folder, dut, vectors, request.expected, planPhases(vectors.length, dut.latencyCycles, seed), options, seed);
    return summarise(dut, vectors.length, `verilator ${options.verilator.version}`, lint, output);
  });
}

/** Messages of `verilator --lint-only -Wall` on the design alone. */
export async function lintVerilog(dut: Dut, folder: string, options: SimulationOptions): Promise<string[]> {
  options.onProgress?.('lint');
  const { verilator } = options;
  writeFileSync(join(folder, `${dut.top}.v`), dut.verilog);
  const result = await runProcess(
    verilator.command,
    [...verilator.prefixArgs, '--lint-only', '-Wall', '-Wno-fatal', '-fno-dfg', '--default-language', '1364-2005', '--top-module', dut.top, `${dut.top}.v`],
    { cwd: folder, env: verilator.env, timeoutSeconds: options.timeoutSeconds, signal: options.signal },
  );
  const messages = `${result.stderr}\n${result.stdout}`.split('\n').filter((line) => /^%(Warning|Error)/.test(line));
  if (messages.length === 0) requireSuccess(result, 'verilator', 'lint fails');
  return messages;
}

/** What the harness said, phase by phase. */
export interface BenchOutput {
  readonly phases: readonly PhaseResult[];
  readonly mismatches: readonly Mismatch[];
  /** Everything else it printed (the probes). */
  readonly other: readonly string[];
}

interface PhaseResult {
  readonly phase: string;
  readonly cycles: number;
  readonly vectors: number;
  readonly mismatches: number;
  readonly latency: number;
}

/** Runs the built harness over the phases. */
export async function runBench(
  program: string,
  folder: string,
  dut: Dut,
  vectors: readonly RawEvent[],
  expected: readonly RawEvent[],
  phases: readonly Phase[],
  options: SimulationOptions,
  seed: number,
): Promise<BenchOutput> {
  const file = join(folder, 'bench.txt');
  writeFileSync(file, benchFile(dut, vectors, expected, phases));
  const result = await runProcess(program, [file, '--json', '--seed', String(seed)], {
    cwd: folder, timeoutSeconds: options.timeoutSeconds, signal: options.signal,
  });
  if (result.exitCode !== 1) requireSuccess(result, 'simulation', 'it ended abnormally');
  const output = parseBenchOutput(dut, result.stdout);
  invariant(output.phases.length === phases.length, `the simulation reported ${output.phases.length} of ${phases.length} phases`);
  return output;
}

function parseBenchOutput(dut: Dut, text: string): BenchOutput {
  const phases: PhaseResult[] = [];
  const mismatches: Mismatch[] = [];
  const other: string[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('{')) {
      if (line !== '') other.push(line);
      continue;
    }
    const parsed = JSON.parse(line) as PhaseResult | { readonly mismatch: RawMismatch };
    if ('mismatch' in parsed) mismatches.push(readMismatch(dut, parsed.mismatch));
    else phases.push(parsed);
  }
  return { phases, mismatches, other };
}

interface RawMismatch {
  readonly phase: string;
  readonly cycle: number;
  readonly event: number;
  readonly tensor: number;
  readonly element: number;
  readonly expected: string;
  readonly got: string;
}

function readMismatch(dut: Dut, raw: RawMismatch): Mismatch {
  const { phase, cycle, event, element } = raw;
  const output = dut.outputs[raw.tensor]?.tensor ?? 'valid_out';
  return { phase, cycle, event, output, element, expected: toRaw(raw.expected), got: toRaw(raw.got) };
}

function toRaw(text: string): Raw {
  const n = Number(text);
  return Number.isSafeInteger(n) ? n : BigInt(text);
}

/** The checks by name, from what lint and harness said. */
function summarise(dut: Dut, vectors: number, simulator: string, lint: readonly string[], output: BenchOutput): Verification {
  const measured = output.phases.find((phase) => phase.phase === 'latency')?.latency ?? -1;
  const checks: Check[] = [{ name: 'lint', vectors: 0, mismatches: lint.length }];
  for (const phase of output.phases) {
    // A latency other than declared is a failure even where every later comparison happened to agree.
    const wrongLatency = phase.phase === 'latency' && measured !== dut.latencyCycles;
    checks.push({ name: phase.phase, vectors: phase.vectors, mismatches: Math.max(phase.mismatches, wrongLatency ? 1 : 0) });
  }
  const first = output.mismatches[0];
  return {
    simulator, vectors, checks, lint,
    mismatches: checks.reduce((sum, check) => sum + check.mismatches, 0),
    latencyMeasured: measured < 0 ? undefined : measured,
    ...(first === undefined ? {} : { firstMismatch: first }),
    shown: output.mismatches,
  };
}

/** Whether Verilator and a C++ compiler are there and recent enough. */
export async function canSimulate(): Promise<boolean> {
  const tools = await Promise.all([findTool('verilator'), findTool('g++')]);
  return tools.every((tool) => tool?.recentEnough === true);
}

/** A mismatch in one line, as users see it. */
export function formatMismatch(mismatch: Mismatch): string {
  const what = mismatch.output === 'valid_out' ? 'valid_out' : `${mismatch.output}[${mismatch.element}]`;
  const event = mismatch.event < 0 ? 'no event due' : `event ${mismatch.event}`;
  return `${mismatch.phase}, cycle ${mismatch.cycle}, ${event}: ${what} should be ${mismatch.expected}, is ${mismatch.got}`;
}

/** The error of a failed verification (exit code 3): what failed, the first mismatch, where it comes from. */
export function verificationError(result: Verification, dut: Dut, culprit?: string): CompileError {
  const failed = result.checks.filter((check) => check.mismatches > 0);
  const lines = [`${result.simulator} disagrees: ${failed.map((check) => `${check.name} ${check.mismatches}`).join(', ')} (mismatches).`];
  if (result.latencyMeasured !== dut.latencyCycles) {
    const measured = result.latencyMeasured === undefined ? 'no valid_out came' : `measured ${result.latencyMeasured} cycles`;
    lines.push(`Latency: ${measured}, declared ${dut.latencyCycles}.`);
  }
  if (result.firstMismatch !== undefined) lines.push(`First: ${formatMismatch(result.firstMismatch)}.`);
  if (culprit !== undefined) lines.push(culprit);
  if (result.lint.length > 0) lines.push(`Lint: ${result.lint[0]}.`);
  return new CompileError('verification', {
    code: 'mismatch', where: [dut.top], what: lines.join(' '), mend: 'This is a defect of Trigforge: please report it with the model.',
  });
}
