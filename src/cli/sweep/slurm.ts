import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CompileError } from '../../errors.js';
import { shellCommand } from '../../report/format.js';
import { runProcess } from '../../verify/processes.js';
import type { Launcher } from './local.js';
import { commandOf } from './local.js';
import type { PlannedPoint } from './plan.js';

/** How often the queue is asked, and how many times in a row it may fail to answer. */
const POLL_MS = 2000;
const MOST_SILENT_POLLS = 30;

const TIMEOUT_SECONDS = 120;

export interface SlurmOptions {
  readonly out: string;
  readonly name: string;
  /** Tasks that run at once. */
  readonly jobs: number | undefined;
  /** Further words for sbatch. */
  readonly words: readonly string[];
}

/**
 * Runs points as one Slurm job array, a task a point, and waits for its end. The folder must be on a file system that the
 * nodes share. A job of an earlier run that is still in the queue is waited for, not submitted again.
 *
 * @throws CompileError: `tool` where there is no sbatch, `config` where it refuses the job
 */
export async function runOnSlurm(points: readonly PlannedPoint[], launcher: Launcher, options: SlurmOptions, onPoll: () => void, signal: AbortSignal): Promise<void> {
  const folder = join(resolve(options.out), 'slurm');
  const idFile = join(folder, 'job.id');
  const running = existsSync(idFile) ? readFileSync(idFile, 'utf8').trim() : undefined;
  if (running === undefined || (await stateOf(running, signal)) !== 'queued') {
    writeJob(points, launcher, folder, options);
    writeFileSync(idFile, await submit(join(folder, 'job.sh'), options.words, signal));
  }
  await waitFor(readFileSync(idFile, 'utf8').trim(), onPoll, signal);
  if (!signal.aborted) rmSync(idFile, { force: true });
}

/** `job.sh`, which runs the line of `tasks.txt` that is its task's. A budget that is not met is no failure of a task. */
function writeJob(points: readonly PlannedPoint[], launcher: Launcher, folder: string, { name, jobs }: SlurmOptions): void {
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(folder, '..', 'points'), { recursive: true });
  const tasks = points.map((point) => {
    const log = inShell(`${point.folder}.log`);
    return `${inShell(launcher.command, ...launcher.args, ...commandOf(point))} >${log} 2>&1; code=$?; echo "ended: with exit code $code" >>${log}; [ $code -eq 2 ] || exit $code`;
  });
  const list = join(folder, 'tasks.txt');
  writeFileSync(list, `${tasks.join('\n')}\n`);
  writeFileSync(join(folder, 'job.sh'), [
    '#!/bin/sh',
    `#SBATCH --job-name=${`trigforge-${name}`.replace(/[^\w.-]/g, '_')}`,
    `#SBATCH --array=1-${points.length}${jobs === undefined ? '' : `%${jobs}`}`,
    '#SBATCH --output=/dev/null',
    '# One compilation a task: the line of that number.',
    `exec sh -c "$(sed -n "\${SLURM_ARRAY_TASK_ID}p" ${inShell(list)})"`,
    '',
  ].join('\n'));
}

/** Words as the shell takes them in one line, whatever is in them. */
function inShell(...words: readonly string[]): string {
  if (words.some((word) => /[\n\r\0]/.test(word))) throw new CompileError('config', { code: 'bad-option', where: ['--cluster'], what: 'options with line breaks cannot be sent to a cluster.' });
  return shellCommand(words);
}

async function submit(script: string, words: readonly string[], signal: AbortSignal): Promise<string> {
  const { exitCode, stdout, stderr, ended } = await runProcess('sbatch', ['--parsable', ...words, script], { timeoutSeconds: TIMEOUT_SECONDS, signal });
  if (ended === 'not-started') throw new CompileError('tool', { code: 'tool-missing', where: ['sbatch'], what: 'not found.', mend: 'Run this on a machine of the Slurm cluster, or leave out --cluster.' });
  const id = /^\d+/.exec(stdout.trim())?.[0];
  if (exitCode === 0 && id !== undefined) return id;
  throw new CompileError('config', { code: 'slurm-refused', where: ['--cluster', 'sbatch'], what: `refused the job: ${stderr.trim().split('\n')[0] ?? ''}`, mend: 'Pass what your cluster asks for with --cluster-options.' });
}

/** Whether a job is in the queue, waiting or running. */
async function stateOf(id: string, signal: AbortSignal): Promise<'queued' | 'ended' | 'unknown'> {
  const { exitCode, stdout, stderr } = await runProcess('squeue', ['--noheader', `--jobs=${id}`, '--format=%T'], { timeoutSeconds: TIMEOUT_SECONDS, signal });
  if (exitCode === 0) return stdout.trim() === '' ? 'ended' : 'queued';
  return /invalid job id/i.test(stderr) ? 'ended' : 'unknown';
}

async function waitFor(id: string, onPoll: () => void, signal: AbortSignal): Promise<void> {
  for (let silent = 0; !signal.aborted; ) {
    const state = await stateOf(id, signal);
    onPoll();
    if (state === 'ended') return;
    silent = state === 'unknown' ? silent + 1 : 0;
    if (silent > MOST_SILENT_POLLS) throw new CompileError('tool', { code: 'slurm-silent', where: ['squeue'], what: `does not answer any more; job ${id} may go on.`, mend: 'Run the same sweep again later: it goes on from what is there.' });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
