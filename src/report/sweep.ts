import { formatCount, formatDecimal, formatPercent } from './format.js';
import { table } from './table.js';

/** One compilation of a sweep. */
export interface SweepRow {
  readonly id: string;
  /** The options that differ, by name. */
  readonly values: Readonly<Record<string, string>>;
  /** Its output folder, from the sweep's. */
  readonly folder: string;
  readonly state: 'done' | 'failed' | 'open';
  readonly met?: boolean;
  readonly latencyCycles?: number;
  /** Of a combinational design the longest path. */
  readonly latencyNs?: number;
  readonly criticalPathNs?: number;
  readonly lut?: number;
  readonly ff?: number;
  readonly areaSource?: 'estimated' | 'synthesised';
  readonly metric?: string;
  readonly accuracy?: number;
  /** What quantisation loses of the metric. */
  readonly loss?: number;
  readonly verified?: 'no' | 'emulator' | 'simulator';
  /** The verdict, or why it failed. */
  readonly message?: string;
}

/** sweep.json. */
export interface Sweep {
  readonly schema: 1;
  readonly tool: { readonly name: 'trigforge'; readonly version: string };
  readonly model: { readonly name: string; readonly sha256: string };
  /** The values of each option that was a list. */
  readonly axes: Readonly<Record<string, readonly string[]>>;
  readonly points: readonly SweepRow[];
  /** The points that no other is at least as good as in all that counts, fastest first. */
  readonly pareto: readonly string[];
}

/** What counts, less is better: ns, LUTs and, where accuracy was judged, loss. */
function objectives({ latencyNs = Infinity, lut = Infinity, loss }: SweepRow): readonly number[] {
  return [latencyNs, lut, loss === undefined ? 0 : Math.max(0, loss)];
}

/** The points that meet their budget and of which no other is better in one objective and as good in all; equals stay. */
export function paretoFront(rows: readonly SweepRow[]): readonly SweepRow[] {
  const able = rows.filter((row) => row.state === 'done' && row.met === true);
  const isBetter = (a: readonly number[], b: readonly number[]): boolean => a.every((value, i) => value <= (b[i] as number)) && a.some((value, i) => value < (b[i] as number));
  return able.filter((row) => !able.some((other) => isBetter(objectives(other), objectives(row))))
    .toSorted((a, b) => (a.latencyNs as number) - (b.latencyNs as number) || (a.lut as number) - (b.lut as number));
}

/** A table of all points, those of the front marked. */
export function textSweep({ axes, points, pareto }: Sweep, width: number): string {
  const varied = Object.keys(axes).filter((axis) => (axes[axis]?.length ?? 0) > 1);
  const hasLoss = points.some((row) => row.loss !== undefined);
  const columns = [
    { title: '' }, ...varied.map((title) => ({ title, flexible: true })), { title: 'latency', right: true }, { title: 'cycles', right: true }, { title: 'LUT', right: true }, { title: 'FF', right: true, optional: true },
    ...(hasLoss ? [{ title: 'loss', right: true }] : []), { title: 'budget', flexible: true }, { title: 'folder', optional: true },
  ];
  const rows = points.map((row) => {
    const options = varied.map((axis) => row.values[axis] ?? '');
    const front = pareto.includes(row.id) ? '*' : '';
    if (row.state !== 'done') return [front, ...options, '', '', '', '', ...(hasLoss ? [''] : []), row.state === 'failed' ? `failed: ${row.message ?? ''}` : 'not run', ''];
    return [
      front, ...options, `${formatDecimal(row.latencyNs ?? 0)} ns`, String(row.latencyCycles), formatCount(row.lut ?? 0), formatCount(row.ff ?? 0),
      ...(hasLoss ? [row.loss === undefined ? '' : formatPercent(row.loss, 1)] : []), row.met === true ? 'met' : 'not met', row.folder,
    ];
  });
  const note = pareto.length === 0 ? 'No point meets its budget.' : `* ${pareto.length} of ${points.length} on the Pareto front: no other is as fast, as small${hasLoss ? ' and as exact' : ''}, and better in one.`;
  return [...table(columns, rows, width), '', note].join('\n');
}
