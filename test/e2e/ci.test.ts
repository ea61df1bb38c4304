import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PACKAGE_ROOT } from '../../src/verify/tools.js';
import type { CommandResult } from '../helpers/commandLine.js';
import { compileModel, complaints } from '../helpers/commandLine.js';

/** `ci OUT --baseline`: every way it can end, and the files by which CI systems run it. */
const root = mkdtempSync(join(tmpdir(), 'trigforge-ci-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const fixture = join(import.meta.dirname, '../fixtures/xgboost_binary');
const out = join(root, 'good');
const baseline = join(root, 'baseline.json');
const result = (folder: string, name: string): string => readFileSync(join(folder, 'ci', name), 'utf8');
const ci = (folder: string, ...more: readonly string[]): Promise<CommandResult> => compileModel('ci', folder, '--baseline', baseline, ...more);

async function compiled(folder: string, ...more: readonly string[]): Promise<void> {
  const { code, stderr } = await compileModel(join(fixture, 'model.json'), '--input-type', 'ufixed<8,8>', '--name', 'bdt', '--target', 'verilog', '--verify', 'emulator', '-o', folder, ...more);
  expect([code, complaints(stderr)]).toEqual([0, '']);
}

/** A copy of the good build after `change`. */
function spoilt(change: (folder: string) => void): string {
  const folder = join(root, 'spoilt');
  rmSync(folder, { recursive: true, force: true });
  cpSync(out, folder, { recursive: true });
  change(folder);
  return folder;
}

beforeAll(async () => {
  await compiled(out);
  cpSync(join(out, 'report.json'), baseline);
});

describe('exit code', () => {
  it('0: proven, and as good as the baseline', async () => {
    const { code, stdout, stderr } = await ci(out);
    expect([code, complaints(stderr)]).toEqual([0, '']);
    expect(stdout).toMatch(/^ok {7}files: \d+ files, each the one that was written\n(ok {7}.* events\): 0 mismatches\n){4,}ok {7}budget: .*\nok {7}latency: .*\nok {7}interface: .*\nok {7}area: .*\nskipped {2}accuracy: /m);
    expect(result(out, 'junit.xml')).toMatch(/<testsuite name="bdt" tests="1\d" failures="0" skipped="1">\n {4}<testcase classname="bdt.folder" name="files"\/>/);
    expect(result(out, 'summary.md')).toMatch(/^## bdt: all good\n[^]*Nothing differs\.\n$/);
  });

  it('6: a latency that shifts neighbours, unless it may', async () => {
    const folder = join(root, 'late');
    const { cycles } = (JSON.parse(readFileSync(baseline, 'utf8')) as { latency: { cycles: number } }).latency;
    await compiled(folder, '--latency', `=${cycles + 1} cycles`);
    const { code, stdout, stderr } = await ci(folder, '--max-area-growth', '50%', '--junit', join(root, 'results/j.xml'), '--summary', join(root, 'results/s.md'));
    expect([code, complaints(stderr)]).toEqual([6, expect.stringMatching(new RegExp(`^GATE: .*late → latency: ${cycles + 1} cycles, the baseline has ${cycles}: compile with --latency '=${cycles} cycles' to keep it\\.$`))]);
    expect(stdout).toMatch(/^FAILED {3}latency: /m);
    expect(existsSync(join(folder, 'ci'))).toBe(false);
    expect(readFileSync(join(root, 'results/j.xml'), 'utf8')).toMatch(/failures="1"[^]*<testcase classname="bdt.gates" name="latency">\n {6}<failure message="/);
    expect(readFileSync(join(root, 'results/s.md'), 'utf8')).toMatch(new RegExp(`\\| latency \\| latency \\| ${cycles} cycles \\| ${cycles + 1} cycles \\|`));
    const allowed = await compileModel('ci', folder, '--baseline', out, '--max-area-growth', '50%', '--allow', 'latency');
    expect(allowed.stdout).toMatch(/^allowed {2}latency: /m);
    expect(allowed.code).toBe(0);
    expect(result(folder, 'summary.md')).toMatch(/^decisions: every output is the same on 1 024 events$/m);
  });

  it('3: Verilog that is wrong, which outranks that it was edited', async () => {
    const folder = spoilt((path) => {
      const file = join(path, 'verilog/bdt.v');
      const text = readFileSync(file, 'utf8');
      const broken = text.replace(/(= \d+'h)([0-9a-f]+);/, (_, head: string, digits: string) => `${head}${[...digits].map((digit) => (15 - parseInt(digit, 16)).toString(16)).join('')};`);
      expect(broken).not.toBe(text);
      writeFileSync(file, broken);
    });
    const { code, stdout, stderr } = await ci(folder);
    expect([code, complaints(stderr)]).toEqual([3, expect.stringMatching(/MISMATCH: .*verilog\/bdt\.v was changed since it was written/)]);
    expect(stdout).toMatch(/^FAILED {3}files: .*mixed or was edited: verilog\/bdt\.v is not the file/m);
    expect(result(folder, 'junit.xml')).toMatch(/failures="2"[^]*name="files">\n {6}<failure[^]*<testcase classname="bdt.verification"[^>]*>\n {6}<failure/);
  });

  it('1: a folder that is mixed is told of like the rest', async () => {
    const folder = spoilt((path) => writeFileSync(join(path, 'model.json'), '{}'));
    const { code, stdout, stderr } = await ci(folder);
    expect([code, complaints(stderr)]).toEqual([1, expect.stringMatching(/^error: .*is mixed or was edited: model\.json is not the file that report\.json was written with/)]);
    expect(stdout).toMatch(/^FAILED {3}files: [^]*^FAILED {3}simulation: [^]*^ok {7}latency: /m);
    expect(result(folder, 'summary.md')).toContain('## bdt: 2 of 7 failed');
  });

  it.each([
    [[], /--baseline: is missing/],
    [['--baseline', 'nowhere.json'], /nowhere\.json/],
    [['--baseline', join(fixture, 'model.json')], /model\.json → /],
    [['--baseline', baseline, '--allow', 'latncy'], /--allow: 'latncy' is no gate\. Did you mean 'latency'\?/],
    [['--baseline', baseline, '--max-area-growth', 'much'], /--max-area-growth: 'much' must be a share such as 5% or 0\.05\./],
    [['--baseline', baseline, '--max-area-growht', '1%'], /--max-area-growht: .*Did you mean '--max-area-growth'/],
  ])('1: %j', async (words, message) => {
    const { code, stderr } = await compileModel('ci', out, ...words);
    expect([code, complaints(stderr)]).toEqual([1, expect.stringMatching(message)]);
  });
});

/** A repository with a model, and `compile-model` on the PATH. */
function repository(): { readonly folder: string; readonly run: (script: string) => { readonly status: number | null; readonly text: string } } {
  const folder = join(root, 'repository');
  const bin = join(root, 'bin');
  for (const path of [join(folder, 'models'), bin]) mkdirSync(path, { recursive: true });
  cpSync(join(fixture, 'model.json'), join(folder, 'models/bdt.json'));
  writeFileSync(join(bin, 'compile-model'), `#!/bin/sh\nexec '${join(PACKAGE_ROOT, 'node_modules/.bin/tsx')}' '${join(PACKAGE_ROOT, 'src/cli/main.ts')}' "$@"\n`);
  chmodSync(join(bin, 'compile-model'), 0o755);
  return {
    folder,
    run: (script) => {
      const { status, stdout, stderr } = spawnSync('bash', ['-e', '-c', script], { cwd: folder, encoding: 'utf8', env: { ...process.env, PATH: `${bin}:${process.env['PATH']}`, GITHUB_STEP_SUMMARY: join(folder, 'step-summary.md') } });
      return { status, text: stdout + stderr };
    },
  };
}

describe('files for CI systems', () => {
  it('run as they are', async () => {
    const { folder, run } = repository();
    const command = "compile-model models/bdt.json --input-type 'ufixed<8,8>' --target verilog --verify emulator --effort fast --out built";
    expect(run(command)).toMatchObject({ status: 0 });
    const { code, stdout } = await compileModel('ci', join(folder, 'built'), '--init', folder);
    expect([code, stdout]).toEqual([0, `Written to ${folder}: .github/workflows/bdt.yml, .gitlab-ci.yml, ci/bdt.baseline.json\n`]);

    const github = parse(readFileSync(join(folder, '.github/workflows/bdt.yml'), 'utf8')) as { jobs: { firmware: { steps: { name?: string; run?: string; uses?: string }[] } }; env: Record<string, string> };
    const gitlab = parse(readFileSync(join(folder, '.gitlab-ci.yml'), 'utf8')) as { bdt: { script: string[]; before_script: string[]; artifacts: { reports: { junit: string } } } };
    const steps = github.jobs.firmware.steps.filter((step) => step.run !== undefined);
    expect(steps.map(({ name }) => name)).toEqual(['Install', 'Compile', 'Prove and compare', 'Summary']);
    expect(gitlab.bdt.script).toEqual(steps.slice(1, 3).map(({ run: script }) => script));
    expect(gitlab.bdt.before_script.join('\n')).toContain('verilator g++');

    for (const { run: script } of steps.slice(1)) expect(run(script!)).toMatchObject({ status: 0 });
    expect(readFileSync(join(folder, 'step-summary.md'), 'utf8')).toMatch(/^## bdt: all good\n/);
    expect(readFileSync(join(folder, gitlab.bdt.artifacts.reports.junit), 'utf8')).toContain('failures="0"');

    const again = await compileModel('ci', join(folder, 'built'), '--init', folder);
    expect([again.code, complaints(again.stderr)]).toEqual([1, expect.stringMatching(/\.gitlab-ci\.yml: is there already: nothing was written\./)]);
  });

  it('are refused where the command is not of a repository', async () => {
    const { code, stderr } = await compileModel('ci', out, '--init', join(root, 'elsewhere'));
    expect([code, existsSync(join(root, 'elsewhere'))]).toEqual([1, false]);
    expect(complaints(stderr)).toMatch(/report\.json → options → command: has \/.*model\.json, which is not inside a repository\. Compile again from the root/);
  });
});
