import { shortfalls } from './budget.js';
import type { Change } from './compare.js';
import { compareReports } from './compare.js';
import { formatApart, formatCount, formatDecimal, plural, printable } from './format.js';
import type { Report } from './schema.js';

/** What `ci` holds a build against its baseline by. */
export const GATES = ['budget', 'latency', 'interface', 'area', 'accuracy'] as const;
export type GateName = (typeof GATES)[number];

export interface GateLimits {
  /** What LUT, FF, DSP and BRAM may each grow by, as a fraction of the baseline's. */
  readonly maxGrowth: number;
  /** What the metric may get worse by: an absolute difference, or for `mse` a fraction of the baseline's. */
  readonly maxDrop: number;
}

export interface Gate {
  readonly name: GateName;
  /** `skipped`: neither side says anything that could be compared. */
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What was found against what is allowed. */
  readonly text: string;
}

/** Numbers that come from sums of floats: below this relative difference two are the same. */
const TOLERANCE = 1e-9;

/** Every gate, in the order of `GATES`: is `report` as good as `baseline` where it matters to its neighbours? */
export function checkGates(baseline: Report, report: Report, limits: GateLimits): Gate[] {
  const judge: Readonly<Record<GateName, () => Omit<Gate, 'name'>>> = {
    budget: () => budgetGate(baseline, report),
    latency: () => latencyGate(baseline, report),
    interface: () => interfaceGate(baseline, report),
    area: () => areaGate(baseline, report, limits.maxGrowth),
    accuracy: () => accuracyGate(baseline, report, limits.maxDrop),
  };
  return GATES.map((name) => ({ name, ...judge[name]() }));
}

const verdict = (wrong: readonly string[], right: string): Omit<Gate, 'name'> => (wrong.length > 0 ? { outcome: 'failed', text: wrong.join('; ') } : { outcome: 'passed', text: right });

/** The build's own budget, and the baseline's: a build compiled with a laxer one does not pass by it. */
function budgetGate(baseline: Report, report: Report): Omit<Gate, 'name'> {
  const own = shortfalls(report).map(({ text }) => text);
  const { clockMHz } = baseline.budget;
  if (clockMHz !== report.budget.clockMHz) own.push(`compiled for ${formatDecimal(report.budget.clockMHz, 3)} MHz, the baseline for ${formatDecimal(clockMHz, 3)} MHz`);
  const theirs = shortfalls({ ...report, budget: { ...baseline.budget, met: report.budget.met } }).map(({ text }) => text);
  return verdict([...new Set([...own, ...theirs])], `met, and so is the baseline's`);
}

/** The latency lock: a retrained model never shifts its neighbours, in neither direction. */
function latencyGate({ latency: was }: Report, { latency: is }: Report): Omit<Gate, 'name'> {
  const wrong: string[] = [];
  if (is.cycles !== was.cycles) wrong.push(`${plural(is.cycles, 'cycle')}, the baseline has ${formatCount(was.cycles)}: compile with --latency '=${was.cycles} cycles' to keep it`);
  if (is.initiationInterval !== was.initiationInterval) wrong.push(`a new event every ${plural(is.initiationInterval, 'cycle')}, the baseline every ${formatCount(was.initiationInterval)}`);
  return verdict(wrong, `${plural(is.cycles, 'cycle')}, as the baseline`);
}

function interfaceGate(baseline: Report, report: Report): Omit<Gate, 'name'> {
  const changes = compareReports(baseline, report).changes.filter((change) => change.interface && (change.group === 'ports' || change.group === 'types'));
  return verdict(changes.map(changeText), 'the same ports and types');
}

function changeText({ name, before, after }: Change): string {
  return `${printable(name)}: ${printable(String(after ?? 'gone'))}, the baseline has ${printable(String(before ?? 'no such port'))}`;
}

const RESOURCES = ['lut', 'ff', 'dsp', 'bram'] as const;

/** Synthesised figures where both sides have them from the same flow, else estimated ones. */
function areaGate(baseline: Report, report: Report, maxGrowth: number): Omit<Gate, 'name'> {
  const part = [baseline.device?.part, report.device?.part];
  if (part[0] !== part[1]) return { outcome: 'failed', text: `made for ${part[1] ?? 'an unknown device'}, the baseline for ${part[0] ?? 'an unknown one'}: areas cannot be compared` };
  const [was, is] = [baseline.resources.synthesised, report.resources.synthesised];
  const measured = was !== undefined && is !== undefined && was.flow === is.flow;
  const before = measured ? was : baseline.resources.estimated;
  const after = measured ? is : report.resources.estimated;
  const source = measured ? printable(was.flow) : 'estimated';
  const wrong = RESOURCES.flatMap((name) => {
    const [from, to] = [before[name] ?? 0, after[name] ?? 0];
    const allowed = Math.floor(from * (1 + maxGrowth) * (1 + TOLERANCE));
    return to <= allowed ? [] : [`${formatCount(to)} ${name.toUpperCase()}, ${formatCount(allowed)} allowed (the baseline's ${formatCount(from)} and ${percent(maxGrowth)})`];
  });
  const shown = RESOURCES.filter((name) => (before[name] ?? 0) > 0 || (after[name] ?? 0) > 0).map((name) => `${formatCount(after[name] ?? 0)} ${name.toUpperCase()} (${formatCount(before[name] ?? 0)})`);
  const judged = verdict(wrong, `${shown.join(', ') || 'no area'}; the baseline's in brackets`);
  return { ...judged, text: `${judged.text}; ${source}` };
}

function accuracyGate({ accuracy: was }: Report, { accuracy: is }: Report, maxDrop: number): Omit<Gate, 'name'> {
  if (was === undefined && is === undefined) return { outcome: 'skipped', text: 'neither build was compiled with --data' };
  if (is === undefined) return { outcome: 'failed', text: `the baseline's ${was?.metric} is known, this build's is not: compile it with the same --data and --labels` };
  const wrong: string[] = [];
  if (is.maxLoss !== undefined && is.loss > is.maxLoss * (1 + TOLERANCE)) wrong.push(`quantisation loses ${percent(is.loss)} of ${is.metric}, ${percent(is.maxLoss)} allowed`);
  if (was === undefined) return verdict(wrong, `${is.metric} ${formatDecimal(is.fixed, 5)}; the baseline says nothing`);
  if (was.metric !== is.metric) return { outcome: 'failed', text: `judged by ${is.metric}, the baseline by ${was.metric}: compile with --metric ${was.metric}` };
  const isError = is.metric === 'mse';
  const drop = isError ? (is.fixed - was.fixed) / Math.max(was.fixed, Number.MIN_VALUE) : was.fixed - is.fixed;
  const [before, after] = formatApart(was.fixed, is.fixed, 5);
  if (drop > maxDrop + TOLERANCE) wrong.push(`${is.metric} ${after}, the baseline has ${before}: ${isError ? `${formatDecimal(100 * drop, 2)}% more` : formatApart(drop, maxDrop, 5)[0]}, ${isError ? percent(maxDrop) : formatApart(drop, maxDrop, 5)[1]} allowed`);
  return verdict(wrong, `${is.metric} ${after}, the baseline has ${before}`);
}

const percent = (fraction: number): string => `${formatDecimal(100 * fraction, 2)}%`;
