import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { complaints } from '../helpers/commandLine.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const MODEL = join(ROOT, 'test/fixtures/anomaly/model.onnx');
const SMALL = join(ROOT, 'test/fixtures/brevitas_mlp/model.onnx');

let home: string;
let work: string;
let temp: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'process-test-'));
  // The package without a project-local environment: what is on the PATH is all there is.
  const bare = join(home, 'bare');
  for (const part of ['src', 'testbench', 'templates', 'hdl', 'package.json']) cpSync(join(ROOT, part), join(bare, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(bare, 'node_modules'));
});
beforeEach(() => {
  work = mkdtempSync(join(home, 'work-'));
  temp = mkdtempSync(join(home, 'temp-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a process of its own; `onStderr` may send it a signal. */
function start(root: string, words: readonly string[], env: NodeJS.ProcessEnv = {}, onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', TSX, join(root, 'src/cli/main.ts'), ...words], { cwd: work, env: { ...process.env, TMPDIR: temp, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
    onStderr?.(stderr, (signal) => child.kill(signal));
  });
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })));
}

/** Files of this tool, not of the loader that runs TypeScript in these tests. */
const leftovers = (): string[] => readdirSync(temp).filter((name) => !name.startsWith('tsx') && !name.startsWith('node-compile-cache'));

describe('an interrupted compilation leaves nothing behind', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s while it computes', async (signal) => {
    const ended = await start(ROOT, [MODEL, '-o', 'made/out'], {}, (text, kill) => {
      if (text.includes('building the circuit')) kill(signal);
    });
    // It dies of the signal itself, which shells show as 128 + its number: 130 for SIGINT.
    expect(ended).toMatchObject({ code: null, signal, stdout: '' });
    expect(ended.stderr).not.toContain('writing the report');
    expect([readdirSync(work), leftovers()]).toEqual([[], []]);
  });

  it('SIGINT while Verilator works', async () => {
    const ended = await start(ROOT, [MODEL, '-o', 'made/out'], {}, (text, kill) => {
      if (text.includes('compiling the simulation') && !text.includes('interrupted')) kill('SIGINT');
    });
    expect(ended).toMatchObject({ code: 130, signal: null, stdout: '' });
    expect(complaints(ended.stderr)).toBe('interrupted: nothing was written');
    expect([readdirSync(work), leftovers()]).toEqual([[], []]);
  });
});

describe('without Verilator', () => {
  const nothing = (): NodeJS.ProcessEnv => {
    const empty = join(work, 'bin');
    mkdirSync(empty);
    return { PATH: empty };
  };
  const bare = (): string => join(home, 'bare');

  it('by default the emulator verifies, with a warning that is seen, and exit code 0', async () => {
    const ended = await start(bare(), [SMALL, '-o', 'out'], nothing());
    expect(complaints(ended.stderr)).toBe("warning: --verify: Verilator was not found: the Verilog was not simulated. Run `compile-model doctor` to see how to get it.");
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^MET .*emulator/);
    expect(ended.stdout.split('\n')[0]).not.toContain('Verilator)');
  });

  it('asked for by name: exit code 5 and what to do', async () => {
    const ended = await start(bare(), [SMALL, '-o', 'out', '--verify', 'verilator'], nothing());
    expect(ended).toMatchObject({ code: 5, stdout: '' });
    expect(complaints(ended.stderr)).toMatch(/^missing tool: verilator: not found\. Run 'make setup' .*\nmissing tool: g\+\+: not found\. Run 'make setup' /);
    expect(readdirSync(work)).toEqual(['bin']);
  });

  it('doctor says what lacks, with exit code 5', async () => {
    const ended = await start(bare(), ['doctor'], nothing());
    expect(ended.code).toBe(5);
    expect(ended.stdout).toMatch(/MISSING verilator +not found\n.*simulates the emitted Verilog; get it with: run 'make setup'/);
  });
});
