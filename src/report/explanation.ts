import { formatDecimal } from './format.js';
import { heading, table, wrapText } from './table.js';

/** Why an element is not what the layer should have made of what it was given. */
export interface LossCause {
  /** `arithmetic`: rounding inside the layer, before its result. */
  readonly kind: 'rounding' | 'saturation' | 'wrap' | 'parameters' | 'table' | 'arithmetic';
  readonly wanted: number;
  readonly got: number;
  /** The type that rounds or overflows, what it holds and its step. */
  readonly type?: string;
  readonly least?: number;
  readonly greatest?: number;
  readonly step?: number;
  /** The type is the accumulator's. */
  readonly accumulator?: boolean;
}

/** What a layer loses by itself: its outputs against what it should have made of its own inputs. */
export interface LayerLoss {
  /** The element that is furthest off, and by how much. */
  readonly element: number;
  readonly most: number;
  /** Elements that are off at all. */
  readonly count: number;
  readonly cause: LossCause;
}

export interface ExplainedLayer {
  readonly name: string;
  /** The layer's kind, or `input`. */
  readonly kind: string;
  readonly tensor: string;
  readonly type?: string;
  /** What the firmware has, every element in C order. */
  readonly fixed: Float64Array;
  /** What the layer should have made of the firmware's own values before it. */
  readonly exact: Float64Array;
  /** What the float model has; absent where it has no such tensor. */
  readonly float?: Float64Array;
  readonly loss?: LayerLoss;
  /** The largest change of an output of the float model if this layer alone loses what it does. */
  readonly effect?: number;
}

/** One event, layer by layer. */
export interface Explanation {
  readonly event: number;
  /** The event is the one whose outputs are furthest off. */
  readonly chosen: boolean;
  readonly count: number;
  readonly file: string;
  readonly layers: readonly ExplainedLayer[];
  readonly outputs: readonly { readonly name: string; readonly fixed: Float64Array; readonly float?: Float64Array }[];
  readonly warnings: readonly string[];
}

/** Elements that are listed of an output. */
const SHOWN = 12;

const number = (value: number): string => (Number.isNaN(value) ? 'NaN' : formatDecimal(value, 6));
const small = (value: number): string => formatDecimal(value, 2);

/** The text of `explain`; with a layer's name, every element of that one. */
export function textExplanation(explanation: Explanation, width: number, layer?: string): string {
  const { event, chosen, count, file, layers } = explanation;
  const title = `Event ${event} of ${count} in ${file}${chosen ? ', whose outputs are furthest off' : ''}`;
  const found = layers.find((own) => own.name === layer);
  if (found !== undefined) return [title, '', ...elementTable(found, width)].join('\n');
  return [
    title, '',
    ...layerTable(layers, width), '',
    ...sentences(layers).flatMap((sentence) => wrapText(sentence, width, '  ')), '',
    heading('Outputs', width),
    ...outputTable(explanation, width),
  ].join('\n');
}

/** The element that a row shows: the one that loses most, else the one that is furthest from the float model. */
function shownElement({ fixed, float, loss }: ExplainedLayer): number {
  if (loss !== undefined) return loss.element;
  let [element, most] = [0, -1];
  fixed.forEach((value, i) => {
    const apart = Math.abs(value - (float?.[i] ?? value));
    if (apart > most) [element, most] = [i, apart];
  });
  return element;
}

function layerTable(layers: readonly ExplainedLayer[], width: number): string[] {
  const columns = [
    { title: 'layer', flexible: true }, { title: 'kind', optional: true }, { title: 'type', flexible: true, optional: true }, { title: 'element', right: true },
    { title: 'float', right: true }, { title: 'firmware', right: true }, { title: 'lost here', right: true }, { title: 'in the outputs', right: true }, { title: 'by' },
  ];
  const rows = layers.map((layer) => {
    const { name, kind, type, fixed, float, loss, effect } = layer;
    const element = shownElement(layer);
    const value = float?.[element];
    return [
      name, kind, type ?? '', String(element), value === undefined ? '–' : number(value), number(fixed[element] as number),
      loss === undefined ? '0' : small(loss.most), loss === undefined ? '' : effect === undefined ? '?' : small(effect), loss === undefined ? '' : shortCause(loss.cause),
    ];
  });
  return table(columns, rows, width);
}

function shortCause({ kind, accumulator }: LossCause): string {
  const words = { rounding: 'rounding', saturation: 'saturation', wrap: 'overflow', parameters: 'parameters', table: 'table', arithmetic: 'arithmetic' }[kind];
  return accumulator === true ? `${words} (accumulator)` : words;
}

/** The first layer that loses something, the one that matters most, and what is lost by overflow. */
function sentences(layers: readonly ExplainedLayer[]): string[] {
  const lossy = layers.filter((layer) => layer.loss !== undefined);
  const [first] = lossy;
  if (first === undefined) return ['Nothing is lost: every layer gives exactly what the float model makes of its inputs.'];
  const worst = lossy.reduce((a, b) => ((b.effect ?? 0) > (a.effect ?? 0) ? b : a));
  const overflows = lossy.filter(({ loss }) => loss?.cause.kind === 'wrap' || loss?.cause.kind === 'saturation');
  const lines = [`First to differ: ${describe(first)}`];
  if (worst !== first && worst.effect !== undefined && worst.effect > 0) lines.push(`Matters most: ${describe(worst)} Alone, this moves the outputs by up to ${small(worst.effect)}.`);
  for (const layer of overflows) if (layer !== first && layer !== worst) lines.push(`Overflow too: ${describe(layer)}`);
  return lines;
}

function describe({ name, fixed, loss }: ExplainedLayer): string {
  if (loss === undefined) return `${name}.`;
  const { element, count, cause } = loss;
  return `${name}[${element}] should be ${number(cause.wanted)} and is ${number(cause.got)}: ${because(cause)}. ${count} of ${fixed.length} elements differ.`;
}

function because(cause: LossCause): string {
  const { type = '', least = 0, greatest = 0, step = 0 } = cause;
  const owner = cause.accumulator === true ? 'the accumulator, ' : '';
  switch (cause.kind) {
    case 'rounding':
      return `rounded to steps of ${number(step)} by ${owner}${type}`;
    case 'saturation':
      return `it does not fit ${owner}${type}, ${number(least)} to ${number(greatest)}, which saturates`;
    case 'wrap':
      return `it does not fit ${owner}${type}, ${number(least)} to ${number(greatest)}, which wraps round`;
    case 'parameters':
      return 'its parameters (weights, biases, leaves) were rounded';
    case 'table':
      return `the function is a table${type === '' ? '' : ` of ${type}`}`;
    case 'arithmetic':
      return 'weights, accumulator or tables inside the layer are rounded';
  }
}

function elementTable({ name, kind, type, fixed, exact, float }: ExplainedLayer, width: number): string[] {
  const columns = [{ title: 'element', right: true }, { title: 'float', right: true }, { title: 'of its own inputs', right: true }, { title: 'firmware', right: true }, { title: 'lost here', right: true }];
  const rows = Array.from(fixed, (value, i) => {
    const own = exact[i] as number;
    const model = float?.[i];
    return [String(i), model === undefined ? '–' : number(model), number(own), number(value), value === own ? '0' : small(Math.abs(value - own))];
  });
  return [`${name}: ${kind}${type === undefined ? '' : `, ${type}`}`, ...table(columns, rows, width)];
}

function outputTable({ outputs }: Explanation, width: number): string[] {
  const columns = [{ title: 'output' }, { title: 'float', right: true }, { title: 'firmware', right: true }, { title: 'difference', right: true }];
  const rows = outputs.flatMap(({ name, fixed, float }) => Array.from(fixed.subarray(0, SHOWN), (value, i) => {
    const model = float?.[i];
    return [fixed.length === 1 ? name : `${name}[${i}]`, model === undefined ? '–' : number(model), number(value), model === undefined ? '' : small(Math.abs(value - model))];
  }));
  const hidden = outputs.reduce((sum, { fixed }) => sum + Math.max(0, fixed.length - SHOWN), 0);
  return [...table(columns, rows, width), ...(hidden === 0 ? [] : [`… and ${hidden} more`])];
}
