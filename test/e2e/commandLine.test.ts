import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArrays } from '../../src/io/arrays.js';
import { writeNpy } from '../../src/io/npy.js';
import type { Report } from '../../src/report/schema.js';
import { parseReport } from '../../src/report/parse.js';
import { compileModel, complaints, enterTempFolder, snapshotOf } from '../helpers/commandLine.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));
const fixture = (path: string): string => `${FIXTURES}${path}`;

let home: ReturnType<typeof enterTempFolder>;
beforeAll(() => {
  home = enterTempFolder();
});
afterAll(() => home.leave());

const reportOf = (out: string): Report => parseReport(readFileSync(`${out}/report.json`, 'utf8'), out);
/** The values of an array file; a zero has no sign in fixed point. */
const valuesOf = (path: string): Float64Array => (readArrays(readFileSync(path), path)[0] as { data: Float64Array }).data.map((value) => value + 0);
const eventsOf = (stdout: string): Record<string, unknown>[] => stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

/** Compiles without verification unless told otherwise; the command must end with `code`. */
async function compiled(words: readonly string[], code = 0): Promise<{ readonly stdout: string; readonly complaints: string }> {
  const result = await compileModel(...words, ...(words.includes('--verify') ? [] : ['--verify', 'none']));
  expect(result.code, result.stderr).toBe(code);
  return { stdout: result.stdout, complaints: complaints(result.stderr).replace(/^warning: --verify: nothing was verified, as asked\.\n?/m, '') };
}

describe('a real trigger model, from file to proof', () => {
  const anomaly = fixture('anomaly/');

  it('compiles and is proven', async () => {
    const { stdout, stderr, code } = await compileModel(`${anomaly}model.onnx`, '--latency', '50ns', '--vectors', `${anomaly}inputs.npy`, '-o', 'anomaly');
    expect(code).toBe(0);
    expect(complaints(stderr)).toBe('');
    expect(stdout).toMatch(/^MET {2}50ns at 320 MHz: \d+ cycles = [\d.]+ ns .*bit-exact on [\d ]+ vectors \(Verilator\)/);
    expect(stdout).toContain('open anomaly/report.html');
  });

  it('the folder is whole: every file listed with its hash, and none besides', () => {
    const files = Object.keys(snapshotOf('anomaly')).filter((path) => !path.endsWith('/'));
    const folders = (path: string): boolean => /^(emulator|vhdl|vitis|vivado)\//.test(path);
    expect([...new Set(files.filter(folders).map((path) => path.replace(/\/[^/]*$/, '')))]).toEqual(['emulator/cpp', 'emulator/typescript', 'vhdl', 'vitis', 'vivado']);
    expect(files.filter((path) => !folders(path)).sort()).toEqual([
      'circuit.schedule.json', 'circuit.txt', 'float.json', 'model.json', 'report.html', 'report.json',
      'testbench/Makefile', 'testbench/harness.cpp',
      ...['inputs.apx.txt', 'inputs.emp1.txt', 'inputs.emp2.txt', 'inputs.hex.txt', 'layout.json', 'outputs.apx.txt', 'outputs.emp1.txt', 'outputs.emp2.txt', 'outputs.hex.txt'].map((name) => `testbench/patterns/${name}`),
      'testbench/trigforge_bench.v', 'testbench/vectors.txt',
      'verilog/model.v', 'verilog/model_ap_ctrl.v', 'verilog/model_axil.v', 'verilog/model_axis.v', 'verilog/model_constants.vh', 'verilog/model_ports.v',
    ]);
    const report = reportOf('anomaly');
    const listed = Object.fromEntries(report.artifacts.map(({ path, sha256 }) => [path, sha256]));
    for (const path of files.filter((name) => !name.startsWith('report.'))) {
      expect(listed[path], path).toBe(createHash('sha256').update(readFileSync(`anomaly/${path}`)).digest('hex'));
    }
    expect(Object.keys(listed)).toHaveLength(files.length - 2);
    expect(report).toMatchObject({
      schema: 1, model: { format: 'qonnx', sha256: createHash('sha256').update(readFileSync(`${anomaly}model.onnx`)).digest('hex') },
      budget: { clockMHz: 320, latencyNs: 50, met: true }, latency: { initiationInterval: 1, combinational: false }, verification: { mismatches: 0 },
    });
    expect(report.latency.cycles).toBeLessThanOrEqual(16);
    expect(report.verification?.simulator).toMatch(/^verilator 5/);
    expect(report.verification?.vectors).toBeGreaterThan(512);
    expect(readFileSync('anomaly/report.html', 'utf8')).not.toMatch(/(?:src|href)=["']?https?:/);
  });

  it('emulate gives the numbers the model was trained to give', async () => {
    const { code, stdout } = await compileModel('emulate', 'anomaly', '--inputs', `${anomaly}inputs.npy`, '--outputs', 'scores.npy');
    expect([code, stdout]).toEqual([0, '512 events: score [512, 1] written to scores.npy\n']);
    expect(valuesOf('scores.npy')).toEqual(valuesOf(`${anomaly}outputs.npy`));
  });

  it('its model.json compiles to the same circuit', async () => {
    await compiled(['anomaly/model.json', '--latency', '50ns', '-o', 'again']);
    expect(readFileSync('again/circuit.txt', 'utf8')).toBe(readFileSync('anomaly/circuit.txt', 'utf8'));
  });

  it('its testbench runs with make, Verilator and g++ alone, elsewhere', () => {
    cpSync('anomaly/testbench', 'elsewhere/testbench', { recursive: true });
    cpSync('anomaly/verilog', 'elsewhere/verilog', { recursive: true });
    const { status, stdout, stderr } = spawnSync('make', ['-C', 'elsewhere/testbench'], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/back-to-back/);
  });

  it('its C++ emulator runs with make and g++ alone, elsewhere, on the same vectors', () => {
    cpSync('anomaly/emulator', 'elsewhere/emulator', { recursive: true });
    cpSync('anomaly/testbench/vectors.txt', 'elsewhere/testbench/vectors.txt', { recursive: true });
    const { status, stdout, stderr } = spawnSync('make', ['-s', '-C', 'elsewhere/emulator/cpp', 'check', 'model', 'ARCH=-O1'], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(new RegExp(`: ${reportOf('anomaly').verification?.vectors} events, 0 mismatches`));
  });

  it('verify proves it, against the own numbers of the user too, and writes JUnit XML', async () => {
    const { code, stdout } = await compileModel('verify', 'anomaly', '--inputs', `${anomaly}inputs.npy`, '--expect', `${anomaly}outputs.npy`, '--junit', 'junit.xml', '--quiet');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^PROVEN {2}model: \d+ events \(512 of yours/);
    expect(stdout).toContain('emulator against your numbers: 512 events, 0 mismatches');
    expect(readFileSync('junit.xml', 'utf8')).toMatch(/<testsuite [^>]*failures="0"/);
  });

  it('one wrong number among those expected is found and named', async () => {
    const wrong = valuesOf(`${anomaly}outputs.npy`);
    const right = wrong[7] as number;
    wrong[7] = right + 1;
    writeFileSync('wrong.npy', writeNpy([512, 1], wrong));
    const before = snapshotOf('anomaly');
    const { code, stdout, stderr } = await compileModel('verify', 'anomaly', '--inputs', `${anomaly}inputs.npy`, '--expect', 'wrong.npy', '--junit', 'junit.xml');
    expect(code).toBe(3);
    expect(stdout).toBe('');
    expect(complaints(stderr)).toBe(`MISMATCH: wrong.npy: 1 values differ from your own numbers. First: event 7, score[0] should be ${right + 1}, is ${right}. Check that they were made with the same model and types.`);
    expect(readFileSync('junit.xml', 'utf8')).toContain('<failure');
    expect(snapshotOf('anomaly')).toEqual(before);
  });

  it('report reads it back, alone and against another', async () => {
    const report = await compileModel('report', 'anomaly');
    expect([report.code, report.stderr]).toEqual([0, '']);
    expect(report.stdout).toMatch(/^MET /);
    await compiled([`${anomaly}model.onnx`, '--clock', '160MHz', '-o', 'slower']);
    const { code, stdout } = await compileModel('report', 'slower', '--against', 'anomaly');
    expect(code).toBe(0);
    expect(stdout).toMatch(/latency/);
    expect(stdout).toMatch(/160/);
  });

  it('the same command gives the same bytes, but for seconds', async () => {
    await compiled([`${anomaly}model.onnx`, '--latency', '50ns', '--vectors', `${anomaly}inputs.npy`, '-o', 'twice', '--verify', 'emulator', '--json']);
    for (const file of ['verilog/model.v', 'circuit.txt', 'circuit.schedule.json', 'model.json', 'testbench/vectors.txt']) {
      expect(readFileSync(`twice/${file}`, 'utf8'), file).toBe(readFileSync(`anomaly/${file}`, 'utf8'));
    }
  });
});

describe('the other kinds of model', () => {
  const exact: readonly (readonly [name: string, words: readonly string[], inputs: string, outputs: string])[] = [
    ['brevitas', [fixture('brevitas_mlp/model.onnx')], 'brevitas_mlp/inputs.npy', 'brevitas_mlp/outputs.npy'],
    ['hls4ml, wrapping', [fixture('hls4ml_wrap/float.onnx'), '--precision', fixture('hls4ml_wrap/precision.yml')], 'hls4ml_wrap/inputs.npy', 'hls4ml_wrap/outputs.npy'],
    ['hls4ml, saturating', [fixture('hls4ml_saturate/float.onnx'), '--precision', fixture('hls4ml_saturate/precision.yml')], 'hls4ml_saturate/inputs.npy', 'hls4ml_saturate/outputs.npy'],
  ];
  it.each(exact)('%s: every output as its own library has it', async (_, words, inputs, outputs) => {
    await compiled([...words, '-o', 'kind', '--verify', 'emulator']);
    expect((await compileModel('emulate', 'kind', '--inputs', fixture(inputs), '--outputs', 'kind.npy')).code).toBe(0);
    expect(valuesOf('kind.npy')).toEqual(valuesOf(fixture(outputs)));
  });

  it('a forest has the score type asked for', async () => {
    await compiled([fixture('xgboost_binary/model.json'), '--input-type', 'ap_fixed<16,8>', '--score-type', 'ap_fixed<20,6>', '-o', 'forest', '--verify', 'emulator']);
    expect(reportOf('forest').model.outputs).toMatchObject([{ name: 'margin', shape: [1], type: 'ap_fixed<20,6>' }]);
  });

  it('floats: --float gives the reference, and the compiled model is near it', async () => {
    const model = fixture('torch_mlp/legacy.onnx');
    const inputs = fixture('torch_mlp/inputs.npy');
    await compiled([model, '--input-type', 'ap_fixed<24,8>', '-o', 'torch', '--verify', 'emulator']);
    expect((await compileModel('emulate', model, '--float', '--inputs', inputs, '--outputs', 'float.npy')).code).toBe(0);
    expect((await compileModel('emulate', 'torch', '--inputs', inputs, '--outputs', 'fixed.npy')).code).toBe(0);
    const own = valuesOf(fixture('torch_mlp/outputs.npy'));
    const fixed = valuesOf('fixed.npy');
    valuesOf('float.npy').forEach((value, i) => {
      expect(Math.abs(value - (own[i] as number))).toBeLessThan(1e-5);
      expect(Math.abs(value - (fixed[i] as number))).toBeLessThan(0.01);
    });
  });

  it('several inputs come from .npz by name, one from .csv', async () => {
    await compiled([fixture('torch_branches/legacy.onnx'), '--input-type', 'a=ap_fixed<12,4>,b=ap_fixed<10,4>', '--vectors', fixture('torch_branches/inputs.npz'), '-o', 'branches', '--verify', 'emulator']);
    expect(reportOf('branches').model.inputs.map((input) => input.type)).toEqual(['ap_fixed<12,4>', 'ap_fixed<10,4>']);
    const values = valuesOf(fixture('brevitas_mlp/inputs.npy'));
    const lines = Array.from({ length: values.length / 12 }, (_, event) => values.slice(event * 12, event * 12 + 12).join(','));
    writeFileSync('events.csv', `${lines.join('\n')}\n`);
    await compiled([fixture('brevitas_mlp/model.onnx'), '-o', 'csv']);
    expect((await compileModel('emulate', 'csv', '--inputs', 'events.csv', '--outputs', 'csv.npy')).code).toBe(0);
    expect(valuesOf('csv.npy')).toEqual(valuesOf(fixture('brevitas_mlp/outputs.npy')));
  });

  it('--data alone types the inputs', async () => {
    writeFileSync('grid.npy', writeNpy([2, 10], Float64Array.from({ length: 20 }, (_, i) => (i - 9) / 4)));
    await compiled([fixture('torch_mlp/legacy.onnx'), '--data', 'grid.npy', '-o', 'data']);
    expect(reportOf('data').model.inputs[0]?.type).toBe('ap_fixed<5,3,RND,SAT>');
  });
});

describe('clock, budget and the other options', () => {
  const model = fixture('brevitas_mlp/model.onnx');
  /** Locked latencies and none at all are exact, others upper bounds. */
  const latencies: readonly (readonly [clock: string, latency: string, cycles: number])[] = [
    ['40MHz', '=1 cycles', 1], ['25 ns', '0 cycles', 0], ['40MHz', '2 BX', 2], ['3.125ns', '=16 cycles', 16], ['360MHz', '=1 BX', 9],
  ];
  it.each(latencies)('--clock %s --latency %s', async (clock, latency, cycles) => {
    const { stdout } = await compiled([model, '--clock', clock, '--latency', latency, '-o', 'budget']);
    const report = reportOf('budget');
    expect(stdout).toMatch(/^MET /);
    if (latency.startsWith('=')) expect(report.latency.cycles).toBe(cycles);
    else expect(report.latency.cycles).toBeLessThanOrEqual(cycles);
    expect(report.latency.combinational).toBe(cycles === 0);
    expect(report.timing.criticalPathNs).toBeGreaterThan(0);
    expect(readFileSync('budget/verilog/model.v', 'utf8').includes('posedge clk')).toBe(cycles > 0);
  });

  it('combinational and locked designs are proven as well', async () => {
    for (const latency of ['0 cycles', '=1 cycles']) {
      await compiled([model, '--clock', '40MHz', '--latency', latency, '-o', 'proven', '--verify', 'verilator']);
      expect(reportOf('proven').verification).toMatchObject({ mismatches: 0 });
    }
  });

  it('a budget that cannot be met: exit code 2, a whole folder, what was tried', async () => {
    const { stdout } = await compiled([model, '--clock', '320MHz', '--latency', '1 cycles', '-o', 'missed'], 2);
    const report = reportOf('missed');
    expect(report.budget.met).toBe(false);
    expect(stdout).toMatch(/^NOT MET /);
    expect(report.suggestions?.some((suggestion) => suggestion.met)).toBe(true);
    expect(readdirSync('missed').sort()).toEqual(['circuit.schedule.json', 'circuit.txt', 'emulator', 'float.json', 'model.json', 'report.html', 'report.json', 'testbench', 'verilog', 'vhdl', 'vitis', 'vivado']);
    const fitting = report.suggestions?.find((suggestion) => suggestion.met && suggestion.change.startsWith('--latency'))?.change.match(/'(.*)'/)?.[1] as string;
    await compiled([model, '--latency', fitting, '-o', 'fitting']);
  });

  it('--name, --model-version, --seed and --dump-after', async () => {
    await compiled([model, '--name', 'met_trigger', '--model-version', '7', '--seed', '11', '--dump-after', 'dead-code', '--verify', 'emulator', '-o', 'named']);
    expect(readFileSync('named/verilog/met_trigger.v', 'utf8')).toMatch(/^\/\/ met_trigger, version 7, [0-9a-f]{16}\n[\s\S]*\nmodule met_trigger \(/);
    expect(reportOf('named')).toMatchObject({ model: { version: 7, top: 'met_trigger' }, options: { seed: 11 } });
    expect(readFileSync('named/dump/dead-code.txt', 'utf8')).toMatch(/^\S/);
    await compiled([model, '--name', 'met_trigger', '--seed', '12', '--verify', 'emulator', '-o', 'other']);
    expect(readFileSync('other/testbench/vectors.txt', 'utf8')).not.toBe(readFileSync('named/testbench/vectors.txt', 'utf8'));
  });

  it('an option file gives options, the command line wins', async () => {
    mkdirSync('runs');
    cpSync(model, 'runs/net.onnx');
    writeFileSync('runs/conf.yaml', 'model: net.onnx\nclock: 40MHz\nlatency: 2 BX\nverify: none\nout: made\nmodelVersion: 3\n');
    await compiled(['./runs/conf.yaml', '--clock', '80MHz', '--verify', 'none']);
    expect(reportOf('runs/made')).toMatchObject({ budget: { clockMHz: 80, latencyNs: 50 }, model: { version: 3 } });
  });

  it('--quiet prints the verdict alone, --json one object a line', async () => {
    const quiet = await compileModel(model, '--verify', 'emulator', '-o', 'quiet', '--quiet');
    expect(quiet.stdout).toMatch(/^MET .*\n$/);
    expect(quiet.stderr).toBe('');
    const json = await compileModel(model, '--verify', 'emulator', '-o', 'quiet', '--json');
    expect(json.stderr).toBe('');
    const events = eventsOf(json.stdout);
    expect(new Set(events.map((event) => event['event']))).toEqual(new Set(['step', 'report']));
    expect(events.at(-1)).toMatchObject({ event: 'report', out: 'quiet', report: { schema: 1 } });
  });

  it('without -o the folder is build/<model name>', async () => {
    await compiled([model]);
    expect(existsSync('build/model/report.json')).toBe(true);
  });
});

describe('inspect and doctor', () => {
  it('inspect lists layers; with --json one object', async () => {
    const plain = await compileModel('inspect', fixture('brevitas_mlp/model.onnx'));
    expect([plain.code, plain.stderr]).toEqual([0, '']);
    expect(plain.stdout).toMatch(/^model: qonnx, 9 layers, 217 parameters\n/);
    const json = await compileModel('inspect', fixture('xgboost_binary/model.json'), '--json');
    expect(eventsOf(json.stdout)).toMatchObject([{ event: 'model', format: 'xgboost-json', unsupported: [], layers: [{ kind: 'forest' }] }]);
  });

  it('doctor finds what this test needs', async () => {
    const { code, stdout } = await compileModel('doctor', '--json');
    expect(code).toBe(0);
    expect(eventsOf(stdout).find((event) => event['name'] === 'verilator')).toMatchObject({ found: true, recentEnough: true });
  });
});
