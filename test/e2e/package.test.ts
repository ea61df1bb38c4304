import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../src/verify/tools.js';
import { compiler, mustRun } from '../backends/cpp/build.js';
import { compileModel } from '../helpers/commandLine.js';

/** `package OUT --for …`: what comes out is built and run with the outside's own tools, in folders of their own. */
const root = mkdtempSync(join(tmpdir(), 'trigforge-package-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const out = join(root, 'out');
const fixture = join(import.meta.dirname, '../fixtures/hls4ml_wrap');
const bin = join(PACKAGE_ROOT, '.venv/bin');
const cxx = [compiler.command, ...compiler.prefixArgs].join(' ');
const hasPython = (module: string): boolean => spawnSync(join(bin, 'python'), ['-c', `import ${module}`]).status === 0;
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

async function packaged(kind: string): Promise<string> {
  const folder = join(root, kind);
  const { code, stderr } = await compileModel('package', out, '--for', kind, folder);
  expect([code, stderr]).toEqual([0, '']);
  return folder;
}

beforeAll(async () => {
  const { code } = await compileModel(join(fixture, 'float.onnx'), '--precision', join(fixture, 'precision.yml'), '--name', 'tagger', '--model-version', '3', '--verify', 'emulator', '-o', out);
  expect(code).toBe(0);
});

describe('for experiments', () => {
  it('cmssw: checks itself, and installs a library and a header', { timeout: 120_000 }, async () => {
    const folder = await packaged('cmssw');
    expect(await mustRun('make', ['-s', 'check', `CXX=${cxx}`, 'ARCH=-O1'], folder, compiler.env)).toMatch(/\d{4} events, 0 mismatches/);
    await mustRun('make', ['-s', 'install', `PREFIX=${join(root, 'prefix')}`, `CXX=${cxx}`, 'ARCH=-O1'], folder, compiler.env);
    expect(readdirSync(join(root, 'prefix'), { recursive: true }).sort()).toEqual(['include', 'include/tagger_v3', 'include/tagger_v3/tagger.h', 'lib64', 'lib64/tagger_v3.so']);
    expect(await mustRun('nm', ['-D', '--defined-only', join(root, 'prefix/lib64/tagger_v3.so')], root)).toMatch(/ create_model$/m);
    expect(readFileSync(join(folder, 'tagger_v3.xml'), 'utf8')).toContain('<tool name="tagger_v3" version="3">');
  });

  it.runIf(has('cmake'))('athena: plain CMake builds it and its own test passes', { timeout: 120_000 }, async () => {
    const folder = await packaged('athena');
    await mustRun('cmake', ['-S', '.', '-B', 'build', `-DCMAKE_CXX_COMPILER=${compiler.command}`], folder);
    await mustRun('cmake', ['--build', 'build', '-j2'], folder);
    expect(await mustRun('ctest', ['--test-dir', 'build'], folder)).toContain('100% tests passed');
  });

  it.runIf(hasPython('numpy, setuptools.command.bdist_wheel, wheel'))('python: a wheel that installs anywhere and gives hls4ml’s numbers', { timeout: 120_000 }, async () => {
    const folder = await packaged('python');
    const pip = ['-m', 'pip', '--disable-pip-version-check', '-q'];
    await mustRun(join(bin, 'python'), [...pip, 'wheel', '--no-deps', '--no-build-isolation', '-w', join(root, 'wheels'), '.'], folder, { ...compiler.env, CXX: cxx });
    const [wheel] = readdirSync(join(root, 'wheels'));
    expect(wheel).toMatch(/^tagger_v3-3-py3-none-.*\.whl$/);
    await mustRun(join(bin, 'python'), [...pip, 'install', '--no-deps', '--target', join(root, 'site'), join(root, 'wheels', wheel!)], root);
    const script = [
      'import sys, numpy as np, tagger_v3 as t',
      'x, y = np.load(sys.argv[1] + "/inputs.npy"), np.load(sys.argv[1] + "/outputs.npy").reshape(-1, 2)',
      'got = t.predict(x)', 'assert got.dtype == np.float64 and (got == y).all(), got',
      'assert (t.predict(x=x) == y).all() and (t.predict_raw(np.floor(x * 16).astype(int)) == y * 1024).all()',
      'assert t.version == 3 and t.inputs[0]["types"] == [[1, 8, 4]]',
      'refused = 0',
      'for bad in [lambda: t.predict(x * np.nan), lambda: t.predict(x[:, :9]), lambda: t.predict(z=x), lambda: t.predict_raw(x)]:',
      '    try: bad()', '    except (TypeError, ValueError): refused += 1',
      'print(len(x), "events,", refused, "refused")',
    ].join('\n');
    expect(await mustRun(join(bin, 'python'), ['-c', script, fixture], root, { PYTHONPATH: join(root, 'site') })).toBe('300 events, 4 refused\n');
  });
});

describe('for tools', () => {
  it.runIf(existsSync(join(bin, 'cocotb-config')) && has('verilator'))('cocotb: every event in Verilator, and a wrong one is seen', { timeout: 300_000 }, async () => {
    const folder = await packaged('cocotb');
    const env = { PATH: `${bin}:${process.env['PATH']}` };
    expect(await mustRun('make', ['OPT_FAST=-O0'], folder, env)).toMatch(/TESTS=2 PASS=2 FAIL=0/);
    const vectors = readFileSync(join(folder, 'testbench/vectors.txt'), 'utf8');
    expect(vectors).toContain('events 2093');
    rmSync(join(folder, 'results.xml'));
    appendFileSync(join(folder, 'test_tagger.py'), '\n\ndrive_right = drive\n\n\ndef drive(dut, bus):\n    drive_right(dut, bus ^ 64)\n');
    await mustRun('make', ['OPT_FAST=-O0'], folder, env).catch(() => '');
    expect(readFileSync(join(folder, 'results.xml'), 'utf8')).toContain('<failure');
  });

  it.runIf(existsSync(join(bin, 'fusesoc')) && has('verilator'))('fusesoc: lints the core by its description', { timeout: 60_000 }, async () => {
    const folder = await packaged('fusesoc');
    await mustRun(join(bin, 'fusesoc'), ['--cores-root', '.', 'run', '--target=lint', 'trigforge:models:tagger'], folder, { HOME: root });
  });

  it('vivado and quartus: project, clock and the files they name', async () => {
    const vivado = await packaged('vivado');
    expect(readFileSync(join(vivado, 'vivado/tagger.xdc'), 'utf8')).toContain('create_clock -name clk -period 3.125 [get_ports clk]');
    expect(readFileSync(join(vivado, 'vivado/synth.tcl'), 'utf8')).toMatch(/read_verilog \$here\/\.\.\/verilog\/tagger\.v\n[^]*synth_design -top tagger -part \$part -mode out_of_context/);
    const quartus = await packaged('quartus');
    const settings = readFileSync(join(quartus, 'tagger.qsf'), 'utf8');
    for (const [, file] of settings.matchAll(/_FILE (\S+)/g)) expect(existsSync(join(quartus, file!)), file).toBe(true);
    expect(settings.match(/VIRTUAL_PIN ON -to (\S+)/g)?.map((line) => line.split(' ').pop())).toEqual(['rst', 'valid_in', 'valid_out', 'x[*]', 'y[*]']);
  });
});

describe('what is refused', () => {
  it('another kind, a folder with something in it, a part that was not compiled', async () => {
    expect((await compileModel('package', out, '--for', 'cmsw', join(root, 'x'))).stderr).toContain("'cmsw' must be one of cmssw, athena");
    expect((await compileModel('package', out, '--for', 'cmssw', out)).stderr).toContain('is not empty');
    const bare = join(root, 'bare');
    await compileModel(join(fixture, 'float.onnx'), '--precision', join(fixture, 'precision.yml'), '--target', 'verilog', '--verify', 'none', '-o', bare);
    const { code, stderr } = await compileModel('package', bare, '--for', 'python', join(root, 'x'));
    expect([code, existsSync(join(root, 'x'))]).toEqual([1, false]);
    expect(stderr).toMatch(/emulator\/cpp\/: was not written, and --for python needs it\. Compile the model again with --target cpp/);
  });

  it('a folder of which any needed file was changed', async () => {
    const part = readdirSync(join(out, 'emulator/cpp')).find((name) => name.endsWith('_part0.cpp'))!;
    appendFileSync(join(out, 'emulator/cpp', part), '\n');
    const { code, stderr } = await compileModel('package', out, '--for', 'athena', join(root, 'y'));
    expect([code, existsSync(join(root, 'y'))]).toEqual([1, false]);
    expect(stderr).toContain('is not the file that report.json was written with');
  });
});
