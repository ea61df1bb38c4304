import type { FixedQuantParams } from '../../../layers/fixedQuant.js';
import type { Tensor } from '../../../model/tensor.js';
import { broadcastIndices, broadcastShapes, sizeOf, tensor } from '../../../model/tensor.js';
import type { TensorRef } from '../../network.js';
import type { JsonObject } from '../json.js';
import { ConfigReader, isObject } from '../json.js';
import type { KerasContext } from '../layer.js';
import type { LayerWeights } from '../weights.js';

type Overflow = 'WRAP' | 'SAT' | 'SAT_SYM';

/** A fixed-point quantiser of HGQ2 with its trained widths; widths broadcast to what it quantises. */
export interface Quantiser {
  readonly signed: Tensor;
  /** Without the sign bit. */
  readonly integerBits: Tensor;
  readonly fractionBits: Tensor;
  readonly rounding: FixedQuantParams['rounding'];
  /** `none`: rounded only, as trainable WRAP quantisers of weights are. */
  readonly overflow: Overflow | 'none';
  /** Divided by before, multiplied by behind. */
  readonly scaler: number;
  /** Multiplied by and added at the end. */
  readonly affine: readonly [number, number];
}

/** Widths of one element. */
export interface Widths {
  readonly k: number;
  readonly i: number;
  readonly f: number;
}

const ROUNDINGS: readonly string[] = ['TRN', 'TRN_ZERO', 'RND', 'RND_ZERO', 'RND_INF', 'RND_MIN_INF', 'RND_CONV'] satisfies FixedQuantParams['rounding'][];
const OVERFLOWS: readonly string[] = ['WRAP', 'SAT', 'SAT_SYM'] satisfies Overflow[];

/** Widths stated in a file: nothing that a circuit could hold is wider. */
const MOST_BITS = 1000;

/** Where a quantiser is, for its weights and for messages. */
export interface QuantiserPlace {
  readonly layer: string;
  /** The field of its configuration: `iq_conf`. */
  readonly field: string;
  readonly weights: LayerWeights;
}

/**
 * The quantiser that a configuration and its variables describe; undefined for one that does nothing (`dummy`).
 *
 * Variables are listed trainable ones first, in the order of their making: under WRAP the integer bits are traced, not
 * trained, and stand behind the sign.
 */
export function readQuantiser(specification: unknown, { layer, field, weights }: QuantiserPlace, context: KerasContext): Quantiser | undefined {
  if (!isObject(specification)) return context.fail('input', layer, 'bad-field', `needs the configuration of a quantiser as ${field}.`);
  const { class_name: className, config: fields } = specification;
  const config = new ConfigReader((isObject(fields) ? fields : {}) as JsonObject, [layer, field]);
  const type = config.string('q_type');
  if (type === 'dummy') return undefined;
  if (type !== 'kbi' && type !== 'kif') {
    return context.fail('unsupported', layer, 'quantiser-type', `has in ${field} a quantiser of type ${type.slice(0, 40)}, which is no fixed-point one.`, 'Train with kbi or kif quantisers.');
  }
  const rounding = config.string('round_mode').toUpperCase().replace(/^S_/, '');
  const overflow = className === 'HardTanhConfig' || className === 'HardSigmoidConfig' ? 'SAT' : config.string('overflow_mode').toUpperCase();
  if (!ROUNDINGS.includes(rounding)) return context.fail('unsupported', layer, 'rounding-mode', `rounds in ${field} by ${rounding.slice(0, 40)}; supported: ${ROUNDINGS.join(', ')}.`);
  if (!OVERFLOWS.includes(overflow)) return context.fail('unsupported', layer, 'overflow-mode', `overflows in ${field} by ${overflow.slice(0, 40)}; supported: ${OVERFLOWS.join(', ')}.`);
  const wraps = overflow === 'WRAP';
  const roundsOnly = wraps && config.boolean('is_weight', false) && config.boolean('trainable', true) && (type === 'kif' || rounding === 'RND');
  const widths = readWidths(type, wraps, { layer, field, weights }, context);
  return {
    ...widths,
    rounding: rounding as Quantiser['rounding'],
    overflow: roundsOnly ? 'none' : (overflow as Overflow),
    scaler: Math.fround(config.number('scaler', 1)),
    affine: className === 'HardSigmoidConfig' ? [0.25, 0.5] : affineOf(config),
  };
}

function readWidths(type: 'kbi' | 'kif', wraps: boolean, { layer, field, weights }: QuantiserPlace, context: KerasContext): Pick<Quantiser, 'signed' | 'integerBits' | 'fractionBits'> {
  const first = type === 'kbi' ? 'b' : wraps ? 'f' : 'i';
  const trained = type === 'kbi' ? 'i' : 'f';
  const values = weights.part('quantizer').variables(wraps ? [first, 'k', 'i'] : [first, trained, 'k']);
  const [a, b, c] = values.map(rounded) as [Tensor, Tensor, Tensor];
  const [signed, second] = wraps ? [b, c] : [c, b];
  const [integerBits, width] = type === 'kbi' || wraps ? [second, a] : [a, second];
  const fractionBits = type === 'kbi' ? combine(width, integerBits, (bits, integer) => bits - integer) : width;
  const wrong = [...integerBits.data, ...fractionBits.data].find((bits) => Math.abs(bits) > MOST_BITS);
  if (wrong !== undefined) return context.fail('input', layer, 'quantiser-width', `has ${wrong} bits in ${field}; at most ±${MOST_BITS} can be.`);
  const sign = signed.data.find((k) => k !== 0 && k !== 1);
  if (sign !== undefined) return context.fail('input', layer, 'quantiser-width', `has the sign flag ${sign} in ${field}; 0 or 1 is needed.`);
  return { signed, integerBits, fractionBits };
}

/** Half to even, as the library rounds its trained widths. */
function rounded(values: Tensor): Tensor {
  return tensor(values.shape, values.data.map(roundHalfEven), true);
}

function combine(a: Tensor, b: Tensor, f: (x: number, y: number) => number): Tensor {
  const shape = broadcastShapes(a.shape, b.shape) ?? a.shape;
  const [left, right] = [broadcastIndices(a.shape, shape), broadcastIndices(b.shape, shape)];
  return tensor(shape, Float64Array.from(left, (i, e) => f(a.data[i] as number, b.data[right[e] as number] as number)), true);
}

function affineOf(config: ConfigReader): readonly [number, number] {
  const value = config.json('affine');
  if (value === null) return [1, 0];
  const list: unknown = isObject(value) ? value['items'] : value;
  if (!Array.isArray(list) || list.length !== 2 || list.some((n) => typeof n !== 'number')) return config.bad('affine', 'a factor and a shift');
  const [factor, shift] = list as [number, number];
  return [Math.fround(factor), Math.fround(shift)];
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** The library's rounding of a float32 to a whole number, each of its steps in float32. */
function roundFloat32(rounding: Quantiser['rounding'], x: number): number {
  const up = (v: number): number => Math.floor(Math.fround(v + 0.5));
  switch (rounding) {
    case 'TRN':
      return Math.floor(x);
    case 'TRN_ZERO':
      return Math.trunc(x);
    case 'RND':
      return up(x);
    case 'RND_CONV':
      return roundHalfEven(x);
    case 'RND_ZERO':
      return -up(-Math.abs(x)) * Math.sign(x);
    case 'RND_INF':
      return up(Math.abs(x)) * Math.sign(x);
    case 'RND_MIN_INF':
      return -up(-x);
  }
}

/** The bare cast of one number, without scaler and affine map, as the library computes it in float32. */
function castFloat32({ rounding, overflow }: Quantiser, { k, i: integer, f }: Widths, x: number): number {
  const fround = Math.fround;
  if (k + integer + f <= 0 && overflow !== 'none') return 0;
  const i = Math.max(integer, -f);
  const round = (v: number): number => fround(roundFloat32(rounding, fround(v * 2 ** f)) / 2 ** f);
  if (overflow === 'none') return round(x) + 0;
  if (overflow === 'WRAP') {
    const bias = k * 2 ** (i + k - 1);
    const shifted = fround(round(x) + bias);
    return fround(shifted - Math.floor(shifted / 2 ** (i + k)) * 2 ** (i + k) - bias) + 0;
  }
  const most = fround(2 ** i - 2 ** -f);
  return round(Math.min(Math.max(x, -k * (overflow === 'SAT' ? 2 ** i : most)), most)) + 0;
}

/** What follows the cast: `x · scaler`, then the affine map, in float32. */
export function behindCast({ scaler, affine: [factor, shift] }: Quantiser, x: number): number {
  return Math.fround(Math.fround(Math.fround(x * scaler) * factor) + shift) + 0;
}

/** One number through the whole quantiser, in float32; TensorFlow divides by a constant by multiplying with its reciprocal. */
export function quantiseNumber(quantiser: Quantiser, widths: Widths, x: number): number {
  return behindCast(quantiser, castFloat32(quantiser, widths, Math.fround(x * Math.fround(1 / quantiser.scaler))));
}

/** The widths of each element of a shape. */
export function widthsOf({ signed, integerBits, fractionBits }: Pick<Quantiser, 'signed' | 'integerBits' | 'fractionBits'>, shape: readonly number[]): readonly Widths[] {
  const [ks, is, fs] = [signed, integerBits, fractionBits].map((values) => broadcastIndices(values.shape, shape)) as [Int32Array, Int32Array, Int32Array];
  return Array.from(ks, (at, e) => ({ k: signed.data[at] as number, i: integerBits.data[is[e] as number] as number, f: fractionBits.data[fs[e] as number] as number }));
}

/** A constant through a quantiser: what the library multiplies with. */
export function quantiseTensor(quantiser: Quantiser | undefined, values: Tensor, layer: string, context: KerasContext): Tensor {
  if (quantiser === undefined) return { ...values, quantised: true };
  checkBroadcast(quantiser, values.shape, layer, context);
  const widths = widthsOf(quantiser, values.shape);
  return tensor(values.shape, values.data.map((x, e) => quantiseNumber(quantiser, widths[e] as Widths, x)), true);
}

/** The widths must fit what is quantised before they are spread over it. */
export function checkBroadcast({ signed, integerBits, fractionBits }: Quantiser, shape: readonly number[], layer: string, context: KerasContext): void {
  for (const values of [signed, integerBits, fractionBits]) {
    const common = broadcastShapes(values.shape, shape);
    if (common === undefined || sizeOf(common) !== sizeOf(shape)) {
      context.fail('input', layer, 'quantiser-shape', `has a quantiser of [${values.shape.join(', ')}] on a tensor of [${shape.join(', ')}].`);
    }
  }
}

/** Integer bits of what is rounded and never overflows: more than float32 has. */
const UNBOUNDED = 130;

/** The bare cast as a layer. */
export function castLayer(quantiser: Quantiser, x: TensorRef, name: string, context: KerasContext): TensorRef {
  const { rounding, scaler, fractionBits } = quantiser;
  const widths =
    quantiser.overflow === 'none'
      ? { signed: tensor([], [1], true), integerBits: tensor([], [UNBOUNDED], true), fractionBits, overflow: 'WRAP' as const }
      : { signed: quantiser.signed, integerBits: quantiser.integerBits, fractionBits, overflow: quantiser.overflow };
  return context.add('fixedQuant', { ...widths, rounding, ...(scaler === 1 ? {} : { divisor: scaler, float32: true }) }, [x], name);
}
