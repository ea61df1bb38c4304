import type { Int } from '../fixed/integer.js';
import { dyadicOf, shift } from '../fixed/integer.js';
import type { Tensor } from '../model/tensor.js';

/** The most bits of the whole numbers of a weight. */
const MOST_WEIGHT_BITS = 15;

/** A weight as whole numbers times one scale for each output channel: exactly, or but for the rounding of each product to float32. */
export interface WholeWeight {
  readonly weight: Tensor;
  readonly scales: Float64Array;
}

/**
 * The coarsest grid of each output channel of a weight, found as the greatest common divisor of its values: what a quantiser
 * with a float scale gives. Where a library has rounded a quantiser's products to float32, they have no common divisor: the
 * float32 scale then is the one whose products round to them. Undefined where a channel has no such grid of few bits, as plain
 * floats have none.
 */
export function wholeWeight(weight: Tensor, channelAxis: number): WholeWeight | undefined {
  return exactGrids(weight, channelAxis) ?? (weight.quantised === true ? float32Grids(weight, channelAxis) : undefined);
}

function exactGrids(weight: Tensor, channelAxis: number): WholeWeight | undefined {
  const channels = weight.shape[channelAxis] ?? 1;
  const inner = weight.shape.slice(channelAxis + 1).reduce((product, n) => product * n, 1);
  const channelOf = (i: number): number => Math.floor(i / inner) % channels;
  const exp = weight.data.reduce((least, value) => (value === 0 ? least : Math.min(least, dyadicOf(value).exp)), Infinity);
  const divisors = new Array<bigint>(channels).fill(0n);
  const most = new Float64Array(channels);
  weight.data.forEach((value, i) => {
    if (value === 0) return;
    const { n, exp: own } = dyadicOf(Math.abs(value));
    divisors[channelOf(i)] = commonDivisor(divisors[channelOf(i)] as bigint, BigInt(shift(n, own - exp) as Int));
    most[channelOf(i)] = Math.max(most[channelOf(i)] as number, Math.abs(value));
  });
  const scales = Float64Array.from(divisors, (divisor) => (divisor === 0n ? 1 : Number(divisor) * 2 ** exp));
  // Divisors of more than 53 bits would not be exact: no quantiser's scale has so many.
  if (divisors.some((divisor) => BigInt(Number(divisor)) !== divisor) || scales.some((scale, c) => (most[c] as number) >= scale * 2 ** MOST_WEIGHT_BITS)) return undefined;
  return { weight: { shape: weight.shape, data: weight.data.map((value, i) => value / (scales[channelOf(i)] as number)), quantised: true }, scales };
}

function float32Grids({ shape, data }: Tensor, channelAxis: number): WholeWeight | undefined {
  const channels = shape[channelAxis] ?? 1;
  const inner = shape.slice(channelAxis + 1).reduce((product, n) => product * n, 1);
  const channelOf = (i: number): number => Math.floor(i / inner) % channels;
  const sizes = Array.from({ length: channels }, (): number[] => []);
  data.forEach((value, i) => value !== 0 && sizes[channelOf(i)]?.push(Math.abs(value)));
  const scales = sizes.map(float32Scale);
  if (scales.includes(undefined)) return undefined;
  const whole = data.map((value, i) => Math.round(value / (scales[channelOf(i)] as number)));
  return { weight: { shape, data: whole, quantised: true }, scales: Float64Array.from(scales as number[]) };
}

/** The least weight is at most so many steps. */
const MOST_LEAST_STEPS = 128;

/** Where a scale may be, about the quotient of a rounded product: a few units of its last place, in halves. */
const NEAR = [0, 1, -1, 2, -2, 3, -3, 4, -4];

/** The greatest float32 scale of which every size is float32(whole · scale); 1 for none. */
function float32Scale(sizes: readonly number[]): number | undefined {
  if (sizes.length === 0) return 1;
  const least = sizes.reduce((a, b) => Math.min(a, b));
  const most = sizes.reduce((a, b) => Math.max(a, b));
  for (let steps = 1; steps <= MOST_LEAST_STEPS; steps++) {
    const mostSteps = Math.round((most / least) * steps);
    if (mostSteps >= 2 ** MOST_WEIGHT_BITS) return undefined;
    const nearest = Math.fround(most / mostSteps);
    const found = NEAR.map((halves) => Math.fround(nearest * (1 + halves * 2 ** -24))).find((scale) => sizes.every((size) => Math.fround(Math.round(size / scale) * scale) === size));
    if (found !== undefined) return found;
  }
  return undefined;
}

function commonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** Steps of a function of whole numbers, one row for each channel: `values[k]` from `starts[k − 1]` on. */
export interface ChannelSteps {
  readonly starts: Tensor;
  readonly values: Tensor;
}

/**
 * The steps of a monotone function with whole values, channel by channel, all of them bisected side by side: `at` gives the
 * value of every channel at an argument of its own. Undefined where a channel has more than `most` steps. Rows with fewer
 * steps end in some that lie behind their last argument.
 */
export function bisectSteps(low: Float64Array, high: Float64Array, at: (arguments_: Float64Array) => Float64Array, most: number): ChannelSteps | undefined {
  const first = at(low);
  const last = at(high);
  const rises = first.map((value, c) => (last[c] as number) - value);
  const count = Math.max(1, ...rises.map(Math.abs));
  if (!(count <= most)) return undefined;
  const rows = low.length;
  const starts = new Float64Array(rows * count);
  const values = Float64Array.from({ length: rows * (count + 1) }, (_, i) => {
    const [row, k] = [Math.floor(i / (count + 1)), i % (count + 1)];
    const rise = rises[row] as number;
    return (first[row] as number) + Math.sign(rise) * Math.min(k, Math.abs(rise));
  });
  for (let k = 1; k <= count; k++) {
    const found = firstFrom(low, high, (arguments_) => at(arguments_).map((value, c) => Number(((value - (first[c] as number)) * Math.sign(rises[c] as number)) >= k)));
    found.forEach((start, c) => (starts[c * count + k - 1] = start));
  }
  return { starts: { shape: [rows, count], data: starts }, values: { shape: [rows, count + 1], data: values, quantised: true } };
}

/** The first argument of each channel at which a condition that stays true becomes so; one behind the last where it never does. */
function firstFrom(low: Float64Array, high: Float64Array, holds: (arguments_: Float64Array) => Float64Array): Float64Array {
  const from = low.slice();
  const to = high.map((n) => n + 1);
  while (from.some((n, c) => n < (to[c] as number))) {
    // A channel that is found is asked for its last argument once more at most.
    const middle = from.map((n, c) => Math.min(Math.floor((n + (to[c] as number)) / 2), high[c] as number));
    const found = holds(middle);
    middle.forEach((n, c) => {
      if ((from[c] as number) >= (to[c] as number)) return;
      if (found[c] === 1) to[c] = n;
      else from[c] = n + 1;
    });
  }
  return from;
}
