import { formatCount, formatDecimal, formatShape, printable } from '../format.js';
import type { Report, ReportCurves } from '../schema.js';
import { type Content, type Html, html } from './markup.js';
import { BOX_HEIGHT_PX, BOX_WIDTH_PX, type GraphLayout } from './layout.js';

const WIDTH = 360;
const HEIGHT = 250;
const LEFT = 46;
const RIGHT = 10;
const TOP = 24;
const BOTTOM = 40;

type Point = readonly [number, number];

/** An axis: a value's place between 0 and 1, its ticks, and what it shows. */
export interface Axis {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
  readonly title: string;
}

interface Line {
  readonly points: readonly Point[];
  /** Class of the stroke; float is dashed. */
  readonly tone: string;
  readonly dashed: boolean;
}

const px = (share: number): number => Number((LEFT + share * (WIDTH - LEFT - RIGHT)).toFixed(1));
const py = (share: number): number => Number((HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)).toFixed(1));

function linePlot(label: string, x: Axis, y: Axis, lines: readonly Line[], key: Content): Html {
  const path = ({ points, tone, dashed }: Line): Html => {
    const d = points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${px(x.at(a))} ${py(y.at(b))}`).join('');
    return html`<path d="${d}" fill="none" stroke-width="${dashed ? 1.5 : 2.2}" class="${tone}"${dashed ? html` stroke-dasharray="5 3"` : undefined}/>`;
  };
  const columns = x.ticks.map((t) => html`<line x1="${px(x.at(t))}" x2="${px(x.at(t))}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" class="sr"/><text x="${px(x.at(t))}" y="${HEIGHT - BOTTOM + 15}" text-anchor="middle" class="m">${tickText(t)}</text>`);
  const rows = y.ticks.map((t) => html`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${py(y.at(t))}" y2="${py(y.at(t))}" class="sr"/><text x="${LEFT - 6}" y="${py(y.at(t)) + 4}" text-anchor="end" class="m">${tickText(t)}</text>`);
  return html`<figure class="plot">
<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
${columns}${rows}${lines.map(path)}
<text x="${WIDTH - RIGHT}" y="${HEIGHT - 6}" text-anchor="end" class="m">${x.title}</text><text x="0" y="${TOP - 12}" class="m">${y.title}</text>
</svg>
<figcaption>${key}</figcaption>
</figure>
`;
}

export function tickText(value: number): string {
  return Math.abs(value) >= 1e4 ? value.toExponential(0) : formatDecimal(value, value !== 0 && Math.abs(value) < 0.01 ? 5 : 2);
}

/** Round steps that cut a range into a handful of parts. */
function roundTicks(lo: number, hi: number): readonly number[] {
  const raw = (hi - lo) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((m) => m * power >= raw) as number) * power;
  const first = Math.ceil(lo / step - 1e-9);
  return Array.from({ length: Math.floor(hi / step + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

export function linear(lo: number, hi: number, title: string): Axis {
  return { at: (value) => (value - lo) / (hi - lo), ticks: roundTicks(lo, hi), title };
}

const TONES = { all: 'pa', signal: 'pa', background: 'pw' } as const;

/** Distributions, ROC and efficiency against rate of each score, float dashed beside fixed. */
export function accuracyPlots(report: Report): Html | undefined {
  const all = report.accuracy?.curves ?? [];
  if (all.length === 0) return undefined;
  return html`${all.map((curves) => html`<h3>${curves.score}</h3>
<div class="plots">
${distributionPlot(curves)}${rocPlots(curves)}</div>
`)}`;
}

function distributionPlot({ score, bins, histograms }: ReportCurves): Html {
  const [lo, hi] = bins;
  const most = Math.max(1, ...histograms.flatMap((h) => [...h.float, ...h.fixed]));
  const steps = (values: readonly number[]): readonly Point[] => {
    const edge = (i: number): number => lo + ((hi - lo) * i) / values.length;
    return [[lo, 0], ...values.flatMap((n, i): Point[] => [[edge(i), n], [edge(i + 1), n]]), [hi, 0]];
  };
  const lines = histograms.flatMap((h): Line[] => [
    { points: steps(h.fixed), tone: TONES[h.events], dashed: false },
    { points: steps(h.float), tone: 'pi', dashed: true },
  ]);
  const total = histograms.reduce((sum, h) => sum + h.fixed.reduce((a, b) => a + b, 0), 0);
  const classes = histograms.length < 2 ? '' : ' Signal is blue, background amber.';
  return linePlot(`Distribution of ${score} over ${total} events, float and fixed point`, linear(lo, hi, 'score'), linear(0, most, 'events'), lines, `Scores of ${formatCount(total)} events: solid in fixed point, dashed in float.${classes}`);
}

function rocPlots({ score, roc }: ReportCurves): Content {
  if (roc === undefined) return undefined;
  const both = (points: (curve: readonly Point[]) => readonly Point[]): readonly Line[] => [
    { points: points(roc.fixed), tone: 'pa', dashed: false },
    { points: points(roc.float), tone: 'pi', dashed: true },
  ];
  const unit = linear(0, 1, 'signal efficiency');
  const counts = `${formatCount(roc.signal)} signal and ${formatCount(roc.background)} background events`;
  const decades = Math.max(1, Math.ceil(Math.log10(roc.background)));
  const least = 10 ** -decades;
  const rate: Axis = { at: (value) => 1 + Math.log10(Math.max(value, least)) / decades, ticks: Array.from({ length: decades + 1 }, (_, i) => 10 ** (i - decades)), title: 'background accepted' };
  const seen = (curve: readonly Point[]): readonly Point[] => curve.filter(([background]) => background > 0);
  return [
    linePlot(`ROC curve of ${score}, float and fixed point`, linear(0, 1, 'background accepted'), unit, both((curve) => curve), `ROC of ${counts}: solid in fixed point, dashed in float.`),
    linePlot(`Signal efficiency of ${score} against the share of background accepted, which is the rate`, rate, unit, both(seen), 'Efficiency against rate, as a share of background events: the working points of a trigger are on the left.'),
  ];
}

/** The model's layers as boxes that lead to their row in the table. */
export function modelGraph(report: Report, layout: GraphLayout): Html {
  const { width, height, boxes, lines } = layout;
  const paths = lines.map((line) => html`<path d="${line.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x} ${y}`).join('')}" fill="none" stroke-width="1.5" class="sm"/>`);
  const drawn = boxes.map((box) => {
    const layer = box.layer === undefined ? undefined : report.layers[box.layer];
    const port = report.model.inputs.find((input) => input.name === box.name);
    const under = layer === undefined ? `input, ${formatShape(port?.shape ?? [])}` : `${layer.kind}${layer.outputShape === undefined ? '' : `, ${formatShape(layer.outputShape)}`}`;
    const inside = html`<title>${box.name}: ${under}, ${layer?.outputType ?? port?.type}</title><rect x="${box.x}" y="${box.y}" width="${BOX_WIDTH_PX}" height="${BOX_HEIGHT_PX}" rx="7" stroke-width="1.2" class="${layer === undefined ? 'ft sm' : 'fp sm'}"/><text x="${box.x + 10}" y="${box.y + 19}">${clipped(box.name)}</text><text x="${box.x + 10}" y="${box.y + 36}" class="m">${clipped(under)}</text>`;
    return layer === undefined ? html`<g>${inside}</g>` : html`<a href="#layer-${box.layer}">${inside}</a>`;
  });
  return html`<figure>
<div class="scroll" role="region" aria-label="Graph of the model" tabindex="0"><svg class="graph chart" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="group" aria-label="Layers of the model and what each reads">
${paths}
${drawn}
</svg></div>
<figcaption>Each layer leads to its row below, with shape, type and where its logic is in the Verilog.</figcaption>
</figure>
`;
}

/** Both ends of a long name, which is a path as a rule. */
function clipped(name: string): string {
  const shown = printable(name);
  return shown.length > 25 ? `${shown.slice(0, 10)}…${shown.slice(-14)}` : shown;
}
