import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDesign, openFolder } from '../../src/compile/folder.js';
import { folderSource } from '../../src/cli/files.js';
import { dutOf } from '../../src/verify/dut.js';
import { pinWrapper } from '../../src/verify/pinWrapper.js';
import { runProcess } from '../../src/verify/processes.js';
import { requireTools } from '../../src/verify/tools.js';
import { compileModel, snapshotOf } from '../helpers/commandLine.js';

/** Synthesis joins an output folder's report, by a native Yosys or by the one that comes with the dependencies. */
const root = mkdtempSync(join(tmpdir(), 'trigforge-synth-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fixture = join(import.meta.dirname, '../fixtures/xgboost_binary/model.json');
const path = process.env['PATH'];
const out = join(root, 'out');
const compile = async (to: string, ...words: string[]) => compileModel(fixture, '--input-type', 'ufixed<6,6>', '--target', 'verilog', '--verify', 'none', '-o', to, ...words);
const reportOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));

beforeAll(async () => {
  expect((await compile(out)).code).toBe(0);
});

it('the figures are those of the cells that Yosys counts; nothing else of the folder changes', { timeout: 120_000 }, async () => {
  const before = snapshotOf(out);
  const { code, stdout } = await compileModel('synth', out);
  expect(code).toBe(0);
  const { resources, verdict } = reportOf(out);
  const run = resources.synthesised;
  expect(stdout).toContain(`${run.lut} LUT (estimated ${resources.estimated.lut})`);
  expect(verdict).toContain(`${run.ff} FF (yosys-xilinx)`);
  expect(Object.entries(snapshotOf(out)).filter(([file, hash]) => before[file] !== hash).map(([file]) => file)).toEqual(['report.html', 'report.json']);
  const [yosys] = await requireTools(['yosys']);
  writeFileSync(join(root, 'count.ys'), `read_verilog ${out}/verilog/model.v\nsynth_xilinx -family xcup -flatten -noiopad -noclkbuf -nodsp -nobram -nosrl -top model\nselect -write luts.txt t:LUT? t:INV\nselect -write ffs.txt t:FD*\n`);
  if (yosys?.prefixArgs.length === 0) {
    expect((await runProcess(yosys.command, ['-q', '-s', 'count.ys'], { cwd: root, timeoutSeconds: 100 })).exitCode).toBe(0);
    const lines = (file: string): number => readFileSync(join(root, file), 'utf8').trim().split('\n').length;
    expect([run.lut, run.ff]).toEqual([lines('luts.txt'), lines('ffs.txt')]);
  }
});

it('runs of other flows stand beside it, and area is judged by the device\'s own', { timeout: 240_000 }, async () => {
  const own = reportOf(out).resources.synthesised;
  expect((await compileModel('synth', out, '--flow', 'ecp5')).code).toBe(0);
  const { resources, verdict } = reportOf(out);
  expect(resources.synthesised.flow).toBe('yosys-ecp5');
  expect(resources.otherFlows).toEqual([own]);
  expect(verdict).toContain('FF (yosys-xilinx)');
  expect((await compileModel('report', out)).stdout).toMatch(/synthesised \(yosys-ecp5\) +synthesised \(yosys-xilinx\)/);
});

it('--synth does it while compiling; without a native Yosys the WebAssembly one', { timeout: 240_000 }, async () => {
  process.env['PATH'] = join(root, 'nowhere');
  try {
    const { code, stderr } = await compile(join(root, 'wasm'), '--synth');
    expect(code).toBe(0);
    expect(stderr).toContain('as WebAssembly');
    const { synthesised } = reportOf(join(root, 'wasm')).resources;
    expect(synthesised.flow).toBe('yosys-xilinx');
    expect(synthesised.lut).toBeGreaterThan(0.8 * reportOf(out).resources.otherFlows[0].lut);
    expect(synthesised.lut).toBeLessThan(1.2 * reportOf(out).resources.otherFlows[0].lut);
  } finally {
    process.env['PATH'] = path;
  }
});

it('place and route gets a design with four pins, and gives the lowest frequency', { timeout: 120_000 }, async () => {
  // A router that looks at what it is given, then reports two clocks.
  const fake = join(root, 'bin', 'nextpnr-ecp5');
  writeFileSync(join(root, 'router.mjs'), `
    import { readFileSync, writeFileSync } from 'node:fs';
    const words = process.argv.slice(2);
    if (words.includes('--version')) { console.error('nextpnr-ecp5 (Version 0.6-1)'); process.exit(); }
    const after = (name) => words[words.indexOf(name) + 1];
    const { ports, cells } = JSON.parse(readFileSync(after('--json'), 'utf8')).modules.trigforge_pins;
    const pins = Object.values(ports).flatMap((port) => port.bits).length;
    if (pins !== 4 || Object.keys(cells).length < 100 || after('--freq') !== '320') process.exit(1);
    writeFileSync(after('--report'), JSON.stringify({ fmax: { fast: { achieved: 200.5 }, slow: { achieved: 123.456 } } }));
  `);
  mkdirSync(join(root, 'bin'));
  writeFileSync(fake, `#!/bin/sh\nexec ${process.execPath} ${join(root, 'router.mjs')} "$@"\n`);
  chmodSync(fake, 0o755);
  process.env['PATH'] = `${join(root, 'bin')}:${path}`;
  try {
    expect((await compileModel('synth', out, '--flow', 'ecp5')).stdout).toContain('123.46 MHz after place and route');
    expect(reportOf(out).resources.synthesised).toMatchObject({ fmaxMHz: 123.46, tool: expect.stringMatching(/^Yosys [\d.]+, nextpnr 0\.6$/) });
  } finally {
    process.env['PATH'] = path;
  }
});

it('combinational designs are wrapped without clock', () => {
  const { schedule, top, verilog } = openDesign(openFolder(folderSource(out)));
  expect(pinWrapper(dutOf(schedule, top, verilog), 'pins')).toMatch(/model design \(\.clk\(clk\), \.rst\(given\[0:0\]\), \.valid_in\(given\[1:1\]\)/);
  expect(pinWrapper({ ...dutOf(schedule, top, verilog), latencyCycles: 0 }, 'pins')).toMatch(/model design \(\.valid_in\(given\[0:0\]\)/);
});

it('what cannot be synthesised says why', async () => {
  const asic = join(root, 'asic');
  expect((await compile(asic, '--part', 'asic')).code).toBe(0);
  expect((await compileModel('synth', asic)).stderr).toContain('--part → asic: there is no synthesis flow for it. compile-model synth OUT --flow xilinx');
  expect(await compile(asic, '--part', 'asic', '--synth')).toMatchObject({ code: 1 });
  expect((await compileModel('synth', out, '--flow', 'altera')).stderr).toContain("--flow: 'altera' must be one of xilinx, ecp5.");
  writeFileSync(join(asic, 'verilog/model.v'), readFileSync(join(asic, 'verilog/model.v'), 'utf8').replace('endmodule', '\nendmodule'));
  expect(await compileModel('synth', asic, '--flow', 'xilinx')).toMatchObject({ code: 1, stderr: expect.stringContaining('is not the file that report.json was written with') });
});
