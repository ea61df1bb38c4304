import { formatCount, formatDecimal, formatPercent } from '../format.js';
import type { Sweep, SweepRow } from '../sweep.js';
import { type Html, dataTable, html, number } from './markup.js';
import { htmlPage } from './page.js';
import { type Axis, linear, tickText } from './plots.js';

const WIDTH = 460;
const HEIGHT = 300;
const LEFT = 64;
const RIGHT = 16;
const TOP = 28;
const BOTTOM = 46;

const px = (share: number): number => Number((LEFT + share * (WIDTH - LEFT - RIGHT)).toFixed(1));
const py = (share: number): number => Number((HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)).toFixed(1));

/** The sweep as one HTML file: plot and table, no script, no network; a pure function of sweep.json. */
export function sweepPage(sweep: Sweep): string {
  const { model, tool, points, pareto, axes } = sweep;
  const varied = Object.entries(axes).filter(([, values]) => values.length > 1);
  const done = points.filter((row) => row.state === 'done');
  const grid = varied.map(([axis, values]) => `${axis}: ${values.join(', ')}`).join('; ');
  const met = done.filter((row) => row.met === true).length;
  return htmlPage({
    tool,
    title: `${model.name}: sweep of ${points.length} compilations`,
    skip: 'Skip to the plot',
    eyebrow: `Sweep of ${points.length} compilations`,
    heading: model.name,
    lead: html`<p class="lead">${grid === '' ? 'One point: no option was a list.' : `${grid}.`} ${done.length} done, ${met} meet their budget, ${pareto.length} on the Pareto front.</p>\n`,
    main: html`${done.length === 0 ? undefined : plot(sweep, done)}${pointTable(sweep, varied.map(([axis]) => axis))}`,
    source: 'sweep.json',
    schema: sweep.schema,
  });
}

/** A little more than the values span, never below 0. */
function axisOf(values: readonly number[], title: string): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values, 1e-9)];
  const margin = 0.12 * Math.max(most - least, most / 10);
  return linear(Math.max(0, least - margin), most + margin, title);
}

function plot({ points, pareto }: Sweep, done: readonly SweepRow[]): Html {
  const x = axisOf(done.map((row) => row.latencyNs ?? 0), 'latency, ns');
  const y = axisOf(done.map((row) => row.lut ?? 0), 'LUT');
  const front = pareto.flatMap((id) => done.filter((row) => row.id === id));
  const at = (row: SweepRow): readonly [number, number] => [px(x.at(row.latencyNs ?? 0)), py(y.at(row.lut ?? 0))];
  const columns = x.ticks.map((t) => html`<line x1="${px(x.at(t))}" x2="${px(x.at(t))}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" class="sr"/><text x="${px(x.at(t))}" y="${HEIGHT - BOTTOM + 17}" text-anchor="middle" class="m">${tickText(t)}</text>`);
  const rows = y.ticks.map((t) => html`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${py(y.at(t))}" y2="${py(y.at(t))}" class="sr"/><text x="${LEFT - 8}" y="${py(y.at(t)) + 4}" text-anchor="end" class="m">${formatCount(t)}</text>`);
  const line = front.map((row, i) => `${i === 0 ? 'M' : 'L'}${at(row).join(' ')}`).join('');
  // What matters most lies on top.
  const rank = (row: SweepRow): number => (pareto.includes(row.id) ? 2 : row.met === true ? 1 : 0);
  const dots = done.toSorted((a, b) => rank(a) - rank(b)).map((row) => {
    const [cx, cy] = at(row);
    const tone = row.met !== true ? 'fb' : pareto.includes(row.id) ? 'fa' : 'fs';
    return html`<a href="#point-${row.id}"><title>${describe(row)}</title><circle cx="${cx}" cy="${cy}" r="${pareto.includes(row.id) ? 6 : 4.5}" class="${tone}"/></a>`;
  });
  return html`<section id="plot" aria-labelledby="plot-title">
<h2 id="plot-title">Latency against area</h2>
<figure style="max-width:42rem">
<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="group" aria-label="Latency and LUTs of ${done.length} of ${points.length} points">
${columns}${rows}<path d="${line}" fill="none" stroke-width="1.5" stroke-dasharray="5 3" class="pa"/>
${dots}
<text x="${WIDTH - RIGHT}" y="${HEIGHT - 8}" text-anchor="end" class="m">${x.title}</text><text x="0" y="${TOP - 14}" class="m">${y.title}</text>
</svg>
<figcaption>Large dots are on the Pareto front, red ones miss their budget. Each leads to its row.</figcaption>
</figure>
</section>
`;
}

function describe(row: SweepRow): string {
  const options = Object.entries(row.values).map(([axis, value]) => `${axis} ${value}`).join(', ');
  return `${options}: ${formatDecimal(row.latencyNs ?? 0)} ns, ${formatCount(row.lut ?? 0)} LUT${row.met === true ? '' : ', budget not met'}`;
}

function pointTable({ points, pareto }: Sweep, varied: readonly string[]): Html {
  const hasLoss = points.some((row) => row.loss !== undefined);
  const place = (row: SweepRow): number => points.indexOf(row) + 1;
  const shown = (value: number | undefined, text?: string): Html | undefined => (value === undefined ? undefined : number(value, text));
  const columns = [
    { title: 'No.', cell: (row: SweepRow) => html`<span id="point-${row.id}">${row.state === 'done' ? html`<a href="${row.folder}/report.html">${place(row)}</a>` : place(row)}</span>` },
    ...varied.map((axis) => ({ title: axis, cell: (row: SweepRow) => row.values[axis] })),
    { title: 'Latency, ns', numeric: true, cell: (row: SweepRow) => shown(row.latencyNs, formatDecimal(row.latencyNs ?? 0)) },
    { title: 'Cycles', numeric: true, cell: (row: SweepRow) => shown(row.latencyCycles) },
    { title: 'LUT', numeric: true, cell: (row: SweepRow) => shown(row.lut) },
    { title: 'FF', numeric: true, cell: (row: SweepRow) => shown(row.ff) },
    ...(hasLoss ? [{ title: 'Loss', numeric: true, cell: (row: SweepRow) => shown(row.loss, formatPercent(row.loss ?? 0, 1)) }] : []),
    { title: 'Budget', cell: (row: SweepRow) => (row.state === 'done' ? (row.met === true ? 'met' : 'not met') : row.state === 'failed' ? `failed: ${row.message ?? ''}` : 'not run') },
    { title: 'Front', cell: (row: SweepRow) => (pareto.includes(row.id) ? 'yes' : '') },
  ];
  return html`<section id="points" aria-labelledby="points-title">
<h2 id="points-title">Points</h2>
${dataTable('Every point, in the order of the grid; its number leads to its report. Areas are estimated unless --synth was given.', 'Points of the sweep', columns, points, true)}</section>
`;
}
