import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { inParallel, runProcess } from '../../verify/processes.js';
import type { PlannedPoint } from './plan.js';

/** No compilation takes as long as this. */
const TIMEOUT_SECONDS = 14 * 86_400;

/** How a compilation is started as a program of its own. */
export interface Launcher {
  readonly command: string;
  readonly args: readonly string[];
}

/** The whole command of a point, without the launcher. */
export function commandOf({ words, folder }: PlannedPoint): readonly string[] {
  return [...words, '--out', folder, '--jobs', '1', '--json'];
}

/** Runs points as processes of their own, `jobs` at a time; `onEnd` is told of each as it ends. */
export async function runHere(points: readonly PlannedPoint[], launcher: Launcher, jobs: number, onEnd: () => void, signal: AbortSignal): Promise<void> {
  await inParallel(points, jobs, async (point) => {
    if (signal.aborted) return;
    const result = await runProcess(launcher.command, [...launcher.args, ...commandOf(point)], { timeoutSeconds: TIMEOUT_SECONDS, signal });
    if (result.ended === 'abort') return;
    mkdirSync(dirname(point.folder), { recursive: true });
    const end = result.exitCode === undefined ? `ended: by ${result.ended === 'itself' ? 'a signal' : result.ended}\n` : `ended: with exit code ${result.exitCode}\n`;
    writeFileSync(`${point.folder}.log`, `${result.stdout}${result.stderr}${end}`);
    onEnd();
  });
}
