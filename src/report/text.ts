import { allSyntheses, pathLimit, shortfalls, synthesisOfDevice } from './budget.js';
import { formatApart, formatCount, formatDecimal, formatPercent, formatRange, formatShape, formatStages, plural, printable, shellCommand } from './format.js';
import type { Report, ReportPort, ReportSynthesis } from './schema.js';
import { type Column, heading, table, wrapText } from './table.js';
import { OUTCOME_WORDS, outcomeOf, statedBudget, verdictLine, verdictSentence, verificationPhrase } from './verdict.js';

export interface TextOptions {
  /** Columns, at least 80; 100 unless told. */
  readonly width?: number;
  /** ANSI colours; off unless asked for. */
  readonly color?: boolean;
}

const ANSI = { met: '\u001b[1;32m', unmet: '\u001b[1;31m', mismatch: '\u001b[1;31m', reset: '\u001b[0m' } as const;

/** The report for a terminal: the verdict first, then what it rests on. Ends in a newline. */
export function textReport(report: Report, options: TextOptions = {}): string {
  const width = Math.max(80, options.width ?? 100);
  const sections = [
    verdictSection(report, options.color === true),
    modelSection(report, width),
    budgetSection(report, width),
    layersSection(report, width),
    areaSection(report, width),
    numbersSection(report, width),
    verificationSection(report, width),
    warningsSection(report, width),
    reproduceSection(report, width),
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** One line whatever the width: scripts look for it. */
function verdictSection(report: Report, color: boolean): string[] {
  if (!color) return [verdictLine(report)];
  const outcome = outcomeOf(report);
  return [`${ANSI[outcome]}${OUTCOME_WORDS[outcome]}${ANSI.reset}  ${verdictSentence(report)}`];
}

function modelSection(report: Report, width: number): string[] {
  const { model, device } = report;
  const operations = model.operations === undefined ? '' : `, ${plural(model.operations, 'operation')}`;
  const about = `${printable(model.name)} (${printable(model.format)}), ${plural(model.parameters, 'parameter')}${operations}`;
  const part = device === undefined ? [] : wrapText(`device ${printable(device.part)}`, width, '  ');
  return [
    heading('Model', width),
    ...wrapText(about, width, '  '),
    `sha256 ${model.sha256}`,
    ...part,
    ...table(portColumns, [...model.inputs.map((p) => portRow('in', p)), ...model.outputs.map((p) => portRow('out', p))], width),
  ];
}

const portColumns: readonly Column[] = [{ title: 'port' }, { title: 'name', flexible: true }, { title: 'shape', right: true }, { title: 'type', flexible: true }];

function portRow(direction: string, port: ReportPort): string[] {
  return [direction, printable(port.name), formatShape(port.shape), printable(port.type)];
}

function budgetSection(report: Report, width: number): string[] {
  const { latency, timing } = report;
  const allowed = pathLimit(report);
  const [path, limit] = formatApart(timing.criticalPathNs, allowed.ns, 3);
  const where = timing.criticalStage === undefined ? '' : ` (stage ${timing.criticalStage})`;
  const lines = [
    heading('Budget and timing', width),
    ...wrapText(`stated           ${statedBudget(report)}`, width, ' '.repeat(17)),
    latency.combinational
      ? 'latency          0 cycles: combinational'
      : `latency          ${plural(latency.cycles, 'cycle')} = ${formatDecimal(latency.ns, 3)} ns, an event every ${latency.initiationInterval === 1 ? 'cycle' : plural(latency.initiationInterval, 'cycle')}`,
    `critical path    ${path} ns${where}, ${allowed.by === 'period' ? 'period' : 'allowed'} ${limit} ns, ${timing.source}`,
  ];
  if (timing.fmaxMHz !== undefined) lines.push(`fmax             ${formatDecimal(timing.fmaxMHz)} MHz, ${timing.source}`);
  for (const missed of shortfalls(report)) lines.push(...wrapText(`NOT KEPT         ${missed.text} (${missed.source})`, width, ' '.repeat(17)));
  if (timing.delayModel !== undefined) lines.push(...wrapText(`delay model      ${printable(timing.delayModel)}`, width, ' '.repeat(17)));
  return [...lines, ...criticalPathLines(report, width), ...suggestionLines(report, width)];
}

function criticalPathLines(report: Report, width: number): string[] {
  const steps = report.criticalPath ?? [];
  if (steps.length === 0) return [];
  const columns: readonly Column[] = [{ title: 'slowest stage, by layer', flexible: true }, { title: 'ns', right: true }, { title: 'operation', flexible: true }];
  return ['', ...table(columns, steps.map((s) => [printable(s.layer), formatDecimal(s.ns, 3), printable(s.operation ?? '')]), width)];
}

function suggestionLines(report: Report, width: number): string[] {
  const tried = report.suggestions ?? [];
  if (tried.length === 0) return [];
  const longest = report.layers.filter((layer) => layer.cycles > 0).sort((a, b) => b.cycles - a.cycles).slice(0, 3);
  const held = longest.length === 0 ? [] : wrapText(`most latency in  ${longest.map((layer) => `${printable(layer.name)} (${plural(layer.cycles, 'cycle')})`).join(', ')}`, width, ' '.repeat(17));
  const columns: readonly Column[] = [
    { title: 'tried', flexible: true }, { title: 'met' }, { title: 'cycles', right: true }, { title: 'ns', right: true },
    { title: 'LUT', right: true }, { title: 'note', flexible: true },
  ];
  const rows = tried.map((s) => [
    printable(s.change), s.met ? 'yes' : 'no', optional(s.cycles, formatCount), optional(s.ns, (n) => formatDecimal(n, 2)),
    optional(s.lut, formatCount), printable(s.note ?? ''),
  ]);
  return ['', ...held, ...table(columns, rows, width)];
}

function optional(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '' : format(value);
}

function layersSection(report: Report, width: number): string[] {
  const total = report.resources.estimated;
  const columns: readonly Column[] = [
    { title: 'layer', flexible: true }, { title: 'kind', flexible: true, optional: true }, { title: 'stages', right: true }, { title: 'cycles', right: true },
    { title: 'LUT', right: true }, { title: '%', right: true }, { title: 'FF', right: true }, { title: 'output type', flexible: true },
    { title: 'proven range', flexible: true, optional: true },
  ];
  const rows = report.layers.map((l) => [
    printable(l.name), printable(l.kind), l.stages === undefined ? '' : formatStages(l.stages), String(l.cycles),
    formatCount(l.resources.lut), total.lut === 0 ? '' : String(Math.round((100 * l.resources.lut) / total.lut)), formatCount(l.resources.ff),
    printable(l.outputType ?? ''), l.range?.proven === undefined ? '' : formatRange(l.range.proven),
  ]);
  return [heading('Layers (area estimated)', width), ...table(columns, rows, width)];
}

function areaSection(report: Report, width: number): string[] {
  const { estimated, areaModel } = report.resources;
  const capacity = report.device?.capacity;
  const runs = allSyntheses(report.resources);
  const own = synthesisOfDevice(report);
  const columns: readonly Column[] = [
    { title: 'resource' }, { title: 'estimated', right: true }, ...runs.map((run) => ({ title: `synthesised (${printable(run.flow)})`, right: true })),
    { title: 'device', right: true }, { title: 'used', right: true },
  ];
  const rows = (['lut', 'ff', 'dsp', 'bram'] as const).map((name) => {
    const whole = capacity?.[name];
    const measured = runs.map((run) => optional(run[name], formatCount));
    const used = whole === undefined ? '' : formatPercent(own?.[name] ?? estimated[name], whole);
    return [name.toUpperCase(), formatCount(estimated[name]), ...measured, optional(whole, formatCount), used];
  });
  const source = areaModel === undefined ? [] : wrapText(`area model: ${printable(areaModel)}`, width, '  ');
  return [heading('Resources', width), ...table(columns, rows, width), ...runs.flatMap((run) => wrapText(synthesisPhrase(run), width, '  ')), ...source];
}

/** What the columns of a run do not say. */
function synthesisPhrase(run: ReportSynthesis): string {
  const parts = [
    ...(run.tool === undefined ? [] : [`by ${printable(run.tool)}`]),
    ...(run.carry === undefined ? [] : [plural(run.carry, 'carry cell')]),
    ...(run.inverters === undefined ? [] : [`${plural(run.inverters, 'inverter')} among the LUTs`]),
    ...(run.fmaxMHz === undefined ? [] : [`${formatDecimal(run.fmaxMHz, 1)} MHz after routing`]),
  ];
  return `${printable(run.flow)}: ${parts.join(', ')}`;
}

function numbersSection(report: Report, width: number): string[] {
  const { overflow, accuracy, precision } = report;
  const lines = [heading('Numbers', width)];
  lines.push(overflow.provenSafe ? 'overflow: proven impossible, whatever the inputs' : 'overflow: not excluded');
  for (const w of overflow.wraps) {
    const reach = w.proven === undefined ? '' : `, values reach ${formatRange(w.proven)}`;
    const holds = w.holds === undefined ? '' : `, it holds ${formatRange(w.holds)}`;
    lines.push(...wrapText(`  ${printable(w.layer)}: ${printable(w.type)} can wrap around${reach}${holds}`, width, '    '));
  }
  if (accuracy !== undefined) {
    const [float, fixed] = formatApart(accuracy.float, accuracy.fixed, 4);
    const events = accuracy.events === undefined ? '' : ` on ${plural(accuracy.events, 'event')}`;
    const allowed = accuracy.maxLoss === undefined ? '' : ` (allowed ${formatDecimal(100 * accuracy.maxLoss, 3)}%)`;
    lines.push(...wrapText(`accuracy: ${printable(accuracy.metric)} ${float} in float, ${fixed} in fixed point, loss ${formatDecimal(100 * accuracy.loss, 3)}%${allowed}${events}, simulated`, width, '  '));
  }
  if (precision === undefined || precision.length === 0) return lines;
  const columns: readonly Column[] = [{ title: 'type of', flexible: true }, { title: 'role', flexible: true }, { title: 'type', flexible: true }, { title: 'from' }, { title: 'resolution', flexible: true }];
  const rows = precision.map((p) => [printable(p.layer), printable(p.role), printable(p.type), p.source, printable(p.resolution ?? '')]);
  // Types that nobody gave are ours to explain: at which resolution, and what it costs.
  const chosen = precision.filter((p) => p.source === 'auto' && p.note !== undefined && p.note !== 'exact');
  const notes = chosen.flatMap((p) => wrapText(`  ${printable(p.layer)}: ${printable(p.note ?? '')}`, width, '    '));
  return [...lines, '', ...table(columns, rows, width), ...(notes.length > 0 ? ['', 'chosen by Trigforge, since neither model nor options say:', ...notes] : [])];
}

function verificationSection(report: Report, width: number): string[] {
  const done = report.verification;
  const lines = [heading('Verification', width), verificationPhrase(report)];
  if (done === undefined) return lines;
  if (done.simulator !== undefined) lines.push(...wrapText(`simulator ${printable(done.simulator)}`, width, '  '));
  if (done.reason !== undefined) lines.push(...wrapText(printable(done.reason), width, '  '));
  const columns: readonly Column[] = [{ title: 'check', flexible: true }, { title: 'vectors', right: true }, { title: 'mismatches', right: true }];
  const rows = done.checks.map((c) => [printable(c.name), formatCount(c.vectors), formatCount(c.mismatches)]);
  return rows.length === 0 ? lines : [...lines, ...table(columns, rows, width)];
}

function warningsSection(report: Report, width: number): string[] {
  const warnings = report.warnings ?? [];
  if (warnings.length === 0) return [];
  const lines = warnings.flatMap((w) => {
    const where = w.where.length === 0 ? '' : `${w.where.map(printable).join(' → ')}: `;
    return wrapText(`- ${where}${printable(w.what)}${w.mend === undefined ? '' : ` ${printable(w.mend)}`}`, width, '  ');
  });
  return [heading('Warnings', width), ...lines];
}

function reproduceSection(report: Report, width: number): string[] {
  const lines = [heading('Reproduce', width)];
  // Not wrapped: a command line must survive copy and paste.
  if (report.options !== undefined) lines.push(printable(shellCommand(report.options.command)));
  const tool = `${printable(report.tool.name)} ${printable(report.tool.version)}`;
  lines.push(...wrapText(`${tool}, ${plural(report.artifacts.length, 'file')} with their sha256 in report.json`, width, '  '));
  return lines;
}
