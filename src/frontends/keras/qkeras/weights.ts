import { CompileError } from '../../../errors.js';
import type { Tensor } from '../../../model/tensor.js';
import { broadcastIndices, broadcastShapes, tensor } from '../../../model/tensor.js';
import { EPSILON, f32, log2, nearestPowerOfTwo, roundHalfEven, signOf, straightThrough } from './float32.js';
import type { Alpha, Quantiser } from './quantiser.js';
import { estimatorBase, linearBounds, linearInteger, scalarQuantiser } from './scalar.js';
import type { Grouping } from './scales.js';
import { greatest, groupsOf, leastSquares } from './scales.js';

type Of<Kind extends Quantiser['kind']> = Extract<Quantiser, { kind: Kind }>;
type Automatic = 'auto' | 'auto_po2';

/**
 * Weights as QKeras quantises them when it runs the layer: automatic scales are found anew from the stored float32, as
 * QKeras does, since files do not hold them. Without a quantiser the tensor as it is, unquantised.
 */
export function quantiseWeights(quantiser: Quantiser | undefined, x: Tensor, where: readonly string[]): Tensor {
  if (quantiser === undefined) return x;
  const alpha: Alpha = 'alpha' in quantiser ? quantiser.alpha : null;
  const data = typeof alpha === 'string' ? automatic(quantiser, alpha, x, where) : fixed(quantiser, alpha, x, where);
  const wrong = data.findIndex((v) => !Number.isFinite(v));
  if (wrong >= 0) {
    throw new CompileError('input', { code: 'weight-not-finite', where, what: `weight ${wrong} is ${x.data[wrong]}, which ${quantiser.kind} makes ${data[wrong]}.`, mend: 'Save finite weights.' });
  }
  return tensor(x.shape, data, true);
}

/**
 * The kernel quantiser as its layer changes it when built: `alpha` None becomes auto_po2, and symmetric with it
 * (`_set_trainable_parameter`; quantized_relu, the sigmoids and the powers of two have no alpha).
 */
export function trainableForm(quantiser: Quantiser | undefined): Quantiser | undefined {
  if (quantiser === undefined || !('alpha' in quantiser) || quantiser.alpha !== null) return quantiser;
  return 'symmetric' in quantiser ? { ...quantiser, alpha: 'auto_po2', symmetric: true } : { ...quantiser, alpha: 'auto_po2' };
}

function fixed(quantiser: Quantiser, alpha: number | readonly number[] | null, x: Tensor, where: readonly string[]): Float64Array {
  if (!Array.isArray(alpha)) {
    const quantise = weightFunction(quantiser, alpha as number | null);
    return x.data.map((v) => quantise(f32(v)));
  }
  const list = alpha as readonly number[];
  const shape = broadcastShapes([list.length], x.shape);
  if (shape === undefined || shape.length !== x.shape.length || shape.some((n, axis) => n !== x.shape[axis])) {
    throw new CompileError('input', { code: 'quantiser', where, what: `an alpha of ${list.length} values does not fit the shape ${JSON.stringify(x.shape)}.`, mend: 'Give one, or one a channel.' });
  }
  const each = list.map((a) => weightFunction(quantiser, a));
  const channel = broadcastIndices([list.length], x.shape);
  return x.data.map((v, e) => (each[channel[e] as number] as (x: number) => number)(f32(v)));
}

/** The quantiser with its straight-through estimator. */
function weightFunction(quantiser: Quantiser, alpha: number | null): (x: number) => number {
  const value = scalarQuantiser(quantiser, alpha);
  const base = estimatorBase(quantiser, alpha);
  return base === undefined ? value : (x) => straightThrough(base(x), value(x));
}

function automatic(quantiser: Quantiser, alpha: Automatic, x: Tensor, where: readonly string[]): Float64Array {
  switch (quantiser.kind) {
    case 'quantized_bits':
      return automaticBits(quantiser, alpha, x, where);
    case 'quantized_linear':
      return automaticLinear(quantiser, alpha, x, where);
    case 'binary':
      return automaticBinary(quantiser, alpha, x, where);
    case 'ternary':
      return automaticTernary(quantiser, alpha, x, where);
    default:
      throw new CompileError('unsupported', { code: 'quantiser', where, what: `${quantiser.kind} has no automatic scale for weights.`, mend: 'Use quantized_bits, quantized_linear, binary or ternary, or a fixed alpha.' });
  }
}

/**
 * quantized_bits with alpha auto or auto_po2. QKeras 0.9.0 keeps the integers of the last but one power of two; later
 * versions, whose files have a `post_training_scale`, round once more under the last.
 */
function automaticBits(q: Of<'quantized_bits'>, alpha: Automatic, x: Tensor, where: readonly string[]): Float64Array {
  const mi = 2 ** q.integer;
  const m = 2 ** (q.bits - Number(q.keep_negative));
  const half = 2 ** (q.bits - 1) - 1;
  const scaled = tensor(x.shape, x.data.map((v) => f32(f32(v) / mi)));
  const groups = groupsOf(x.shape, { scale_axis: q.scale_axis }, 'whole', where);
  const squares = groupsOf(x.shape, q, x.shape.length <= 1 ? 'element' : 'whole', where);
  const integer = (scale: Float64Array, of: Grouping): Float64Array =>
    scaled.data.map((v, e) => Math.sign(v) * Math.min(Math.floor(f32(f32(Math.abs(v) / (scale[of.of[e] as number] as number)) + 0.5)), half));
  let of = groups;
  let scale: Float64Array = greatest(scaled, groups, Math.abs).map((most) => f32(f32(most * 2) / (2 * half)));
  if (alpha === 'auto_po2') scale = scale.map(nearestPowerOfTwo);
  let z = integer(scale, of);
  const trained = trainedScale(q, x.shape, where);
  if (trained !== undefined) {
    of = { count: trained.length, of: Int32Array.from(trained.keys()) };
    scale = trained.map((s) => f32(f32(s) / m));
  } else if (alpha === 'auto_po2') {
    for (let step = 0; step < 5; step++) {
      z = integer(scale, of);
      scale = leastSquares(scaled, z, squares, alpha, q);
      of = squares;
    }
  }
  if (q.post_training_scale !== undefined) z = integer(scale, of);
  return scaled.data.map((v, e) => {
    const xq = f32(f32(mi * (z[e] as number)) / m);
    return straightThrough(f32(mi * v), f32(f32((scale[of.of[e] as number] as number) * m) * xq));
  });
}

/** The scale that a file fixes, for each element. */
function trainedScale(q: Of<'quantized_bits'>, shape: readonly number[], where: readonly string[]): Float64Array | undefined {
  if (q.post_training_scale === undefined || q.post_training_scale === null) return undefined;
  const sizes: number[] = [];
  for (let level: unknown = q.post_training_scale; Array.isArray(level) && sizes.length < 8; level = level[0]) sizes.push(level.length);
  const values = [q.post_training_scale].flat(8) as unknown[];
  const fits = sizes.reduce((product, n) => product * n, 1) === values.length && values.every((v) => typeof v === 'number' && Number.isFinite(v) && v > 0);
  const whole = broadcastShapes(sizes, shape);
  if (!fits || whole === undefined || whole.length !== shape.length || whole.some((n, axis) => n !== shape[axis])) {
    throw new CompileError('input', { code: 'quantiser', where, what: `post_training_scale of ${values.length} values does not fit the shape ${JSON.stringify(shape)}.`, mend: 'Save the model again.' });
  }
  return Float64Array.from(broadcastIndices(sizes, shape), (i) => values[i] as number);
}

/** quantized_linear with alpha auto or auto_po2. */
function automaticLinear(q: Of<'quantized_linear'>, alpha: Automatic, x: Tensor, where: readonly string[]): Float64Array {
  const groups = groupsOf(x.shape, q, 'element', where);
  const { low, high } = linearBounds(q);
  const range = high - low;
  const most = greatest(x, groups, q.keep_negative ? Math.abs : (v) => v);
  let scale: Float64Array = most.map((v) => Math.max(f32((q.keep_negative ? f32(v * 2) : v) / range), EPSILON));
  if (alpha === 'auto_po2') {
    scale = scale.map((s) => 2 ** roundHalfEven(log2(f32(s + EPSILON))));
    const most = q.bits === 1 && q.keep_negative ? 1 : 5;
    for (let step = 0; step < most; step++) {
      const next = leastSquares(x, integers(scale), groups, alpha, {});
      const same = next.every((s, group) => s === scale[group]);
      scale = next;
      if (same) break;
    }
  }
  const z = integers(scale);
  return x.data.map((v, e) => straightThrough(f32(v), f32((z[e] as number) * (scale[groups.of[e] as number] as number))));

  function integers(scales: Float64Array): Float64Array {
    const each = Array.from(scales, (s) => linearInteger(q, s));
    return x.data.map((v, e) => (each[groups.of[e] as number] as (x: number) => number)(f32(v)));
  }
}

/** binary with alpha auto or auto_po2. */
function automaticBinary(q: Of<'binary'>, alpha: Automatic, x: Tensor, where: readonly string[]): Float64Array {
  const groups = groupsOf(x.shape, q, 'element', where);
  const sign = x.data.map((v) => (q.use_01 ? (signOf(v) + 1) / 2 : signOf(v)));
  const scale = leastSquares(x, sign, groups, alpha, q);
  return x.data.map((v, e) => straightThrough(f32(v), f32((scale[groups.of[e] as number] as number) * (sign[e] as number))));
}

/** ternary with alpha auto or auto_po2: the threshold is half the scale, found in turns with it. */
function automaticTernary(q: Of<'ternary'>, alpha: Automatic, x: Tensor, where: readonly string[]): Float64Array {
  const last = { scale_axis: null };
  const groups = groupsOf(x.shape, last, 'whole', where);
  const squares = groupsOf(x.shape, last, 'element', where);
  let of = groups;
  let scale: Float64Array = greatest(x, groups, Math.abs).map((most) => f32(f32(2 * most) / 3));
  if (alpha === 'auto_po2') scale = scale.map(nearestPowerOfTwo);
  let sign: Float64Array = new Float64Array(x.data.length);
  for (let step = 0; step < q.number_of_unrolls; step++) {
    sign = x.data.map((v, e) => {
      const own = scale[of.of[e] as number] as number;
      return Math.abs(f32(own * roundHalfEven(f32(f32(v) / own)))) >= f32(own / 2) ? Math.sign(v) : 0;
    });
    scale = leastSquares(x, sign, squares, alpha, {});
    of = squares;
  }
  return x.data.map((v, e) => straightThrough(f32(v), f32((scale[of.of[e] as number] as number) * (sign[e] as number))));
}
