/** Arithmetic of float32, one rounding an operation: what TensorFlow's element-wise kernels do. */
export const f32 = Math.fround;

/** Keras' `epsilon()`: 1e-7 as a float32. */
export const EPSILON = f32(1e-7);
const LN2 = f32(Math.LN2);

/** To the nearest whole number, ties to even (`tf.round`). */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

export function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}

/** −1 or +1, and +1 for zero: QKeras' `sign + (1 − |sign|)`. */
export function signOf(x: number): number {
  return x < 0 ? -1 : 1;
}

/** The straight-through estimator as it is evaluated, `x + (−x + q)`: q, but for float32's roundings. */
export function straightThrough(x: number, q: number): number {
  return f32(x + f32(q - x));
}

/**
 * `log(x) / log(2)`, each in float32. TensorFlow's logarithm is within a unit in the last place of the correct one, but
 * exact where that decides a rounding: at the (rounded) powers of √2.
 */
export function log2(x: number): number {
  const log = f32(f32(Math.log(x)) / LN2);
  const half = Math.round(2 * log) / 2;
  return Math.abs(log - half) <= 2 ** -23 * Math.max(Math.abs(half), 0.5) ? half : log;
}

/** Numerator and denominator of Eigen's `generic_fast_tanh_float`, highest power first, and where it is 1. */
const TANH_ODD = [-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-8, 1.48572235717979e-5, 6.37261928875436e-4, 4.89352455891786e-3].map(f32);
const TANH_EVEN = [1.19825839466702e-6, 1.18534705686654e-4, 2.268434632439e-3, 4.89352518554385e-3].map(f32);
const TANH_END = f32(7.90531110763549805);

/** tanh as TensorFlow evaluates it on processors: Eigen's rational function, each step in float32. */
export function tanh(x: number): number {
  if (Math.abs(x) < 0.0004) return x;
  const v = clamp(x, -TANH_END, TANH_END);
  const square = f32(v * v);
  const horner = (coefficients: readonly number[]): number => coefficients.reduce((sum, c) => f32(f32(square * sum) + c), 0);
  return f32(f32(v * horner(TANH_ODD)) / horner(TANH_EVEN));
}

/** 2^round(log2(scale + ε)): the nearest power of two as QKeras finds it. */
export function nearestPowerOfTwo(scale: number): number {
  return 2 ** roundHalfEven(log2(f32(scale + EPSILON)));
}

const word = new DataView(new ArrayBuffer(4));

/** The rank of a float32 among all of them: consecutive float32 have consecutive ranks, −0 and 0 the same. */
export function rankOf(x: number): number {
  word.setFloat32(0, x);
  const bits = word.getInt32(0);
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

/** The float32 of a rank. */
export function float32Of(rank: number): number {
  word.setInt32(0, Math.abs(rank));
  const magnitude = word.getFloat32(0);
  return rank < 0 ? -magnitude : magnitude;
}

/** The greatest finite float32. */
export const GREATEST = f32(3.4028234663852886e38);
