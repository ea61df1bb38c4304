import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { CompileError } from '../../errors.js';
import { sweepPage } from '../../report/html/sweepPage.js';
import type { Sweep } from '../../report/sweep.js';
import { paretoFront, textSweep } from '../../report/sweep.js';
import { PACKAGE_ROOT } from '../../verify/tools.js';
import { replaceFiles } from '../files.js';
import { modelNameOf } from '../modelName.js';
import { axesOf } from '../sweep/grid.js';
import type { Launcher } from '../sweep/local.js';
import { runHere } from '../sweep/local.js';
import type { SweepPlan } from '../sweep/plan.js';
import { planSweep } from '../sweep/plan.js';
import { hasFailed, isDone, rowOf } from '../sweep/rows.js';
import { runOnSlurm } from '../sweep/slurm.js';
import type { Terminal } from '../terminal.js';
import { timeLeft } from '../timeLeft.js';
import { toolVersion } from '../version.js';

export interface SweepOptions {
  readonly model: string;
  /** All options as they were parsed. */
  readonly argv: Readonly<Record<string, unknown>>;
  readonly out?: string;
  readonly jobs?: number;
  readonly cluster: boolean;
  readonly clusterWords: readonly string[];
}

/** `sweep MODEL`: exit code 0 where some point meets its budget, 2 where none does, 1 where all fail. */
export async function sweepCommand(options: SweepOptions, terminal: Terminal): Promise<number> {
  const out = options.out ?? join('build', `${modelNameOf(options.model)}-sweep`);
  const axes = axesOf(options.argv);
  checkFolder(out);
  const plan = await planSweep(options.model, options.argv, axes, out);
  mkdirSync(out, { recursive: true });
  write(out, plan);
  try {
    await runPoints(plan, out, options, terminal);
  } finally {
    terminal.done();
    write(out, plan);
  }
  return conclude(sweepOf(plan), out, terminal);
}

/** Runs what is not done yet, here or on the cluster, and says how far it is. */
async function runPoints(plan: SweepPlan, out: string, { jobs, cluster, clusterWords }: SweepOptions, terminal: Terminal): Promise<void> {
  const open = plan.points.filter((point) => !isDone(point));
  if (open.length < plan.points.length) terminal.step(`${plan.points.length - open.length} of ${plan.points.length} points are there already`);
  if (open.length === 0) return;
  const abort = new AbortController();
  const interrupted = (): void => {
    abort.abort();
    terminal.done();
    process.stderr.write(`interrupted: ${cluster ? 'the job goes on in the cluster; ' : ''}run the same command again and it goes on from here\n`);
    process.exit(130);
  };
  const start = performance.now();
  let ended = 0;
  const progress = (): void => {
    const left = timeLeft(ended, open.length, performance.now() - start);
    terminal.step(`compiling ${plan.points.length} points: ${plan.points.length - open.length + ended} done${left === '' ? '' : `, ${left}`}`);
  };
  process.once('SIGINT', interrupted);
  try {
    progress();
    if (cluster) {
      const count = (): void => {
        const now = open.filter((point) => isDone(point) || hasFailed(point)).length;
        if (now === ended) return;
        ended = now;
        progress();
      };
      await runOnSlurm(open, launcher(), { out, name: modelNameOf(plan.model), jobs, words: clusterWords }, count, abort.signal);
    } else {
      await runHere(open, launcher(), jobs ?? availableParallelism(), () => {
        ended++;
        progress();
      }, abort.signal);
    }
  } finally {
    process.off('SIGINT', interrupted);
  }
}

/** The built command, whatever program this runs in. */
function launcher(): Launcher {
  const main = join(PACKAGE_ROOT, 'dist/cli/main.js');
  if (!existsSync(main)) throw new CompileError('tool', { code: 'not-built', where: [main], what: 'is not there: a sweep runs the built command.', mend: 'Run make build, or npm run build.' });
  return { command: process.execPath, args: [main] };
}

function checkFolder(out: string): void {
  if (!existsSync(out)) return;
  const entries = readdirSync(out);
  if (entries.length === 0 || entries.includes('sweep.json')) return;
  throw new CompileError('input', { code: 'output-folder', where: ['--out', out], what: 'holds something else than a sweep (there is no sweep.json in it).', mend: 'Choose another --out, or empty it first.' });
}

function sweepOf({ model, sha256, axes, points }: SweepPlan): Sweep {
  const rows = points.map(rowOf);
  return {
    schema: 1,
    tool: { name: 'trigforge', version: toolVersion() },
    model: { name: modelNameOf(model), sha256 },
    axes: Object.fromEntries(axes),
    points: rows,
    pareto: paretoFront(rows).map((row) => row.id),
  };
}

/** sweep.json and sweep.html as things stand. */
function write(out: string, plan: SweepPlan): void {
  const sweep = sweepOf(plan);
  replaceFiles(out, [{ path: 'sweep.json', content: `${JSON.stringify(sweep, null, 1)}\n` }, { path: 'sweep.html', content: sweepPage(sweep) }]);
}

function conclude(sweep: Sweep, out: string, terminal: Terminal): number {
  const done = sweep.points.filter((row) => row.state === 'done');
  terminal.print(textSweep(sweep, process.stdout.columns ?? 120));
  terminal.print(`Written to ${out}; open ${join(out, 'sweep.html')}`);
  terminal.event({ event: 'sweep', out, sweep });
  if (done.some((row) => row.met === true)) return 0;
  if (done.length > 0) return 2;
  throw new CompileError('input', { code: 'sweep-failed', where: [out], what: `none of the ${sweep.points.length} compilations ended well. First: ${sweep.points[0]?.message ?? 'no reason is known'}` });
}
