import { formatApart, formatCount, formatDecimal, plural } from './format.js';
import type { Report, ReportDraft, ReportSynthesis, Source } from './schema.js';

type Facts = Report | ReportDraft;

/** One limit that is not kept, with both numbers and the difference in words. */
export interface Shortfall {
  readonly quantity: 'latency' | 'clock' | 'lut' | 'ff' | 'dsp' | 'bram';
  readonly found: number;
  readonly allowed: number;
  readonly unit: string;
  readonly source: Source;
  readonly text: string;
}

/** Delays come from single-precision sums: below this relative difference two are the same. */
const TOLERANCE = 1e-6;

const exceeds = (found: number, allowed: number): boolean => found - allowed > TOLERANCE * Math.max(allowed, 1e-3);

export function periodNs(report: Facts): number {
  return 1000 / report.budget.clockMHz;
}

/** Every limit that the design breaks; empty means the budget is met. This is what decides `budget.met`. */
export function shortfalls(report: Facts): readonly Shortfall[] {
  return [...latencyShortfall(report), ...clockShortfall(report), ...areaShortfalls(report)];
}

function latencyShortfall(report: Facts): readonly Shortfall[] {
  const { budget, latency } = report;
  if (budget.latencyCycles !== undefined) return cycleShortfall(report, budget.latencyCycles);
  if (budget.latencyNs === undefined || !exceeds(latency.ns, budget.latencyNs)) return [];
  const [, allowed] = formatApart(latency.ns, budget.latencyNs);
  const text = `${formatDecimal(latency.ns - budget.latencyNs)} ns over the ${allowed} ns allowed`;
  return [{ quantity: 'latency', found: latency.ns, allowed: budget.latencyNs, unit: 'ns', source: 'proven', text }];
}

function cycleShortfall(report: Facts, allowed: number): readonly Shortfall[] {
  const found = report.latency.cycles;
  const wrong = report.budget.locked === true ? found !== allowed : found > allowed;
  if (!wrong) return [];
  const difference = Math.abs(found - allowed);
  const ns = `${formatDecimal(difference * periodNs(report))} ns`;
  const side = found > allowed ? 'over' : 'short of';
  const limit = `${allowed} ${report.budget.locked === true ? 'locked' : 'allowed'}`;
  return [{ quantity: 'latency', found, allowed, unit: 'cycles', source: 'proven', text: `${plural(difference, 'cycle')} (${ns}) ${side} the ${limit}` }];
}

/** What the critical path may take: the period; combinational, the whole latency where one is given. */
export function pathLimit(report: Facts): { readonly ns: number; readonly by: 'period' | 'latency' } {
  const { budget, latency } = report;
  const ns = latency.combinational ? (budget.latencyNs ?? 0) : 0;
  return ns > 0 ? { ns, by: 'latency' } : { ns: periodNs(report), by: 'period' };
}

function clockShortfall(report: Facts): readonly Shortfall[] {
  const { timing } = report;
  const { ns: allowed, by } = pathLimit(report);
  if (!exceeds(timing.criticalPathNs, allowed)) return [];
  const limit = formatApart(timing.criticalPathNs, allowed, 3)[1];
  const over = formatDecimal(timing.criticalPathNs - allowed);
  const text = `critical path ${over} ns over the ${limit} ns ${by === 'latency' ? 'allowed' : 'period'}`;
  return [{ quantity: 'clock', found: timing.criticalPathNs, allowed, unit: 'ns', source: timing.source, text }];
}

/** What was synthesised for cells as the device has them: figures of another family's say nothing of what it holds. */
export function synthesisOfDevice({ resources, device }: Facts): ReportSynthesis | undefined {
  const family = device?.family ?? '';
  if (family === 'ASIC') return undefined;
  const foreign = /ECP5|LUT4/.test(family) ? 'yosys-xilinx' : 'yosys-ecp5';
  return allSyntheses(resources).find((run) => run.flow !== foreign);
}

/** Every synthesis run, the last one first. */
export function allSyntheses({ synthesised, otherFlows }: Report['resources']): readonly ReportSynthesis[] {
  return [...(synthesised === undefined ? [] : [synthesised]), ...(otherFlows ?? [])];
}

function areaShortfalls(report: Facts): readonly Shortfall[] {
  const { budget, resources, device } = report;
  const capacity = device?.capacity;
  const limits = {
    lut: budget.maxLut ?? capacity?.lut,
    ff: capacity?.ff,
    dsp: budget.maxDsp ?? capacity?.dsp,
    bram: budget.maxBram ?? capacity?.bram,
  };
  const result: Shortfall[] = [];
  for (const quantity of ['lut', 'ff', 'dsp', 'bram'] as const) {
    const allowed = limits[quantity];
    const measured = synthesisOfDevice(report)?.[quantity];
    const found = measured ?? resources.estimated[quantity];
    if (allowed === undefined || found <= allowed) continue;
    const unit = quantity.toUpperCase();
    const text = `${formatCount(found - allowed)} ${unit} over the ${formatCount(allowed)} allowed`;
    result.push({ quantity, found, allowed, unit, source: measured === undefined ? 'estimated' : 'synthesised', text });
  }
  return result;
}
