import { allSyntheses, pathLimit, shortfalls, synthesisOfDevice } from '../budget.js';
import { formatApart, formatCount, formatDecimal, formatPercent, formatRange, formatShape, formatStages, plural, shellCommand } from '../format.js';
import type { Report, ReportLayer } from '../schema.js';
import { accuracyPlots, modelGraph } from './plots.js';
import { precisionMap } from './precisionMap.js';
import { criticalPathChart, pipelineChart, shareBar } from './charts.js';
import type { GraphLayout } from './layout.js';
import { code, type Content, dataTable, factList, type Html, html, noBreak, number, section, sourceTag, type TableColumn } from './markup.js';

/** A part of the page, for the contents list; absent where the report has nothing for it. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

/** Everything below the verdict, in reading order. */
export function sections(report: Report, graph?: GraphLayout): readonly Section[] {
  return [
    suggestionsSection(report), warningsSection(report), modelSection(report, graph), pipelineSection(report), layersSection(report), resourcesSection(report),
    numbersSection(report), precisionSection(report), verificationSection(report), passesSection(report), reproduceSection(report),
  ].filter((s): s is Section => s !== undefined);
}

function make(id: string, title: string, lead: Content, ...content: readonly Content[]): Section {
  return { id, title, body: section(id, title, lead, ...content) };
}

function warningsSection(report: Report): Section | undefined {
  const warnings = report.warnings ?? [];
  if (warnings.length === 0) return undefined;
  const items = warnings.map((w) => {
    const where = w.where.length === 0 ? undefined : html`<span class="sub">${w.where.join(' → ')}</span>`;
    return html`<li>${where}${w.what}${w.mend === undefined ? undefined : html` ${w.mend}`}</li>\n`;
  });
  return make('warnings', 'Warnings', undefined, html`<ul class="notes">${items}</ul>\n`);
}

function modelSection(report: Report, graph: GraphLayout | undefined): Section {
  const { model, device } = report;
  const ports = [...model.inputs.map((port) => ({ side: 'input', port })), ...model.outputs.map((port) => ({ side: 'output', port }))];
  const table = dataTable('Ports of the firmware: one bus each, element 0 in the lowest bits', 'Ports', [
    { title: 'Name', cell: (p) => p.port.name },
    { title: 'Side', cell: (p) => p.side },
    { title: 'Shape', cell: (p) => formatShape(p.port.shape), numeric: true },
    { title: 'Type', cell: (p) => html`${code(p.port.type)}${elementTypesNote(p.port.elementTypes)}` },
    { title: 'Bits', cell: (p) => (p.port.bits === undefined ? undefined : number(p.port.bits)), numeric: true },
  ], ports);
  return make('model', 'Model', undefined, factList([
    ['Format', model.format],
    ['Parameters', number(model.parameters)],
    model.operations === undefined ? undefined : ['Operations', html`${number(model.operations)} in the final circuit`],
    model.top === undefined ? undefined : ['Top module', code(model.top)],
    model.version === undefined ? undefined : ['Version', number(model.version)],
    device === undefined ? undefined : ['Device', html`${device.part}${device.family === undefined ? undefined : `, ${device.family}`}`],
    ['SHA-256', html`<code class="hash">${model.sha256}</code>`],
  ]), table, graph === undefined ? undefined : html`<h3>Graph</h3>\n${modelGraph(report, graph)}`);
}

function elementTypesNote(types: readonly string[] | undefined): Content {
  const distinct = new Set(types ?? []).size;
  return distinct < 2 ? undefined : html`<span class="sub">holds ${distinct} element types</span>`;
}

function pipelineSection(report: Report): Section | undefined {
  const chart = pipelineChart(report);
  const steps = report.criticalPath ?? [];
  const { timing, latency } = report;
  if (chart === undefined && steps.length === 0 && timing.delayModel === undefined) return undefined;
  const rows = steps.map((step, i) => ({ ...step, key: i }));
  const path = steps.length === 0 ? undefined : html`<h3>${latency.combinational ? 'Critical path' : 'Slowest stage, step by step'}</h3>
${criticalPathChart(report)}${dataTable(html`What each layer adds to the path (estimated); the line marks the limit`, 'Critical path', [
    { title: 'Layer', cell: (s) => s.layer },
    { title: 'Operation', cell: (s) => s.operation },
    { title: 'ns', cell: (s) => number(s.ns), numeric: true },
  ], rows)}`;
  const delayModel = timing.delayModel === undefined ? undefined : html`<p class="basis">Delay model: ${timing.delayModel}</p>\n`;
  return make('pipeline', latency.combinational ? 'Timing' : 'Pipeline', undefined, chart, path, delayModel);
}

function layersSection(report: Report): Section | undefined {
  const { layers } = report;
  if (layers.length === 0) return undefined;
  const total = report.resources.estimated;
  const share = (resource: 'lut' | 'ff'): TableColumn<ReportLayer> => ({
    title: resource.toUpperCase(), numeric: true,
    cell: (l) => html`${number(l.resources[resource])}${shareBar(l.resources[resource], total[resource])}`,
  });
  const hard = (['dsp', 'bram'] as const)
    .filter((r) => layers.some((l) => l.resources[r] > 0))
    .map((r): TableColumn<ReportLayer> => ({ title: r.toUpperCase(), numeric: true, cell: (l) => number(l.resources[r]) }));
  const rangeColumn = (title: string, kind: 'proven' | 'observed'): TableColumn<ReportLayer>[] =>
    layers.some((l) => l.range?.[kind] !== undefined)
      ? [{ title, cell: (l) => rangeCell(l.range?.[kind]), numeric: true }] : [];
  const caption = html`Area and slack are estimated, ±30 %; stages, cycles, types and proven ranges are proven. Bars show the share of the whole.${hard.length === 0 ? ' No layer uses DSP or BRAM.' : ''} A layer of 0 cycles shares its stage with a neighbour.`;
  return make('layers', 'Layers', undefined, dataTable(caption, 'Layers', [
    { title: 'Layer', cell: (l) => html`<span id="layer-${layers.indexOf(l)}">${l.name}</span><span class="sub">${l.kind}${l.outputShape === undefined ? undefined : `, ${formatShape(l.outputShape)}`}</span>${l.verilogLines === undefined ? undefined : html`<span class="sub">Verilog ${l.verilogLines[0]}–${l.verilogLines[1]}</span>`}` },
    { title: 'Stages', cell: (l) => (l.stages === undefined ? undefined : formatStages(l.stages)), numeric: true },
    { title: 'Cycles', cell: (l) => number(l.cycles), numeric: true },
    ...slackColumn(report), share('lut'), share('ff'), ...hard,
    { title: 'Output type', cell: (l) => (l.outputType === undefined ? undefined : code(l.outputType)) },
    ...rangeColumn('Proven range', 'proven'), ...rangeColumn('Observed', 'observed'),
  ], layers, true));
}

/** What is left of the period in the slowest stage of each layer. */
function slackColumn(report: Report): TableColumn<ReportLayer>[] {
  const stages = report.pipeline ?? [];
  if (stages.length === 0) return [];
  const limit = pathLimit(report).ns;
  const slackOf = ({ stages: at }: ReportLayer): number | undefined => {
    const own = at === undefined ? [] : stages.slice(at[0], at[1] + 1);
    return own.length === 0 ? undefined : limit - Math.max(...own.map((stage) => stage.ns));
  };
  return [{
    title: 'Slack, ns', numeric: true,
    cell: (l) => {
      const slack = slackOf(l);
      return slack === undefined ? undefined : html`<span class="${slack < -1e-6 ? 'bad' : 'sk'}">${formatDecimal(slack, 2)}</span>`;
    },
  }];
}

function rangeCell(range: readonly [number, number] | undefined): Content {
  if (range === undefined) return undefined;
  return html`<span title="${range[0]} to ${range[1]}">${noBreak(formatRange(range))}</span>`;
}

function resourcesSection(report: Report): Section {
  const { estimated, areaModel } = report.resources;
  const capacity = report.device?.capacity;
  const runs = allSyntheses(report.resources);
  const own = synthesisOfDevice(report);
  const names = ['lut', 'ff', 'dsp', 'bram'] as const;
  const columns: TableColumn<(typeof names)[number]>[] = [
    { title: 'Resource', cell: (r) => r.toUpperCase() },
    { title: 'Estimated', cell: (r) => number(estimated[r]), numeric: true },
    ...runs.map((run) => ({ title: `Synthesised (${run.flow})`, cell: (r: (typeof names)[number]) => optional(run[r]), numeric: true })),
  ];
  if (capacity !== undefined) {
    columns.push({ title: 'Device has', cell: (r) => optional(capacity[r]), numeric: true });
    columns.push({ title: 'Used', cell: (r) => usedCell(own?.[r] ?? estimated[r], capacity[r]), numeric: true });
  }
  const device = report.device === undefined ? '' : ` on ${report.device.part}`;
  const extras = runs.map((run) => html`<p class="basis">${run.flow}: ${run.tool ?? 'synthesised'}${run.carry === undefined ? undefined : html`, ${number(run.carry)} carry cells`}${run.inverters === undefined ? undefined : html`, ${number(run.inverters)} inverters among the LUTs`}${run.fmaxMHz === undefined ? undefined : html`, ${number(run.fmaxMHz)} MHz after routing`}.</p>\n`);
  const basis = areaModel === undefined ? undefined : html`<p class="basis">Area model: ${areaModel}</p>\n`;
  return make('resources', 'Resources', undefined, dataTable(`Whole design${device}`, 'Resources', columns, names), extras, basis);
}

function optional(value: number | undefined): Content {
  return value === undefined ? undefined : number(value);
}

function usedCell(used: number, capacity: number | undefined): Content {
  return capacity === undefined ? undefined : html`${formatPercent(used, capacity)}${shareBar(used, capacity)}`;
}

function numbersSection(report: Report): Section {
  const { overflow } = report;
  const proof = overflow.provenSafe
    ? html`<p><strong class="good">Overflow is proven impossible.</strong> Every value fits its type, whatever arrives at the inputs.</p>\n`
    : html`<p><strong class="warn">Overflow is not excluded.</strong> ${overflow.wraps.length === 0 ? 'No proof is at hand.' : 'These types wrap around when their values go beyond what they hold:'}</p>\n`;
  return make('overflow', 'Overflow and accuracy', undefined, proof, limitTable('Types that can wrap around', overflow.wraps), limitTable('Types that saturate, as their mode asks', overflow.saturates ?? []), accuracyFacts(report));
}

type Limits = Report['overflow']['wraps'];

function limitTable(caption: string, rows: Limits): Content {
  if (rows.length === 0) return undefined;
  return dataTable(caption, caption, [
    { title: 'Layer', cell: (w) => w.layer },
    { title: 'Type', cell: (w) => code(w.type) },
    { title: 'Values reach', cell: (w) => rangeCell(w.proven), numeric: true },
    { title: 'It holds', cell: (w) => rangeCell(w.holds), numeric: true },
    { title: 'Elements', cell: (w) => optional(w.elements), numeric: true },
  ], rows);
}

function accuracyFacts(report: Report): Content {
  const { accuracy } = report;
  if (accuracy === undefined) return undefined;
  const [float, fixed] = formatApart(accuracy.float, accuracy.fixed, 4);
  const loss = (value: number): Html => number(value, `${formatDecimal(100 * value, 3)}%`);
  return html`<h3>Accuracy</h3>
${factList([
    ['Metric', accuracy.metric],
    ['In float', number(accuracy.float, float)],
    ['In fixed point', html`${number(accuracy.fixed, fixed)} ${sourceTag('simulated')}`],
    ['Loss', html`${loss(accuracy.loss)}${accuracy.maxLoss === undefined ? undefined : html`, allowed ${loss(accuracy.maxLoss)}`}`],
    accuracy.events === undefined ? undefined : ['Events', number(accuracy.events)],
  ])}${accuracyPlots(report)}`;
}

const PRECISION_FROM: Readonly<Record<NonNullable<Report['precision']>[number]['source'], string>> = {
  model: 'the model itself', config: 'precision file', option: 'command line', data: 'the data', auto: 'automatic',
};

function precisionSection(report: Report): Section | undefined {
  const rows = report.precision ?? [];
  if (rows.length === 0) return undefined;
  return make('precision', 'Precision', undefined, precisionMap(report), dataTable('Where each type comes from; none is a silent default', 'Precision', [
    { title: 'Of', cell: (p) => p.layer },
    { title: 'Role', cell: (p) => p.role },
    { title: 'Type', cell: (p) => code(p.type) },
    { title: 'From', cell: (p) => PRECISION_FROM[p.source] },
    { title: 'Resolution', cell: (p) => p.resolution },
    { title: 'Note', cell: (p) => p.note },
  ], rows));
}

function verificationSection(report: Report): Section {
  const done = report.verification;
  if (done === undefined) return make('verification', 'Verification', undefined, html`<p><strong class="warn">Nothing has been verified.</strong></p>\n`);
  const how = done.simulator === undefined
    ? html`<p><strong class="warn">The Verilog has not been simulated.</strong> The emulator was checked against the reference evaluator. ${done.reason}</p>\n`
    : html`<p>The emitted Verilog ran in ${done.simulator}; every output bit was compared with the emulator in every cycle, and the latency with it. ${done.reason}</p>\n`;
  const table = done.checks.length === 0 ? undefined : dataTable('Checks', 'Checks', [
    { title: 'Check', cell: (c) => c.name },
    { title: 'Vectors', cell: (c) => number(c.vectors), numeric: true },
    { title: 'Mismatches', cell: (c) => html`<span class="${c.mismatches === 0 ? 'good' : 'bad'}">${number(c.mismatches)}</span>`, numeric: true },
  ], done.checks);
  const total = html`<p>${number(done.vectors)} different vectors, <strong class="${done.mismatches === 0 ? 'good' : 'bad'}">${number(done.mismatches)} mismatches</strong>${done.seed === undefined ? undefined : html`, seed ${done.seed}`}. ${sourceTag(done.simulator === undefined ? 'emulated' : 'simulated')}</p>\n`;
  return make('verification', 'Verification', undefined, how, total, table);
}

function suggestionsSection(report: Report): Section | undefined {
  const rows = report.suggestions ?? [];
  if (rows.length === 0 && shortfalls(report).length === 0) return undefined;
  const slowest = [...report.layers].filter((l) => l.cycles > 0).sort((a, b) => b.cycles - a.cycles).slice(0, 3);
  const held = slowest.length === 0 ? undefined : html`<p>Most of the latency is in ${slowest.map((l, i) => html`${i === 0 ? '' : ', '}${l.name} (${plural(l.cycles, 'cycle')})`)}.</p>\n`;
  const table = rows.length === 0 ? undefined : dataTable('Changes that were tried, and what they gave (estimated)', 'Suggestions', [
    { title: 'Change', cell: (s) => code(s.change) },
    { title: 'Budget', cell: (s) => (s.met ? html`<span class="good">met</span>` : html`<span class="bad">not met</span>`) },
    { title: 'Cycles', cell: (s) => optional(s.cycles), numeric: true },
    { title: 'ns', cell: (s) => optional(s.ns), numeric: true },
    { title: 'Path, ns', cell: (s) => optional(s.criticalPathNs), numeric: true },
    { title: 'LUT', cell: (s) => optional(s.lut), numeric: true },
    { title: 'Note', cell: (s) => s.note },
  ], rows);
  return make('suggestions', 'What would fit', undefined, held, table);
}

function passesSection(report: Report): Section | undefined {
  if (report.passes.length === 0) return undefined;
  return make('passes', 'Passes', undefined, dataTable('Operations of the circuit before and after each pass', 'Passes', [
    { title: 'Pass', cell: (p) => p.name },
    { title: 'Before', cell: (p) => number(p.opsBefore), numeric: true },
    { title: 'After', cell: (p) => number(p.opsAfter), numeric: true },
    { title: 'Change', cell: (p) => changeText(p.opsBefore, p.opsAfter), numeric: true },
    { title: 'Seconds', cell: (p) => number(p.seconds), numeric: true },
  ], report.passes));
}

function changeText(before: number, after: number): string {
  if (before === after) return '0';
  return `${after > before ? '+' : '−'}${noBreak(formatCount(Math.abs(after - before)))}`;
}

function reproduceSection(report: Report): Section {
  const { options, artifacts, tool } = report;
  const command = options === undefined ? undefined : html`<pre tabindex="0" aria-label="Command line"><code>${shellCommand(options.command)}</code></pre>\n`;
  const table = artifacts.length === 0 ? undefined : dataTable('Files of the output folder', 'Files', [
    { title: 'File', cell: (a) => code(a.path) },
    { title: 'SHA-256', cell: (a) => html`<code class="hash">${a.sha256}</code>` },
  ], artifacts);
  return make('reproduce', 'Reproduce', `The same input and options give the same firmware with ${tool.name} ${tool.version}${options?.seed === undefined ? '' : `, seed ${options.seed}`}.`, command, table);
}
