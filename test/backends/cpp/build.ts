import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OutputFile } from '../../../src/backends/backend.js';
import { cpp } from '../../../src/backends/cpp/cpp.js';
import type { Circuit } from '../../../src/circuit/circuit.js';
import { elementCount } from '../../../src/circuit/circuit.js';
import { deviceOf } from '../../../src/timing/device.js';
import { pipelineCircuit } from '../../../src/timing/pipeline.js';
import type { Schedule } from '../../../src/timing/schedule.js';
import { runProcess } from '../../../src/verify/processes.js';
import { cppTexts } from '../../../src/verify/resources.js';
import type { FoundTool } from '../../../src/verify/tools.js';
import { requireTools } from '../../../src/verify/tools.js';

export const [compiler] = (await requireTools(['g++'])) as [FoundTool];

export function scheduled(circuit: Circuit): Schedule {
  return pipelineCircuit(circuit, deviceOf('xcvu13p'), 40, { mode: 'exactly', cycles: 1 }).schedule;
}

export function emulatorFiles(circuit: Circuit, top: string, modelVersion = 1): readonly OutputFile[] {
  return cpp(cppTexts()).emit(scheduled(circuit), { top, modelName: top, modelVersion, hash: '0'.repeat(64) });
}

export function writeFiles(folder: string, files: readonly OutputFile[]): void {
  for (const file of files) {
    mkdirSync(dirname(join(folder, file.path)), { recursive: true });
    writeFileSync(join(folder, file.path), file.text);
  }
}

/** Runs a program that must succeed; gives what it printed. */
export async function mustRun(command: string, args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const result = await runProcess(command, args, { cwd, env, timeoutSeconds: 170 });
  if (result.exitCode !== 0) throw new Error(`${command} ${args.join(' ')} in ${cwd} ended with ${result.exitCode ?? result.ended}: ${result.stderr.slice(0, 4000)}${result.stdout.slice(0, 2000)}`);
  return result.stdout;
}

/** `make` in the emulator's folder, with this machine's compiler. */
export async function make(folder: string, targets: readonly string[], flags: string): Promise<string> {
  return mustRun('make', ['-s', '-j2', ...targets, `CXX=${[compiler.command, ...compiler.prefixArgs].join(' ')}`, `CXXFLAGS=${flags}`], join(folder, 'emulator/cpp'), compiler.env);
}

/** Builds the program that loads emulators. */
export async function buildHost(folder: string): Promise<string> {
  const program = join(folder, 'host');
  await mustRun(compiler.command, [...compiler.prefixArgs, '-std=c++17', '-O1', join(import.meta.dirname, 'host.cpp'), '-o', program, '-ldl'], folder, compiler.env);
  return program;
}

type Words = Float64Array | BigInt64Array;

/** Arguments of a run: the values of each port, event after event, go to a file. */
export function runArguments(folder: string, library: number, mode: 'dd' | 'di' | 'id' | 'ii', circuit: Circuit, events: number, inputs: readonly Words[], name: string): string[] {
  const file = join(folder, `${name}.bin`);
  const elements = (ports: Circuit['inputs']): string => ports.map(elementCount).join(',');
  writeFileSync(file, Buffer.concat(inputs.map((values) => Buffer.from(values.buffer))));
  return ['run', String(library), mode, String(events), elements(circuit.inputs), elements(circuit.outputs), file];
}

/** The results of a run, all ports in a row. */
export function results(folder: string, name: string): Float64Array & { readonly raw: BigInt64Array } {
  const bytes = readFileSync(join(folder, `${name}.bin.out`));
  const buffer = new Uint8Array(bytes).buffer;
  return Object.assign(new Float64Array(buffer), { raw: new BigInt64Array(buffer) });
}
