import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CELL_MARK } from '../backends/verilog/luts/cells.js';
import { CompileError } from '../errors.js';
import type { Dut } from './dut.js';
import type { RunResult } from './processes.js';
import { runProcess, withTempFolder } from './processes.js';
import type { FoundTool } from './tools.js';
import { findTool, requireTools, toolInfo } from './tools.js';
import { pinWrapper } from './pinWrapper.js';

/** Which family's cells are mapped to. */
export const SYNTHESIS_FLOWS = ['xilinx', 'ecp5'] as const;
export type SynthesisFlow = (typeof SYNTHESIS_FLOWS)[number];

/** What synthesis, and for ECP5 place and route, made of a design. */
export interface Synthesis {
  /** `yosys-xilinx` or `yosys-ecp5`. */
  readonly flow: string;
  /** Xilinx: LUT1 to LUT6 and inverters, which are a LUT unless a neighbour takes them in. ECP5: LUT4, and two a carry cell. */
  readonly lut: number;
  readonly ff: number;
  /** CARRY4 or CCU2C cells. */
  readonly carry: number;
  readonly dsp: number;
  readonly bram: number;
  /** Of `lut`, the inverters. */
  readonly inverters?: number;
  /** After place and route, register to register, inputs and outputs registered outside the design. */
  readonly fmaxMHz?: number;
  /** The programs and their versions. */
  readonly tool: string;
}

export interface SynthesisRequest {
  readonly flow: SynthesisFlow;
  /** The part's family, which chooses among the Xilinx cells: `7-series`, `UltraScale`, `UltraScale+`. */
  readonly family: string;
  readonly dut: Dut;
  /** What place and route aims at. */
  readonly clockMHz: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((step: string) => void) | undefined;
}

/** For each child process. */
const TIMEOUT_SECONDS = 4 * 3600;

const XILINX_FAMILIES: Readonly<Record<string, string>> = { '7-series': 'xc7', UltraScale: 'xcu', 'UltraScale+': 'xcup' };

/**
 * Yosys on the emitted Verilog, without DSPs, block RAMs and shift-register LUTs; for ECP5 nextpnr behind it, where it is
 * installed.
 *
 * @throws CompileError: kind `tool` where Yosys is missing or fails.
 */
export async function synthesise(request: SynthesisRequest): Promise<{ readonly synthesis: Synthesis; readonly warnings: readonly string[] }> {
  const [yosys] = await requireTools(['yosys']);
  return request.flow === 'xilinx' ? { synthesis: await xilinx(request, yosys as FoundTool), warnings: [] } : ecp5(request, yosys as FoundTool);
}

async function xilinx(request: SynthesisRequest, yosys: FoundTool): Promise<Synthesis> {
  const { dut } = request;
  const family = XILINX_FAMILIES[request.family] ?? 'xcup';
  const cells = await withTempFolder(async (folder) => {
    writeFileSync(join(folder, 'design.v'), dut.verilog);
    const synth = `synth_xilinx -family ${family} -flatten -noiopad -noclkbuf -nodsp -nobram -nosrl -top ${dut.top}`;
    await yosysScript(yosys, folder, [`read_verilog -sv design.v`, `hierarchy -check -top ${dut.top}`, synth, STAT], request);
    return cellsOf(join(folder, 'stat.json'));
  });
  const inverters = count(cells, /^INV$/);
  return {
    flow: 'yosys-xilinx', lut: count(cells, /^LUT[1-6](_2)?$/) + inverters, ff: count(cells, /^FD/), carry: count(cells, /^CARRY/),
    dsp: count(cells, /^DSP/), bram: count(cells, /^RAMB/), inverters, tool: named('Yosys', yosys),
  };
}

async function ecp5(request: SynthesisRequest, yosys: FoundTool): ReturnType<typeof synthesise> {
  const { dut, clockMHz, seed } = request;
  if (dut.verilog.includes(CELL_MARK)) {
    throw new CompileError('unsupported', {
      code: 'vendor-cells', where: ['--flow', 'ecp5'], what: `${dut.top} is made of Xilinx cells (--primitives xilinx).`, mend: 'Use --flow xilinx, or compile with --primitives generic.',
    });
  }
  const router = await findTool('nextpnr-ecp5');
  return withTempFolder(async (folder) => {
    writeFileSync(join(folder, 'design.v'), dut.verilog);
    writeFileSync(join(folder, 'pins.v'), pinWrapper(dut, PINS));
    const synth = (top: string): string[] => [`hierarchy -check -top ${top}`, `synth_ecp5 -nodsp -nobram -top ${top}`];
    await yosysScript(yosys, folder, ['read_verilog -sv design.v', ...synth(dut.top), STAT], request);
    const cells = cellsOf(join(folder, 'stat.json'));
    const carry = count(cells, /^CCU2C$/);
    const synthesis = {
      flow: 'yosys-ecp5', lut: count(cells, /^LUT4$/) + 2 * carry, ff: count(cells, /^TRELLIS_FF$/), carry,
      dsp: count(cells, /^(MULT|ALU)/), bram: count(cells, /^(DP16KD|PDPW16KD)$/), tool: named('Yosys', yosys),
    };
    if (router?.recentEnough !== true) return { synthesis, warnings: [`no Fmax: nextpnr-ecp5 is not there (${toolInfo('nextpnr-ecp5').howToGet}).`] };
    await yosysScript(yosys, folder, ['read_verilog -sv design.v pins.v', ...synth(PINS), 'write_json pins.json'], request);
    request.onStep?.('placing and routing');
    const part = ['--um5g-85k', '--package', 'CABGA756', '--speed', '8'];
    const how = ['--freq', String(clockMHz), '--timing-allow-fail', '--lpf-allow-unconstrained', '--seed', String(seed)];
    const result = await runProcess(router.command, [...router.prefixArgs, ...part, ...how, '--json', 'pins.json', '--report', 'routed.json', '-q'], {
      cwd: folder, env: router.env, timeoutSeconds: TIMEOUT_SECONDS, signal: request.signal,
    });
    requireGood(result, 'nextpnr-ecp5');
    const fmaxMHz = routedFmax(readFileSync(join(folder, 'routed.json'), 'utf8'));
    return { synthesis: { ...synthesis, ...(fmaxMHz === undefined ? {} : { fmaxMHz }), tool: `${synthesis.tool}, ${named('nextpnr', router)}` }, warnings: [] };
  });
}

const STAT = 'tee -q -o stat.json stat -json';

/** Name of the module that holds the design and four pins. */
const PINS = 'trigforge_pins';

function named(name: string, tool: FoundTool): string {
  return `${name} ${tool.version}`;
}

async function yosysScript(yosys: FoundTool, folder: string, lines: readonly string[], { signal, onStep }: SynthesisRequest): Promise<void> {
  onStep?.(`synthesising with Yosys ${yosys.version}${yosys.prefixArgs.length > 0 ? ', as WebAssembly, which is slower than a native one' : ''}`);
  writeFileSync(join(folder, 'script.ys'), `${lines.join('\n')}\n`);
  const result = await runProcess(yosys.command, [...yosys.prefixArgs, '-q', '-s', 'script.ys'], { cwd: folder, env: yosys.env, timeoutSeconds: TIMEOUT_SECONDS, signal });
  requireGood(result, 'yosys');
}

function requireGood(result: RunResult, tool: string): void {
  if (result.exitCode === 0) return;
  const said = `${result.stderr}\n${result.stdout}`.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const reason = { itself: said.find((line) => /error/i.test(line)) ?? said.at(-1) ?? `exit code ${result.exitCode ?? '?'}`, timeout: 'ran out of time', abort: 'was stopped', 'output-limit': 'said too much', 'not-started': 'does not start' }[result.ended];
  throw new CompileError('tool', { code: 'synthesis-failed', where: [tool], what: `${reason.slice(0, 500)}.` });
}

type Cells = Readonly<Record<string, number>>;

/** Cells by type, of the whole design. */
function cellsOf(file: string): Cells {
  const text = readFileSync(file, 'utf8');
  // Some versions write a line of their own before it.
  const stat = JSON.parse(text.slice(text.indexOf('{'))) as { readonly design?: { readonly num_cells_by_type?: Cells } };
  return stat.design?.num_cells_by_type ?? {};
}

function count(cells: Cells, type: RegExp): number {
  return Object.entries(cells).reduce((sum, [name, n]) => sum + (type.test(name) ? n : 0), 0);
}

/** The lowest of all clocks' frequencies in nextpnr's report. */
function routedFmax(text: string): number | undefined {
  const clocks = Object.values((JSON.parse(text) as { readonly fmax?: Readonly<Record<string, { readonly achieved: number }>> }).fmax ?? {});
  return clocks.length === 0 ? undefined : Math.round(100 * Math.min(...clocks.map((clock) => clock.achieved))) / 100;
}
