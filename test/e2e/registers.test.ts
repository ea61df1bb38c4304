import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Circuit } from '../../src/circuit/circuit.js';
import { typeOfElement } from '../../src/circuit/circuit.js';
import { circuitFromText } from '../../src/circuit/text.js';
import { compile } from '../../src/compile.js';
import { compileEmulator } from '../../src/emulator/emulator.js';
import { rangeOf } from '../../src/fixed/fixedType.js';
import type { Int } from '../../src/fixed/integer.js';
import { runProcess } from '../../src/verify/processes.js';
import { buildProgram } from '../../src/verify/simulation.js';
import { simulationOptions } from '../../src/verify/verilator.js';
import { lintFiles } from '../hdl/lint.js';
import { Random } from '../helpers/random.js';

const folder = mkdtempSync(join(tmpdir(), 'trigforge-registers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function compiled(head: string): Promise<{ readonly circuit: Circuit; readonly text: (path: string) => string; readonly latency: number; readonly hash: string }> {
  const { files, report } = await compile({
    model: { name: 'model.json', bytes: readFileSync(join(import.meta.dirname, '../fixtures/xgboost_binary/model.json')) }, readSide: () => undefined, name: 'forest',
    clockMHz: 320, latency: { mode: 'shortest' }, stated: { text: '' }, inputType: 'ap_ufixed<8,8>', scoreType: 'ap_fixed<12,5>', head,
    part: 'xcvu13p', effort: 'fast', modelVersion: 9, verify: 'none', seed: 1, jobs: 2, command: [], toolVersion: '0', targets: ['verilog', 'cpp', 'vhdl', 'vitis'],
  });
  const text = (path: string): string => files.find((file) => file.path === path)?.text ?? '';
  return { circuit: circuitFromText(text('circuit.txt')), text, latency: report.latency.cycles, hash: /HASH = 256'h([0-9a-f]{64});/.exec(text('verilog/forest_constants.vh'))?.[1] ?? '' };
}

/** Events through the wrapper after each setting of the threshold; the registers that tell what it is first. */
const MAIN = `
#include "Vbench.h"
#include "verilated.h"
#include <cstdio>
#include <cstdlib>
static Vbench top;
static void edge() { top.clk = 0; top.eval(); top.clk = 1; top.eval(); }
static void settle() { top.clk = 0; top.eval(); }
static unsigned read(unsigned address) {
  top.araddr = address; top.arvalid = 1; top.rready = 1;
  edge();
  top.arvalid = 0;
  settle();
  const unsigned data = top.rdata;
  edge();
  return data;
}
static void write(unsigned address, unsigned data) {
  top.awaddr = address; top.awvalid = 1; top.wdata = data; top.wstrb = 15; top.wvalid = 1; top.bready = 1;
  edge();
  top.awvalid = 0; top.wvalid = 0;
  edge(); edge(); edge();
}
int main(int argc, char** argv) {
  std::FILE* file = std::fopen(argv[1], "r");
  top.rst = 1; edge(); top.rst = 0;
  for (unsigned address = 0; address < 64; address += 4) std::printf("%08x ", read(address));
  char kind; unsigned value;
  while (std::fscanf(file, " %c %x", &kind, &value) == 2) {
    if (kind == 't') { write(0x14, value); continue; }
    unsigned long long features = value;
    if (std::fscanf(file, "%x", &value) != 1) return 2;
    top.features = features | (unsigned long long)value << 32;
    top.valid_in = 1; edge(); top.valid_in = 0;
    for (int i = 0; !top.valid_out && i < 100; ++i) edge();
    std::printf("\\n%d", top.margin);
  }
}
`;

describe('--head decision=port', async () => {
  const { circuit, text, latency, hash } = await compiled('decision=port');
  const type = typeOfElement(circuit.inputs[1] as Circuit['inputs'][number], 0);
  const random = new Random(4);
  const events = Array.from({ length: 300 }, () => Array.from({ length: 8 }, () => random.int(0, 255)));
  const decide = (threshold: number): number[] => compileEmulator(circuit).runRawBatch(events.map((event) => [event, [threshold]]) as Int[][][]).map((event) => Number(event[0]?.[0]));

  it('takes the threshold as an input of the score\'s type', async () => {
    expect(circuit.inputs.map(({ name }) => name)).toEqual(['features', 'threshold']);
    const { circuit: scores } = await compiled('score');
    const margins = compileEmulator(scores).runRawBatch(events.map((event) => [event]) as Int[][][]).map((event) => Number(event[0]?.[0]));
    for (const threshold of [-300, -1, 0, 57, margins[0] as number]) expect(decide(threshold)).toEqual(margins.map((margin) => (margin > threshold ? 1 : 0)));
  });

  it('has it behind AXI4-Lite, with version, hash and latency', async () => {
    const options = await simulationOptions({});
    const axil = text('verilog/forest_axil.v');
    for (const name of ['forest_axil.v', 'forest.v']) writeFileSync(join(folder, name), text(`verilog/${name}`));
    // Thresholds between all scores, and those of no event and of every one.
    const thresholds = [type.signed ? -(2 ** (type.width - 1)) : 0, -200, -3, 0, 1, 90, 2 ** (type.width - 1) - 1];
    const body = (event: readonly number[]): string => `e ${event.slice(0, 4).map((n, i) => n * 2 ** (8 * i)).reduce((a, b) => a + b).toString(16)} ${event.slice(4).map((n, i) => n * 2 ** (8 * i)).reduce((a, b) => a + b).toString(16)}`;
    const lines = [...events.map(body), ...thresholds.flatMap((threshold) => [`t ${(threshold >>> 0).toString(16)}`, ...events.map(body)])];
    writeFileSync(join(folder, 'events.txt'), lines.join('\n'));
    const names = ['awaddr', 'awvalid', 'awready', 'wdata', 'wstrb', 'wvalid', 'wready', 'bresp', 'bvalid', 'bready', 'araddr', 'arvalid', 'arready', 'rdata', 'rresp', 'rvalid', 'rready'];
    // The ports of the wrapper, without the prefix of AXI.
    const header = /module forest_axil \(([\s\S]*?)\n\);/.exec(axil)?.[1] ?? '';
    writeFileSync(join(folder, 'bench.v'), `module trigforge_bench(${header.replaceAll('s_axil_', '')}\n);\n  forest_axil axil (.clk(clk), .rst(rst), .valid_in(valid_in), .features(features), .margin(margin), .valid_out(valid_out), ${names.map((name) => `.s_axil_${name}(${name})`).join(', ')});\nendmodule\n`);
    writeFileSync(join(folder, 'main.cc'), MAIN);
    const program = await buildProgram(['bench.v', 'forest_axil.v', 'forest.v'], join(folder, 'main.cc'), '-O0', folder, options);
    const { stdout } = await runProcess(program, [join(folder, 'events.txt')], { cwd: folder, timeoutSeconds: 60 });
    const [registers, ...decisions] = stdout.split('\n');
    const greatest = Number(rangeOf(type).hi);
    const shown = (n: number): string => n.toString(16).padStart(8, '0');
    expect(registers?.trim().split(' ')).toEqual(['54524746', shown(1), shown(9), shown(latency), shown(type.width), shown(greatest), shown(0), shown(0), ...(hash.match(/.{8}/g) ?? [])]);
    // At first nothing is above the threshold.
    expect(decisions.map(Number)).toEqual([...events.map(() => 0), ...thresholds.flatMap(decide)]);
    expect(new Set(decide(0)).size).toBe(2);
    expect(await lintFiles({ 'forest_axil.v': axil, 'forest.v': text('verilog/forest.v') }, 'forest_axil')).toEqual([]);
  }, 60_000);

  it('says version and hash in every language', async () => {
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const user = 'module user(output wire [31:0] a, output wire [255:0] b);\n  INCLUDED\n  assign a = FOREST_MODEL_VERSION + FOREST_LATENCY_CYCLES + FOREST_FEATURES_BITS;\n  assign b = FOREST_MODEL_HASH;\nendmodule\n';
    expect(await lintFiles({ 'user.v': user.replace('INCLUDED', text('verilog/forest_constants.vh')) }, 'user')).toEqual([]);
    expect(text('verilog/forest_constants.vh')).toContain("localparam [31:0] FOREST_MODEL_VERSION = 32'd9;");
    expect(text('verilog/forest_constants.vh')).toContain('localparam integer FOREST_FEATURES_BITS = 64;');
    expect(text('vhdl/forest_pkg.vhd')).toContain(`constant MODEL_HASH          : std_logic_vector(255 downto 0) := x"${hash}";`);
    expect(text('emulator/cpp/forest.h')).toContain(`constexpr int version = 9;\nconstexpr char hash[] = "${hash}";`);
    expect(text('vitis/forest.h')).toContain(`#define FOREST_MODEL_VERSION 9\n#define FOREST_MODEL_HASH "${hash}"`);
  });
});

describe('a design without a threshold', () => {
  it('has the registers all the same', async () => {
    const { text } = await compiled('score');
    const axil = text('verilog/forest_axil.v');
    expect(axil).toContain(".THRESHOLD_BITS(32'd0)");
    expect(await lintFiles({ 'forest_axil.v': axil, 'forest.v': text('verilog/forest.v') }, 'forest_axil')).toEqual([]);
  });
});
