import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { runInNewContext } from 'node:vm';
import type { OutputFile } from '../../src/backends/backend.js';
import { portNames } from '../../src/backends/verilog/names.js';
import { elementPortNames } from '../../src/backends/wrappers.js';
import type { Circuit } from '../../src/circuit/circuit.js';
import { evaluateCircuit } from '../../src/circuit/evaluate.js';
import { circuitFromText } from '../../src/circuit/text.js';
import type { CompileResult } from '../../src/compile.js';
import { scheduleFromText } from '../../src/compile/scheduleText.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import type { Int } from '../../src/fixed/integer.js';
import { fromBigInt } from '../../src/fixed/integer.js';
import type { Schedule } from '../../src/timing/schedule.js';
import type { BusPort, Dut, RawEvent } from '../../src/verify/dut.js';
import { busWidth, dutOf, packBus } from '../../src/verify/dut.js';
import { standaloneTestbench } from '../../src/verify/standalone.js';
import { findTool, PACKAGE_ROOT } from '../../src/verify/tools.js';
import { makeVectors } from '../../src/verify/vectors.js';
import { verifyVerilog } from '../../src/verify/verilator.js';
import { compiler, make, mustRun, writeFiles } from '../backends/cpp/build.js';
import { simulateStreams } from '../hdl/streams.js';

/** The open ap_fixed headers, from the wheel that set-up installs; undefined where it could not. */
export function apTypes(): string | undefined {
  const lib = join(PACKAGE_ROOT, '.venv/lib');
  const folders = existsSync(lib) ? readdirSync(lib).map((python) => join(lib, python, 'site-packages/hls4ml/templates/vivado/ap_types')) : [];
  return folders.find((folder) => existsSync(join(folder, 'ap_fixed.h')));
}

/** What the backends wrote of a circuit placed in time. */
export interface EmittedDesign {
  readonly top: string;
  readonly schedule: Schedule;
  readonly files: readonly OutputFile[];
}

/** The design of a compilation, read back from its folder's own files. */
export function designOf({ files }: CompileResult): EmittedDesign {
  const text = (path: string): string => files.find((file) => file.path === path)!.text;
  return { files, ...scheduleFromText(text('circuit.schedule.json'), circuitFromText(text('circuit.txt')), 'circuit.schedule.json') };
}

/** A compiled model with events and what the reference evaluator makes of them. */
interface Chain {
  readonly folder: string;
  readonly top: string;
  readonly circuit: Circuit;
  readonly schedule: Schedule;
  readonly text: (path: string) => string;
  readonly events: readonly RawEvent[];
  readonly expected: readonly RawEvent[];
}

/** Every form of a model that this machine can run. */
const LINKS: Readonly<Record<string, (chain: Chain) => Promise<number>>> = {
  'fast emulator': fastEmulator,
  TypeScript: generatedTypescript,
  'C++': (chain) => checkProgram(chain, make(chain.folder, ['check'], '-O0')),
  'HLS C++': async (chain) => checkProgram(chain, mustRun('make', ['-s', 'check', `AP_TYPES=${apTypes()}`, 'CXXFLAGS=-O0', `CXX=${[compiler.command, ...compiler.prefixArgs].join(' ')}`], join(chain.folder, 'vitis'), compiler.env)),
  'Verilog, ports and VHDL': verilogAndVhdl,
  'AXI4-Stream': axiStream,
};

/**
 * Mismatches of every form of a compiled model against the reference evaluator, all on the same events (the user's as raw
 * integers, corners, random ones; `events` in all, at least). Forms whose tool is not on this machine are left out.
 */
export async function mismatchesByForm(design: EmittedDesign, folder: string, events: number, user: readonly RawEvent[] = []): Promise<Record<string, number>> {
  const { files, schedule, top } = design;
  const { circuit } = schedule;
  const text = (path: string): string => files.find((file) => file.path === path)!.text;
  const vectors = makeVectors(circuit, { user, maxCorners: 128, random: Math.max(64, events - user.length) }).events;
  const expected = vectors.map((event) => evaluateCircuit(circuit, event as Int[][]));
  const bench = standaloneTestbench(dutOf(schedule, top, ''), vectors, expected, 1);
  writeFiles(folder, [...files, ...bench]);
  const chain = { folder, top, circuit, schedule, text, events: vectors, expected };
  const found: Record<string, number> = {};
  for (const [name, run] of Object.entries(LINKS)) {
    if (name === 'HLS C++' && apTypes() === undefined) continue;
    found[name] = await run(chain);
  }
  return found;
}

function differing(got: readonly RawEvent[], { expected }: Chain): number {
  return expected.filter((event, e) => event.some((port, p) => port.some((n, i) => got[e]?.[p]?.[i] !== n))).length;
}

async function fastEmulator(chain: Chain): Promise<number> {
  return differing(compileEmulator(chain.circuit).runRawBatch(chain.events as Int[][][]), chain);
}

async function generatedTypescript(chain: Chain): Promise<number> {
  const { circuit, events, top } = chain;
  const { code } = transformSync(chain.text(`emulator/typescript/${top}.ts`), { loader: 'ts', format: 'cjs' });
  const module = { exports: {} as { predictRawBatch: (events: number, input: object) => Record<string, readonly (number | bigint)[]> } };
  runInNewContext(code, { module, exports: module.exports });
  const names = portNames(circuit);
  const input = Object.fromEntries(names.inputs.map((name, p) => [name, events.flatMap((event) => event[p] as Int[])]));
  const result = module.exports.predictRawBatch(events.length, input);
  const got = events.map((_, e) => names.outputs.map((name, p) => {
    const elements = chain.expected[0]![p]!.length;
    return Array.from({ length: elements }, (_, i) => fromBigInt(BigInt(result[name]![e * elements + i]!)));
  }));
  return differing(got, chain);
}

/** What a check program says; an event that it left out counts as wrong. */
async function checkProgram(chain: Chain, run: Promise<string>): Promise<number> {
  const [, events, mismatches] = /(\d+) events, (\d+) mismatches/.exec(await run) ?? [];
  return Number(mismatches) + chain.events.length - Number(events);
}

/** The VHDL entity as Verilog, by GHDL; the core stays a module of its own, which is left out. Undefined without GHDL. */
async function vhdlAsVerilog({ folder, top, circuit }: Chain): Promise<string | undefined> {
  const ghdl = await findTool('ghdl');
  if (ghdl === undefined) return undefined;
  const text = await mustRun(ghdl.command, ['synth', '--std=08', '--out=verilog', '-Wno-binding', `${top}_pkg.vhd`, `${top}_vhdl.vhd`, '-e', `${top}_vhdl`], join(folder, 'vhdl'));
  const bodies = text.split(/(?<=^endmodule)\n/m).filter((module) => !new RegExp(`^module ${top.toLowerCase()}\\s`, 'm').test(module));
  // VHDL does not tell capitals from small letters, and GHDL writes all small: the core's own names again.
  const names = portNames(circuit);
  const spelt = [...names.inputs, ...names.outputs].reduce((own, name) => own.replaceAll(`.${name.toLowerCase()}(`, `.${name}(`), bodies.join('\n'));
  return spelt.replace(new RegExp(`^(\\s+)${top.toLowerCase()} core \\(`, 'm'), `$1${top} core (`);
}

/** Elements as GHDL lays an array of them: the first highest. A bus of elements of several types is one vector: as it is. */
function reversed(port: BusPort, bus: string): string {
  const width = port.elements[0]!.width;
  if (port.elements.some((element) => element.width !== width || element.signed !== port.elements[0]!.signed)) return bus;
  return `{${port.elements.map((_, i) => `${bus}[${i * width} +: ${width}]`).join(', ')}}`;
}

/** Core, ports wrapper and, by GHDL, VHDL entity side by side: outputs and valid of each, cycle by cycle, in Verilator. */
async function verilogAndVhdl(chain: Chain): Promise<number> {
  const { top, schedule } = chain;
  const core = dutOf(schedule, top, '');
  const vhdl = await vhdlAsVerilog(chain);
  const clocked = core.latencyCycles > 0 ? ['clk', 'rst'] : [];
  const forms = ['core', 'ports', ...(vhdl === undefined ? [] : ['vhdl'])];
  const declared = (direction: string, ports: readonly BusPort[]): string[] => ports.map((port) => `${direction} wire [${busWidth(port) - 1}:0] ${port.port}`);
  const outputs = forms.flatMap((form) => core.outputs.map((port) => ({ ...port, port: `${form}_${port.port}` })));
  const named = elementPortNames(schedule, {});
  const elements = (ports: readonly BusPort[], names: readonly (readonly string[])[], prefix: string): string[] => ports.flatMap((port, p) => {
    let at = 0;
    return port.elements.map(({ width }, i) => `.${names[p]![i]}(${prefix}${port.port}[${(at += width) - 1}:${at - width}])`);
  });
  const plain = (names: readonly string[]): string[] => names.map((name) => `.${name}(${name})`);
  const lines = [
    `  ${top} of_core (${[...plain([...clocked, 'valid_in', ...core.inputs.map((port) => port.port)]), ...core.outputs.map((port) => `.${port.port}(core_${port.port})`), '.valid_out(valid_out)'].join(', ')});`,
    `  ${top}_ports of_ports (${[...plain([...clocked, 'valid_in']), ...elements(core.inputs, named.inputs, ''), ...elements(core.outputs, named.outputs, 'ports_'), '.valid_out(valid_ports)'].join(', ')});`,
  ];
  if (vhdl !== undefined) {
    lines.push(
      ...core.outputs.map((port) => `  wire [${busWidth(port) - 1}:0] laid_${port.port};\n  assign vhdl_${port.port} = ${reversed(port, `laid_${port.port}`)};`),
      `  ${top.toLowerCase()}_vhdl of_vhdl (${[...clocked, 'valid_in', ...core.inputs.map((port) => reversed(port, port.port)), ...core.outputs.map((port) => `laid_${port.port}`), 'valid_vhdl'].join(', ')});`,
    );
  }
  const agree = ['valid_ports', ...(vhdl === undefined ? [] : ['valid_vhdl'])];
  const shim = [
    'module side_by_side (',
    [...clocked.map((name) => `input wire ${name}`), 'input wire valid_in', ...declared('input', core.inputs), ...declared('output', outputs), 'output wire [0:0] agree', 'output wire valid_out'].join(',\n'),
    ');', ...agree.map((name) => `  wire ${name};`), `  assign agree = ${agree.map((name) => `${name} == valid_out`).join(' && ')};`, ...lines, 'endmodule',
  ].join('\n');
  const dut: Dut = {
    ...core, top: 'side_by_side', outputs: [...outputs, { port: 'agree', tensor: 'agree', elements: [{ width: 1, signed: false }] }],
    verilog: [shim, vhdl ?? '', chain.text(`verilog/${top}_ports.v`), chain.text(`verilog/${top}.v`)].join('\n'),
  };
  const expected = chain.expected.map((event) => [...forms.flatMap(() => event), [1]]);
  const { checks } = await verifyVerilog({ dut, vectors: chain.events, expected });
  // GHDL's Verilog is not ours to keep free of warnings.
  return checks.filter((check) => check.name !== 'lint').reduce((sum, check) => sum + check.mismatches, 0);
}

async function axiStream({ top, schedule, events, expected, text }: Chain): Promise<number> {
  const dut = dutOf(schedule, top, '');
  const bits = (ports: readonly BusPort[]): number => 8 * Math.ceil(ports.reduce((sum, port) => sum + busWidth(port), 0) / 8);
  const lane = {
    latency: schedule.latencyCycles, inBits: bits(dut.inputs), outBits: bits(dut.outputs),
    events: events.map((event, e) => ({ input: packBus(dut.inputs, event), output: packBus(dut.outputs, expected[e]!) })),
    instance: (p: Readonly<Record<'sData' | 'sValid' | 'sReady' | 'mData' | 'mValid' | 'mReady', string>>) =>
      `${top}_axis lane (.aclk(clk), .aresetn(!rst), .s_axis_tdata(${p.sData}), .s_axis_tvalid(${p.sValid}), .s_axis_tready(${p.sReady}), .m_axis_tdata(${p.mData}), .m_axis_tvalid(${p.mValid}), .m_axis_tready(${p.mReady}));`,
  };
  const files = { [`${top}.v`]: text(`verilog/${top}.v`), [`${top}_axis.v`]: text(`verilog/${top}_axis.v`) };
  const { faults, lines } = await simulateStreams([lane], files, 2 * events.length);
  const taken = lines.map((line) => /unstalled, lane 0: (\d+) taken/.exec(line)?.[1]).find((count) => count !== undefined);
  return faults.length + (Number(taken) >= Math.min(events.length, 1900) ? 0 : 1);
}
