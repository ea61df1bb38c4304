import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runCommandLine } from '../../src/cli/commandLine.js';

/*
 * The generated C++ emulator, as the Python package has it, against hls4ml's compiled one: the same network with the same
 * types, NumPy arrays in and out, one thread, CPU seconds, turn by turn in one process. Their outputs must be equal.
 * npx tsx test/bench/hls4ml.ts [--rounds N]
 *
 * hls4ml is installed into build/bench/hls4ml. Without ../shared a network of our own stands for the trigger's.
 *
 * | network | hls4ml 1.3.0, events a second | ours, -O3 -march=native | ratio |
 * |---|--:|--:|--:|
 * | axol1tl_v4 (1000 events, outputs equal) | 13 201 | 3 098 488 | 235 |
 * | axol1tl_v1 (1000 events, outputs equal) | 10 675 | 3 155 906 | 296 |
 *
 * (on a machine of two cores, busy with other work)
 */

const HLS4ML = ['hls4ml==1.3.0', 'onnx', 'h5py', 'numpy', 'pyyaml', 'setuptools==80.9.0', 'wheel'];
const ROOT = resolve(import.meta.dirname, '../..');
const option = (name: string): string | undefined => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);

function hls4mlPython(): string {
  const folder = join(ROOT, 'build/bench/hls4ml');
  const python = join(folder, 'bin/python');
  if (!existsSync(join(folder, 'installed'))) {
    mkdirSync(folder, { recursive: true });
    execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...HLS4ML], { stdio: ['ignore', 'ignore', 'inherit'] });
    mkdirSync(join(folder, 'installed'));
  }
  return python;
}

/** Compiles a network and builds its Python package; the folder to import it from. */
async function builtPackage(model: string, work: string, python: string): Promise<string> {
  const quiet = console.log;
  console.log = () => undefined;
  for (const words of [
    [join(model, 'float.onnx'), '--precision', join(model, 'precision.yml'), '--name', 'network', '--target', 'cpp', '--verify', 'emulator', '--out', join(work, 'out'), '--quiet'],
    ['package', join(work, 'out'), '--for', 'python', join(work, 'package'), '--quiet'],
  ]) if ((await runCommandLine(words)) !== 0) throw new Error(`${words.join(' ')} failed`);
  console.log = quiet;
  execFileSync(python, ['setup.py', '-q', 'build_py', '--build-lib', 'built'], { cwd: join(work, 'package'), env: { ...process.env, ARCH: '-march=native' }, stdio: ['ignore', 'ignore', 'inherit'] });
  return join(work, 'package/built');
}

const deployed = resolve(ROOT, '../shared/models/deployed');
const models = existsSync(deployed) ? ['axol1tl_v4', 'axol1tl_v1'].map((name) => join(deployed, name)) : [join(ROOT, 'test/fixtures/hls4ml_wrap')];
const python = hls4mlPython();
for (const model of models) {
  const work = mkdtempSync(join(tmpdir(), 'trigforge-bench-'));
  const path = await builtPackage(model, work, python);
  const printed = execFileSync(python, [join(import.meta.dirname, 'hls4mlEmulator.py'), join(model, 'float.onnx'), join(model, 'precision.yml'), join(model, 'inputs.npy'), 'network_v1', option('--rounds') ?? '7'], { encoding: 'utf8', env: { ...process.env, PYTHONPATH: path } });
  console.log(JSON.stringify({ network: model.split('/').at(-1), ...(JSON.parse(printed.trim().split('\n').at(-1) as string) as object) }));
  rmSync(work, { recursive: true, force: true });
}
