import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { runCommandLine } from '../../src/cli/commandLine.js';

/** What a command line printed, and its exit code. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `compile-model …` in this process, in the current folder. */
export async function compileModel(...words: readonly string[]): Promise<CommandResult> {
  const printed = { stdout: '', stderr: '' };
  const real = { log: console.log, error: console.error, stdout: process.stdout.write, stderr: process.stderr.write };
  const into = (stream: 'stdout' | 'stderr', end: string) => (text: unknown): boolean => {
    printed[stream] += `${String(text)}${end}`;
    return true;
  };
  console.log = into('stdout', '\n');
  console.error = into('stderr', '\n');
  process.stdout.write = into('stdout', '');
  process.stderr.write = into('stderr', '');
  try {
    const code = await runCommandLine(words);
    return { code, ...printed };
  } finally {
    console.log = real.log;
    console.error = real.error;
    process.stdout.write = real.stdout;
    process.stderr.write = real.stderr;
  }
}

/** stderr without the progress lines. */
export function complaints(stderr: string): string {
  return stderr.split('\n').filter((line) => !/^ +\d+\.\d s /.test(line)).join('\n').trim();
}

/** A new folder that is the current one until `leave`, so that messages show short paths. */
export function enterTempFolder(): { readonly path: string; readonly leave: () => void } {
  const before = process.cwd();
  const path = mkdtempSync(join(tmpdir(), 'cli-test-'));
  process.chdir(path);
  return {
    path,
    leave: () => {
      process.chdir(before);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Every file under a folder, with the sha256 of its bytes; empty folders too. */
export function snapshotOf(folder: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const visit = (path: string): void => {
    if (statSync(path).isDirectory()) {
      found[`${relative(folder, path)}/`] = '';
      for (const entry of readdirSync(path).sort()) visit(join(path, entry));
    } else {
      found[relative(folder, path)] = createHash('sha256').update(readFileSync(path)).digest('hex');
    }
  };
  visit(folder);
  return found;
}

/** Makes a folder; gives its path. */
export function folder(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}
