import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompileError } from '../errors.js';
import type { Probe } from './bench.js';
import { benchWrapper } from './bench.js';
import type { Dut } from './dut.js';
import type { RunResult } from './processes.js';
import { inParallel, makeTempFolder, runProcess } from './processes.js';
import type { FoundTool } from './tools.js';
import { PACKAGE_ROOT } from './tools.js';

/** What the drivers share. */
export interface SimulationOptions {
  readonly verilator: FoundTool;
  readonly compiler: FoundTool;
  readonly jobs: number;
  /** For each child process. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((step: string) => void) | undefined;
}

/** Generated C++ above this many characters is split over several compiler runs. */
const CHARACTERS_A_UNIT = 1_500_000;
/** Simulations of at least this many events repay the compiler's optimisation; for fewer it takes longer than it saves. */
const EVENTS_OPTIMISED = 200_000;

/** Verilator's wrapper of a design, built into the program `<folder>/bench`. Throws CompileError kind `verification`. */
export async function buildSimulation(dut: Dut, probes: readonly Probe[], events: number, folder: string, options: SimulationOptions): Promise<string> {
  writeFileSync(join(folder, `${dut.top}.v`), dut.verilog);
  writeFileSync(join(folder, 'trigforge_bench.v'), benchWrapper(dut, probes));
  const harness = join(PACKAGE_ROOT, 'testbench', 'harness.cpp');
  return buildProgram(['trigforge_bench.v', `${dut.top}.v`], harness, events >= EVENTS_OPTIMISED ? '-O1' : '-O0', folder, options);
}

/** Module `trigforge_bench` of the folder's Verilog files and a C++ main program, built into `<folder>/bench`. */
export async function buildProgram(files: readonly string[], main: string, level: '-O0' | '-O1', folder: string, options: SimulationOptions): Promise<string> {
  const { verilator, compiler } = options;
  options.onProgress?.('translating the Verilog');
  const translated = await runProcess(
    verilator.command,
    [
      ...verilator.prefixArgs, '--cc', '--prefix', 'Vbench', '--top-module', 'trigforge_bench', '--Mdir', 'obj',
      '--x-initial', 'unique', '--output-split', '20000', '--output-split-cfuncs', '2000', '-Wno-lint', '-Wno-fatal', '-O3',
      ...files,
    ],
    { cwd: folder, env: verilator.env, timeoutSeconds: options.timeoutSeconds, signal: options.signal },
  );
  requireSuccess(translated, 'verilator', 'the emitted Verilog does not translate');
  const obj = join(folder, 'obj');
  const units = groupSources(obj, main);
  const include = join(verilator.root ?? '', 'include');
  const flags = [...compiler.prefixArgs, '-std=c++17', '-w', '-pthread', `-I${include}`, `-I${join(include, 'vltstd')}`, `-I${obj}`];
  // A compiler that is stopped leaves its intermediate files: in our folder they go with it.
  const compilerEnv = { ...compiler.env, TMPDIR: folder };
  const compile = async (source: string, object: string, how: string) => {
    const result = await runProcess(compiler.command, [...flags, how, '-c', source, '-o', object], {
      cwd: folder, env: compilerEnv, timeoutSeconds: options.timeoutSeconds, signal: options.signal,
    });
    requireSuccess(result, compiler.info.name, 'the simulation does not compile');
    return object;
  };
  options.onProgress?.(`compiling the simulation (${units.length} files)`);
  const tasks = [
    () => runtimeObjects(options, include, obj, compile),
    ...units.map((source, i) => async () => [await compile(source, join(folder, `unit${i}.o`), level)]),
  ];
  const objects = (await inParallel(tasks, options.jobs, (task) => task())).flat().reverse();
  const program = join(folder, 'bench');
  const linked = await runProcess(compiler.command, [...flags, ...objects, '-o', program], {
    cwd: folder, env: compilerEnv, timeoutSeconds: options.timeoutSeconds, signal: options.signal,
  });
  requireSuccess(linked, compiler.info.name, 'the simulation does not link');
  return program;
}

/** Verilator's files and the main program, gathered into units of bounded size: each file alone would read all headers again. */
function groupSources(obj: string, main: string): string[] {
  const sources = readdirSync(obj).filter((name) => name.endsWith('.cpp')).sort();
  const groups: string[][] = [[]];
  let inGroup = 0;
  for (const name of sources) {
    const size = statSync(join(obj, name)).size;
    if (inGroup > 0 && inGroup + size > CHARACTERS_A_UNIT) {
      groups.push([]);
      inGroup = 0;
    }
    groups[groups.length - 1]?.push(name);
    inGroup += size;
  }
  groups[groups.length - 1]?.push(main);
  return groups.map((group, i) => {
    const file = join(obj, `group${i}.cc`);
    writeFileSync(file, group.map((name) => `#include "${name}"\n`).join(''));
    return file;
  });
}

/** Compiled once a process: Verilator's own runtime takes longer than a small design. */
const runtimes = new Map<string, Promise<string[]>>();
let runtimeFolder: string | undefined;

function runtimeObjects(
  options: SimulationOptions,
  include: string,
  obj: string,
  compile: (source: string, object: string, how: string) => Promise<string>,
): Promise<string[]> {
  const names = runtimeSources(obj);
  const key = [options.verilator.command, options.compiler.command, ...names].join('\n');
  const known = runtimes.get(key);
  if (known !== undefined) return known;
  runtimeFolder ??= makeTempFolder();
  const prefix = join(runtimeFolder, `r${runtimes.size}`);
  const made = inParallel(names, 1, (name) => compile(join(include, `${name}.cpp`), `${prefix}_${name}.o`, '-O0'));
  runtimes.set(key, made);
  made.catch(() => runtimes.delete(key));
  return made;
}

/** Which runtime files this Verilator wants linked, as its generated makefile fragment says. */
function runtimeSources(obj: string): string[] {
  const text = readFileSync(join(obj, 'Vbench_classes.mk'), 'utf8').replace(/\\\n/g, ' ');
  const names = [...text.matchAll(/^VM_GLOBAL_(?:FAST|SLOW) \+?=(.*)$/gm)].flatMap((match) => (match[1] ?? '').trim().split(/\s+/));
  return [...new Set(names.filter((name) => /^\w+$/.test(name)))];
}

/** Throws where a child did not end well: kind `verification` for what it said, `tool` where it could not say it. */
export function requireSuccess(result: RunResult, tool: string, what: string): void {
  if (result.exitCode === 0) return;
  if (result.ended === 'abort') throw new CompileError('verification', { code: 'aborted', where: [tool], what: 'verification was stopped.' });
  if (result.ended === 'timeout') {
    throw new CompileError('verification', {
      code: 'simulation-timeout', where: [tool], what: `${what}: it ran out of time.`, mend: 'Verify with fewer vectors, or with --verify emulator.',
    });
  }
  if (result.ended === 'not-started') throw new CompileError('tool', { code: 'tool-broken', where: [tool], what: `does not start: ${result.stderr}` });
  const text = `${result.stderr}\n${result.stdout}`;
  const line = text.split('\n').find((l) => /error/i.test(l)) ?? text.trim().split('\n')[0] ?? '';
  throw new CompileError('verification', { code: 'simulation-failed', where: [tool], what: `${what}: ${line.trim().slice(0, 500)}` });
}
