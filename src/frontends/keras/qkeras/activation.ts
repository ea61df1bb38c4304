import { assertNever, CompileError } from '../../../errors.js';
import type { Tensor } from '../../../model/tensor.js';
import { tensor } from '../../../model/tensor.js';
import type { LayerSink, TensorRef } from '../../network.js';
import type { Float32Stage } from '../float32Stage.js';
import { f32 } from './float32.js';
import type { Alpha, Quantiser } from './quantiser.js';
import { linearTypeScale, reluBound, scalarQuantiser } from './scalar.js';
import type { Stairs } from './stairs.js';
import { staircaseParams, stairsOf } from './stairs.js';

type Of<Kind extends Quantiser['kind']> = Extract<Quantiser, { kind: Kind }>;

/** The most steps a table of steps may have. */
const MOST_STEPS = 4096;

/** Past this many steps a float32 stage in front of a quantiser stays an affine layer. */
const MOST_STAGE_STEPS = 256;

/**
 * A quantiser of activations as layers: fixed-point casts where it is one, else its steps, each found in QKeras' own
 * float32 arithmetic.
 *
 * @throws CompileError (`unsupported`) for a scale that QKeras finds anew in every batch
 */
export function quantiseActivations(sink: LayerSink, quantiser: Quantiser, x: TensorRef, name: string, where: readonly string[]): TensorRef {
  const alpha: Alpha = 'alpha' in quantiser ? quantiser.alpha : null;
  if (typeof alpha === 'string') {
    throw new CompileError('unsupported', {
      code: 'batch-dependent-quantiser',
      where,
      what: `alpha='${alpha}' of an activation is found anew in every batch, so that an event's result depends on its neighbours.`,
      mend: 'Give the activation a fixed alpha.',
    });
  }
  switch (quantiser.kind) {
    case 'quantized_bits':
      return quantizedBits(sink, quantiser, alpha, x, name);
    case 'quantized_linear':
      return quantizedLinear(sink, quantiser, alpha, x, name);
    case 'quantized_relu':
      return quantiser.use_sigmoid ? steps(sink, quantiser, alpha, x, name, where) : quantizedRelu(sink, quantiser, x, name);
    case 'quantized_tanh':
      return quantiser.use_real_tanh ? realFunction(sink, quantiser, x, name, where) : hardTanh(sink, quantiser, x, name);
    case 'quantized_sigmoid':
      return quantiser.use_real_sigmoid ? realFunction(sink, quantiser, x, name, where) : hardSigmoid(sink, quantiser, x, name);
    case 'binary':
      return quantiser.use_01 ? steps(sink, quantiser, alpha, x, name, where) : sink.add('bipolarQuant', { scale: scaleOf(alpha ?? 1) }, [x], name);
    case 'function':
      return plainFunction(sink, quantiser, x, name, where);
    case 'ternary':
    case 'quantized_ulaw':
    case 'quantized_po2':
    case 'quantized_relu_po2':
    case 'quantized_hswish':
      return steps(sink, quantiser, alpha, x, name, where);
    default:
      return assertNever(quantiser);
  }
}

/**
 * A float32 stage (a batch normalisation) and the quantiser behind it as one: a function of a discrete input, exact in
 * float32, as steps a channel. Undefined where the quantiser is too fine for that or has turns of its own.
 */
export function quantiseStage(sink: LayerSink, quantiser: Quantiser, stage: Float32Stage, name: string): TensorRef | undefined {
  if (quantiser.kind === 'quantized_hswish' || ('alpha' in quantiser && (typeof quantiser.alpha === 'string' || Array.isArray(quantiser.alpha)))) return undefined;
  const quantise = scalarQuantiser(quantiser, 'alpha' in quantiser ? (quantiser.alpha as number | null) : null);
  const rows: Stairs[] = [];
  for (const f of stage.channels) {
    const row = stairsOf((x) => quantise(f(x)), [], MOST_STAGE_STEPS);
    if (row === undefined) return undefined;
    rows.push(row);
  }
  if (rows.every((row) => row.thresholds.length === 0)) return undefined;
  return sink.add('staircase', staircaseParams(rows, stage.axis), [stage.input], name);
}

/** One value for all elements, or one a channel. */
function scaleOf(value: number | readonly number[]): Tensor {
  return Array.isArray(value) ? tensor([value.length], value.map(f32), true) : tensor([], [f32(value as number)], true);
}

/** A cast that rounds half to even and saturates: QKeras' fixed-point quantiser. */
function cast(sink: LayerSink, type: { readonly signed: boolean; readonly integerBits: Tensor; readonly fractionBits: Tensor; readonly symmetric: boolean }, x: TensorRef, name: string): TensorRef {
  const { signed, integerBits, fractionBits, symmetric } = type;
  return sink.add('fixedQuant', { signed: scaleOf(Number(signed)), integerBits, fractionBits, rounding: 'RND_CONV', overflow: symmetric && signed ? 'SAT_SYM' : 'SAT' }, [x], name);
}

function quantizedBits(sink: LayerSink, q: Of<'quantized_bits'>, alpha: number | readonly number[] | null, x: TensorRef, name: string): TensorRef {
  const magnitudeBits = q.bits - Number(q.keep_negative);
  if (magnitudeBits === 0) return scaled(sink, sink.add('bipolarQuant', { scale: scaleOf(1) }, [x], name), alpha, name);
  const integerBits = scaleOf(q.integer);
  const fractionBits = scaleOf(magnitudeBits - q.integer);
  return scaled(sink, cast(sink, { signed: q.keep_negative, integerBits, fractionBits, symmetric: q.symmetric }, x, name), alpha, name);
}

/** `alpha` times what the quantiser gave. */
function scaled(sink: LayerSink, x: TensorRef, alpha: number | readonly number[] | null, name: string): TensorRef {
  if (alpha === null || alpha === 1) return x;
  const values = [alpha].flat().map(f32);
  const constant = sink.constant(`${name}/alpha`, tensor(Array.isArray(alpha) ? [values.length] : [], values, true));
  return sink.add('elementwise', { operation: 'mul' }, [x, constant], `${name}/scaled`);
}

function quantizedLinear(sink: LayerSink, q: Of<'quantized_linear'>, alpha: number | readonly number[] | null, x: TensorRef, name: string): TensorRef {
  const scales = [alpha ?? 1].flat().map((a) => f32(f32(a) * linearTypeScale(q)));
  const shape = Array.isArray(alpha) ? [scales.length] : [];
  const sign = q.bits === 1 && q.keep_negative;
  if (sign) return sink.add('bipolarQuant', { scale: tensor(shape, scales.map((s) => s / 2), true) }, [x], name);
  const magnitudeBits = q.bits - Number(q.keep_negative);
  const exponents = scales.map((s) => Math.log2(s));
  if (exponents.every((e) => Number.isInteger(e))) {
    const integerBits = tensor(shape, exponents.map((e) => magnitudeBits + e), true);
    return cast(sink, { signed: q.keep_negative, integerBits, fractionBits: tensor(shape, exponents.map((e) => -e), true), symmetric: q.symmetric }, x, name);
  }
  const params = { scale: tensor(shape, scales, true), zeroPoint: scaleOf(0), bitWidth: q.bits, signed: q.keep_negative, narrow: q.symmetric && q.keep_negative, rounding: 'ROUND' } as const;
  return sink.add('quant', params, [x], name);
}

function quantizedRelu(sink: LayerSink, q: Of<'quantized_relu'>, x: TensorRef, name: string): TensorRef {
  const slope = q.negative_slope;
  const bound = reluBound(q);
  if (slope === 0) {
    const relu = cast(sink, { signed: false, integerBits: scaleOf(q.integer), fractionBits: scaleOf(q.bits - q.integer), symmetric: false }, x, name);
    return bound === null ? relu : sink.add('clip', { min: null, max: f32(bound) }, [relu], `${name}/bound`);
  }
  const leaky = sink.add('activation', { function: 'leakyRelu', alpha: slope }, [x], `${name}/leaky`);
  const wider = Math.max(0, Math.log2(slope));
  const integerBits = scaleOf(q.integer + wider);
  const whole = cast(sink, { signed: true, integerBits, fractionBits: scaleOf(q.bits - 1 - q.integer), symmetric: false }, leaky, name);
  const greatest = 2 ** q.integer - 2 ** (q.integer - q.bits + 1);
  const max = bound === null ? greatest : Math.min(greatest, f32(bound));
  return sink.add('clip', { min: -(2 ** q.integer) * slope, max }, [whole], `${name}/bounds`);
}

/** clip(round(hard_tanh(x) · m) / m), where hard_tanh(x) = clip(x, −1, 1) needs no clip of its own. */
function hardTanh(sink: LayerSink, q: Of<'quantized_tanh'>, x: TensorRef, name: string): TensorRef {
  return cast(sink, { signed: true, integerBits: scaleOf(0), fractionBits: scaleOf(q.bits - 1), symmetric: q.symmetric }, x, name);
}

function hardSigmoid(sink: LayerSink, q: Of<'quantized_sigmoid'>, x: TensorRef, name: string): TensorRef {
  const sigmoid = sink.add('activation', { function: 'hardSigmoid', alpha: 0.5, beta: 0.5 }, [x], `${name}/sigmoid`);
  const quantised = cast(sink, { signed: false, integerBits: scaleOf(0), fractionBits: scaleOf(q.bits), symmetric: false }, sigmoid, name);
  return q.symmetric ? sink.add('clip', { min: 2 ** -q.bits, max: null }, [quantised], `${name}/bound`) : quantised;
}

/** A real tanh or sigmoid: its steps, or behind a fine quantiser the function in float32. */
function realFunction(sink: LayerSink, q: Of<'quantized_tanh'> | Of<'quantized_sigmoid'>, x: TensorRef, name: string, where: readonly string[]): TensorRef {
  if (2 ** q.bits <= MOST_STEPS) return steps(sink, q, null, x, name, where);
  const tanh = q.kind === 'quantized_tanh';
  const real = sink.add('activation', { function: tanh ? 'tanh' : 'sigmoid', float32: true }, [x], `${name}/function`);
  const fractionBits = scaleOf(tanh ? q.bits - 1 : q.bits);
  const quantised = cast(sink, { signed: tanh, integerBits: scaleOf(0), fractionBits, symmetric: q.symmetric }, real, name);
  return !tanh && q.symmetric ? sink.add('clip', { min: 2 ** -q.bits, max: null }, [quantised], `${name}/bound`) : quantised;
}

function plainFunction(sink: LayerSink, q: Of<'function'>, x: TensorRef, name: string, where: readonly string[]): TensorRef {
  const tanh = (slope: number): TensorRef => {
    const one = sink.constant(`${name}/slope`, tensor([], [slope], true));
    const line = slope === 1 ? x : sink.add('elementwise', { operation: 'mul' }, [x, one], `${name}/line`);
    return sink.add('clip', { min: -1, max: 1 }, [line], name);
  };
  switch (q.name) {
    case 'hard_sigmoid':
      return sink.add('activation', { function: 'hardSigmoid', alpha: 0.5, beta: 0.5 }, [x], name);
    case 'smooth_sigmoid':
      return sink.add('activation', { function: 'hardSigmoid', alpha: 0.1875, beta: 0.5 }, [x], name);
    case 'hard_tanh':
      return tanh(1);
    case 'smooth_tanh':
      return tanh(0.375);
    case 'binary_sigmoid':
    case 'binary_tanh':
      return steps(sink, q, null, x, name, where);
    default:
      return assertNever(q.name);
  }
}

/** Where a quantiser stops falling and begins to rise, or the other way round. */
function turnsOf(q: Quantiser): readonly number[] {
  return q.kind === 'quantized_hswish' ? [-q.relu_shift, -q.relu_shift / 2] : [];
}

/** Any quantiser of one value as its steps. */
function steps(sink: LayerSink, q: Quantiser, alpha: number | readonly number[] | null, x: TensorRef, name: string, where: readonly string[]): TensorRef {
  const rows = [alpha].flat().map((a) => stairsOf(scalarQuantiser(q, a as number | null), turnsOf(q), MOST_STEPS));
  const known = rows.filter((row) => row !== undefined);
  if (known.length < rows.length) {
    throw new CompileError('unsupported', { code: 'quantiser-too-fine', where, what: `${q.kind} has more than ${MOST_STEPS} steps.`, mend: 'Give it fewer bits.' });
  }
  return sink.add('staircase', staircaseParams(known, x.shape.length - 1), [x], name);
}
