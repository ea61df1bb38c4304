import { powerOfTwo } from '../layers/ranges.js';
import { definitionOf } from '../layers/registry.js';
import type { ModelNode } from '../model/graph.js';
import type { Tensor } from '../model/tensor.js';

/** What a tensor is made of: `of(n · scales)`, where `unit · n` is a tensor of whole numbers in the new graph. */
export interface Form {
  readonly source: string;
  readonly unit: number;
  /** One for all channels, or one a channel. */
  readonly scales: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Of the channels, where there is more than one. */
  readonly axis: number;
  /** Monotone functions of each element between the whole numbers and the tensor, channel by channel. */
  readonly chain: readonly ((x: Tensor) => Tensor)[];
  /** What the chain is, where it is no more than slope · x + offset a channel, and max(…, 0) behind it or not. */
  readonly line: Line | undefined;
  /** Whether a part of it would have to be rounded, or carries a scale that is no power of two. */
  readonly isOdd: boolean;
}

export interface Line {
  readonly slope: Float64Array;
  readonly offset: Float64Array;
  readonly isCut: boolean;
}

/** Whole numbers low … high times one scale, as the tensor `source` in steps of `unit`. */
export function plainForm(source: string, unit: number, scale: number, low: number, high: number): Form {
  const one = (value: number): Float64Array => Float64Array.of(value);
  return { source, unit, scales: one(scale), low: one(low), high: one(high), axis: 0, chain: [], line: { slope: one(1), offset: one(0), isCut: false }, isOdd: powerOfTwo(scale) === undefined };
}

/** How many arguments a function is asked for, from one end of its range to the other. */
const PROBES = 9;

/** The line of a chain with one more function, if it still is one over all values that there are: f is then affine, or max(x, 0). */
export function lineBehind({ line, scales, low, high }: Form, f: (x: Tensor) => Tensor, shape: readonly number[]): Line | undefined {
  if (line === undefined || line.isCut) return undefined;
  const at = (t: number): Float64Array => scales.map((scale, c) => ((low[c] as number) + t * ((high[c] as number) - (low[c] as number))) * scale * (line.slope[c] as number) + (line.offset[c] as number));
  const probes = [...Array.from({ length: PROBES }, (_, k) => at(k / (PROBES - 1))), new Float64Array(scales.length)];
  const values = probes.map((data) => f({ shape, data }).data);
  const holds = (wanted: (x: number, c: number) => number): boolean =>
    probes.every((data, k) => data.every((x, c) => Math.abs(((values[k] as Float64Array)[c] as number) - wanted(x, c)) <= 1e-9 * Math.max(1, Math.abs(x))));
  if (holds((x) => Math.max(x, 0))) return { ...line, isCut: true };
  const offset = values[PROBES] as Float64Array;
  const slope = f({ shape, data: new Float64Array(scales.length).fill(1) }).data.map((value, c) => value - (offset[c] as number));
  if (!holds((x, c) => (slope[c] as number) * x + (offset[c] as number))) return undefined;
  return { slope: line.slope.map((s, c) => s * (slope[c] as number)), offset: line.offset.map((o, c) => o * (slope[c] as number) + (offset[c] as number)), isCut: false };
}

/** A tensor's shape with nothing but its channels. */
export function channelShape(shape: readonly number[], axis: number, channels: number): readonly number[] {
  return shape.map((_, i) => (i === axis ? channels : 1));
}

/** A layer as a function of one value a channel; undefined where its parameters differ within a channel. */
export function channelwise(node: ModelNode, constants: readonly (Tensor | undefined)[], full: readonly number[], axis: number, channels: number): ((x: Tensor) => Tensor) | undefined {
  const { evaluate, shape } = definitionOf(node.kind);
  const own = channelShape(full, axis, channels);
  const operands = (x: Tensor): Tensor[] => (constants.length === 0 ? [x] : constants.map((constant) => constant ?? x));
  const result = shape(node.params, operands({ shape: own, data: new Float64Array(channels) }).map((operand) => operand.shape));
  if (typeof result === 'string' || result.length !== own.length || result.some((n, i) => n !== own[i])) return undefined;
  return (x) => evaluate(node.params, operands(x));
}
