import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionScript, SHELLS } from '../../src/cli/completion.js';
import { COMMAND_NAMES } from '../../src/cli/commandTable.js';
import { compileModel } from '../helpers/commandLine.js';

/** `completion`: the scripts, and bash asked what it offers. */
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'completion-'));
  writeFileSync(join(folder, 'bash.sh'), completionScript('bash'));
  writeFileSync(join(folder, 'model.onnx'), '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers behind these words, the last of which is being written. */
function offered(...words: readonly string[]): readonly string[] {
  const quoted = ['compile-model', ...words].map((word) => `'${word}'`).join(' ');
  const script = `source ./bash.sh; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _compile_model; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', script], { cwd: folder, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return stdout.split('\n').filter((line) => line !== '');
}

describe('bash', () => {
  it('offers commands and files first', () => {
    expect(offered('')).toEqual([...COMMAND_NAMES, 'bash.sh', 'model.onnx']);
    expect(offered('sw')).toEqual(['sweep']);
    expect(offered('mod')).toEqual(['model.onnx']);
  });

  it('offers the options of the command that stands there', () => {
    expect(offered('explain', 'out', '--')).toEqual(['--inputs', '--event', '--layer', '--json', '--quiet', '--help']);
    expect(offered('model.onnx', '--la')).toEqual(['--latency', '--labels']);
  });

  it('offers the words that an option takes', () => {
    expect(offered('model.onnx', '--effort', '')).toEqual(['fast', 'normal', 'best']);
    expect(offered('package', 'out', '--for', 'c')).toEqual(['cmssw', 'cocotb']);
    expect(offered('model.onnx', '--data', 'm')).toEqual(['model.onnx']);
  });
});

describe('the command', () => {
  it.each(SHELLS)('prints the script of %s', async (shell) => {
    const { code, stdout } = await compileModel('completion', shell);
    expect(code).toBe(0);
    expect(stdout).toBe(completionScript(shell));
    for (const name of COMMAND_NAMES) expect(stdout).toContain(name);
  });

  it('knows no other shell', async () => {
    expect(await compileModel('completion', 'csh')).toMatchObject({ code: 1, stderr: expect.stringContaining('must be one of bash, zsh, fish') as string });
  });
});
