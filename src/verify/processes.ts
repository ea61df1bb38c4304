import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How a child process is run. Arguments go to it as they are: no shell. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

export interface RunResult {
  /** undefined where the process was ended by a signal or never started. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: 'itself' | 'timeout' | 'abort' | 'output-limit' | 'not-started';
}

/** Most a child may print, in characters; past it the child is ended. */
const OUTPUT_LIMIT = 256 * 1024 * 1024;

const liveGroups = new Set<number>();
const liveFolders = new Set<string>();
let guarded = false;

/** Runs one program in a process group of its own, which is killed as a whole at time-out or abort. */
export function runProcess(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve) => {
    if (options.signal?.aborted === true) {
      resolve({ exitCode: undefined, stdout: '', stderr: '', ended: 'abort' });
      return;
    }
    const env = options.env === undefined ? process.env : { ...process.env, ...options.env };
    const child = spawn(command, args, { cwd: options.cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let ended: RunResult['ended'] = 'itself';
    const end = (why: RunResult['ended']) => {
      ended = why;
      killGroup(child);
    };
    const stdout = collect(child.stdout, () => end('output-limit'));
    const stderr = collect(child.stderr, () => end('output-limit'));
    const timer = setTimeout(() => end('timeout'), options.timeoutSeconds * 1000);
    const onAbort = () => end('abort');
    options.signal?.addEventListener('abort', onAbort, { once: true });
    if (child.pid !== undefined) watch(child.pid);
    const finish = (exitCode: number | null, startError?: Error) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      if (child.pid !== undefined) liveGroups.delete(child.pid);
      unguardIfIdle();
      const failed = startError !== undefined;
      resolve({
        exitCode: exitCode ?? undefined,
        stdout: stdout(),
        stderr: failed ? startError.message : stderr(),
        ended: failed ? 'not-started' : ended,
      });
    };
    child.once('error', (error) => finish(null, error));
    child.once('close', (code) => finish(code));
  });
}

/** Runs `work` on every item, at most `jobs` at a time; results in the items' order. */
export async function inParallel<T, R>(items: readonly T[], jobs: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await work(items[i] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(jobs, items.length)) }, worker));
  return results;
}

/** A temporary folder for the time of `work`; gone afterwards, also when this process is interrupted. */
export async function withTempFolder<R>(work: (folder: string) => Promise<R>): Promise<R> {
  const folder = makeTempFolder();
  try {
    return await work(folder);
  } finally {
    removeFolder(folder);
  }
}

/** A temporary folder that is removed when this process exits. */
export function makeTempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'trigforge-'));
  liveFolders.add(folder);
  guard();
  return folder;
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  liveFolders.delete(folder);
  unguardIfIdle();
}

function collect(stream: NodeJS.ReadableStream | null, tooMuch: () => void): () => string {
  const chunks: string[] = [];
  let length = 0;
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    length += chunk.length;
    if (length > OUTPUT_LIMIT) tooMuch();
    else chunks.push(chunk);
  });
  return () => chunks.join('');
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

function watch(pid: number): void {
  liveGroups.add(pid);
  guard();
}

/** Children have their own groups, so a Ctrl-C at the terminal does not reach them: pass it on. */
function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on('exit', cleanUp);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}

function unguardIfIdle(): void {
  if (!guarded || liveGroups.size > 0 || liveFolders.size > 0) return;
  guarded = false;
  process.off('exit', cleanUp);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal);
}

function onSignal(signal: NodeJS.Signals): void {
  cleanUp();
  unguardIfIdle();
  // Someone else handles the signal too: theirs to decide. Otherwise die of it, as without this handler.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function cleanUp(): void {
  for (const pid of liveGroups) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // already gone
    }
  }
  liveGroups.clear();
  for (const folder of liveFolders) rmSync(folder, { recursive: true, force: true });
  liveFolders.clear();
}
