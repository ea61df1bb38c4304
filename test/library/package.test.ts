import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The library as another project has it: the packed tarball in its node_modules, with nothing of this repository around. */
const ROOT = join(import.meta.dirname, '../..');
let project = '';

function run(command: string, words: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, words, { cwd, encoding: 'utf8', env: { ...process.env, npm_config_update_notifier: 'false' } });
  expect(status, `${command} ${words.join(' ')}: ${stderr}${stdout}`).toBe(0);
  return stdout;
}

beforeAll(() => {
  if (!existsSync(join(ROOT, 'dist/index.js'))) throw new Error('dist is not there. Run: make build');
  project = mkdtempSync(join(tmpdir(), 'library-'));
  run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.types.json'], ROOT);
  const [packed] = JSON.parse(run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], ROOT)) as readonly { readonly filename: string }[];
  const home = join(project, 'node_modules/trigforge');
  mkdirSync(home, { recursive: true });
  run('tar', ['-xzf', join(project, packed?.filename ?? ''), '--strip-components=1', '-C', home], project);
  const { dependencies } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { readonly dependencies: Readonly<Record<string, string>> };
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link);
  }
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
}, 240_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

const MODEL = join(ROOT, 'test/fixtures/xgboost_binary');

describe('the packed library', () => {
  it('compiles, writes, emulates and inspects', { timeout: 120_000 }, () => {
    writeFileSync(join(project, 'use.js'), `
import { compile, CompileError, emulate, inspect, readArrays, writeFolder } from 'trigforge';
import { readFileSync } from 'node:fs';
const model = ${JSON.stringify(join(MODEL, 'model.json'))};
const events = ${JSON.stringify(join(MODEL, 'inputs.npy'))};
const steps = [];
const { report, files } = await compile({ model, inputType: 'ufixed<8,8>', clock: '320MHz', latency: '50ns', verify: 'emulator', seed: 7, target: ['verilog', 'cpp'] }, { onStep: (step) => steps.push(step) });
writeFolder('out', files);
const [score] = emulate('out', readArrays(readFileSync(events), events));
const same = emulate('out', events)[0].data.every((value, i) => value === score.data[i]);
let problem;
try { await compile({ model, inputType: 'ufixed<8,8>', latancy: '50ns' }); } catch (error) { problem = error instanceof CompileError ? error.problems[0] : error; }
console.log(JSON.stringify({ met: report.budget.met, seed: report.options.seed, command: report.options.command, steps: steps.length, shape: score.shape, same, layers: inspect(model).layers.length, paths: files.map((file) => file.path), problem }));
`);
    const found = JSON.parse(run(process.execPath, ['use.js'], project)) as Readonly<Record<string, unknown>>;
    expect(found).toMatchObject({ met: true, seed: 7, same: true, layers: 1, problem: { code: 'unknown-option', where: ['--latancy'] } });
    expect(found['steps']).toBeGreaterThan(4);
    expect(found['shape']).toEqual([400, 1]);
    expect(found['command']).toEqual(['compile-model', join(MODEL, 'model.json'), '--clock', '320MHz', '--latency', '50ns', '--input-type', 'ufixed<8,8>', '--target', 'verilog,cpp', '--verify', 'emulator', '--seed', '7']);
    expect(found['paths']).toContain('report.html');
    expect(readdirSync(join(project, 'out'))).toContain('report.json');
  });

  it('has types', { timeout: 120_000 }, () => {
    writeFileSync(join(project, 'use.ts'), `
import { compile } from 'trigforge';
import type { Report } from 'trigforge';
const result = await compile({ model: 'm.onnx', inputType: 'ap_fixed<16,6>', maxLut: 100 });
export const report: Report = result.report;
export const cycles: number = report.latency.cycles;
// @ts-expect-error: there is no such option
await compile({ model: 'm.onnx', clok: '320MHz' });
// @ts-expect-error: a model is needed
await compile({ clock: '320MHz' });
`);
    run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--types', 'node', 'use.ts'], project);
  });

  it('brings the command', () => {
    expect(run(process.execPath, ['node_modules/trigforge/dist/cli/main.js', '--version'], project)).toMatch(/^\d+\.\d+\.\d+/);
  });
});
