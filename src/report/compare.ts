import { formatApart, formatCount, formatDecimal, formatShape, plural, printable } from './format.js';
import type { Report, ReportLayer, ReportPort } from './schema.js';
import { type Column, heading, table } from './table.js';

export const CHANGE_GROUPS = ['ports', 'types', 'latency', 'timing', 'area', 'accuracy', 'overflow', 'verification', 'budget', 'layers', 'decisions'] as const;
export type ChangeGroup = (typeof CHANGE_GROUPS)[number];

/** One thing that differs; a side on which it does not exist (a new port) is absent. */
export interface Change {
  readonly group: ChangeGroup;
  readonly name: string;
  readonly before?: string | number;
  readonly after?: string | number;
  readonly unit?: string;
  /** From the newer report's point of view; `neutral` where neither side is better. */
  readonly direction: 'better' | 'worse' | 'neutral';
  /** A neighbour in the firmware notices: ports, their types, the latency. */
  readonly interface: boolean;
}

/** Events on which the two models decide differently, counted by who can run them. */
export interface FlippedDecisions {
  readonly events: number;
  readonly flipped: number;
  /** Events on which any output differs. */
  readonly differing: number;
  /** What a decision is: `score > 0.5`. */
  readonly rule: string;
}

export interface Comparison {
  readonly before: { readonly name: string; readonly sha256: string };
  readonly after: { readonly name: string; readonly sha256: string };
  readonly changes: readonly Change[];
  /** No neighbour in the firmware needs to change: same ports, same types, same latency. */
  readonly sameInterface: boolean;
  /** What cannot be compared, and why. */
  readonly notes: readonly string[];
}

/**
 * What changed from `before` to `after`. Figures are compared only with figures of the same source; `decisions` is why
 * they cannot be compared, where it is a text.
 */
export function compareReports(before: Report, after: Report, decisions?: FlippedDecisions | string): Comparison {
  const notes: string[] = [];
  const changes = [
    ...portChanges('input', before.model.inputs, after.model.inputs),
    ...portChanges('output', before.model.outputs, after.model.outputs),
    ...latencyChanges(before, after),
    ...timingChanges(before, after, notes),
    ...areaChanges(before, after, notes),
    ...accuracyChanges(before, after, notes),
    ...provenChanges(before, after),
    ...layerChanges(before.layers, after.layers),
    ...decisionChanges(decisions, notes),
  ];
  return {
    before: { name: before.model.name, sha256: before.model.sha256 },
    after: { name: after.model.name, sha256: after.model.sha256 },
    changes,
    sameInterface: !changes.some((c) => c.interface),
    notes,
  };
}

type Figure = string | number | boolean | undefined;
type Better = 'less' | 'more' | 'none';

function changed(group: ChangeGroup, name: string, was: Figure, is: Figure, better: Better, unit?: string, isInterface = false): Change[] {
  if (was === is) return [];
  const before = typeof was === 'boolean' ? yesNo(was) : was;
  const after = typeof is === 'boolean' ? yesNo(is) : is;
  return [{
    group, name, direction: directionOf(was, is, better), interface: isInterface,
    ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }), ...(unit === undefined ? {} : { unit }),
  }];
}

const yesNo = (value: boolean): string => (value ? 'yes' : 'no');

function directionOf(was: Figure, is: Figure, better: Better): Change['direction'] {
  if (better === 'none' || was === undefined || is === undefined || typeof was === 'string' || typeof is === 'string') return 'neutral';
  return Number(is) > Number(was) === (better === 'more') ? 'better' : 'worse';
}

function portChanges(side: 'input' | 'output', before: readonly ReportPort[], after: readonly ReportPort[]): Change[] {
  const changes: Change[] = [];
  const later = new Map(after.map((p) => [p.name, p]));
  const shared = before.filter((p) => later.has(p.name)).map((p) => p.name);
  for (const port of before) {
    const now = later.get(port.name);
    const name = `${side} ${port.name}`;
    changes.push(...changed('ports', name, formatShape(port.shape), now && formatShape(now.shape), 'none', undefined, true));
    if (now !== undefined) changes.push(...changed('types', name, typeText(port), typeText(now), 'none', undefined, true));
  }
  const known = new Set(before.map((p) => p.name));
  for (const port of after) {
    if (!known.has(port.name)) changes.push(...changed('ports', `${side} ${port.name}`, undefined, formatShape(port.shape), 'none', undefined, true));
  }
  const order = after.filter((p) => known.has(p.name)).map((p) => p.name);
  if (shared.join('\0') !== order.join('\0')) changes.push(...changed('ports', `order of ${side}s`, shared.join(', '), order.join(', '), 'none', undefined, true));
  return changes;
}

function typeText(port: ReportPort): string {
  const kinds = new Set(port.elementTypes ?? []);
  return kinds.size < 2 ? port.type : `${port.type}: ${(port.elementTypes as readonly string[]).join(' ')}`;
}

function latencyChanges(before: Report, after: Report): Change[] {
  return [
    ...changed('latency', 'latency', before.latency.cycles, after.latency.cycles, 'less', 'cycles', true),
    ...changed('latency', 'latency in time', before.latency.ns, after.latency.ns, 'less', 'ns', true),
    ...changed('latency', 'initiation interval', before.latency.initiationInterval, after.latency.initiationInterval, 'less', 'cycles', true),
    ...changed('latency', 'clock', before.budget.clockMHz, after.budget.clockMHz, 'none', 'MHz', true),
  ];
}

function timingChanges(before: Report, after: Report, notes: string[]): Change[] {
  if (before.timing.source !== after.timing.source) {
    notes.push(`critical path: ${before.timing.source} before, ${after.timing.source} after, so not compared`);
    return [];
  }
  const { source } = after.timing;
  return [
    ...changed('timing', `critical path (${source})`, before.timing.criticalPathNs, after.timing.criticalPathNs, 'less', 'ns'),
    ...changed('timing', `fmax (${source})`, before.timing.fmaxMHz, after.timing.fmaxMHz, 'more', 'MHz'),
  ];
}

function areaChanges(before: Report, after: Report, notes: string[]): Change[] {
  const changes: Change[] = [];
  if (before.device?.part !== after.device?.part) changes.push(...changed('area', 'device', before.device?.part, after.device?.part, 'none'));
  const names = ['lut', 'ff', 'dsp', 'bram'] as const;
  for (const name of names) {
    changes.push(...changed('area', `${name.toUpperCase()} (estimated)`, before.resources.estimated[name], after.resources.estimated[name], 'less'));
  }
  const [was, is] = [before.resources.synthesised, after.resources.synthesised];
  if (was === undefined && is === undefined) return changes;
  if (was?.flow !== is?.flow) {
    notes.push(`synthesised area: ${was?.flow ?? 'none'} before, ${is?.flow ?? 'none'} after, so not compared`);
    return changes;
  }
  for (const name of [...names, 'carry'] as const) {
    changes.push(...changed('area', `${name.toUpperCase()} (${is?.flow ?? ''})`, was?.[name], is?.[name], 'less'));
  }
  changes.push(...changed('area', `MHz (${is?.flow ?? ''})`, was?.fmaxMHz, is?.fmaxMHz, 'more'));
  return changes;
}

function accuracyChanges(before: Report, after: Report, notes: string[]): Change[] {
  const [was, is] = [before.accuracy, after.accuracy];
  if (was === undefined && is === undefined) return [];
  if (was?.metric !== is?.metric) {
    notes.push(`accuracy: ${was?.metric ?? 'none'} before, ${is?.metric ?? 'none'} after, so not compared`);
    return [];
  }
  return [
    ...changed('accuracy', `${is?.metric ?? ''} in float`, was?.float, is?.float, 'none'),
    ...changed('accuracy', `${is?.metric ?? ''} in fixed point`, was?.fixed, is?.fixed, 'none'),
    ...changed('accuracy', 'loss by quantisation', was?.loss, is?.loss, 'less'),
  ];
}

function provenChanges(before: Report, after: Report): Change[] {
  return [
    ...changed('overflow', 'proven free of overflow', before.overflow.provenSafe, after.overflow.provenSafe, 'more'),
    ...changed('overflow', 'types that can wrap around', before.overflow.wraps.length, after.overflow.wraps.length, 'less'),
    ...changed('verification', 'simulator', before.verification?.simulator, after.verification?.simulator, 'none'),
    ...changed('verification', 'vectors', before.verification?.vectors, after.verification?.vectors, 'more'),
    ...changed('verification', 'mismatches', before.verification?.mismatches, after.verification?.mismatches, 'less'),
    ...changed('budget', 'latency budget', before.budget.latencyNs, after.budget.latencyNs, 'none', 'ns'),
    ...changed('budget', 'budget met', before.budget.met, after.budget.met, 'more'),
  ];
}

function layerChanges(before: readonly ReportLayer[], after: readonly ReportLayer[]): Change[] {
  const changes: Change[] = [];
  const later = new Map(after.map((l) => [l.name, l]));
  const known = new Set(before.map((l) => l.name));
  for (const was of before) {
    const is = later.get(was.name);
    if (is === undefined) {
      changes.push(...changed('layers', was.name, was.kind, undefined, 'none'));
      continue;
    }
    changes.push(
      ...changed('layers', `${was.name}: kind`, was.kind, is.kind, 'none'),
      ...changed('types', `layer ${was.name}`, was.outputType, is.outputType, 'none'),
      ...changed('layers', `${was.name}: LUT (estimated)`, was.resources.lut, is.resources.lut, 'less'),
      ...changed('layers', `${was.name}: FF (estimated)`, was.resources.ff, is.resources.ff, 'less'),
      ...changed('layers', `${was.name}: latency`, was.cycles, is.cycles, 'less', 'cycles'),
    );
  }
  for (const is of after) if (!known.has(is.name)) changes.push(...changed('layers', is.name, undefined, is.kind, 'none'));
  return changes;
}

function decisionChanges(decisions: FlippedDecisions | string | undefined, notes: string[]): Change[] {
  if (decisions === undefined) return [];
  if (typeof decisions === 'string') {
    notes.push(`decisions: ${decisions}`);
    return [];
  }
  const { flipped, differing, rule } = decisions;
  const events = plural(decisions.events, 'event');
  if (differing === 0) notes.push(`decisions: every output is the same on ${events}`);
  else if (flipped === 0) notes.push(`decisions: none flips on ${events} (${rule})`);
  const count = (name: string, after: number): Change[] => (after === 0 ? [] : [{ group: 'decisions', name: `${name}, of ${events}`, after, direction: 'neutral', interface: false }]);
  return [...count(`flipped (${rule})`, flipped), ...count('outputs that differ', differing)];
}

/** The comparison for a terminal, grouped. Ends in a newline. */
export function textComparison(comparison: Comparison, width = 100): string {
  const { before, after, changes, notes } = comparison;
  const lines = [`${printable(before.name)} (${before.sha256.slice(0, 12)}) → ${printable(after.name)} (${after.sha256.slice(0, 12)})`];
  if (before.sha256 === after.sha256) lines.push('same model');
  lines.push(comparison.sameInterface ? 'same ports, types and latency: neighbours need no change' : 'INTERFACE CHANGED: ports, types or latency differ, neighbours must follow');
  if (changes.length === 0) lines.push('nothing else differs');
  const columns: readonly Column[] = [{ title: 'what', flexible: true }, { title: 'before', right: true, flexible: true }, { title: 'after', right: true, flexible: true }, { title: 'change', right: true }, { title: '' }];
  for (const group of CHANGE_GROUPS) {
    const rows = changes.filter((c) => c.group === group).map(changeRow);
    if (rows.length > 0) lines.push('', heading(group, width), ...table(columns, rows, width));
  }
  if (notes.length > 0) lines.push('', ...notes.map((n) => `note: ${printable(n)}`));
  return `${lines.join('\n')}\n`;
}

/** Name, both sides, the difference and whether it is better or worse, as texts without control characters. */
export function changeRow(change: Change): string[] {
  const { before, after } = change;
  const unit = change.unit === undefined ? '' : ` ${change.unit}`;
  const mark = change.direction === 'neutral' ? '' : change.direction;
  if (typeof before !== 'number' || typeof after !== 'number') return [printable(change.name), side(before, unit), side(after, unit), '', mark];
  const [from, to] = formatApart(before, after, 3);
  const difference = after - before;
  const sign = difference > 0 ? '+' : '-';
  const amount = Number.isInteger(difference) ? formatCount(Math.abs(difference)) : formatDecimal(Math.abs(difference), 3);
  const percent = before === 0 ? '' : ` (${sign}${formatDecimal(Math.abs((100 * difference) / before), 1)}%)`;
  return [printable(change.name), from + unit, to + unit, `${sign}${amount}${percent}`, mark];
}

function side(value: string | number | undefined, unit: string): string {
  if (value === undefined) return '-';
  return typeof value === 'number' ? `${formatDecimal(value, 3)}${unit}` : printable(value);
}
