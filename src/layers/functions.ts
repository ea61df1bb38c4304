/** What is left of a function without its linear part. */
export interface Residual {
  readonly part: 'positive' | 'negative' | 'whole';
  readonly value: (x: number) => number;
  readonly turns: readonly number[];
  /** Values may lie half way between two steps, so that only roundings that no sign or parity decides commute with the addition. */
  readonly hasTies?: true;
}

/** A function of one real number, as tables, ranges and types need to know it. */
export interface UnaryFunction {
  /** In float64; NaN and infinities outside its domain and at poles. */
  readonly value: (x: number, alpha: number, beta: number) => number;
  /** Values of `alpha` and `beta` where none are given. */
  readonly alpha?: number;
  readonly beta?: number;
  /** Where it turns from rising to falling or back, ascending; `everywhere` for periodic ones. By default nowhere. */
  readonly turns?: readonly number[] | 'everywhere' | ((alpha: number) => readonly number[]);
  /** Limits that it comes near and never reaches, though float64 does: approached from below or from above. */
  readonly limits?: readonly { readonly at: number | 'alpha'; readonly from: 'below' | 'above' }[];
  /** The least and the greatest argument that has a value. */
  readonly domain?: readonly [number, number];
  /** Values between −1 and 1 for all arguments: results get the resolution of tables. */
  readonly bounded?: true;
  /** Far from 0 it is like x, or flat: its result keeps the resolution of its argument. */
  readonly linear?: true;
  /** f(x) less max(x, 0), min(x, 0) or x, computed without cancellation: a bounded function, from whose table f is made by an addition. */
  readonly residual?: Residual;
  /** Dyadic arguments give dyadic values: no result type is needed. */
  readonly exact?: true;
}

export const SELU_LAMBDA = 1.0507009873554804934193349852946;
export const SELU_ALPHA = 1.6732632423543772848170429916717;

const BETWEEN_ONES = [{ at: 1, from: 'below' }, { at: -1, from: 'above' }] as const;
const ABOVE_ZERO = [{ at: 0, from: 'above' }] as const;
const BELOW_ZERO = [{ at: 0, from: 'below' }] as const;

/** Where these have their minimum. */
const SILU_TURN = -1.278464542761074;
const GELU_TURN = -0.7517915246935645;
const GELU_TANH_TURN = -0.7524614220710163;
const MISH_TURN = -1.1924312145154952;

const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
/** Φ(x), the standard normal distribution, accurate in the tails too. */
const normal = (x: number): number => (x < 0 ? complementaryError(-x / Math.SQRT2) / 2 : 1 - complementaryError(x / Math.SQRT2) / 2);

/** f(x) = max(x, 0) + f(−|x|), with a turn of f at −t, if any; negated arguments give functions with min(x, 0). */
function evenResidual(value: (x: number) => number, ...turns: readonly number[]): Residual {
  return { part: 'positive', value: (x) => value(-Math.abs(x)), turns: [...turns, 0, ...turns.map((turn) => -turn)] };
}

const silu = (x: number): number => x * sigmoid(x);
const gelu = (x: number): number => x * normal(x);
const geluTanh = (x: number): number => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
/** For negative x as α / 2 / (√(x² + α) − x), which does not cancel. */
const squareplus = (x: number, alpha: number): number => (x >= 0 ? (x + Math.sqrt(x * x + alpha)) / 2 : alpha / 2 / (Math.sqrt(x * x + alpha) - x));
const mish = (x: number): number => x * Math.tanh(softplus(x));
/** x · (tanh(softplus(x)) − 1) for positive x. */
const mishResidual = (x: number): number => (x <= 0 ? mish(x) : (-2 * x) / ((1 + Math.exp(x)) ** 2 + 1));
const hardSwish = (x: number): number => (x * Math.min(6, Math.max(0, x + 3))) / 6;

/** Every function that the activation layer knows. */
export const FUNCTIONS = {
  linear: { value: (x) => x, exact: true },
  relu: { value: (x) => Math.max(x, 0), exact: true },
  leakyRelu: { value: (x, alpha) => (x > 0 ? x : alpha * x), alpha: 0.01, turns: [0], exact: true },
  thresholdedRelu: { value: (x, alpha) => (x > alpha ? x : 0), alpha: 1, turns: (alpha) => [alpha, nextAbove(alpha)], exact: true },
  hardSigmoid: { value: (x, alpha, beta) => Math.min(1, Math.max(0, alpha * x + beta)), alpha: 0.2, beta: 0.5, exact: true },
  abs: { value: Math.abs, turns: [0], exact: true },
  sign: { value: (x) => Math.sign(x) + 0, exact: true },
  square: { value: (x) => x * x, turns: [0], exact: true },
  floor: { value: Math.floor, exact: true },
  ceil: { value: (x) => Math.ceil(x) + 0, exact: true },
  /** To nearest, ties to even. */
  round: { value: roundHalfEven, exact: true },
  sigmoid: { value: sigmoid, limits: [{ at: 0, from: 'above' }, { at: 1, from: 'below' }], bounded: true },
  tanh: { value: Math.tanh, limits: BETWEEN_ONES, bounded: true },
  softsign: { value: (x) => x / (1 + Math.abs(x)), limits: BETWEEN_ONES, bounded: true },
  elu: { value: (x, alpha) => (x >= 0 ? x : alpha * Math.expm1(x)), alpha: 1, turns: [0], limits: [{ at: 'alpha', from: 'above' }], linear: true },
  celu: { value: (x, alpha) => (x >= 0 ? x : alpha * Math.expm1(x / alpha)), alpha: 1, turns: [0], limits: [{ at: 'alpha', from: 'above' }], linear: true },
  selu: { value: (x) => SELU_LAMBDA * (x >= 0 ? x : SELU_ALPHA * Math.expm1(x)), limits: [{ at: -SELU_LAMBDA * SELU_ALPHA, from: 'above' }], linear: true },
  softplus: { value: softplus, limits: ABOVE_ZERO, linear: true, residual: evenResidual(softplus) },
  /** (x + √(x² + α)) / 2 */
  squareplus: { value: squareplus, alpha: 4, limits: ABOVE_ZERO, linear: true },
  logSigmoid: { value: (x) => -softplus(-x), limits: BELOW_ZERO, linear: true, residual: { part: 'negative', value: (x) => -softplus(-Math.abs(x)), turns: [0] } },
  silu: { value: silu, turns: [SILU_TURN], limits: BELOW_ZERO, linear: true, residual: evenResidual(silu, SILU_TURN) },
  gelu: { value: gelu, turns: [GELU_TURN], limits: BELOW_ZERO, linear: true, residual: evenResidual(gelu, GELU_TURN) },
  /** The tanh approximation of GELU. */
  geluTanh: { value: geluTanh, turns: [GELU_TANH_TURN], limits: BELOW_ZERO, linear: true, residual: evenResidual(geluTanh, GELU_TANH_TURN) },
  mish: { value: mish, turns: [MISH_TURN], limits: BELOW_ZERO, linear: true, residual: { part: 'positive', value: mishResidual, turns: [MISH_TURN, 0, 0.7957685935553449] } },
  hardSwish: { value: hardSwish, turns: [-1.5], linear: true, residual: { ...evenResidual(hardSwish, -1.5), hasTies: true } },
  softshrink: { value: (x, alpha) => (x > alpha ? x - alpha : x < -alpha ? x + alpha : 0), alpha: 0.5, exact: true },
  hardshrink: { value: (x, alpha) => (Math.abs(x) > alpha ? x : 0), alpha: 0.5, exact: true },
  tanhshrink: { value: (x) => x - Math.tanh(x), linear: true, residual: { part: 'whole', value: (x) => -Math.tanh(x), turns: [] } },
  exp: { value: Math.exp, limits: ABOVE_ZERO },
  exp2: { value: (x) => 2 ** x, limits: ABOVE_ZERO },
  expm1: { value: Math.expm1, limits: [{ at: -1, from: 'above' }] },
  log: { value: Math.log, domain: [0, Infinity] },
  log2: { value: Math.log2, domain: [0, Infinity] },
  log10: { value: Math.log10, domain: [0, Infinity] },
  log1p: { value: Math.log1p, domain: [-1, Infinity] },
  sqrt: { value: Math.sqrt, domain: [0, Infinity] },
  rsqrt: { value: (x) => 1 / Math.sqrt(x), domain: [0, Infinity], limits: ABOVE_ZERO },
  cbrt: { value: Math.cbrt },
  reciprocal: { value: (x) => 1 / x, turns: [-Number.MIN_VALUE, 0] },
  erf: { value: (x) => (x < 0 ? complementaryError(-x) - 1 : 1 - complementaryError(x)), limits: BETWEEN_ONES, bounded: true },
  sin: { value: Math.sin, turns: 'everywhere', bounded: true },
  cos: { value: Math.cos, turns: 'everywhere', bounded: true },
  tan: { value: Math.tan, turns: 'everywhere' },
  asin: { value: Math.asin, domain: [-1, 1] },
  acos: { value: Math.acos, domain: [-1, 1] },
  atan: { value: Math.atan, limits: [{ at: Math.PI / 2, from: 'below' }, { at: -Math.PI / 2, from: 'above' }] },
  sinh: { value: Math.sinh },
  cosh: { value: Math.cosh, turns: [0] },
  asinh: { value: Math.asinh },
  acosh: { value: Math.acosh, domain: [1, Infinity] },
  atanh: { value: Math.atanh, domain: [-1, 1] },
} as const satisfies Readonly<Record<string, UnaryFunction>>;

export type FunctionName = keyof typeof FUNCTIONS;

export function functionOf(name: FunctionName): UnaryFunction {
  return FUNCTIONS[name];
}

/** The names, for schemas. */
export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as [FunctionName, ...FunctionName[]];

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return (rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor) + 0;
}

/** The float64 next above. */
function nextAbove(x: number): number {
  return x + Math.max(Math.abs(x) * Number.EPSILON, Number.MIN_VALUE);
}

/**
 * erfc(x) for x ≥ 0 to a few units in the last place: the series of erf below 2, Lentz's continued fraction above
 * (Abramowitz and Stegun 7.1.6 and 7.1.14).
 */
function complementaryError(x: number): number {
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * sum; n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  // erfc(x) · √π · e^(x²) = 1 / (x + (1/2) / (x + 1 / (x + (3/2) / (x + …)))), from the inside out.
  let fraction = x;
  for (let k = 120; k >= 1; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}
