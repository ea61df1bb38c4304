import { pathLimit } from '../budget.js';
import { formatApart, formatCount, formatDecimal, formatStages, printable } from '../format.js';
import type { Report } from '../schema.js';
import { type Content, type Html, html } from './markup.js';

/*
 * Charts are drawn with x in percent of the width and y in pixels, without a viewBox: on a phone the bars narrow and
 * the text keeps its size.
 */

const percent = (share: number): string => `${Number((100 * share).toFixed(3))}%`;

/** A share of a whole as a thin bar; the number stands beside it, so it is hidden from screen readers. */
export function shareBar(part: number, whole: number): Html {
  const share = whole > 0 ? Math.min(1, part / whole) : 0;
  const fill = part > whole ? 'fb' : 'fa';
  const bar = share > 0 ? html`<rect width="${percent(Math.max(share, 0.012))}" height="5" rx="2.5" class="${fill}"/>` : undefined;
  return html`<svg class="bar" aria-hidden="true"><rect width="100%" height="5" rx="2.5" class="ft"/>${bar}</svg>`;
}

export interface Gauge {
  readonly title: string;
  readonly value: number;
  readonly limit: number;
  readonly valueLabel: string;
  readonly limitLabel: string;
  /** Equal parts to tick off, cycles for instance. */
  readonly step?: number;
}

const GAUGE_TICKS_MAX = 64;

/** How much of a limit is used; what is beyond it is red. */
export function gauge({ title, value, limit, valueLabel, limitLabel, step }: Gauge): Html {
  const full = Math.max(value, limit);
  const at = (x: number): string => percent(x / full);
  const over = value > limit;
  const inside = html`<rect y="22" width="${at(Math.min(value, limit))}" height="16" rx="3" class="fa"/>`;
  const beyond = over ? html`<rect x="${at(limit)}" y="22" width="${at(value - limit)}" height="16" class="fb"/>` : undefined;
  const count = step === undefined ? 0 : Math.floor(full / step + 1e-6);
  const ticks = step === undefined || count > GAUGE_TICKS_MAX ? [] : Array.from({ length: count }, (_, i) => {
    const x = at((i + 1) * step);
    return html`<line x1="${x}" x2="${x}" y1="22" y2="38" stroke-width="1.5" class="sp"/>`;
  });
  const limitAnchor = limit / full > 0.4 ? 'end' : 'start';
  return html`<svg class="chart" height="62" role="img" aria-label="${title}: ${valueLabel}; ${limitLabel}">
<text x="0" y="14">${valueLabel}</text>
<rect y="22" width="${at(limit)}" height="16" rx="3" class="ft"/>${inside}${beyond}${ticks}
<line x1="${at(limit)}" x2="${at(limit)}" y1="17" y2="43" stroke-width="2" class="si"/>
<text x="${at(limit)}" y="57" text-anchor="${limitAnchor}" class="m">${limitLabel}</text>
</svg>
`;
}

const ROW_PX = 34;
const DELAY_PX = 64;
const TOP_PX = 22;

/** Stages as columns: on top how full each is against the period, below a bar for each layer; the slowest stage is marked. */
export function pipelineChart(report: Report): Html | undefined {
  const placed = report.layers.filter((l) => l.stages !== undefined);
  const stages = report.pipeline ?? [];
  const count = Math.max(1, report.latency.cycles, stages.length);
  if (placed.length === 0 && stages.length === 0) return undefined;
  const hasDelays = stages.length > 0;
  const rowsTop = TOP_PX + (hasDelays ? DELAY_PX + 30 : 18);
  const height = rowsTop + placed.length * ROW_PX + 6;
  const critical = report.timing.criticalStage;
  const x = (stage: number): string => percent(stage / count);
  const band = critical === undefined ? undefined : html`<rect x="${x(critical)}" y="${TOP_PX - 6}" width="${percent(1 / count)}" height="${height - TOP_PX + 6}" class="band"/>`;
  const lines = Array.from({ length: count + 1 }, (_, s) => s).filter((s) => s % labelStep(count) === 0 || s === count).map((s) => html`<line x1="${x(s)}" x2="${x(s)}" y1="${rowsTop - 6}" y2="${height}" class="sr"/>`);
  return html`<figure>
<svg class="chart" height="${height}" role="img" aria-label="${pipelineSummary(report, count)}">
${band}${lines}${hasDelays ? delayStrip(report, count) : undefined}${stageNumbers(count, rowsTop - 12, critical)}
${placed.map((layer, row) => layerBar(layer.name, layer.stages as readonly [number, number], rowsTop + row * ROW_PX, count, critical))}</svg>
<figcaption>Pipeline stages from left to right, each one clock period; a bar spans the stages in which its layer computes.${hasDelays ? ' On top, the longest path of each stage (estimated) against the period.' : ''}${critical === undefined ? '' : ` Stage ${critical} is the slowest.`}</figcaption>
</figure>
`;
}

function pipelineSummary(report: Report, count: number): string {
  const layers = report.layers.flatMap((l) => (l.stages === undefined ? [] : [`${l.name} in stage ${formatStages(l.stages)}`]));
  const shown = layers.length > 40 ? [...layers.slice(0, 40), `and ${layers.length - 40} more`] : layers;
  return `Pipeline of ${count} ${count === 1 ? 'stage' : 'stages'}: ${shown.join(', ')}`;
}

/** One stage in so many gets its number and its grid line, so that they stay legible on a phone. */
function labelStep(stages: number): number {
  return Math.ceil(stages / 16);
}

function stageNumbers(count: number, y: number, critical: number | undefined): readonly Html[] {
  const every = labelStep(count);
  const clear = (s: number): boolean => critical === undefined || Math.abs(s - critical) >= every;
  return Array.from({ length: count }, (_, s) => s)
    .filter((s) => s === critical || (s % every === 0 && clear(s)))
    .map((s) => html`<text x="${percent((s + 0.5) / count)}" y="${y}" text-anchor="middle" class="${s === critical ? 'k' : 'm'}">${s}</text>`);
}

function delayStrip(report: Report, count: number): Content {
  const stages = report.pipeline ?? [];
  const period = pathLimit(report).ns;
  const top = stages.reduce((most, s) => Math.max(most, s.ns), period);
  const bottom = TOP_PX + DELAY_PX;
  const y = (ns: number): number => Number((bottom - (DELAY_PX * ns) / top).toFixed(2));
  const bars = stages.map((stage, s) => {
    const fill = stage.ns > period * (1 + 1e-6) ? 'fb' : s === report.timing.criticalStage ? 'fa' : 'fs';
    return html`<rect x="${percent((s + 0.14) / count)}" y="${y(stage.ns)}" width="${percent(0.72 / count)}" height="${Number((bottom - y(stage.ns)).toFixed(2))}" rx="2" class="${fill}"><title>stage ${s}: ${formatDecimal(stage.ns, 3)} ns${stage.ff === undefined ? '' : `, ${formatCount(stage.ff)} FF after it`}</title></rect>`;
  });
  const label = `${report.latency.combinational ? 'limit' : 'period'} ${formatApart(period, report.timing.criticalPathNs, 3)[0]} ns`;
  return html`${bars}<line x1="0" x2="100%" y1="${y(period)}" y2="${y(period)}" stroke-dasharray="4 3" class="sm"/>
<text x="100%" y="${y(period) - 6}" text-anchor="end" class="m">${label}</text>
<line x1="0" x2="100%" y1="${bottom}" y2="${bottom}" class="sr"/>`;
}

function layerBar(name: string, stages: readonly [number, number], y: number, count: number, critical: number | undefined): Html {
  const [first, last] = stages;
  const atEnd = (first + last + 1) / 2 / count > 0.5;
  const label = atEnd
    ? html`<text x="${percent((last + 1) / count)}" dx="-4" y="${y + 12}" text-anchor="end">${shortName(name)}</text>`
    : html`<text x="${percent(first / count)}" dx="4" y="${y + 12}">${shortName(name)}</text>`;
  const fill = critical !== undefined && first <= critical && critical <= last ? 'fa' : 'fs';
  return html`<g><title>${name}: stage ${formatStages(stages)}</title>${label}<rect x="${percent((first + 0.03) / count)}" y="${y + 17}" width="${percent((last - first + 0.94) / count)}" height="10" rx="3" class="${fill}"/></g>
`;
}

/** Long names are paths as a rule: both ends tell more than the beginning. */
function shortName(name: string): string {
  const shown = printable(name);
  return shown.length > 28 ? `${shown.slice(0, 16)}…${shown.slice(-11)}` : shown;
}

/** The slowest stage as one bar, a part for each step, against the period. */
export function criticalPathChart(report: Report): Html | undefined {
  const steps = report.criticalPath ?? [];
  if (steps.length === 0) return undefined;
  const total = steps.reduce((sum, s) => sum + s.ns, 0);
  const limit = pathLimit(report).ns;
  const full = Math.max(total, limit);
  let from = 0;
  const parts = steps.map((step, i) => {
    const part = html`<rect x="${percent(from / full)}" y="2" width="${percent(Math.max(0, step.ns / full - 0.002))}" height="14" class="${i % 2 === 0 ? 'fa' : 'fs'}"><title>${step.layer}: ${formatDecimal(step.ns, 3)} ns</title></rect>`;
    from += step.ns;
    return part;
  });
  return html`<svg class="chart" height="20" aria-hidden="true"><rect y="2" width="100%" height="14" rx="2" class="ft"/>${parts}<line x1="${percent(limit / full)}" x2="${percent(limit / full)}" y1="0" y2="19" stroke-width="2" class="si"/></svg>`;
}
