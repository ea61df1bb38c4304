import type { FixedType } from '../../fixed/fixedType.js';
import { castValue, fractionBits, rangeOf } from '../../fixed/fixedType.js';
import type { LayerCatalogue } from '../../model/catalogue.js';
import { evaluateTensors } from '../../model/evaluate.js';
import type { ModelGraph } from '../../model/graph.js';
import type { Tensor } from '../../model/tensor.js';
import { sizeOf } from '../../model/tensor.js';
import type { Scores } from './metrics.js';

/** Events by input name, `[events, …]` in C order. */
export interface Events {
  readonly inputs: ReadonlyMap<string, Float64Array>;
  readonly count: number;
}

/** One event's inputs by name; views, not copies. */
export function eventOf({ inputs, count }: Events, event: number): Map<string, Float64Array> {
  return new Map([...inputs].map(([name, values]) => {
    const size = values.length / count;
    return [name, values.subarray(event * size, (event + 1) * size)];
  }));
}

/** Told of every tensor of every event. */
export type Observer = (name: string, value: Tensor) => void;

/**
 * All outputs of a graph side by side, for every event. Wires and layers that have a type round and overflow into it, so
 * that a graph typed by us gives what its circuit gives, as far as float64 holds its sums; one without types is the
 * float reference.
 */
export function scoresOf(graph: ModelGraph, catalogue: LayerCatalogue, events: Events, observe?: Observer): Scores {
  const width = graph.outputs.reduce((sum, output) => sum + sizeOf(output.shape), 0);
  const data = new Float64Array(events.count * width);
  const casts = new Map<string, Cast>();
  for (const input of graph.inputs) if (input.type !== undefined) casts.set(input.name, castOf(input.type));
  for (const node of graph.nodes) if (node.precision?.result !== undefined) casts.set(node.output, castOf(node.precision.result));
  const onTensor = (name: string, value: Tensor): Tensor => {
    const cast = casts.get(name);
    const own = cast === undefined ? value : { ...value, data: value.data.map(cast) };
    observe?.(name, own);
    return own;
  };
  for (let event = 0; event < events.count; event++) {
    const tensors = evaluateTensors(graph, catalogue, eventOf(events, event), onTensor);
    let at = event * width;
    for (const output of graph.outputs) {
      const values = (tensors.get(output.tensor) as Tensor).data;
      data.set(values, at);
      at += values.length;
    }
  }
  return { events: events.count, width, data };
}

/** These events' values, of `[count, …]`. */
export function takeRows(values: Float64Array, count: number, rows: readonly number[]): Float64Array {
  const width = values.length / count;
  const taken = new Float64Array(rows.length * width);
  rows.forEach((row, k) => taken.set(values.subarray(row * width, (row + 1) * width), k * width));
  return taken;
}

type Cast = (value: number) => number;

/** Widths up to here leave float64 room for the half that rounding adds. */
const PLAIN_WIDTH = 50;

/** The cast of one value, by plain float64 arithmetic for the mode that we choose ourselves. */
function castOf(type: FixedType): Cast {
  const bits = fractionBits(type);
  if (type.rounding !== 'RND' || type.overflow !== 'SAT' || type.width > PLAIN_WIDTH) return (value) => castValue(value, type);
  const scale = 2 ** bits;
  const step = 2 ** -bits;
  const { lo, hi } = rangeOf(type);
  const [low, high] = [Number(lo), Number(hi)];
  return (value) => Math.min(Math.max(Math.floor(value * scale + 0.5), low), high) * step;
}
