import { pathLimit, shortfalls, synthesisOfDevice } from './budget.js';
import { formatApart, formatCount, formatDecimal, plural, printable } from './format.js';
import type { Report, ReportDraft } from './schema.js';

/** How the compilation ended; a mismatch outranks the budget. */
export type Outcome = 'met' | 'unmet' | 'mismatch';

export const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = { met: 'MET', unmet: 'NOT MET', mismatch: 'MISMATCH' };

export function outcomeOf(report: Report): Outcome {
  if ((report.verification?.mismatches ?? 0) > 0) return 'mismatch';
  return report.budget.met ? 'met' : 'unmet';
}

/** The budget as the user put it, else as it is understood: `50 ns at 320 MHz`, `320 MHz`. */
export function statedBudget(report: Report | ReportDraft): string {
  const { budget } = report;
  if (budget.stated !== undefined) return printable(budget.stated);
  const clock = `${formatDecimal(budget.clockMHz, 3)} MHz`;
  return budget.latencyNs === undefined ? clock : `${formatDecimal(budget.latencyNs, 3)} ns at ${clock}`;
}

/**
 * The one line that answers everything: was the budget met (and by how much not), latency, critical path, area and
 * where they come from, what was verified with what, and whether a value can wrap.
 */
export function verdictLine(report: Report): string {
  return `${OUTCOME_WORDS[outcomeOf(report)]}  ${verdictSentence(report)}`;
}

/** The verdict without its leading word. */
export function verdictSentence(report: Report): string {
  const parts = [`${statedBudget(report)}: ${latencyPhrase(report)}`];
  const missed = shortfalls(report);
  if (missed.length > 0) parts.push(missed.map((s) => s.text).join(' and '));
  parts.push(areaPhrase(report), verificationPhrase(report));
  const wraps = wrapPhrase(report);
  if (wraps !== undefined) parts.push(wraps);
  return parts.join(', ');
}

function latencyPhrase(report: Report): string {
  const { latency, budget, timing } = report;
  const path = formatApart(timing.criticalPathNs, pathLimit(report).ns)[0];
  if (latency.combinational) return `combinational (${timing.source} ${path} ns critical path)`;
  const ns = formatApart(latency.ns, budget.latencyNs ?? latency.ns)[0];
  return `${plural(latency.cycles, 'cycle')} = ${ns} ns (${timing.source} ${path} ns critical path)`;
}

function areaPhrase(report: Report): string {
  const synthesised = synthesisOfDevice(report);
  const area = synthesised ?? report.resources.estimated;
  const parts = [`${formatCount(area.lut)} LUT`, `${formatCount(area.ff)} FF`];
  if (area.dsp !== undefined && area.dsp > 0) parts.push(`${formatCount(area.dsp)} DSP`);
  if (area.bram !== undefined && area.bram > 0) parts.push(`${formatCount(area.bram)} BRAM`);
  return `${parts.join(', ')} (${synthesised === undefined ? 'estimated' : printable(synthesised.flow)})`;
}

/** What was verified, never more than was done: without a simulator the Verilog itself has not been run. */
export function verificationPhrase(report: Report): string {
  const done = report.verification;
  if (done === undefined || done.vectors === 0) return 'not verified';
  const vectors = plural(done.vectors, 'vector');
  const tool = done.simulator === undefined ? 'emulator' : simulatorName(done.simulator);
  if (done.mismatches > 0) return `${formatCount(done.mismatches)} of ${vectors} differ (${tool})`;
  if (done.simulator === undefined) return `emulator exact on ${vectors}, Verilog not simulated`;
  return `bit-exact on ${vectors} (${tool})`;
}

/** `verilator 5.006` → `Verilator`. */
function simulatorName(simulator: string): string {
  const name = printable(simulator).split(' ')[0] as string;
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function wrapPhrase(report: Report): string | undefined {
  if (report.overflow.provenSafe) return undefined;
  const layers = [...new Set(report.overflow.wraps.map((w) => printable(w.layer)))];
  if (layers.length === 0) return 'overflow not excluded';
  const shown = layers.length > 3 ? `${layers.slice(0, 2).join(', ')} and ${layers.length - 2} more layers` : layers.join(', ');
  return `can wrap around in ${shown}`;
}
