import { assertNever } from '../../../errors.js';
import { clamp, EPSILON, f32, log2, roundHalfEven, signOf, tanh } from './float32.js';
import type { Quantiser, SigmoidLike } from './quantiser.js';

/** A function of one float32 that gives a float32. */
export type ScalarFunction = (x: number) => number;

type Of<Kind extends Quantiser['kind']> = Extract<Quantiser, { kind: Kind }>;

/**
 * A quantiser with fixed scale as QKeras evaluates it at inference, operation for operation in float32
 * (qkeras/quantizers.py), but for the straight-through estimator around it (`estimatorBase`). `alpha` is the scale of the
 * element's channel; automatic ones are found in weights.ts.
 */
export function scalarQuantiser(quantiser: Quantiser, alpha: number | null): ScalarFunction {
  switch (quantiser.kind) {
    case 'quantized_bits':
      return quantizedBits(quantiser, alpha);
    case 'quantized_linear':
      return quantizedLinear(quantiser, alpha);
    case 'quantized_relu':
      return quantizedRelu(quantiser);
    case 'quantized_ulaw':
      return quantizedUlaw(quantiser);
    case 'quantized_tanh':
      return quantizedTanh(quantiser);
    case 'quantized_sigmoid':
      return quantizedSigmoid(quantiser);
    case 'quantized_po2':
      return quantizedPo2(quantiser);
    case 'quantized_relu_po2':
      return quantizedReluPo2(quantiser);
    case 'quantized_hswish':
      return quantizedHswish(quantiser, alpha);
    case 'binary':
      return binary(quantiser, alpha);
    case 'ternary':
      return ternary(quantiser, alpha);
    case 'function':
      return sigmoidLike(quantiser.name);
    default:
      return assertNever(quantiser);
  }
}

function quantizedBits(q: Pick<Of<'quantized_bits'>, 'bits' | 'integer' | 'symmetric'> & { keep_negative: boolean }, alpha: number | null): ScalarFunction {
  const scale = f32(alpha ?? 1);
  const unsigned = q.bits - Number(q.keep_negative);
  const m = 2 ** unsigned;
  const mi = 2 ** q.integer;
  const low = q.keep_negative ? f32(-m + Number(q.symmetric)) : 0;
  const high = f32(m - 1);
  if (unsigned === 0) return (x) => f32(scale * signOf(x));
  return (x) => {
    const p = f32(f32(x * m) / mi);
    return f32(scale * f32(f32(mi * clamp(roundHalfEven(p), low, high)) / m));
  };
}

/**
 * What the quantiser's straight-through estimator is built around: the result is base + (quantised − base), each step in
 * float32. Undefined where QKeras returns the quantised value itself.
 */
export function estimatorBase(q: Quantiser, alpha: number | null): ScalarFunction | undefined {
  switch (q.kind) {
    case 'quantized_bits':
    case 'quantized_linear':
    case 'quantized_po2':
      return (x) => x;
    case 'quantized_hswish':
      return hardSwish(q);
    case 'binary':
    case 'ternary':
      return alpha === null ? tanh : (x) => x;
    case 'quantized_relu': {
      const greatest = 2 ** q.integer - 2 ** (q.integer - q.bits + Number(q.negative_slope !== 0));
      return limitedRelu(q.negative_slope, q.is_quantized_clip ? greatest : q.relu_upper_bound);
    }
    case 'quantized_relu_po2':
      return limitedRelu(q.negative_slope, q.max_value);
    case 'quantized_ulaw':
    case 'quantized_tanh':
    case 'quantized_sigmoid':
    case 'function':
      return undefined;
    default:
      return assertNever(q);
  }
}

function limitedRelu(slope: number, bound: number | null): ScalarFunction {
  return (x) => (bound !== null && x > f32(bound) ? f32(bound) : x < 0 ? f32(slope * x) : x);
}

/** The bounds and the shift of quantized_linear: a sign where there is one bit. */
export function linearBounds(q: Of<'quantized_linear'>): { readonly low: number; readonly high: number; readonly shift: number } {
  if (q.bits === 1 && q.keep_negative) return { low: -0.5, high: 0.5, shift: 0.5 };
  const levels = 2 ** (q.bits - Number(q.keep_negative));
  return { low: q.keep_negative ? f32(-levels + Number(q.symmetric)) : 0, high: f32(levels - 1), shift: 0 };
}

/** x / scale, clipped and rounded to an integer (or ±½). */
export function linearInteger(q: Of<'quantized_linear'>, scale: number): ScalarFunction {
  const { low, high, shift } = linearBounds(q);
  return (x) => roundHalfEven(f32(clamp(f32(x / scale), low, high) - shift)) + shift;
}

/** The scale of the data type: the weight of quantized_linear's last bit. */
export function linearTypeScale(q: Of<'quantized_linear'>): number {
  return 2 ** (q.integer - q.bits + Number(q.keep_negative));
}

function quantizedLinear(q: Of<'quantized_linear'>, alpha: number | null): ScalarFunction {
  const scale = f32(f32(alpha ?? 1) * linearTypeScale(q));
  const integer = linearInteger(q, scale);
  return (x) => f32(integer(x) * scale);
}

function quantizedRelu(q: Of<'quantized_relu'>): ScalarFunction {
  const slope = q.negative_slope;
  const m = 2 ** (q.bits - Number(slope !== 0));
  const mi = 2 ** q.integer;
  const top = f32(1 - f32(1 / m));
  const quantised = q.use_sigmoid ? throughSigmoid : plain;
  const bound = reluBound(q);
  return bound === null ? quantised : (x) => Math.min(quantised(x), f32(bound));

  function plain(x: number): number {
    const p = f32(f32(x * m) / mi);
    const positive = f32(mi * clamp(f32(roundHalfEven(p) / m), 0, top));
    if (slope === 0) return positive;
    return f32(positive + f32(mi * slope * clamp(f32(roundHalfEven(f32(p * slope)) * (1 / (slope * m))), -1, 0)));
  }

  function throughSigmoid(x: number): number {
    const p = f32(hardSigmoid(f32(x / mi)) * m);
    const signed = (n: number, factor: number): number => f32(f32(2 * f32(n * factor)) - 1);
    const positive = f32(mi * clamp(signed(roundHalfEven(p), 1 / m), 0, top));
    if (slope === 0) return positive;
    return f32(positive + f32(mi * slope * clamp(signed(roundHalfEven(f32(p * slope)), 1 / (slope * m)), -1, 0)));
  }
}

/** The bound of quantized_relu that is not its own greatest value; `is_quantized_clip` (the default) takes its place. */
export function reluBound(q: Of<'quantized_relu'>): number | null {
  return q.is_quantized_clip || q.relu_upper_bound === 0 ? null : q.relu_upper_bound;
}

function quantizedUlaw(q: Of<'quantized_ulaw'>): ScalarFunction {
  const m = 2 ** (q.bits - 1);
  const mi = 2 ** q.integer;
  const u = f32(q.u);
  const whole = f32(Math.log(f32(1 + u)));
  const low = f32(-1 + Number(q.symmetric) / m);
  return (x) => {
    const p = f32(hardSigmoid(f32(x / mi)) * m);
    const rp = f32(f32(2 * f32(roundHalfEven(p) / m)) - 1);
    const law = f32(f32(Math.sign(rp) * f32(Math.log(f32(1 + f32(u * Math.abs(rp)))))) / whole);
    return f32(mi * clamp(law, low, f32(1 - 1 / m)));
  };
}

function quantizedTanh(q: Of<'quantized_tanh'>): ScalarFunction {
  const m = 2 ** (q.bits - 1);
  const low = f32(-1 + Number(q.symmetric) / m);
  const p = q.use_real_tanh ? tanh : sigmoidLike('hard_tanh');
  return (x) => clamp(f32(roundHalfEven(f32(p(x) * m)) / m), low, f32(1 - 1 / m));
}

function quantizedSigmoid(q: Of<'quantized_sigmoid'>): ScalarFunction {
  const m = 2 ** q.bits;
  const low = f32(Number(q.symmetric) / m);
  const p = q.use_real_sigmoid ? (x: number): number => f32(1 / (1 + Math.exp(-x))) : hardSigmoid;
  return (x) => clamp(f32(roundHalfEven(f32(p(x) * m)) / m), low, f32(1 - 1 / m));
}

/** The exponents of a power-of-two quantiser, and the exponent of a magnitude. */
function powerOfTwo(q: Of<'quantized_po2'> | Of<'quantized_relu_po2'>): ScalarFunction {
  const signBit = q.max_value === null || q.max_value > 1 ? 1 : 0;
  const effective = q.bits - signBit - Number(q.kind === 'quantized_po2');
  const least = -(2 ** effective);
  const greatest = 2 ** effective - 1;
  const most = q.quadratic_approximation ? 2 * Math.floor(greatest / 2) : greatest;
  const factor = q.quadratic_approximation ? 2 : 1;
  const round = q.log2_rounding === 'floor' ? Math.floor : roundHalfEven;
  return (magnitude) => {
    if (magnitude < EPSILON) return f32(2 ** least);
    const limited = q.max_value !== null && magnitude >= q.max_value ? f32(q.max_value) : magnitude;
    const root = q.quadratic_approximation ? f32(Math.sqrt(limited)) : limited;
    return f32(2 ** (factor * clamp(round(log2(root)), least, most)));
  };
}

function quantizedPo2(q: Of<'quantized_po2'>): ScalarFunction {
  const power = powerOfTwo(q);
  return (x) => signOf(x) * power(Math.abs(x));
}

function quantizedReluPo2(q: Of<'quantized_relu_po2'>): ScalarFunction {
  const power = powerOfTwo(q);
  const slope = q.negative_slope;
  return (x) => (x >= 0 || slope === 0 ? power(Math.max(x, 0)) : -power(f32(-x * slope)));
}

function quantizedHswish(q: Of<'quantized_hswish'>, alpha: number | null): ScalarFunction {
  const quantise = quantizedBits({ ...q, keep_negative: true }, alpha);
  const hswish = hardSwish(q);
  return (x) => quantise(hswish(x));
}

function hardSwish(q: Of<'quantized_hswish'>): ScalarFunction {
  const shift = f32(q.relu_shift);
  const bound = f32(q.relu_upper_bound);
  return (x) => f32(f32(x * clamp(f32(x + shift), 0, bound)) / bound);
}

function binary(q: Of<'binary'>, alpha: number | null): ScalarFunction {
  const scale = f32(alpha ?? 1);
  return (x) => f32(scale * (q.use_01 ? (signOf(x) + 1) / 2 : signOf(x)));
}

function ternary(q: Of<'ternary'>, alpha: number | null): ScalarFunction {
  const scale = f32(alpha ?? 1);
  const threshold = f32(q.threshold ?? 0.33);
  return (x) => f32(scale * (Math.abs(x) >= threshold ? Math.sign(x) : 0));
}

/** QKeras' own: clip(0.5 x + 0.5). */
function hardSigmoid(x: number): number {
  return clamp(f32(f32(0.5 * x) + 0.5), 0, 1);
}

function sigmoidLike(name: SigmoidLike): ScalarFunction {
  const smooth = (x: number): number => clamp(f32(f32(0.1875 * x) + 0.5), 0, 1);
  const toTanh = (sigmoid: ScalarFunction): ScalarFunction => (x) => f32(f32(2 * sigmoid(x)) - 1);
  const rounded = (x: number): number => roundHalfEven(hardSigmoid(x));
  switch (name) {
    case 'hard_sigmoid':
      return hardSigmoid;
    case 'hard_tanh':
      return toTanh(hardSigmoid);
    case 'smooth_sigmoid':
      return smooth;
    case 'smooth_tanh':
      return toTanh(smooth);
    case 'binary_sigmoid':
      return rounded;
    case 'binary_tanh':
      return toTanh(rounded);
    default:
      return assertNever(name);
  }
}
