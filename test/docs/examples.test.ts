import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { excerpt, readBlock } from '../../docs/excerpt.mjs';
import { DOCUMENTS, examplesOf, firstMissing, readDocument, ROOT } from './markdown.js';

/** The built command; TRIGFORGE names another one. */
const MAIN = process.env['TRIGFORGE'] ?? join(ROOT, 'dist/cli/main.js');

let folder = '';

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there. Run: make build`);
  folder = mkdtempSync(join(tmpdir(), 'trigforge-docs-'));
  mkdirSync(join(folder, 'bin'));
  const command = join(folder, 'bin/compile-model');
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(command, 0o755);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a script in `cwd`, where `test` is the repository's. */
function run(script: string, cwd: string): { readonly status: number | null; readonly text: string } {
  const env = { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`, NO_COLOR: '1' };
  const result = spawnSync('bash', ['-eu', '-o', 'pipefail', '-c', `exec 2>&1\n${script}`], { cwd, env, encoding: 'utf8', timeout: 110_000 });
  return { status: result.status, text: result.stdout };
}

function workFolder(name: string): string {
  const cwd = join(folder, name.replaceAll('/', '-'));
  mkdirSync(join(cwd, 'build'), { recursive: true });
  symlinkSync(join(ROOT, 'test'), join(cwd, 'test'));
  return cwd;
}

const withExamples = DOCUMENTS.map((path) => ({ path, examples: examplesOf(readDocument(path)) })).filter(({ examples }) => examples.length > 0);

describe('examples', () => {
  it('are found in the README, the user guide and the pages on ways in, I/O and report.json', () => {
    expect(withExamples.map(({ path }) => path).sort()).toEqual(['README.md', 'docs/io.md', 'docs/report.md', 'docs/user-guide.md', 'docs/ways-in.md']);
  });

  it.each(withExamples)('of $path do what it says', { timeout: 300_000 }, ({ path, examples }) => {
    const cwd = workFolder(path);
    for (const { line, script, exit, output } of examples) {
      const { status, text } = run(script, cwd);
      expect(status, `${path}:${line} ended otherwise:\n${text}`).toBe(exit);
      expect(firstMissing(text, output), `${path}:${line} did not print this; it printed:\n${text}`).toBeUndefined();
    }
  });
});

describe('help', () => {
  it.each([
    ['emulate', ['--inputs', '--outputs', '--float']],
    ['verify', ['--inputs', '--expect', '--junit', '--seed', '--jobs']],
    ['compare', ['--format', '--inputs', '--links']],
    ['report', ['--against', '--open']],
  ])('of %s has the options that documents name', (command, options) => {
    const { status, text } = run(`compile-model ${command} --help`, folder);
    expect(status, text).toBe(0);
    expect(options.filter((option) => !text.includes(option))).toEqual([]);
  });
});

describe('the demo in README.md', () => {
  it('is what the command prints', () => {
    const shown = readBlock(readDocument('README.md'), 'demo').split('\n').slice(1, -1).join('\n');
    const { status, text } = run(
      'compile-model test/fixtures/anomaly/model.onnx --clock 320MHz --latency 50ns --vectors test/fixtures/anomaly/inputs.npy --name anomaly --verify emulator --out build/demo >/dev/null 2>&1\n' +
        'compile-model report build/demo',
      workFolder('demo'),
    );
    expect(status, text).toBe(0);
    // Without the Verilog simulated here; the user guide's examples do that.
    const comparable = (printed: string): string => printed.split('\n\n…\n\n── Verification')[0]?.replace(/, (bit-exact|emulator exact) on .*/, '') ?? '';
    expect(comparable(shown).length, 'README.md shows too little').toBeGreaterThan(500);
    expect(comparable(shown), 'refresh it: make demo && node docs/screenshot.mjs').toBe(comparable(excerpt(text)));
  });
});

describe('the extractor', () => {
  it('sees examples, exit codes and outputs, and refuses what is neither', () => {
    const document = 'a\n```sh run exit=2\nfalse\n```\n\n```text output\nb\n\nc\n```\n```sh\nmake\n```';
    expect(examplesOf(document)).toEqual([{ line: 2, script: 'false', exit: 2, output: ['b', 'c'] }]);
    expect(() => examplesOf('```sh runs\nx\n```')).toThrow("'sh runs'");
    expect(() => examplesOf('```sh run\nx')).toThrow('not closed');
    expect(firstMissing('one two three', ['one', 'three', 'two'])).toBe('two');
    expect(firstMissing('one two three', ['one', 'three'])).toBeUndefined();
  });
});
