import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readReport } from '../../compile/folder.js';
import type { SweepRow } from '../../report/sweep.js';
import { folderSource } from '../files.js';
import type { PlannedPoint } from './plan.js';

/** Whether a point needs no more work: its folder appears whole or not at all. */
export function isDone({ folder }: PlannedPoint): boolean {
  return existsSync(join(folder, 'report.json'));
}

/** Whether a point has run and failed: it left a log and no folder. */
export function hasFailed(point: PlannedPoint): boolean {
  return !isDone(point) && errorOf(point) !== undefined;
}

/** What is known of a point, from its folder or its log. */
export function rowOf(point: PlannedPoint): SweepRow {
  const base = { id: point.id, values: Object.fromEntries(point.values), folder: `points/${point.id}` };
  if (!isDone(point)) {
    const message = errorOf(point);
    return message === undefined ? { ...base, state: 'open' } : { ...base, state: 'failed', message };
  }
  const { budget, latency, timing, resources, accuracy, verification, verdict } = readReport(folderSource(point.folder));
  const { synthesised } = resources;
  return {
    ...base,
    state: 'done',
    met: budget.met,
    latencyCycles: latency.cycles,
    latencyNs: latency.combinational ? timing.criticalPathNs : latency.ns,
    criticalPathNs: timing.criticalPathNs,
    lut: synthesised?.lut ?? resources.estimated.lut,
    ff: synthesised?.ff ?? resources.estimated.ff,
    areaSource: synthesised === undefined ? 'estimated' : 'synthesised',
    ...(accuracy === undefined ? {} : { metric: accuracy.metric, accuracy: accuracy.fixed, loss: accuracy.loss }),
    verified: verification === undefined ? 'no' : verification.simulator === undefined ? 'emulator' : 'simulator',
    ...(verdict === undefined ? {} : { message: verdict }),
  };
}

/** The first problem that the log's events tell of. */
function errorOf({ folder }: PlannedPoint): string | undefined {
  const log = `${folder}.log`;
  if (!existsSync(log)) return undefined;
  const text = readFileSync(log, 'utf8');
  for (const line of text.split('\n')) {
    if (!line.startsWith('{"event":"error"')) continue;
    const { problems } = JSON.parse(line) as { readonly problems?: readonly { readonly where: readonly string[]; readonly what: string }[] };
    const [first] = problems ?? [];
    if (first !== undefined) return [...first.where, first.what].join(': ');
  }
  return /^ended: .*$/m.exec(text)?.[0];
}
